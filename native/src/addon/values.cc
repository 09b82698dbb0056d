// SPDX-License-Identifier: Apache-2.0
#include "values.h"

namespace tracebench
{

Napi::Object error_object(Napi::Env env, const tb_error &err, const char *operation)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("errno", Napi::Number::New(env, -err.code));
	o.Set("operation", operation);
	o.Set("message", static_cast<const char *>(err.message));
	o.Set("mend", err.mend[0] ? Napi::Value(Napi::String::New(env, err.mend)) : env.Null());
	return o;
}

void throw_error(Napi::Env env, const tb_error &err, const char *operation)
{
	Napi::Error error = Napi::Error::New(env, err.message);
	error.Set("detail", error_object(env, err, operation));
	throw error;
}

Napi::Number number(Napi::Env env, uint64_t value)
{
	return Napi::Number::New(env, static_cast<double>(value));
}

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

} // namespace tracebench
