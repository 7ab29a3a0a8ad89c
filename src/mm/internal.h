/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of mm, shared by its files. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include <stdatomic.h>
#include "base/list.h"
#include "mm/account.h"
#include "mm/registry.h"

/**
 * struct mm_state - one a process
 * @registry: pinned extents of this process
 * @account: charges
 * @files: struct mm_memory of files
 * @owners: struct mm_owner
 * @held: struct held_block, freed by the program but still pinned
 * @moved_bytes: memory of ours that was moved aside
 * @n_moved: how often memory was moved aside
 * @n_held: entries of @held
 * @lowest, @highest: bounds of everything pinned since the registry was last
 *	empty, for the look without the lock; lowest > highest when empty
 */
struct mm_state {
	struct registry registry;
	struct account account;
	struct list_head files;
	struct list_head owners;
	struct list_head held;
	__u64 moved_bytes;
	__u64 n_moved;
	__u64 n_held;
	_Atomic uintptr_t lowest;
	_Atomic uintptr_t highest;
};

extern struct mm_state mm_state;

void mm_lock(void);
void mm_unlock(void);

/* The bounds cover [start, last] from now on. */
void bounds_grow_to(uintptr_t start, uintptr_t last);

/* Return: true when nobody is between a pin and its owner. */
bool limbo_is_empty(void);

/*
 * Around a move, the mm lock included: nobody is in limbo, and nobody gets
 * there.
 */
void mover_begin(void);
void mover_end(void);

void limbo_after_fork_child(void);

/* All DMA that may use addresses from before a move is over. No lock held. */
void owners_settle(void);

/* Context: the mm lock, which is dropped for the wait. */
void owner_wait_settled_locked(struct mm_owner *owner);

void settle_after_fork_child(void);

/* Unmap memory that was moved aside and has lost its last pin. */
void keep_gone(__u64 start, __u64 last);

/**
 * keep_collect() - the held blocks that nothing pins any more
 * @ready: they are moved there; to be freed without the lock
 */
void keep_collect(__u64 start, __u64 last, struct list_head *ready);
void keep_free(struct list_head *ready);

#endif /* MM_INTERNAL_H */
