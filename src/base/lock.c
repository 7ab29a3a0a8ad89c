/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutexes that know their owner, and, in debug builds, the order in which a
 * thread takes them.
 *
 * Each thread keeps the ranks of the locks it holds. A new lock must rank
 * above all of them. One exception: a copy between two address spaces takes
 * two locks of rank IOAS, whose order its caller settles.
 */
#include <string.h>
#include "base/lock.h"
#include "base/log.h"

#ifndef NDEBUG

#define LOCK_N_HELD_MAX 32

static __thread struct {
	unsigned int n;
	unsigned char ranks[LOCK_N_HELD_MAX];
} lock_held __attribute__((tls_model("initial-exec")));

static bool lock_rank_is_allowed(unsigned char rank, unsigned char held)
{
	return rank > held || (rank == held && rank == LOCK_RANK_IOAS);
}

static void lock_order_push(unsigned char rank)
{
	unsigned int i;

	if (warn_on(lock_held.n == LOCK_N_HELD_MAX))
		return;
	for (i = 0; i < lock_held.n; i++)
		warn_on(!lock_rank_is_allowed(rank, lock_held.ranks[i]));
	lock_held.ranks[lock_held.n++] = rank;
}

/* Locks need not be released in the order in which they were taken. */
static void lock_order_pop(unsigned char rank)
{
	unsigned int i = lock_held.n;

	while (i && lock_held.ranks[i - 1] != rank)
		i--;
	if (warn_on(!i))
		return;
	lock_held.n--;
	memmove(&lock_held.ranks[i - 1], &lock_held.ranks[i],
		lock_held.n - (i - 1));
}

#else

static void lock_order_push(unsigned char rank)
{
	(void)rank;
}

static void lock_order_pop(unsigned char rank)
{
	(void)rank;
}

#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
	pthread_mutex_init(&lock->mutex, NULL);
	lock->rank = (unsigned char)rank;
	lock->is_held = false;
}

void lock_deinit(struct lock *lock)
{
	warn_on(lock->is_held);
	pthread_mutex_destroy(&lock->mutex);
}

/*
 * Owner and is_held are written by the holder and read, for an assertion, by
 * anybody: atomically, so that a failing assertion is not a race as well.
 */
lock_unchecked void lock_acquire(struct lock *lock)
{
	lock_order_push(lock->rank);
	pthread_mutex_lock(&lock->mutex);
	__atomic_store_n(&lock->owner, pthread_self(), __ATOMIC_RELAXED);
	__atomic_store_n(&lock->is_held, true, __ATOMIC_RELAXED);
}

lock_unchecked void lock_release(struct lock *lock)
{
	__atomic_store_n(&lock->is_held, false, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock->mutex);
	lock_order_pop(lock->rank);
}

void lock_assert_held(const struct lock *lock)
{
	warn_on(!__atomic_load_n(&lock->is_held, __ATOMIC_RELAXED) ||
		!pthread_equal(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED),
			       pthread_self()));
}
