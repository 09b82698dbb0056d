// SPDX-License-Identifier: Apache-2.0
#include "report_values.h"

#include <cstring>
#include <vector>

#include "values.h"

namespace tracebench
{

namespace
{

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

Napi::Object span_object(Napi::Env env, const Span &s)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("counters", counters_array(env, s.counters));
	o.Set("counts", s.counts.empty() ? env.Null() : Napi::Value(numbers(env, s.counts)));
	o.Set("foreignCounts", number(env, s.foreign_counts));
	o.Set("drainCpuNs", number(env, s.drain_cpu_ns));
	o.Set("processCpuNs", number(env, s.process_cpu_ns));
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

} // namespace

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
	o.Set("sectionSoak", r.section_soak.cpus.empty() ? env.Null() : soak_object(env, r.section_soak));
	o.Set("sectionKernelThreads", kernel_threads_array(env, r.section_kernel_threads));
	o.Set("stalled", r.stalled);
	o.Set("throttling", r.throttling ? throttling_object(env, *r.throttling) : env.Null());
	o.Set("run", span_object(env, r.run));
	o.Set("section", span_object(env, r.section));
	o.Set("bridgeLostRecords", number(env, r.bridge_lost_records));
	o.Set("readings", readings_object(env, r.readings));
	o.Set("testDropped", number(env, r.test_dropped));
	return o;
}

} // namespace tracebench
