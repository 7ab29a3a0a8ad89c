/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies that survive bad addresses: the choice of the routine, the look-up
 * in its fault table, and the handlers for programs that have none of ours.
 *
 * Only the address of the instruction is looked at, not that of the memory:
 * a non-canonical address is reported without one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <ucontext.h>
#include "base/copy_x86_64.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/uaccess.h"

/* check_zeroed_user() looks at that many bytes at a time. */
#define ZERO_CHECK_LEN 256u

copy_routine *copy_best = copy_may_fault_sse2;

__attribute__((constructor)) static void copy_pick_best(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512vl"))
		copy_best = copy_may_fault_avx512;
	else if (__builtin_cpu_supports("avx2"))
		copy_best = copy_may_fault_avx2;
}

static bool bytes_are_zero(const unsigned char *bytes, size_t len)
{
	unsigned char any = 0;

	while (len--)
		any |= bytes[len];
	return !any;
}

int check_zeroed_user(const void *src, size_t len)
{
	unsigned char bytes[ZERO_CHECK_LEN];
	const char *from = src;
	size_t n, n_left;

	for (; len; from += n, len -= n) {
		n = len < sizeof(bytes) ? len : sizeof(bytes);
		n_left = copy_may_fault(bytes, from, n);
		if (!bytes_are_zero(bytes, n - n_left))
			return -E2BIG;
		if (n_left)
			return -EFAULT;
	}
	return 0;
}

static uintptr_t entry_target(const __s32 *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

/* The table is in the order of the routines' text. */
static const struct copy_fault_entry *copy_fault_find(uintptr_t rip)
{
	const struct copy_fault_entry *low = copy_fault_table_start;
	const struct copy_fault_entry *high = copy_fault_table_end;
	const struct copy_fault_entry *middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (entry_target(&middle->fault) == rip)
			return middle;
		if (entry_target(&middle->fault) < rip)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool uaccess_fixup(void *ucontext)
{
	greg_t *rip = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
	const struct copy_fault_entry *entry;

	if (!guard_holds(GUARD_COPY_FAULT))
		return false;
	entry = copy_fault_find((uintptr_t)*rip);
	if (!entry)
		return false;
	*rip = (greg_t)entry_target(&entry->recovery);
	return true;
}

static pthread_mutex_t handlers_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool handlers_are_settled;
static struct sigaction earlier_segv, earlier_bus;

/* Who else may know a fault; set before the handlers are installed. */
static bool (*handlers_other)(const siginfo_t *info, void *ucontext);

static bool fault_is_handled(const siginfo_t *info, void *ucontext)
{
	return uaccess_fixup(ucontext) ||
	       (handlers_other && handlers_other(info, ucontext));
}

/* As the kernel would have called it. */
static void earlier_call(const struct sigaction *earlier, int sig,
			 siginfo_t *info, void *ucontext)
{
	sigset_t blocked = earlier->sa_mask;

	if (!(earlier->sa_flags & SA_NODEFER))
		sigaddset(&blocked, sig);
	/* Returning from our handler restores the mask. */
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	if (earlier->sa_flags & SA_SIGINFO)
		earlier->sa_sigaction(sig, info, ucontext);
	else
		earlier->sa_handler(sig);
}

static void handle_fault(int sig, siginfo_t *info, void *ucontext)
{
	const struct sigaction *earlier = sig == SIGSEGV ? &earlier_segv
							 : &earlier_bus;
	bool was_sent = info->si_code <= 0;
	int saved_errno = errno;

	if (!was_sent && fault_is_handled(info, ucontext))
		goto out_errno;
	if (!(earlier->sa_flags & SA_SIGINFO)) {
		if (earlier->sa_handler == SIG_IGN && was_sent)
			goto out_errno;
		if (earlier->sa_handler == SIG_IGN ||
		    earlier->sa_handler == SIG_DFL) {
			/* A fault happens again, a sent signal is sent on. */
			signal(sig, SIG_DFL);
			if (was_sent)
				raise(sig);
			goto out_errno;
		}
	}
	earlier_call(earlier, sig, info, ucontext);
out_errno:
	errno = saved_errno;
}

static int handler_install(int sig, struct sigaction *earlier)
{
	struct sigaction action = {
		.sa_sigaction = handle_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	sigemptyset(&action.sa_mask);
	/* Known before the handler can run. */
	if (sigaction(sig, NULL, earlier) || sigaction(sig, &action, NULL))
		return -errno;
	return 0;
}

int uaccess_install_handlers(bool (*other)(const siginfo_t *info,
					   void *ucontext))
{
	int err = 0;

	pthread_mutex_lock(&handlers_mutex);
	if (handlers_are_settled)
		goto out_unlock;
	handlers_other = other;
	err = handler_install(SIGSEGV, &earlier_segv);
	if (err)
		goto out_unlock;
	err = handler_install(SIGBUS, &earlier_bus);
	if (err)
		sigaction(SIGSEGV, &earlier_segv, NULL);
	else
		handlers_are_settled = true;
out_unlock:
	pthread_mutex_unlock(&handlers_mutex);
	return err;
}

void uaccess_host_handles_faults(void)
{
	pthread_mutex_lock(&handlers_mutex);
	handlers_are_settled = true;
	pthread_mutex_unlock(&handlers_mutex);
}
