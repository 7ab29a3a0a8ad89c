/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mutex that signal handlers may take too: signals are blocked while it is
 * held, since close() and its like are allowed in handlers. Held briefly; no
 * call into the core under it.
 */
#ifndef PRELOAD_GUARD_H
#define PRELOAD_GUARD_H

#include <pthread.h>
#include <signal.h>
#include "base/compiler.h"
#include "shim/preload/sys.h"

/* What the kernel takes as a signal set: one word. */
#define GUARD_SIGSET_LEN 8

struct guard {
	pthread_mutex_t mutex;
};

#define GUARD_INITIALIZER                 \
	{                                 \
		PTHREAD_MUTEX_INITIALIZER \
	}

/* Return: the signals that were blocked, for guard_release(). */
static inline __u64 guard_acquire(struct guard *guard)
{
	__u64 all = ~((1ull << (SIGSEGV - 1)) | (1ull << (SIGBUS - 1)));
	__u64 old = 0;

	sys_call4(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, GUARD_SIGSET_LEN);
	pthread_mutex_lock(&guard->mutex);
	return old;
}

static inline void guard_release(struct guard *guard, __u64 old)
{
	pthread_mutex_unlock(&guard->mutex);
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL,
		  GUARD_SIGSET_LEN);
}

/* In a child made by fork, where the holder may not exist. */
static inline void guard_reset(struct guard *guard)
{
	guard->mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

#endif /* PRELOAD_GUARD_H */
