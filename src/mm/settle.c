/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for those who may use an address that memory had before it moved.
 *
 * When a call that lets go of memory returns, the program, or another of its
 * threads, may put something else there. So before it returns, DMA that knows
 * the old address is over: copies run in read sections, and owners know of
 * asynchronous DMA. That lasts as long as its I/O does, and nobody who waits
 * for it here holds a lock that it could need.
 */
#include <sched.h>
#include "base/lock.h"
#include "base/rcu.h"
#include "mm/internal.h"
#include "mm/mm.h"

/*
 * One settles at a time, for all who moved before it began: who comes next and
 * finds nothing unsettled has nothing to wait for. Never held together with
 * the mover's lock, whose rank it shares.
 */
static struct lock settle_lock = LOCK_INITIALIZER(LOCK_RANK_MM_MOVE);

/* Return: an owner that is settling now, or NULL. */
static struct mm_owner *owners_next_unsettled(void)
{
	struct mm_owner *found = NULL;
	struct mm_owner *owner;

	mm_lock();
	list_for_each_entry(owner, &mm_state.owners, entry) {
		if (!owner->is_unsettled)
			continue;
		owner->is_unsettled = false;
		if (!owner->settled)
			continue;
		owner->is_settling = true;
		found = owner;
		break;
	}
	mm_unlock();
	return found;
}

void owners_settle(void)
{
	struct mm_owner *owner;

	rcu_synchronize();
	lock_acquire(&settle_lock);
	while ((owner = owners_next_unsettled())) {
		/* Another's move may have come since. */
		rcu_synchronize();
		owner->settled(owner);
		mm_lock();
		owner->is_settling = false;
		mm_unlock();
	}
	lock_release(&settle_lock);
}

void owner_wait_settled_locked(struct mm_owner *owner)
{
	while (owner->is_settling) {
		mm_unlock();
		sched_yield();
		mm_lock();
	}
}

void settle_after_fork_child(void)
{
	lock_after_fork_child(&settle_lock);
}
