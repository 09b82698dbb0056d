/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system call with all six argument registers under control, whatever its arity: what the kernel ignores, a tracer
 * records all the same. libc's wrappers leave the unused registers to chance, and set errno.
 */
#ifndef TRACEBENCH_WORKLOADS_CALL6_H
#define TRACEBENCH_WORKLOADS_CALL6_H

#include <stdint.h>

#if defined(__x86_64__)

/* Returns what the kernel returned: −errno on failure. */
static inline __attribute__((always_inline)) int64_t tb_call6(long nr, uint64_t a0, uint64_t a1, uint64_t a2,
							      uint64_t a3, uint64_t a4, uint64_t a5)
{
	register uint64_t r10 __asm__("r10") = a3;
	register uint64_t r8 __asm__("r8") = a4;
	register uint64_t r9 __asm__("r9") = a5;
	int64_t ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void tb_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#elif defined(__aarch64__)

static inline __attribute__((always_inline)) int64_t tb_call6(long nr, uint64_t a0, uint64_t a1, uint64_t a2,
							      uint64_t a3, uint64_t a4, uint64_t a5)
{
	register uint64_t x0 __asm__("x0") = a0;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;
	register uint64_t x4 __asm__("x4") = a4;
	register uint64_t x5 __asm__("x5") = a5;
	register uint64_t x8 __asm__("x8") = nr;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
			 : "memory");
	return (int64_t)x0;
}

static inline void tb_cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

#else
#error "tracebench's workloads know x86-64 and arm64"
#endif

#endif
