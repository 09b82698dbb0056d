// SPDX-License-Identifier: Apache-2.0
#include "helpers.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <vector>

#include "../process.h"
#include "values.h"

namespace tracebench
{

namespace
{

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

} // namespace

void export_helpers(Napi::Env env, Napi::Object exports)
{
	exports.Set("spawn", Napi::Function::New<spawn>(env));
	exports.Set("reap", Napi::Function::New<reap>(env));
}

} // namespace tracebench
