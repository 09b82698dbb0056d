/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: one source, one target, one drain thread.
 *
 * The thread calls every slot of the source, feeds the ledger, serves the workload's gates and hands slabs to the
 * listener. Whoever owns the session gives commands (arm, stop) and hears events; both sides only ever exchange
 * values, so that the owner may be Node's main thread or a test.
 *
 * Life: constructed → [opened] → arm() → [armed] → … → stop() → [ended]. A failure of any slot ends the session with
 * [ended] carrying the error; the gates are opened first, so that a workload never hangs on a dead collector.
 * The destructor stops and joins on every path.
 */
#ifndef TRACEBENCH_SESSION_H
#define TRACEBENCH_SESSION_H

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "call_meter.h"
#include "cpu_quota.h"
#include "ledger.h"
#include "machine_use.h"
#include "slab_pool.h"

namespace tracebench
{

struct SessionOptions {
	const tb_source_ops *ops = nullptr;
	/* Copied texts and options; source_config() points into them. */
	std::string variant;
	std::vector<std::pair<std::string, std::string>> source_options;
	uint64_t buffer_bytes = 0;
	tb_filter filter = {};
	uint32_t wakeup = TB_WAKE_TIMER;
	uint32_t wakeup_value = 250;
	bool paths = false; /* detail `paths`; then `slabs` has arenas */

	bool expects_records = true;     /* false for variants that deliver counts or nothing */
	tb_control *control = nullptr;   /* null for applications; outlives the session */
	const tb_soak *soak = nullptr;   /* null: not soaked; outlives the session */
	std::vector<int> collector_cpus; /* empty: free */
	LedgerOptions ledger;

	SlabPool *slabs = nullptr; /* null: nobody reads the records but the ledger; outlives the session */
	uint64_t flush_ns = 1'000'000; /* a slab with records in it is handed over at least so often */

	uint64_t meter_ns =
		0; /* read the source's total so often; 0: never. Only with sources that have it */
	size_t readings_most = 0;

	uint64_t stall_ns = 0;          /* stand still once, so long, … */
	uint64_t stall_after_calls = 0; /* … after so many stamped calls of the section were delivered */
	CpuLimit cpu_limit;             /* of the drain thread, while the section lasts and is drained */

#ifdef TB_TEST_HOOKS
	uint64_t test_drop_calls = 0;   /* throw away so many stamped records behind the source's back */
	uint64_t test_drop_after = 0;   /* … after so many stamped calls were delivered */
	uint64_t test_forge_stamps = 0; /* deliver so many records with a stamp nobody issued */
#endif
};

/* What a source is opened or probed with. It points into `options` and `private_options`. */
tb_source_config source_config(const SessionOptions &options, std::vector<tb_option> *private_options);

enum class SessionEventType { Opened, Armed, Batch, Ended };

struct SessionEvent {
	SessionEventType type;
	uint32_t slab = 0; /* Batch */
	uint32_t count = 0;
	uint64_t visible_ns = 0;
	uint64_t posted_ns = 0;
};

/* What the source counted and what the collector used between two moments. */
struct Span {
	std::vector<tb_counter> counters;
	std::vector<uint64_t> counts; /* TB_NR_MAX, only where the source delivers counts */
	uint64_t foreign_counts = 0;
	uint64_t drain_cpu_ns = 0;
	uint64_t process_cpu_ns = 0;
};

/* Everything a session knows when it has ended; readable then, from any thread. */
struct SessionReport {
	bool failed = false;
	tb_error error = {};
	const char *failed_operation = "";

	tb_geometry geometry = {};
	uint64_t open_ns = 0;
	uint64_t arm_ns = 0;
	uint64_t disarm_ns = 0;
	uint64_t rounds = 0;
	bool end_of_stream = false; /* the source said that nothing can come any more */

	bool section_entered = false;
	bool section_left = false;  /* by the END gate; false when the target went away before */
	bool start_missing = false; /* START was made and never delivered */
	bool stalled = false;
	/* With options.soak: between the gates. */
	SoakReading section_soak;
	std::vector<KernelThread> section_kernel_threads;
	std::optional<Throttling> throttling; /* of the section; none: no limit was asked for */

	Span run;     /* from arm to the stop */
	Span section; /* from START to END */
	uint64_t bridge_lost_records = 0;
	/* With meter_ns: from arm to the stop; the last less the first is the sum of run.counts and foreign ones. */
	std::vector<CallReading> readings;
	uint64_t test_dropped = 0; /* test builds */
};

class Session
{
public:
	/* Called on the drain thread; must not block and must not call back into the session. */
	using Listener = std::function<void(const SessionEvent &)>;

	Session(SessionOptions options, Listener listener);
	~Session();
	Session(const Session &) = delete;
	Session &operator=(const Session &) = delete;

	/* After Opened. The pid stands at the launcher's gate. */
	void arm(pid_t pid);
	/* Any time, idempotent. The thread drains what is left, disarms, and posts Ended. */
	void stop();

	/* After Ended. */
	const SessionReport &report() const { return report_; }
	const Ledger &ledger() const { return ledger_; }

private:
	struct Snapshot {
		std::vector<tb_counter> counters;
		std::vector<uint64_t> counts;
		uint64_t foreign = 0;
		uint64_t counted_ns = 0; /* when counts and foreign were read */
		uint64_t drain_cpu_ns = 0;
		uint64_t process_cpu_ns = 0;
		SoakReading soak;
	};

	void thread_main();
	bool open();
	bool wait_for_arm();
	bool drain_once(uint32_t timeout_us, bool *emptied);
	uint32_t room_for_records();
	bool drain_until_empty();
	bool drain_settled();
	bool catch_up();
	uint32_t idle_timeout_us() const;
	bool serve_gates();
	bool enter_section();
	bool leave_section();
	bool take_snapshot(Snapshot *snapshot);
	static Span between(const Snapshot &from, const Snapshot &to);
	bool end_run();
	bool read_meter_if_due();
	void read_meter(const Snapshot &snapshot);
	void flush();
	bool fail(const char *operation);
	void release_gates();
	void stall_if_due();
#ifdef TB_TEST_HOOKS
	uint32_t apply_test_hooks(tb_record *records, uint32_t count);
#endif

	SessionOptions options_;
	Listener listener_;
	Ledger ledger_;
	SessionReport report_;
	CpuQuota quota_; /* drain thread only */

	std::mutex mutex_; /* protects pid_, armed_ and pairs with wake_ */
	std::condition_variable wake_;
	pid_t pid_ = 0;
	bool arm_asked_ = false;
	std::atomic<bool> stop_asked_{false};

	/* ---- drain thread only */
	tb_source *source_ = nullptr;
	std::vector<tb_record> scratch_; /* where records go when no slab is wanted or free */
	std::vector<uint8_t> scratch_strings_;
	tb_arena arena_ = {}; /* of the slab, or of scratch_ */
	bool warm_ = false;   /* the WARM gate was opened */
	std::optional<uint32_t> slab_;
	uint32_t slab_fill_ = 0;
	uint64_t slab_since_ns_ = 0;
	uint64_t slab_visible_ns_ = 0;
	CallMeter meter_;
	Snapshot at_start_;
	Snapshot at_arm_;
	std::vector<KernelThread> kernel_threads_at_start_;

	std::thread thread_; /* last: it uses all of the above */
};

} // namespace tracebench

#endif
