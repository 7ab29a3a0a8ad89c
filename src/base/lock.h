/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutexes that know their owner and their place in the order.
 *
 * The order of locks, outer first; a thread that holds one may take only
 * those to its right:
 *
 *   machine < vfio device < iommufd context < iommufd group < ioas
 *           < iommu endpoint < mm < irq < leaf
 *
 * Debug builds check the order at every lock_acquire().
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include "base/compiler.h"

enum lock_rank {
	LOCK_RANK_MACHINE,
	LOCK_RANK_VFIO_DEVICE,
	LOCK_RANK_IOMMUFD_CTX,
	LOCK_RANK_IOMMUFD_GROUP,
	LOCK_RANK_IOAS,
	LOCK_RANK_IOMMU_ENDPOINT,
	LOCK_RANK_MM,
	LOCK_RANK_IRQ,
	LOCK_RANK_LEAF,
};

/**
 * struct lock - a mutex
 * @mutex: the lock itself; not recursive
 * @owner: the thread that holds it, for lock_assert_held() only
 * @rank: its place in the order
 */
struct lock_capability lock {
	pthread_mutex_t mutex;
	pthread_t owner;
	unsigned char rank;
	bool is_held;
};

#define LOCK_INITIALIZER(lock_rank)                                     \
	{                                                               \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (lock_rank) \
	}

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_deinit(struct lock *lock);
void lock_acquire(struct lock *lock) lock_acquires(*lock);
void lock_release(struct lock *lock) lock_releases(*lock);

/* The first line of a function that needs the lock. */
void lock_assert_held(const struct lock *lock);

#endif /* BASE_LOCK_H */
