/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies from and to memory that may go away, or never was there.
 *
 * Each copy routine has a fault table: one entry for each of its instructions
 * that touches the foreign side. A SIGSEGV or SIGBUS at such an instruction
 * continues at the entry's recovery address, and the routine returns how much
 * it did not copy. Nothing here uses sigsetjmp().
 */
#ifndef BASE_UACCESS_H
#define BASE_UACCESS_H

#include <errno.h>
#include <signal.h>
#include "base/compiler.h"
#include "base/fault.h"

/**
 * copy_may_fault() - copy between two addresses, either of which may be bad
 * @dst: where to
 * @src: where from
 * @len: bytes; no overlap
 *
 * Return: bytes not copied; they are the last ones. 0 when all went well.
 */
size_t copy_may_fault(void *dst, const void *src, size_t len);

/**
 * copy_from_user() - read an argument of a program
 * @dst: our object
 * @src: the program's address
 * @len: bytes
 *
 * A fault point. Return: 0 or -EFAULT.
 */
static always_inline int copy_from_user(void *dst, const void *src, size_t len)
{
	if (fault_inject(FAULT_USER_COPY))
		return -EFAULT;
	return copy_may_fault(dst, src, len) ? -EFAULT : 0;
}

/* As copy_from_user(), the other way. */
static always_inline int copy_to_user(void *dst, const void *src, size_t len)
{
	return copy_from_user(dst, src, len);
}

/* Return: 0, -E2BIG if a byte is not zero, -EFAULT. */
int check_zeroed_user(const void *src, size_t len);

/**
 * uaccess_fixup() - called by whoever owns the handler of SIGSEGV and SIGBUS
 * @ucontext: third argument of the handler
 *
 * Return: true when the fault came from a copy of ours; the context is then
 * changed so that returning from the handler goes on behind the copy.
 * Context: a signal handler.
 */
bool uaccess_fixup(void *ucontext);

/**
 * uaccess_install_handlers() - own SIGSEGV and SIGBUS, unless a host does
 * @other: asked about faults that are no copy of ours; true: it handled the
 *	fault. May be NULL
 *
 * For programs that use the library without the preload library. Earlier
 * handlers are called for faults that are not ours. Does nothing the second
 * time, and nothing after uaccess_host_handles_faults().
 *
 * Return: 0 or -errno.
 */
int uaccess_install_handlers(bool (*other)(const siginfo_t *info,
					   void *ucontext));

/* The preload library calls uaccess_fixup() itself. */
void uaccess_host_handles_faults(void);

#endif /* BASE_UACCESS_H */
