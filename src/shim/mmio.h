/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads and stores of a program on pages that trap. */
#ifndef SHIM_MMIO_H
#define SHIM_MMIO_H

#include <signal.h>
#include "base/compiler.h"

/* Once, before the first trap. */
void mmio_init(void);

/**
 * mmio_fault() - a SIGSEGV or SIGBUS that is no copy of ours
 * @info: the signal's
 * @ucontext: the interrupted thread; changed when the access was performed
 *
 * Return: true when the access was performed, or can now be made again; false
 * when the address is none of ours or the instruction cannot be performed
 * (then it was named in a line on standard error).
 * Context: the signal handler.
 */
bool mmio_fault(const siginfo_t *info, void *ucontext);

#endif /* SHIM_MMIO_H */
