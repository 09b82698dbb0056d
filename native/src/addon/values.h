// SPDX-License-Identifier: Apache-2.0
/* Small values, from one side to the other. */
#ifndef TRACEBENCH_ADDON_VALUES_H
#define TRACEBENCH_ADDON_VALUES_H

#include <cstdint>
#include <string>

#include <napi.h>

#include "../../include/source.h"

namespace tracebench
{

Napi::Object error_object(Napi::Env env, const tb_error &err, const char *operation);
[[noreturn]] void throw_error(Napi::Env env, const tb_error &err, const char *operation);

Napi::Number number(Napi::Env env, uint64_t value);

/* A missing or mistyped property is native/index.ts's mistake, not the user's: TypeError, RangeError. */
Napi::Value required(const Napi::Object &o, const char *name);
uint64_t get_u64(const Napi::Object &o, const char *name);
std::string get_string(const Napi::Object &o, const char *name);

template <typename Container> Napi::Array numbers(Napi::Env env, const Container &values)
{
	Napi::Array array = Napi::Array::New(env, values.size());
	uint32_t i = 0;
	for (uint64_t value : values)
		array.Set(i++, number(env, value));
	return array;
}

} // namespace tracebench

#endif
