/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limbo: the time between a pin and the moment its owner's ops can see who
 * has the address, and the same on the way out.
 *
 * A mover tells owners the new address of what they keep. What is pinned but
 * not yet kept, or not kept any more but not yet unpinned, it would miss. So
 * whoever pins or unpins is in limbo for that time, and a move begins when
 * nobody is, and keeps everybody out until it is over.
 *
 * Entering is one locked instruction while nothing moves. Of a mover that
 * misses somebody in limbo, and somebody who misses the mover, at most one
 * can happen: both write their own word before they read the other's.
 */
#include <sched.h>
#include "base/lock.h"
#include "mm/internal.h"
#include "mm/mm.h"

/* One mover at a time; who finds one waits for it here. */
static struct lock mover_lock = LOCK_INITIALIZER(LOCK_RANK_MM_MOVE);
static atomic_bool is_moving;
static atomic_uint n_in_limbo;

void mm_limbo_enter(void)
{
	for (;;) {
		atomic_fetch_add(&n_in_limbo, 1);
		if (likely(!atomic_load(&is_moving)))
			return;
		mm_limbo_exit();
		lock_acquire(&mover_lock);
		lock_release(&mover_lock);
	}
}

void mm_limbo_exit(void)
{
	atomic_fetch_sub(&n_in_limbo, 1);
}

bool limbo_is_empty(void)
{
	return !atomic_load(&n_in_limbo);
}

lock_unchecked void mover_begin(void)
{
	lock_acquire(&mover_lock);
	atomic_store(&is_moving, true);
	/* They wait for nothing that takes long, and for no mover. */
	while (!limbo_is_empty())
		sched_yield();
}

lock_unchecked void mover_end(void)
{
	atomic_store(&is_moving, false);
	lock_release(&mover_lock);
}

void limbo_after_fork_child(void)
{
	atomic_store(&is_moving, false);
	atomic_store(&n_in_limbo, 0);
	lock_after_fork_child(&mover_lock);
}
