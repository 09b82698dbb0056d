// SPDX-License-Identifier: Apache-2.0
/*
 * The N-API surface, and the only file that knows N-API: it turns values of one side into values of the other.
 * native/index.ts is its one caller and holds the types.
 */
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <memory>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <napi.h>

#include "../include/clock.h"
#include "process.h"
#include "session.h"
#include "sources.h"

namespace tracebench
{

namespace
{

constexpr uint32_t kRecordsPerSlab = 1024;

Napi::Object error_object(Napi::Env env, const tb_error &err, const char *operation)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("errno", Napi::Number::New(env, -err.code));
	o.Set("operation", operation);
	o.Set("message", static_cast<const char *>(err.message));
	o.Set("mend", err.mend[0] ? Napi::Value(Napi::String::New(env, err.mend)) : env.Null());
	return o;
}

[[noreturn]] void throw_error(Napi::Env env, const tb_error &err, const char *operation)
{
	Napi::Error error = Napi::Error::New(env, err.message);
	error.Set("detail", error_object(env, err, operation));
	throw error;
}

Napi::Number number(Napi::Env env, uint64_t value)
{
	return Napi::Number::New(env, static_cast<double>(value));
}

/* A missing or mistyped property is native/index.ts's mistake, not the user's. */
Napi::Value required(const Napi::Object &o, const char *name)
{
	if (!o.Has(name))
		throw Napi::TypeError::New(o.Env(), std::string("missing property ") + name);
	return o.Get(name);
}

uint64_t get_u64(const Napi::Object &o, const char *name)
{
	double value = required(o, name).As<Napi::Number>().DoubleValue();
	if (!(value >= 0 && value <= 9007199254740991.0))
		throw Napi::RangeError::New(o.Env(), std::string(name) + " is out of range");
	return static_cast<uint64_t>(value);
}

std::string get_string(const Napi::Object &o, const char *name)
{
	return required(o, name).As<Napi::String>().Utf8Value();
}

tb_filter get_filter(const Napi::Object &o)
{
	tb_filter filter = {};
	Napi::Value value = required(o, "filter");
	if (value.IsNull())
		return filter;
	filter.active = 1;
	Napi::Array wanted = value.As<Napi::Array>();
	for (uint32_t i = 0; i < wanted.Length(); i++) {
		int64_t nr = wanted.Get(i).As<Napi::Number>().Int64Value();
		if (nr < 0 || nr >= TB_NR_MAX)
			throw Napi::RangeError::New(o.Env(), "system call number out of range");
		filter.wanted[nr / 64] |= 1ull << (nr % 64);
	}
	return filter;
}

void get_source_config(const Napi::Object &o, SessionOptions *options)
{
	options->variant = get_string(o, "variant");
	options->buffer_bytes = get_u64(o, "bufferBytes");
	options->filter = get_filter(o);
	options->wakeup = static_cast<uint32_t>(get_u64(o, "wakeup"));
	options->wakeup_value = static_cast<uint32_t>(get_u64(o, "wakeupValue"));
	options->paths = required(o, "paths").As<Napi::Boolean>();
	Napi::Object extra = required(o, "options").As<Napi::Object>();
	Napi::Array names = extra.GetPropertyNames();
	for (uint32_t i = 0; i < names.Length(); i++) {
		std::string name = names.Get(i).As<Napi::String>().Utf8Value();
		options->source_options.emplace_back(name, extra.Get(name).As<Napi::String>().Utf8Value());
	}
}

/* A page of one trial that a helper maps as well. Unmapped with its last reference; a running session holds one. */
template <typename Page> struct SharedPage {
	int fd = -1;
	Page *page = nullptr;
	~SharedPage()
	{
		if (page)
			munmap(page, sizeof(*page));
		if (fd >= 0)
			close(fd);
	}
};

template <typename Page> using PageRef = std::shared_ptr<SharedPage<Page>>;
using ControlRef = PageRef<tb_control>;
using SoakRef = PageRef<tb_soak>;

template <typename Page> PageRef<Page> page_of(const Napi::Value &value)
{
	if (value.IsNull())
		return nullptr;
	return *value.As<Napi::External<PageRef<Page>>>().Data();
}

Napi::Object soak_object(Napi::Env env, const SoakReading &reading)
{
	Napi::Object o = Napi::Object::New(env);
	Napi::Array cpus = Napi::Array::New(env, reading.cpus.size());
	for (uint32_t i = 0; i < reading.cpus.size(); i++) {
		const tb_soak_cpu &c = reading.cpus[i];
		Napi::Object cpu = Napi::Object::New(env);
		cpu.Set("cpu", Napi::Number::New(env, c.cpu));
		cpu.Set("pieces", number(env, c.pieces));
		cpu.Set("quickPieces", number(env, c.quick_pieces));
		cpu.Set("quickNs", number(env, c.quick_ns));
		cpus.Set(i, cpu);
	}
	o.Set("ns", number(env, reading.now_ns));
	o.Set("cpus", cpus);
	return o;
}

Napi::Array kernel_threads_array(Napi::Env env, const std::vector<KernelThread> &threads)
{
	Napi::Array array = Napi::Array::New(env, threads.size());
	for (uint32_t i = 0; i < threads.size(); i++) {
		Napi::Object o = Napi::Object::New(env);
		o.Set("name", threads[i].name);
		o.Set("cpuNs", number(env, threads[i].cpu_ns));
		array.Set(i, o);
	}
	return array;
}

Napi::Array counters_array(Napi::Env env, const std::vector<tb_counter> &counters)
{
	static const char *const places[] = {"", "kernel", "bridge", "decode", "health"};
	static const char *const units[] = {"", "record", "message", "call", "bytes", "ns"};
	Napi::Array array = Napi::Array::New(env, counters.size());
	for (uint32_t i = 0; i < counters.size(); i++) {
		const tb_counter &c = counters[i];
		Napi::Object o = Napi::Object::New(env);
		o.Set("name", Napi::String::New(env, c.name, strnlen(c.name, sizeof(c.name))));
		o.Set("place", places[c.place <= TB_PLACE_HEALTH ? c.place : 0]);
		o.Set("unit", units[c.unit <= TB_UNIT_NS ? c.unit : 0]);
		o.Set("count", number(env, c.value));
		array.Set(i, o);
	}
	return array;
}

template <typename Container> Napi::Array numbers(Napi::Env env, const Container &values)
{
	Napi::Array array = Napi::Array::New(env, values.size());
	uint32_t i = 0;
	for (uint64_t value : values)
		array.Set(i++, number(env, value));
	return array;
}

Napi::Value histogram_object(Napi::Env env, const Histogram &h)
{
	if (h.count() == 0)
		return env.Null();
	Napi::Object o = Napi::Object::New(env);
	o.Set("histogram", h.encode());
	o.Set("count", number(env, h.count()));
	o.Set("minNs", number(env, static_cast<uint64_t>(h.min_ns)));
	o.Set("p50Ns", number(env, static_cast<uint64_t>(h.percentile(50))));
	o.Set("p90Ns", number(env, static_cast<uint64_t>(h.percentile(90))));
	o.Set("p99Ns", number(env, static_cast<uint64_t>(h.percentile(99))));
	o.Set("p999Ns", number(env, static_cast<uint64_t>(h.percentile(99.9))));
	o.Set("p9999Ns", number(env, static_cast<uint64_t>(h.percentile(99.99))));
	o.Set("maxNs", number(env, static_cast<uint64_t>(h.max_ns)));
	o.Set("meanNs", Napi::Number::New(env, h.mean()));
	return o;
}

Napi::Object ledger_object(Napi::Env env, const Ledger &l)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("calls", numbers(env, l.calls));
	o.Set("foreignCalls", number(env, l.foreign_calls));
	o.Set("records", number(env, l.records));
	o.Set("births", number(env, l.births));
	o.Set("refused", number(env, l.refused));
	o.Set("restarts", number(env, l.restarts));
	o.Set("startSeen", l.start_seen());
	o.Set("endSeen", l.end_seen());
	o.Set("complete", number(env, l.complete));
	o.Set("partial", number(env, l.partial));
	o.Set("duplicates", number(env, l.duplicates));
	o.Set("reorders", number(env, l.reorders));
	o.Set("late", number(env, l.late));
	o.Set("neverIssued", number(env, l.never_issued));
	o.Set("mismatches", number(env, l.mismatches));
	Napi::Array samples = Napi::Array::New(env);
	for (const Mismatch &m : l.mismatch_samples)
		samples.Set(samples.Length(), m.what);
	o.Set("mismatchSamples", samples);
	o.Set("kindDelivered", numbers(env, l.kind_delivered));
	o.Set("undeclared", number(env, l.undeclared));
	o.Set("ambiguous", number(env, l.ambiguous));
	o.Set("lastVisibleNs", number(env, l.last_visible_ns));
	o.Set("windowMissing", number(env, l.window_missing));
	o.Set("lossRuns", number(env, l.loss_runs));
	o.Set("longestLossRun", number(env, l.longest_loss_run));
	o.Set("lossDeciles", numbers(env, l.loss_deciles));
	o.Set("latency", histogram_object(env, l.latency));
	o.Set("latencyFromDue", histogram_object(env, l.latency_from_due));
	return o;
}

/* Two arrays of one length, or null where nothing was metered. */
Napi::Value readings_object(Napi::Env env, const std::vector<CallReading> &readings)
{
	if (readings.empty())
		return env.Null();
	std::vector<uint64_t> at_ns, calls;
	for (const CallReading &reading : readings) {
		at_ns.push_back(reading.at_ns);
		calls.push_back(reading.calls);
	}
	Napi::Object o = Napi::Object::New(env);
	o.Set("atNs", numbers(env, at_ns));
	o.Set("calls", numbers(env, calls));
	return o;
}

Napi::Value throttling_object(Napi::Env env, const Throttling &t)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("periods", number(env, t.periods));
	o.Set("throttledPeriods", number(env, t.throttled_periods));
	o.Set("throttledNs", number(env, t.throttled_ns));
	o.Set("elapsedNs", number(env, t.elapsed_ns));
	return o;
}

Napi::Object report_object(Napi::Env env, const SessionReport &r)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("error", r.failed ? Napi::Value(error_object(env, r.error, r.failed_operation)) : env.Null());
	Napi::Object g = Napi::Object::New(env);
	g.Set("bufferBytes", number(env, r.geometry.buffer_bytes));
	g.Set("reachableBytesPerCpu", number(env, r.geometry.reachable_bytes_per_cpu));
	g.Set("bytesPerCall", number(env, r.geometry.bytes_per_call));
	g.Set("callsInFlight", number(env, r.geometry.calls_in_flight));
	o.Set("geometry", g);
	o.Set("openNs", number(env, r.open_ns));
	o.Set("armNs", number(env, r.arm_ns));
	o.Set("disarmNs", number(env, r.disarm_ns));
	o.Set("rounds", number(env, r.rounds));
	o.Set("sectionEntered", r.section_entered);
	o.Set("sectionLeft", r.section_left);
	o.Set("startMissing", r.start_missing);
	o.Set("sectionDrainCpuNs", number(env, r.section_drain_cpu_ns));
	o.Set("sectionProcessCpuNs", number(env, r.section_process_cpu_ns));
	o.Set("sectionSoak", r.section_soak.cpus.empty() ? env.Null() : soak_object(env, r.section_soak));
	o.Set("sectionKernelThreads", kernel_threads_array(env, r.section_kernel_threads));
	o.Set("runDrainCpuNs", number(env, r.run_drain_cpu_ns));
	o.Set("runProcessCpuNs", number(env, r.run_process_cpu_ns));
	o.Set("stalled", r.stalled);
	o.Set("throttling", r.throttling ? throttling_object(env, *r.throttling) : env.Null());
	o.Set("sectionCounters", counters_array(env, r.section_counters));
	o.Set("runCounters", counters_array(env, r.run_counters));
	o.Set("bridgeLostRecords", number(env, r.bridge_lost_records));
	o.Set("sectionCounts",
	      r.section_counts.empty() ? env.Null() : Napi::Value(numbers(env, r.section_counts)));
	o.Set("runCounts", r.run_counts.empty() ? env.Null() : Napi::Value(numbers(env, r.run_counts)));
	o.Set("sectionForeignCounts", number(env, r.section_foreign_counts));
	o.Set("runForeignCounts", number(env, r.run_foreign_counts));
	o.Set("readings", readings_object(env, r.readings));
	o.Set("testDropped", number(env, r.test_dropped));
	return o;
}

/* ------------------------------------------------------------------ Session */

class SessionWrap : public Napi::ObjectWrap<SessionWrap>
{
public:
	static Napi::Function define(Napi::Env env)
	{
		return DefineClass(env, "NativeSession",
				   {InstanceMethod<&SessionWrap::arm>("arm"),
				    InstanceMethod<&SessionWrap::stop>("stop"),
				    InstanceMethod<&SessionWrap::release>("release"),
				    InstanceMethod<&SessionWrap::report>("report"),
				    InstanceMethod<&SessionWrap::close>("close")});
	}

	/* new NativeSession(options, onEvent(type, slab, count, visibleNs, postedNs)) */
	explicit SessionWrap(const Napi::CallbackInfo &info) : Napi::ObjectWrap<SessionWrap>(info)
	{
		Napi::Env env = info.Env();
		Napi::Object o = info[0].As<Napi::Object>();
		tb_error err = {};
		SessionOptions options;

		options.ops = find_source(get_string(o, "source"), &err);
		if (!options.ops)
			throw_error(env, err, "open");
		get_source_config(o, &options);
		control_ = page_of<tb_control>(required(o, "control"));
		options.control = control_ ? control_->page : nullptr;
		soak_ = page_of<tb_soak>(required(o, "soak"));
		options.soak = soak_ ? soak_->page : nullptr;
		options.expects_records = required(o, "expectsRecords").As<Napi::Boolean>();
		Napi::Array cpus = required(o, "collectorCpus").As<Napi::Array>();
		for (uint32_t i = 0; i < cpus.Length(); i++)
			options.collector_cpus.push_back(cpus.Get(i).As<Napi::Number>().Int32Value());
		options.ledger.wants_return = required(o, "wantsReturn").As<Napi::Boolean>();
		options.ledger.wants_args = static_cast<uint8_t>(get_u64(o, "wantsArgs"));
		options.ledger.expected_per_lane = get_u64(o, "expectedPerLane");
		options.ledger.native_arch = static_cast<uint32_t>(get_u64(o, "nativeArch"));
		options.meter_ns = get_u64(o, "meterNs");
		options.readings_most = get_u64(o, "readingsMost");
		options.stall_ns = get_u64(o, "stallNs");
		options.stall_after_calls = get_u64(o, "stallAfterCalls");
		Napi::Value limit = required(o, "cpuLimit");
		if (!limit.IsNull()) {
			Napi::Object l = limit.As<Napi::Object>();
			options.cpu_limit = {get_string(l, "group"),
					     static_cast<uint32_t>(get_u64(l, "periodUs")),
					     static_cast<uint32_t>(get_u64(l, "quotaUs"))};
		}
#ifdef TB_TEST_HOOKS
		options.test_drop_calls = get_u64(o, "testDropCalls");
		options.test_drop_after = get_u64(o, "testDropAfter");
		options.test_forge_stamps = get_u64(o, "testForgeStamps");
#endif
		Napi::Value slabs = required(o, "slabs");
		if (!slabs.IsNull()) {
			Napi::Uint8Array memory = slabs.As<Napi::Uint8Array>();
			slab_memory_ = Napi::Persistent(memory);
			uint32_t n = static_cast<uint32_t>(memory.ByteLength() /
							   (kRecordsPerSlab * sizeof(tb_record)));
			uint8_t *arenas = nullptr;
			if (options.paths) {
				Napi::Uint8Array strings = required(o, "arenas").As<Napi::Uint8Array>();
				if (strings.ByteLength() <
				    size_t{n} * kRecordsPerSlab * SlabPool::kArenaBytesPerRecord)
					throw Napi::RangeError::New(env, "arenas is too small");
				arena_memory_ = Napi::Persistent(strings);
				arenas = strings.Data();
			}
			slabs_ = std::make_unique<SlabPool>(reinterpret_cast<tb_record *>(memory.Data()), n,
							    kRecordsPerSlab, arenas);
			options.slabs = slabs_.get();
		}
		events_ = Events::New(env, info[1].As<Napi::Function>(), "tracebench session", 0, 1);
		session_ = std::make_unique<Session>(std::move(options), [this](const SessionEvent &event) {
			/* Fails only while the environment is torn down; then nobody is left to hear it. */
			auto *copy = new SessionEvent(event);
			if (events_.NonBlockingCall(copy) != napi_ok)
				delete copy;
		});
	}

	~SessionWrap() override
	{
		end();
	}

private:
	static void deliver(Napi::Env env, Napi::Function callback, std::nullptr_t *, SessionEvent *event)
	{
		std::unique_ptr<SessionEvent> owned(event);
		if (env == nullptr)
			return; /* teardown: free, do not call */
		callback.Call({Napi::Number::New(env, static_cast<int>(event->type)),
			       Napi::Number::New(env, event->slab), Napi::Number::New(env, event->count),
			       number(env, event->visible_ns), number(env, event->posted_ns)});
	}
	using Events = Napi::TypedThreadSafeFunction<std::nullptr_t, SessionEvent, deliver>;

	Session &live(Napi::Env env)
	{
		if (!session_)
			throw Napi::Error::New(env, "the session is closed");
		return *session_;
	}

	void arm(const Napi::CallbackInfo &info)
	{
		live(info.Env()).arm(info[0].As<Napi::Number>().Int32Value());
	}
	void stop(const Napi::CallbackInfo &info)
	{
		live(info.Env()).stop();
	}

	void release(const Napi::CallbackInfo &info)
	{
		if (!slabs_)
			throw Napi::Error::New(info.Env(), "the session has no slabs");
		try {
			slabs_->give_back(info[0].As<Napi::Number>().Uint32Value());
		} catch (const std::logic_error &e) {
			throw Napi::Error::New(info.Env(), e.what());
		}
	}

	Napi::Value report(const Napi::CallbackInfo &info)
	{
		Session &session = live(info.Env());
		Napi::Object o = report_object(info.Env(), session.report());
		o.Set("ledger", ledger_object(info.Env(), session.ledger()));
		return o;
	}

	/* Joins the drain thread: bounded, since every wait of it is. */
	void close(const Napi::CallbackInfo &)
	{
		end();
	}

	void end()
	{
		if (!session_)
			return;
		session_.reset();
		events_.Release();
	}

	ControlRef control_;
	SoakRef soak_;
	Napi::Reference<Napi::Uint8Array> slab_memory_, arena_memory_;
	std::unique_ptr<SlabPool> slabs_;
	Events events_;
	std::unique_ptr<Session> session_;
};

/* ------------------------------------------------------------------ free functions */

class ProbeWorker : public Napi::AsyncWorker
{
public:
	ProbeWorker(Napi::Env env, std::string source, SessionOptions options)
		: Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)),
		  source_(std::move(source)), options_(std::move(options))
	{
	}
	Napi::Promise promise() const { return deferred_.Promise(); }

	void Execute() override
	{
		const tb_source_ops *ops = find_source(source_, &err_);
		if (!ops) {
			answer_ = 0;
			return;
		}
		std::vector<tb_option> private_options;
		tb_source_config config = source_config(options_, &private_options);
		answer_ = ops->probe(&config, &err_);
	}

	void OnOK() override
	{
		Napi::Object o = error_object(Env(), err_, "probe");
		o.Set("answer", answer_ == 1 ? "yes" : answer_ == 0 ? "no" : "unknown");
		deferred_.Resolve(o);
	}
	void OnError(const Napi::Error &error) override { deferred_.Reject(error.Value()); }

private:
	Napi::Promise::Deferred deferred_;
	std::string source_;
	SessionOptions options_;
	tb_error err_ = {};
	int answer_ = -1;
};

Napi::Value probe(const Napi::CallbackInfo &info)
{
	Napi::Object o = info[0].As<Napi::Object>();
	SessionOptions options;
	get_source_config(o, &options);
	auto *worker =
		new ProbeWorker(info.Env(), get_string(o, "source"), std::move(options)); /* deletes itself */
	Napi::Promise promise = worker->promise();
	worker->Queue();
	return promise;
}

Napi::Value layout(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	Napi::Object o = Napi::Object::New(env);
	o.Set("recordBytes", Napi::Number::New(env, sizeof(tb_record)));
	o.Set("recordAbi", Napi::Number::New(env, TB_RECORD_ABI));
	o.Set("recordsPerSlab", Napi::Number::New(env, kRecordsPerSlab));
	o.Set("arenaBytesPerSlab", Napi::Number::New(env, kRecordsPerSlab * SlabPool::kArenaBytesPerRecord));
	Napi::Object offsets = Napi::Object::New(env);
#define TB_OFFSET(field) offsets.Set(#field, Napi::Number::New(env, offsetof(tb_record, field)))
	TB_OFFSET(ts_ns);
	TB_OFFSET(tid);
	TB_OFFSET(tgid);
	TB_OFFSET(nr);
	TB_OFFSET(arch);
	TB_OFFSET(cpu);
	TB_OFFSET(kind);
	TB_OFFSET(args_valid);
	TB_OFFSET(flags);
	TB_OFFSET(ret);
	TB_OFFSET(args);
	TB_OFFSET(aux);
#undef TB_OFFSET
	o.Set("offsets", offsets);
#ifdef TB_TEST_HOOKS
	o.Set("testHooks", true);
#else
	o.Set("testHooks", false);
#endif
	return o;
}

Napi::Value list_sources(const Napi::CallbackInfo &info)
{
	Napi::Array array = Napi::Array::New(info.Env());
	for (const std::string &name : source_names())
		array.Set(array.Length(), name);
	return array;
}

/* What JavaScript hands to a helper (`fd`) and back to us (`handle`). */
template <typename Page> Napi::Object page_object(Napi::Env env, const PageRef<Page> &page)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("fd", Napi::Number::New(env, page->fd));
	o.Set("handle",
	      Napi::External<PageRef<Page>>::New(env, new PageRef<Page>(page),
						 [](Napi::Env, PageRef<Page> *ref) { delete ref; }));
	return o;
}

Napi::Value create_control_page(const Napi::CallbackInfo &info)
{
	tb_error err = {};
	auto page = std::make_shared<SharedPage<tb_control>>();
	if (create_control(info[0].As<Napi::Number>().Uint32Value(), &page->fd, &page->page, &err) < 0)
		throw_error(info.Env(), err, "control");
	Napi::Object o = page_object(info.Env(), page);
	o.Set("collectors", Napi::Number::New(info.Env(), page->page->collectors));
	return o;
}

Napi::Value create_soak_page(const Napi::CallbackInfo &info)
{
	tb_error err = {};
	auto page = std::make_shared<SharedPage<tb_soak>>();
	if (create_soak(&page->fd, &page->page, &err) < 0)
		throw_error(info.Env(), err, "soak");
	return page_object(info.Env(), page);
}

Napi::Value read_soak_page(const Napi::CallbackInfo &info)
{
	return soak_object(info.Env(), read_soak(*page_of<tb_soak>(info[0])->page));
}

Napi::Value read_control(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	ControlRef ref = page_of<tb_control>(info[0]);
	const tb_control *c = ref->page;
	Napi::Object o = Napi::Object::New(env);
	o.Set("gate", Napi::Number::New(env, __atomic_load_n(&c->gate, __ATOMIC_ACQUIRE)));
	o.Set("sectionStartNs", number(env, c->section_start_ns));
	o.Set("sectionEndNs", number(env, c->section_end_ns));
	o.Set("sectionCpuNs", number(env, c->section_cpu_ns));
	o.Set("sectionSpunNs", number(env, c->section_spun_ns));
	o.Set("calls", number(env, c->calls));
	o.Set("waitedNs", number(env, c->waited_ns));
	o.Set("lateBursts", number(env, c->late_bursts));
	o.Set("latestNs", number(env, c->latest_ns));
	o.Set("clockEntersKernel", c->clock_enters_kernel != 0);
	o.Set("errno", Napi::Number::New(env, c->error));
	o.Set("errorText",
	      Napi::String::New(env, c->error_text, strnlen(c->error_text, sizeof(c->error_text))));
	Napi::Array lanes = Napi::Array::New(env);
	for (uint32_t l = 0; l < c->lanes && l < TB_LANES; l++)
		lanes.Set(l, number(env, __atomic_load_n(&c->lane_issued[l], __ATOMIC_ACQUIRE)));
	o.Set("lanes", lanes);
	Napi::Array kinds = Napi::Array::New(env);
	for (uint32_t k = 0; k < c->kinds && k < TB_KINDS_MAX; k++) {
		Napi::Object kind = Napi::Object::New(env);
		kind.Set("nr", Napi::Number::New(env, c->kind[k].nr));
		kind.Set("class", c->kind[k].call_class == TB_CLASS_STAMPED ? "stamped" : "counted");
		kind.Set("stampArg", Napi::Number::New(env, c->kind[k].stamp_arg));
		kind.Set("issued", number(env, __atomic_load_n(&c->kind[k].issued, __ATOMIC_ACQUIRE)));
		kinds.Set(k, kind);
	}
	o.Set("kinds", kinds);
	return o;
}

Napi::Value spawn(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	std::vector<std::string> argv;
	Napi::Array array = info[1].As<Napi::Array>();
	for (uint32_t i = 0; i < array.Length(); i++)
		argv.push_back(array.Get(i).As<Napi::String>().Utf8Value());
	tb_error err = {};
	Spawned spawned;
	if (spawn_helper(info[0].As<Napi::String>().Utf8Value(), argv,
			 info[2].As<Napi::Number>().Int32Value(), &spawned, &err) < 0)
		throw_error(env, err, "spawn");
	Napi::Object o = Napi::Object::New(env);
	o.Set("pid", Napi::Number::New(env, spawned.pid));
	o.Set("commandFd", Napi::Number::New(env, spawned.command_fd));
	o.Set("statusFd", Napi::Number::New(env, spawned.status_fd));
	return o;
}

/* The exit of a helper started by spawn(): {code, signal}, or null while it runs. Never waits. */
Napi::Value reap(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	int status = 0;
	pid_t pid = info[0].As<Napi::Number>().Int32Value();
	pid_t got = waitpid(pid, &status, WNOHANG);
	if (got == 0)
		return env.Null();
	if (got < 0) {
		tb_error err = {};
		tb_error__set(&err, -errno, "cannot wait for process %d: %s", pid, strerror(errno));
		throw_error(env, err, "reap");
	}
	Napi::Object o = Napi::Object::New(env);
	o.Set("code",
	      WIFEXITED(status) ? Napi::Value(Napi::Number::New(env, WEXITSTATUS(status))) : env.Null());
	o.Set("signal",
	      WIFSIGNALED(status) ? Napi::Value(Napi::Number::New(env, WTERMSIG(status))) : env.Null());
	return o;
}

Napi::Value now(const Napi::CallbackInfo &info)
{
	return number(info.Env(), tb_monotonic_ns());
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	exports.Set("NativeSession", SessionWrap::define(env));
	exports.Set("layout", Napi::Function::New<layout>(env));
	exports.Set("sourceNames", Napi::Function::New<list_sources>(env));
	exports.Set("probe", Napi::Function::New<probe>(env));
	exports.Set("createControl", Napi::Function::New<create_control_page>(env));
	exports.Set("createSoak", Napi::Function::New<create_soak_page>(env));
	exports.Set("readSoak", Napi::Function::New<read_soak_page>(env));
	exports.Set("readControl", Napi::Function::New<read_control>(env));
	exports.Set("spawn", Napi::Function::New<spawn>(env));
	exports.Set("reap", Napi::Function::New<reap>(env));
	exports.Set("monotonicNs", Napi::Function::New<now>(env));
	return exports;
}

} // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, init)

} // namespace tracebench
