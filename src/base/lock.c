/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slow half of the locks: sleeping and waking, and, in debug builds, the
 * owner of a lock and the order in which a thread takes them.
 *
 * Sleeping: a thread that finds the lock held spins for a moment, then marks
 * it as wanted and sleeps on the word. Whoever releases a lock that is wanted
 * wakes one sleeper, which marks it as wanted anew, for it cannot know
 * whether it was the only one. A wake too many is harmless, so the waker may
 * touch the word's address after the lock has gone.
 *
 * Order: each thread keeps the ranks of the locks it holds. A new lock must
 * rank above all of them. One exception: a copy between two address spaces
 * takes two locks of rank IOAS, whose order its caller settles.
 */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/lock.h"
#include "base/log.h"

/* Most locks are held for less time than going to sleep takes. */
#define LOCK_SPINS 100u

void lock_wait(struct lock *lock)
{
	unsigned int state;
	unsigned int i;
	int saved_errno;

	for (i = 0; i < LOCK_SPINS; i++) {
		state = LOCK_FREE;
		if (atomic_load_explicit(&lock->state, memory_order_relaxed) ==
			    LOCK_FREE &&
		    atomic_compare_exchange_strong_explicit(
			    &lock->state, &state, LOCK_HELD,
			    memory_order_acquire, memory_order_relaxed))
			return;
		__builtin_ia32_pause();
	}
	saved_errno = errno;
	while (atomic_exchange_explicit(&lock->state, LOCK_HELD_AND_WANTED,
					memory_order_acquire) != LOCK_FREE)
		syscall(SYS_futex, &lock->state,
			FUTEX_WAIT | FUTEX_PRIVATE_FLAG, LOCK_HELD_AND_WANTED,
			NULL, NULL, 0);
	errno = saved_errno;
}

void lock_wake(struct lock *lock)
{
	int saved_errno = errno;

	syscall(SYS_futex, &lock->state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1,
		NULL, NULL, 0);
	errno = saved_errno;
}

#ifndef NDEBUG

#define LOCK_N_HELD_MAX 32

/* Its address also is what a thread is known by as an owner. */
static __thread struct {
	unsigned int n;
	unsigned char ranks[LOCK_N_HELD_MAX];
} lock_held __attribute__((tls_model("initial-exec")));

static bool lock_rank_is_allowed(unsigned char rank, unsigned char held)
{
	return rank > held || (rank == held && rank == LOCK_RANK_IOAS);
}

void lock_check_order(const struct lock *lock)
{
	unsigned int i;

	for (i = 0; i < lock_held.n; i++)
		warn_on(!lock_rank_is_allowed(lock->rank, lock_held.ranks[i]));
}

void lock_note_acquired(struct lock *lock)
{
	atomic_store_explicit(&lock->owner, &lock_held, memory_order_relaxed);
	if (!warn_on(lock_held.n == LOCK_N_HELD_MAX))
		lock_held.ranks[lock_held.n++] = lock->rank;
}

/* Locks need not be released in the order in which they were taken. */
void lock_note_released(struct lock *lock)
{
	unsigned int i = lock_held.n;

	atomic_store_explicit(&lock->owner, NULL, memory_order_relaxed);
	while (i && lock_held.ranks[i - 1] != lock->rank)
		i--;
	if (warn_on(!i))
		return;
	lock_held.n--;
	memmove(&lock_held.ranks[i - 1], &lock_held.ranks[i],
		lock_held.n - (i - 1));
}

static bool lock_is_mine(const struct lock *lock)
{
	return atomic_load_explicit(&lock->owner, memory_order_relaxed) ==
	       &lock_held;
}

void lock_assert_held(const struct lock *lock)
{
	warn_on(!lock_is_mine(lock));
}

#else

static bool lock_is_mine(const struct lock *lock)
{
	(void)lock;
	return false;
}

#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
	*lock = (struct lock)LOCK_INITIALIZER((unsigned char)rank);
}

void lock_deinit(struct lock *lock)
{
	warn_on(atomic_load_explicit(&lock->state, memory_order_relaxed) !=
		LOCK_FREE);
}

void lock_after_fork_child(struct lock *lock)
{
	if (lock_is_mine(lock))
		lock_note_released(lock);
	lock_init(lock, lock->rank);
}
