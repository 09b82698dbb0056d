/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a stamped workload around its loop. See workload.h, and control.h for the gates. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

/* A gate that stays shut this long has lost its collector. (The launcher kills orphans long before.) */
#define GATE_DEADLINE_NS (600ull * 1000000000ull)

/* Two looks at a gate are some 50 ns apart; a longer gap was spent off the CPU. */
#define OFF_CPU_NS 20000

#define PS_PER_S 1000000000000ull

/* Lanes share cache lines in the control page; several at once publish this many calls ahead. */
#define PUBLISH_AHEAD 64

static struct tb_run run;
static const struct tb_workload *workload;
static struct tb_lane lanes[TB_LANES];
static pthread_t threads[TB_LANES];

/* Progress of the section, main thread → workers, and how many workers stand ready or are through. */
enum phase { PHASE_WARM = 0, PHASE_SECTION = 1, PHASE_OVER = 2 };
static uint32_t phase;
static uint32_t ready;
static uint32_t through;

/* Set once the CPU clock was read: from here on waiting in memory is taken off it again. */
static uint32_t spin_counts;

int tb_run__fail(struct tb_run *r, int code, const char *format, ...)
{
	struct tb_control *c = r->control;
	char text[sizeof(c->error_text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "tb-%s: %s: %s\n", workload->name, text, strerror(code));
	if (c && !c->error) {
		memcpy(c->error_text, text, sizeof(text));
		c->error = (uint32_t)code;
	}
	return -code;
}

static unsigned declare(struct tb_run *r, long nr, const char *name, enum tb_call_class class)
{
	struct tb_control *c = r->control;
	unsigned index = c->kinds++;

	r->kind_name[index] = name;
	c->kind[index] =
		(struct tb_call_kind){.nr = (int32_t)nr, .call_class = (uint8_t) class, .stamp_arg = 3};
	return index;
}

unsigned tb_run__stamped(struct tb_run *r, long nr, const char *name, unsigned arity, uint64_t a0,
			 uint64_t a1, uint64_t a2)
{
	unsigned index = declare(r, nr, name, TB_CLASS_STAMPED);
	struct tb_call_kind *k = &r->control->kind[index];

	k->arg_mask = (uint8_t)((1u << arity) - 1);
	k->arg_hash = (uint8_t)(0x37 & ~k->arg_mask);
	k->arg_value[0] = arity > 0 ? a0 : 0;
	k->arg_value[1] = arity > 1 ? a1 : 0;
	k->arg_value[2] = arity > 2 ? a2 : 0;
	return index;
}

unsigned tb_run__counted(struct tb_run *r, long nr, const char *name)
{
	return declare(r, nr, name, TB_CLASS_COUNTED);
}

void tb_run__returns(struct tb_run *r, unsigned kind, int64_t value)
{
	r->control->kind[kind].ret_rule = TB_RET_EQUALS;
	r->control->kind[kind].ret_value = value;
}

/*
 * Waits in memory, without a system call, and notes the CPU time that took in the lane. Off-CPU gaps are left
 * out, so that it can be taken off the process's CPU time. False when the deadline passed first.
 */
static bool spin_until(const uint32_t *word, uint32_t value, struct tb_lane *lane, uint64_t deadline_ns)
{
	uint64_t begin = tb_now_ns(), last = begin, now;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value) {
		tb_cpu_relax();
		now = tb_now_ns();
		if (now - last < OFF_CPU_NS && __atomic_load_n(&spin_counts, __ATOMIC_RELAXED))
			lane->spin_ns += now - last;
		if (now - begin > deadline_ns)
			return false;
		last = now;
	}
	return true;
}

static void lane__reset(struct tb_lane *lane, uint32_t id, uint64_t *issued, uint64_t live)
{
	*lane = (struct tb_lane){
		.id = id,
		.issued = issued,
		.live = live,
		.publish_by = run.options.threads > 1 ? PUBLISH_AHEAD : 1,
		.failed_kind = -1,
	};
}

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

/* Calls are shared out evenly among the lanes; so are bursts, which all lanes begin together. */
static void set_pace(void)
{
	const struct tb_options *o = &run.options;
	struct tb_pace *pace = &run.control->pace;
	uint64_t unit = workload->pace_unit ? workload->pace_unit : 1, total;

	if (!o->rate)
		return;
	pace->burst_calls = round_up((o->burst + o->threads - 1) / o->threads, unit);
	total = pace->burst_calls * o->threads;
	pace->interval_ps = total / o->rate * PS_PER_S + total % o->rate * PS_PER_S / o->rate;
	pace->stagger_ps = pace->burst_calls == unit ? pace->interval_ps / o->threads : 0;
}

/* Runs the loop unstamped, then leaves the lane ready for the section. Touches all that the section will touch. */
static void lane__warm_up(struct tb_lane *lane, uint32_t id)
{
	uint64_t nowhere = 0;
	int32_t failed_kind;
	int64_t failed_ret;

	lane__reset(lane, id, &nowhere, 0);
	if (run.options.warmup)
		workload->section(lane, run.options.warmup);
	failed_kind = lane->failed_kind;
	failed_ret = lane->failed_ret;
	lane__reset(lane, id, &run.control->lane_issued[id], UINT64_MAX);
	lane->failed_kind = failed_kind;
	lane->failed_ret = failed_ret;
	__atomic_store_n(lane->issued, 0, __ATOMIC_RELAXED);
}

uint64_t tb_lane__await(struct tb_lane *lane, uint64_t seq)
{
	uint64_t due = tb_pace__due_ns(lane->pace, lane->start_ns, lane->id, seq);
	uint64_t begin = tb_now_ns(), last = begin, now = begin;

	while (now < due) {
		tb_cpu_relax();
		now = tb_now_ns();
		if (now - last < OFF_CPU_NS)
			lane->spin_ns += now - last;
		last = now;
	}
	lane->waited_ns += now - begin;
	/* The rest of a burst follows at full speed: how late its calls are is the tracer's doing, or the machine's. */
	if (now - due > TB_PACE_LATE_NS && seq % lane->pace->burst_calls == 0) {
		lane->late_bursts++;
		if (now - due > lane->latest_ns)
			lane->latest_ns = now - due;
	}
	return now;
}

static void lane__section(struct tb_lane *lane)
{
	lane->spun_before_ns = lane->spin_ns;
	if (run.control->pace.interval_ps) {
		lane->start_ns = run.control->section_start_ns;
		lane->pace = &run.control->pace;
	}
	workload->section(lane, (run.options.calls + run.options.threads - 1) / run.options.threads);
	__atomic_store_n(lane->issued, lane->seq, __ATOMIC_RELAXED);
	/*
	 * The last call, too, has its period: else a section would be one short, and the achieved rate above the offered.
	 * How late this wait ends is no call's lateness.
	 */
	if (lane->pace) {
		uint64_t late_bursts = lane->late_bursts, latest_ns = lane->latest_ns;

		tb_lane__await(lane, round_up(lane->seq, lane->pace->burst_calls));
		lane->late_bursts = late_bursts;
		lane->latest_ns = latest_ns;
	}
}

/*
 * A worker makes no system call between `ready` and PHASE_OVER but its lane's: creation, its rseq and robust-list
 * calls, and its exit lie outside START and END. It spins, so more threads than CPUs cost each other time slices.
 */
static void *worker(void *arg)
{
	struct tb_lane *lane = arg;

	lane__warm_up(lane, (uint32_t)(lane - lanes));
	__atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
	/* No deadline of its own: the main thread has one, and moves the phase on every path. */
	spin_until(&phase, PHASE_SECTION, lane, UINT64_MAX);
	if (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == PHASE_OVER)
		return NULL; /* given up before it began */
	lane__section(lane);
	__atomic_add_fetch(&through, 1, __ATOMIC_RELEASE);
	spin_until(&phase, PHASE_OVER, lane, UINT64_MAX);
	return NULL;
}

static uint32_t start_workers(void)
{
	uint32_t started;
	int err;

	for (started = 1; started < run.options.threads; started++) {
		err = pthread_create(&threads[started], NULL, worker, &lanes[started]);
		if (err) {
			tb_run__fail(&run, err, "thread %u of %u could not be started", started + 1,
				     run.options.threads);
			break;
		}
	}
	return started;
}

static void join_workers(uint32_t started)
{
	__atomic_store_n(&phase, PHASE_OVER, __ATOMIC_RELEASE);
	for (uint32_t i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
}

static void mark(uint64_t which)
{
	uint64_t stamp = tb_stamp__pack(0, 0, tb_now_ns());

	if (workload->mark)
		workload->mark(which, stamp);
	else
		tb_call6(SYS_getppid, TB_MARK_0, TB_MARK_1, which, stamp, 0, 0);
}

static bool pass_gate(enum tb_gate gate)
{
	__atomic_store_n(&run.control->gate, gate, __ATOMIC_RELEASE);
	if (spin_until(&run.control->released, gate, &lanes[0], GATE_DEADLINE_NS))
		return true;
	tb_run__fail(&run, ETIMEDOUT, "the %s gate was not opened within %llu s",
		     gate == TB_GATE_WARM    ? "WARM"
		     : gate == TB_GATE_START ? "START"
					     : "END",
		     GATE_DEADLINE_NS / 1000000000ull);
	return false;
}

/* CPU time so far, of this process and of the children it has waited for. Enters the kernel. */
static uint64_t cpu_ns(void)
{
	struct timespec ts = {0};
	struct rusage children = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	getrusage(RUSAGE_CHILDREN, &children);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec +
	       (uint64_t)(children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000000ull +
	       (uint64_t)(children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1000ull;
}

/* The collector's page when descriptor TB_CONTROL_FD is one, else memory of our own with every gate open. */
static int map_control(bool *controlled)
{
	struct stat st;
	struct tb_control *c = MAP_FAILED;
	int seals = fcntl(TB_CONTROL_FD, F_GET_SEALS);

	*controlled = false;
	/* Only a memfd (or another shmem file) has seals to ask for. */
	if (seals >= 0 && !fstat(TB_CONTROL_FD, &st) && st.st_size >= (off_t)sizeof(c->magic)) {
		c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, TB_CONTROL_FD,
			 0);
		if (c == MAP_FAILED) {
			int code = errno;

			return tb_run__fail(&run, code, "cannot map the control page (descriptor %d)",
					    TB_CONTROL_FD);
		}
		if (c->magic != TB_CONTROL_MAGIC) {
			munmap(c, sizeof(*c));
		} else if (st.st_size < (off_t)sizeof(*c) || c->abi != TB_CONTROL_ABI ||
			   c->size != sizeof(*c)) {
			fprintf(stderr,
				"tb-%s: the control page has ABI %u and %u bytes, this workload speaks ABI "
				"%d and %zu: "
				"build both from one tree\n",
				workload->name, c->abi, c->size, TB_CONTROL_ABI, sizeof(*c));
			return -EPROTO;
		} else {
			/* The mapping suffices, and children that exec would inherit the descriptor. */
			close(TB_CONTROL_FD);
			*controlled = true;
			run.control = c;
			return 0;
		}
	}
	/* Shared, because the children of `exec` count in it. */
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c == MAP_FAILED) {
		int code = errno;

		return tb_run__fail(&run, code, "cannot map %zu bytes", sizeof(*c));
	}
	c->magic = TB_CONTROL_MAGIC;
	c->abi = TB_CONTROL_ABI;
	c->size = sizeof(*c);
	c->released = TB_GATE_END;
	run.control = c;
	return 0;
}

static int prove_clock(void)
{
	int answer = tb_clock__enters_kernel();

	if (answer < 0)
		return tb_run__fail(&run, -answer,
				    "cannot prove that reading the clock makes no system call (needs "
				    "seccomp filters)");
	if (answer > 0) {
		run.control->clock_enters_kernel = 1;
		return tb_run__fail(&run, ENOTSUP,
				    "clock_gettime enters the kernel: stamps would be traced calls "
				    "(see current_clocksource)");
	}
	return 0;
}

static void report_failed_call(void)
{
	for (uint32_t i = 0; i < run.options.threads; i++) {
		struct tb_lane *lane = &lanes[i];

		if (lane->failed_kind < 0)
			continue;
		tb_run__fail(&run,
			     lane->failed_ret < 0 && lane->failed_ret > -4096 ? (int)-lane->failed_ret
									      : EPROTO,
			     "%s returned %lld (lane %u, call %llu)", run.kind_name[lane->failed_kind],
			     (long long)lane->failed_ret, i, (unsigned long long)lane->failed_seq);
		return;
	}
}

static void settle_counts(void)
{
	struct tb_control *c = run.control;

	c->calls = 0;
	for (uint32_t i = 0; i < run.options.threads; i++) {
		c->calls += lanes[i].seq;
		c->waited_ns += lanes[i].waited_ns;
		c->late_bursts += lanes[i].late_bursts;
		if (lanes[i].latest_ns > c->latest_ns)
			c->latest_ns = lanes[i].latest_ns;
		for (uint32_t k = 0; k < c->kinds; k++)
			c->kind[k].issued += lanes[i].count[k];
	}
}

/*
 * Exactly one line, after the END gate, so that writing it is outside. Names need no escaping: all are literals.
 */
static int print_truth(bool controlled)
{
	struct tb_control *c = run.control;

	printf("{\"workload\":\"%s\",\"abi\":%d,\"issued\":%llu,\"seed\":\"%llu\",\"threads\":%u,\"warmup\":%"
	       "llu,"
	       "\"controlled\":%s,\"lanes\":[",
	       workload->name, TB_CONTROL_ABI, (unsigned long long)c->calls,
	       (unsigned long long)run.options.seed, run.options.threads,
	       (unsigned long long)run.options.warmup, controlled ? "true" : "false");
	for (uint32_t i = 0; i < c->lanes; i++)
		printf("%s%llu", i ? "," : "", (unsigned long long)c->lane_issued[i]);
	printf("],\"kinds\":[");
	for (uint32_t i = 0; i < c->kinds; i++)
		printf("%s{\"nr\":%d,\"name\":\"%s\",\"class\":\"%s\",\"issued\":%llu}", i ? "," : "",
		       c->kind[i].nr, run.kind_name[i],
		       c->kind[i].call_class == TB_CLASS_STAMPED ? "stamped" : "counted",
		       (unsigned long long)c->kind[i].issued);
	printf("],\"sectionNs\":%llu,\"sectionCpuNs\":%llu,\"waitedNs\":%llu,\"lateBursts\":%llu,"
	       "\"latestNs\":%llu,\"errno\":%u}\n",
	       (unsigned long long)(c->section_end_ns - c->section_start_ns),
	       (unsigned long long)c->section_cpu_ns, (unsigned long long)c->waited_ns,
	       (unsigned long long)c->late_bursts, (unsigned long long)c->latest_ns, c->error);
	if (fflush(stdout) || ferror(stdout)) {
		int code = errno;

		return tb_run__fail(&run, code, "cannot write the truth line");
	}
	return 0;
}

/*
 * From START to END. Durations are read from the vDSO. The CPU clock is a system call and is therefore read before
 * START and after the END gate; what was spun at the gates is taken off again. So it covers the two marks too,
 * and section_cpu_ns is final only when the workload has exited.
 */
static bool measure(uint32_t started)
{
	struct tb_control *c = run.control;
	uint64_t cpu_start, cpu_end, spun = 0;

	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < started - 1)
		sched_yield();
	if (workload->rewind)
		workload->rewind();
	cpu_start = cpu_ns();
	__atomic_store_n(&spin_counts, 1, __ATOMIC_RELAXED);
	if (!pass_gate(TB_GATE_WARM)) {
		join_workers(started);
		return false;
	}
	mark(TB_MARK_START);
	if (!pass_gate(TB_GATE_START)) {
		join_workers(started);
		return false;
	}

	/* Read by the ledger as soon as a stamp of the section has come: the call that carries it comes after this. */
	__atomic_store_n(&c->section_start_ns, tb_now_ns(), __ATOMIC_RELEASE);
	__atomic_store_n(&phase, PHASE_SECTION, __ATOMIC_RELEASE);
	lane__section(&lanes[0]);
	spin_until(&through, started - 1, &lanes[0], UINT64_MAX);
	c->section_end_ns = tb_now_ns();
	mark(TB_MARK_END);

	settle_counts();
	report_failed_call();
	if (!pass_gate(TB_GATE_END)) {
		join_workers(started);
		return false;
	}
	join_workers(started);
	cpu_end = cpu_ns();
	for (uint32_t i = 0; i < run.options.threads; i++) {
		spun += lanes[i].spin_ns;
		c->section_spun_ns += lanes[i].spin_ns - lanes[i].spun_before_ns;
	}
	c->section_cpu_ns = cpu_end - cpu_start > spun ? cpu_end - cpu_start - spun : 0;
	return true;
}

int tb_runtime__main(const struct tb_workload *w, int argc, char **argv)
{
	bool controlled, passed;
	uint32_t started;

	workload = w;
	tb_options__parse(&run.options, w, argc, argv);
	if (map_control(&controlled))
		return TB_EXIT_CANNOT;
	if (prove_clock())
		return TB_EXIT_CANNOT;
	if (w->prepare(&run))
		return TB_EXIT_CANNOT;
	run.control->lanes = run.options.threads;
	set_pace();

	started = start_workers();
	if (started < run.options.threads) {
		join_workers(started);
		passed = false;
	} else {
		lane__warm_up(&lanes[0], 0);
		passed = measure(started);
	}
	if (passed && print_truth(controlled))
		passed = false;
	if (w->cleanup)
		w->cleanup();
	return passed && !run.control->error ? TB_EXIT_OK : TB_EXIT_FAILED;
}
