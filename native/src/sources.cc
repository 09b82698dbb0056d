// SPDX-License-Identifier: Apache-2.0
#include "sources.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

#define TB_BUILTIN(name, symbol) extern "C" const struct tb_source_ops symbol;
#define TB_PLUGIN(name)
#include "sources.def"
#undef TB_BUILTIN
#undef TB_PLUGIN

namespace tracebench
{

namespace
{

struct Entry {
	const char *name;
	const tb_source_ops *builtin; /* null: a plug-in */
};

const Entry entries[] = {
#define TB_BUILTIN(name, symbol) {#name, &symbol},
#define TB_PLUGIN(name)          {#name, nullptr},
#include "sources.def"
#undef TB_BUILTIN
#undef TB_PLUGIN
};

/* What a plug-in needs, for the reader who lacks it. */
struct PluginNeeds {
	const char *name;
	const char *to_build, *to_load;
};

const PluginNeeds plugin_needs[] = {
	{"ebpf", "clang and libelf-dev", "libelf.so.1: apt-get install libelf1"},
	{"ftrace", "libtraceevent-dev", "libtraceevent.so.1: apt-get install libtraceevent1"},
};

const PluginNeeds &needs_of(const std::string &name)
{
	static const PluginNeeds unknown = {"", "what its README names", "see its README"};

	for (const PluginNeeds &needs : plugin_needs)
		if (name == needs.name)
			return needs;
	return unknown;
}

/* Plug-ins lie beside the object that holds this code. */
std::string plugin_path(const std::string &name)
{
	Dl_info info;
	std::string file = name + "_source.node"; /* the ending is node-gyp's, see binding.gyp */
	if (!dladdr(reinterpret_cast<const void *>(&plugin_path), &info) || !info.dli_fname)
		return file;
	std::string self = info.dli_fname;
	return self.substr(0, self.rfind('/') + 1) + file;
}

const tb_source_ops *load_plugin(const std::string &name, tb_error *err)
{
	std::string path = plugin_path(name);
	if (access(path.c_str(), R_OK) != 0) {
		tb_error__set(err, -ENOENT, "not built: %s is missing", path.c_str());
		tb_error__mend(err, "install %s (npm start names the command), then npm run build",
			       needs_of(name).to_build);
		return nullptr;
	}
	void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		tb_error__set(err, -ELIBACC, "cannot be loaded: %s", dlerror());
		tb_error__mend(err, "install the shared library named above (%s)", needs_of(name).to_load);
		return nullptr;
	}
	auto plugin = reinterpret_cast<tb_source_plugin_fn>(dlsym(library, "tb_source_plugin"));
	const tb_source_ops *ops = plugin ? plugin() : nullptr;
	if (!ops) {
		tb_error__set(err, -ENOEXEC, "%s exports no tb_source_plugin", path.c_str());
		tb_error__mend(err, "npm run build");
		dlclose(library);
		return nullptr;
	}
	return ops;
}

} // namespace

std::vector<std::string> source_names()
{
	std::vector<std::string> names;
	for (const Entry &entry : entries)
		names.emplace_back(entry.name);
	return names;
}

const tb_source_ops *find_source(const std::string &name, tb_error *err)
{
	for (const Entry &entry : entries) {
		if (name != entry.name)
			continue;
		const tb_source_ops *ops = entry.builtin ? entry.builtin : load_plugin(name, err);
		if (ops && ops->abi != TB_SOURCE_ABI) {
			tb_error__set(err, -EPROTO, "source %s speaks ABI %u, the addon %u", entry.name,
				      ops->abi, TB_SOURCE_ABI);
			tb_error__mend(err, "npm run build");
			return nullptr;
		}
		return ops;
	}
	tb_error__set(err, -ENOENT, "no source is called %s", name.c_str());
	return nullptr;
}

} // namespace tracebench
