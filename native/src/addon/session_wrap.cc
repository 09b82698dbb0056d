// SPDX-License-Identifier: Apache-2.0
#include "session_wrap.h"

#include <memory>
#include <stdexcept>

#include "../session.h"
#include "../slab_pool.h"
#include "../sources.h"
#include "pages.h"
#include "report_values.h"
#include "source_options.h"
#include "values.h"

namespace tracebench
{

namespace
{

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
		get_source_options(o, &options);
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

} // namespace

Napi::Function define_session(Napi::Env env)
{
	return SessionWrap::define(env);
}

} // namespace tracebench
