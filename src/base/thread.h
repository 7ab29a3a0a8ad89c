/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads of ours inside a program that did not ask for them. They block all
 * signals but SIGSEGV and SIGBUS, run with the affinity that the process had
 * first, and never run a program's code.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdatomic.h>
#include <pthread.h>
#include "base/compiler.h"

struct thread {
	pthread_t handle;
	void (*run)(void *arg);
	void *arg;
	char name[16];
};

/* A fault point. Return: 0 or -errno. @thread lives until thread_join(). */
int thread_start(struct thread *thread, const char *name,
		 void (*run)(void *arg), void *arg);
void thread_join(struct thread *thread);

/* Remember the affinity that threads of ours get; called at the start. */
void thread_save_affinity(void);

/**
 * struct waiter - sleep until woken, without losing a wake
 * @word: 0 nothing, 1 woken, 2 asleep
 */
struct waiter {
	atomic_int word;
};

/* Sleep until waiter_wake() was called since the last return. */
void waiter_wait(struct waiter *waiter);

/* As waiter_wait(), at most @nanoseconds. Return: true when woken. */
bool waiter_wait_for(struct waiter *waiter, __u64 nanoseconds);

/* Async-signal-safe. */
void waiter_wake(struct waiter *waiter);

/* Monotonic nanoseconds. */
__u64 time_now_ns(void);

#endif /* BASE_THREAD_H */
