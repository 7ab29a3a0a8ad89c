/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads of ours, and how they sleep.
 *
 * A thread inherits its creator's signal mask, so the creator blocks signals
 * around pthread_create(): there is no moment at which a signal of the
 * program could be delivered to a thread of ours.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file_host.h"
#include "base/overflow.h"
#include "base/thread.h"

#define NS_PER_SECOND 1000000000u

enum waiter_state {
	WAITER_NOTHING,
	WAITER_WOKEN,
	WAITER_ASLEEP,
};

static cpu_set_t first_affinity;
static bool first_affinity_is_known;

void thread_save_affinity(void)
{
	first_affinity_is_known =
		!sched_getaffinity(0, sizeof(first_affinity), &first_affinity);
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;

	pthread_setname_np(pthread_self(), thread->name);
	file_host_thread_started();
	thread->run(thread->arg);
	return NULL;
}

static int thread_create(struct thread *thread)
{
	pthread_attr_t attr;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return -err;
	if (first_affinity_is_known)
		err = pthread_attr_setaffinity_np(&attr, sizeof(first_affinity),
						  &first_affinity);
	if (!err)
		err = pthread_create(&thread->handle, &attr, thread_main,
				     thread);
	pthread_attr_destroy(&attr);
	/* CPUs of that mask may be gone, or forbidden to us by now. */
	if (err == EINVAL && first_affinity_is_known)
		err = pthread_create(&thread->handle, NULL, thread_main,
				     thread);
	return -err;
}

int thread_start(struct thread *thread, const char *name,
		 void (*run)(void *arg), void *arg)
{
	sigset_t blocked, before;
	int err;

	if (fault_inject(FAULT_THREAD))
		return -EAGAIN;
	thread->run = run;
	thread->arg = arg;
	snprintf(thread->name, sizeof(thread->name), "%s", name);

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	/* Exactly this set: a program may block SIGSEGV itself. */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	err = thread_create(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

void thread_join(struct thread *thread)
{
	pthread_join(thread->handle, NULL);
}

/* Sleep while the word is ASLEEP, until @deadline (NULL: for ever). */
static long waiter_sleep(struct waiter *waiter, const struct timespec *deadline)
{
	return syscall(SYS_futex, &waiter->word,
		       FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, WAITER_ASLEEP,
		       deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Return: true and the wake is consumed; else the word is ASLEEP. */
static bool waiter_take_wake(struct waiter *waiter)
{
	int seen = WAITER_NOTHING;

	if (atomic_compare_exchange_strong(&waiter->word, &seen,
					   WAITER_ASLEEP) ||
	    seen == WAITER_ASLEEP)
		return false;
	/* Only the sleeper leaves WOKEN, so nothing is lost here. */
	atomic_exchange(&waiter->word, WAITER_NOTHING);
	return true;
}

void waiter_wait(struct waiter *waiter)
{
	while (!waiter_take_wake(waiter))
		waiter_sleep(waiter, NULL);
}

bool waiter_wait_for(struct waiter *waiter, __u64 nanoseconds)
{
	struct timespec deadline;
	__u64 end;

	if (add_overflow(time_now_ns(), nanoseconds, &end))
		end = UINT64_MAX;
	deadline.tv_sec = (time_t)(end / NS_PER_SECOND);
	deadline.tv_nsec = (long)(end % NS_PER_SECOND);
	while (!waiter_take_wake(waiter)) {
		if (waiter_sleep(waiter, &deadline) < 0 && errno == ETIMEDOUT)
			return atomic_exchange(&waiter->word, WAITER_NOTHING) ==
			       WAITER_WOKEN;
	}
	return true;
}

void waiter_wake(struct waiter *waiter)
{
	int saved_errno = errno;

	if (atomic_exchange(&waiter->word, WAITER_WOKEN) == WAITER_ASLEEP)
		syscall(SYS_futex, &waiter->word,
			FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	errno = saved_errno;
}

__u64 time_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * NS_PER_SECOND + (__u64)now.tv_nsec;
}
