/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_EBPF_REFUSAL_H
#define TRACEBENCH_EBPF_REFUSAL_H

#include "source.h"

namespace tb::ebpf
{

/*
 * Says in *err what `operation` failed with, with the verifier's or libbpf's last words, and the mend where the real
 * call's errno and the machine's state tell it. Returns code.
 */
int explain_refusal(tb_error *err, int code, const char *operation);

/* A target and its collector must count processes alike: programs see the initial pid namespace. 0 or -errno. */
int require_initial_pid_namespace(tb_error *err);

} // namespace tb::ebpf

#endif
