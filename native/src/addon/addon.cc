// SPDX-License-Identifier: Apache-2.0
/*
 * The N-API surface, and the only folder that knows N-API: it turns values of one side into values of the other.
 * native/index.ts is its one caller and holds the types.
 */
#include <napi.h>

#include "../../include/clock.h"
#include "../../include/record.h"
#include "../slab_pool.h"
#include "../sources.h"
#include "helpers.h"
#include "pages.h"
#include "probe.h"
#include "session_wrap.h"
#include "values.h"

namespace tracebench
{

namespace
{

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

Napi::Value now(const Napi::CallbackInfo &info)
{
	return number(info.Env(), tb_monotonic_ns());
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	exports.Set("NativeSession", define_session(env));
	exports.Set("layout", Napi::Function::New<layout>(env));
	exports.Set("sourceNames", Napi::Function::New<list_sources>(env));
	exports.Set("probe", Napi::Function::New<probe>(env));
	exports.Set("monotonicNs", Napi::Function::New<now>(env));
	export_pages(env, exports);
	export_helpers(env, exports);
	return exports;
}

} // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, init)

} // namespace tracebench
