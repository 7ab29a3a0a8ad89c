/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutexes that know their owner and their place in the order.
 *
 * The order of locks, outer first; a thread that holds one may take only
 * those to its right:
 *
 *   machine < vfio device < iommufd group < ioas < iommu endpoint
 *           < mm move < mm < irq < leaf
 *
 * Debug builds know the owner and check the order at every lock_acquire().
 *
 * A lock is a word and not the C library's mutex, since every ioctl takes two
 * or three: a lock that nobody else wants costs one locked instruction to
 * take and one to give, where a pthread mutex costs seventy instructions. A
 * thread that has to wait sleeps in the kernel, as with a pthread mutex.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdatomic.h>
#include "base/compiler.h"

enum lock_rank {
	LOCK_RANK_MACHINE,
	LOCK_RANK_VFIO_DEVICE,
	LOCK_RANK_IOMMUFD_GROUP,
	LOCK_RANK_IOAS,
	LOCK_RANK_IOMMU_ENDPOINT,
	LOCK_RANK_MM_MOVE,
	LOCK_RANK_MM,
	LOCK_RANK_IRQ,
	LOCK_RANK_LEAF,
};

enum lock_state {
	LOCK_FREE,
	LOCK_HELD,
	LOCK_HELD_AND_WANTED, /* somebody sleeps, or is about to */
};

/**
 * struct lock - a mutex
 * @state: enum lock_state; the word that waiting threads sleep on
 * @rank: its place in the order
 * @owner: the thread that holds it, by the address of something of its own,
 *	or NULL. Debug builds only
 */
struct lock_capability lock {
	atomic_uint state;
	unsigned char rank;
#ifndef NDEBUG
	const void *_Atomic owner;
#endif
};

/* Not recursive. */
#define LOCK_INITIALIZER(lock_rank) \
	{                           \
		.rank = (lock_rank) \
	}

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_deinit(struct lock *lock);

/*
 * In the child of a fork the lock is free, whether this thread held it over
 * the fork or another one did, which is not here.
 */
void lock_after_fork_child(struct lock *lock);

/* Sleep until the lock is had. For lock_acquire() alone, as the next one. */
void lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

/* What debug builds do besides. */
#ifndef NDEBUG
void lock_check_order(const struct lock *lock);
void lock_note_acquired(struct lock *lock);
void lock_note_released(struct lock *lock);

/* The first line of a function that needs the lock. */
void lock_assert_held(const struct lock *lock);
#else
static always_inline void lock_check_order(const struct lock *lock)
{
	(void)lock;
}

static always_inline void lock_note_acquired(struct lock *lock)
{
	(void)lock;
}

static always_inline void lock_note_released(struct lock *lock)
{
	(void)lock;
}

static always_inline void lock_assert_held(const struct lock *lock)
{
	(void)lock;
}
#endif

static always_inline void lock_acquire(struct lock *lock) lock_acquires(*lock);
static always_inline void lock_release(struct lock *lock) lock_releases(*lock);

static always_inline lock_unchecked void lock_acquire(struct lock *lock)
{
	unsigned int free = LOCK_FREE;

	lock_check_order(lock);
	if (unlikely(!atomic_compare_exchange_strong_explicit(
		    &lock->state, &free, LOCK_HELD, memory_order_acquire,
		    memory_order_relaxed)))
		lock_wait(lock);
	lock_note_acquired(lock);
}

static always_inline lock_unchecked void lock_release(struct lock *lock)
{
	lock_note_released(lock);
	if (unlikely(atomic_exchange_explicit(&lock->state, LOCK_FREE,
					      memory_order_release) ==
		     LOCK_HELD_AND_WANTED))
		lock_wake(lock);
}

#endif /* BASE_LOCK_H */
