/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * System calls without libc: for what we do on our own account, where neither
 * errno nor anybody's replacement of a libc call may be touched.
 */
#ifndef PRELOAD_SYS_H
#define PRELOAD_SYS_H

#include <sys/syscall.h>
#include "base/compiler.h"

#if !defined(__x86_64__)
#error "the preload library knows x86-64 only"
#endif

/* The six arguments of a system call. */
struct sys_args {
	long arg[6];
};

#if defined(__clang_analyzer__)
/* It does not know that a system call writes where its arguments point. */
long sys_call_args(long number, struct sys_args *args);
#else
/* Return: as the kernel: >= 0 or -errno. */
static inline long sys_call_args(long number, const struct sys_args *args)
{
	register long r10 __asm__("r10") = args->arg[3];
	register long r8 __asm__("r8") = args->arg[4];
	register long r9 __asm__("r9") = args->arg[5];
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(args->arg[0]), "S"(args->arg[1]),
			   "d"(args->arg[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}
#endif

#define SYS_ARG(value) ((long)(value))

/* Up to four arguments, of any type that fits a register. */
#define sys_call0(number) sys_call_args(number, &(struct sys_args){ { 0 } })
#define sys_call1(number, a) \
	sys_call_args(number, &(struct sys_args){ { SYS_ARG(a) } })
#define sys_call2(number, a, b) \
	sys_call_args(number, &(struct sys_args){ { SYS_ARG(a), SYS_ARG(b) } })
#define sys_call3(number, a, b, c)                                          \
	sys_call_args(number, &(struct sys_args){ { SYS_ARG(a), SYS_ARG(b), \
						    SYS_ARG(c) } })
#define sys_call4(number, a, b, c, d)                               \
	sys_call_args(number,                                       \
		      &(struct sys_args){ { SYS_ARG(a), SYS_ARG(b), \
					    SYS_ARG(c), SYS_ARG(d) } })

#endif /* PRELOAD_SYS_H */
