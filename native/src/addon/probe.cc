// SPDX-License-Identifier: Apache-2.0
#include "probe.h"

#include <string>
#include <vector>

#include "../session.h"
#include "../sources.h"
#include "source_options.h"
#include "values.h"

namespace tracebench
{

namespace
{

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

} // namespace

Napi::Value probe(const Napi::CallbackInfo &info)
{
	Napi::Object o = info[0].As<Napi::Object>();
	SessionOptions options;
	get_source_options(o, &options);
	auto *worker =
		new ProbeWorker(info.Env(), get_string(o, "source"), std::move(options)); /* deletes itself */
	Napi::Promise promise = worker->promise();
	worker->Queue();
	return promise;
}

} // namespace tracebench
