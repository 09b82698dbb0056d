/* SPDX-License-Identifier: Apache-2.0 */
#include "function_site.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unistd.h>

#include "refusal.h"

namespace tb::ebpf
{

namespace
{

int copy_option(const tb_source_config *config, const char *name, char *text, size_t size, tb_error *err)
{
	for (uint32_t i = 0; i < config->options_count; i++) {
		if (strcmp(config->options[i].name, name) != 0)
			continue;
		const int length = snprintf(text, size, "%s", config->options[i].value);
		if (length >= 0 && static_cast<size_t>(length) < size)
			return 0;
		return tb_error__set(err, -ENAMETOOLONG, "option '%s' is longer than %zu bytes", name,
				     size - 1);
	}
	return tb_error__set(err, -EINVAL,
			     "option '%s' is missing: this variant traces a function of the target's own",
			     name);
}

} // namespace

int read_function_site(const tb_source_config *config, const Variant &variant, FunctionSite *site,
		       tb_error *err)
{
	*site = {};
	if (variant.hook == Hook::system_calls)
		return 0;
	if (config->filter.active)
		return tb_error__set(
			err, -EOPNOTSUPP,
			"a filter of system calls says nothing of a function: variant '%s' has none",
			variant.name);
	int code = copy_option(config, "program", site->program, sizeof(site->program), err);
	if (code == 0 && access(site->program, R_OK) != 0) {
		code = -errno;
		tb_error__set(err, code, "the program whose function is traced, %.300s: %s", site->program,
			      strerror(-code));
		tb_error__mend(err, "npm run build");
	}
	if (code == 0 && variant.hook == Hook::uprobe)
		return copy_option(config, "function", site->function, sizeof(site->function), err);
	if (code == 0)
		code = copy_option(config, "provider", site->provider, sizeof(site->provider), err);
	if (code == 0)
		code = copy_option(config, "probe", site->probe, sizeof(site->probe), err);
	return code;
}

bool has_uprobe_links()
{
	static const bool has =
		libbpf_find_vmlinux_btf_id("bpf_uprobe_multi_link_attach", BPF_TRACE_FENTRY) > 0;
	return has;
}

bpf_link *attach_function(const bpf_program *program, pid_t pid, const Variant &variant,
			  const FunctionSite &site)
{
	if (variant.hook == Hook::usdt)
		return bpf_program__attach_usdt(program, pid, site.program, site.provider, site.probe,
						nullptr);
	if (!has_uprobe_links()) {
		LIBBPF_OPTS(bpf_uprobe_opts, options, .func_name = site.function);
		return bpf_program__attach_uprobe_opts(program, pid, site.program, 0, &options);
	}
	const char *function = site.function;
	LIBBPF_OPTS(bpf_uprobe_multi_opts, options, .syms = &function, .cnt = 1);
	return bpf_program__attach_uprobe_multi(program, pid, site.program, nullptr, &options);
}

int explain_unattached(tb_error *err, int code, const Variant &variant, const FunctionSite &site)
{
	char operation[200];

	if (variant.hook == Hook::usdt)
		snprintf(operation, sizeof(operation), "attaching to the USDT probe %s:%s", site.provider,
			 site.probe);
	else
		snprintf(operation, sizeof(operation), "attaching to the function %s", site.function);
	code = explain_refusal(err, code, operation);
	if (!err->mend[0] && access("/sys/bus/event_source/devices/uprobe", F_OK) != 0)
		tb_error__mend(err, "use a kernel with CONFIG_UPROBES=y and CONFIG_UPROBE_EVENTS=y");
	return code;
}

} // namespace tb::ebpf
