/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_EBPF_KERNEL_LOG_H
#define TRACEBENCH_EBPF_KERNEL_LOG_H

namespace tb::ebpf
{

/*
 * What libbpf and the kernel's verifier said on this thread since the last start, instead of on stderr. libbpf takes
 * one print function per process, so install() is called once; the text is per thread.
 */
class KernelLog
{
public:
	static void install();
	static void start();

	/*
	 * The verifier's last lines, or libbpf's last line where the verifier said nothing, on one line. Empty when
	 * nothing was said. Valid until the next start() on this thread.
	 */
	static const char *last_words();
};

} // namespace tb::ebpf

#endif
