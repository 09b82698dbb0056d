// SPDX-License-Identifier: Apache-2.0
#include "source_options.h"

#include "values.h"

namespace tracebench
{

namespace
{

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

} // namespace

void get_source_options(const Napi::Object &o, SessionOptions *options)
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

} // namespace tracebench
