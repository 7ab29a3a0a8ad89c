/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pinning: the way from a name of memory to an address that stays.
 *
 * A pin validates, charges and registers, in this order, and undoes what it
 * did when a later step fails. Unpinning cannot fail. Both cost the same for
 * any length.
 */
#include <pthread.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/overflow.h"
#include "base/trap.h"
#include "mm/internal.h"
#include "mm/memory.h"
#include "mm/vma.h"

static struct lock state_lock = LOCK_INITIALIZER(LOCK_RANK_MM);

struct mm_state mm_state = {
	.files = { &mm_state.files, &mm_state.files },
	.owners = { &mm_state.owners, &mm_state.owners },
	.held = { &mm_state.held, &mm_state.held },
	.lowest = UINTPTR_MAX,
};

void mm_lock(void) lock_unchecked
{
	lock_acquire(&state_lock);
}

void mm_unlock(void) lock_unchecked
{
	lock_release(&state_lock);
}

void mm_settle(void)
{
	mm_lock();
	mm_unlock();
}

static __u64 pages_spanned(__u64 start, __u64 len)
{
	__u64 last = start + len - 1;

	return (last >> MM_PAGE_LG2) - (start >> MM_PAGE_LG2) + 1;
}

/* mm_is_pinned() may look at the bounds at any time: grow them first. */
void bounds_grow_to(uintptr_t start, uintptr_t last)
{
	if (start < atomic_load(&mm_state.lowest))
		atomic_store(&mm_state.lowest, start);
	if (last > atomic_load(&mm_state.highest))
		atomic_store(&mm_state.highest, last);
}

static void bounds_shrink(void)
{
	if (mm_state.registry.n_extents)
		return;
	atomic_store(&mm_state.lowest, UINTPTR_MAX);
	atomic_store(&mm_state.highest, 0);
}

static int pin_process(__u64 start, __u64 len, bool is_writable)
{
	__u64 last;
	int err;

	if (range_last(start, len, &last))
		return -EFAULT;
	if (trap_meets(start, len))
		return -EFAULT;
	err = vma_check(start, last, is_writable);
	if (err)
		return err;
	bounds_grow_to(start, last);
	err = registry_pin(&mm_state.registry, start, last);
	if (err)
		bounds_shrink();
	return err;
}

static void unpin_process(uintptr_t address, __u64 len, struct list_head *ready)
{
	__u64 last = address + len - 1;

	registry_unpin(&mm_state.registry, address, last, keep_gone);
	if (!list_is_empty(&mm_state.held))
		keep_collect(address, last, ready);
	bounds_shrink();
}

int mm_pin(struct mm_memory *memory, __u64 offset, __u64 len, bool is_writable,
	   enum mm_account account, uintptr_t *address)
{
	__u64 n_pages = pages_spanned(offset, len);
	int err;

	if (fault_inject(FAULT_PIN))
		return -EFAULT;
	mm_lock();
	err = account_charge(&mm_state.account, account, n_pages);
	if (err)
		goto out_unlock;
	if (mm_memory_is_file(memory)) {
		err = memory_file_address(memory, offset, len, is_writable,
					  address);
	} else {
		err = pin_process(offset, len, is_writable);
		*address = offset;
	}
	if (err)
		account_uncharge(&mm_state.account, account, n_pages);
out_unlock:
	mm_unlock();
	return err;
}

void mm_unpin(struct mm_memory *memory, uintptr_t address, __u64 len,
	      enum mm_account account)
{
	struct list_head ready;

	list_init(&ready);
	mm_lock();
	account_uncharge(&mm_state.account, account,
			 pages_spanned(address, len));
	if (!mm_memory_is_file(memory))
		unpin_process(address, len, &ready);
	mm_unlock();
	keep_free(&ready);
}

bool mm_is_pinned(const void *start, size_t len)
{
	uintptr_t first = (uintptr_t)start;
	__u64 last;
	bool is_pinned;

	if (range_last(first, len, &last))
		last = UINTPTR_MAX;
	if (trap_meets(first, len))
		return true;
	/* It may be about to be; whoever moves it waits until that is clear. */
	if (!limbo_is_empty())
		return true;
	if (last < atomic_load(&mm_state.lowest) ||
	    first > atomic_load(&mm_state.highest))
		return false;
	mm_lock();
	is_pinned = registry_first(&mm_state.registry, first, last) != NULL;
	mm_unlock();
	return is_pinned;
}

void mm_owner_add(struct mm_owner *owner)
{
	mm_lock();
	owner->is_unsettled = false;
	list_add_tail(&owner->entry, &mm_state.owners);
	mm_unlock();
}

void mm_owner_remove(struct mm_owner *owner)
{
	mm_lock();
	list_remove(&owner->entry);
	owner_wait_settled_locked(owner);
	mm_unlock();
}

void mm_enforce_limit(void)
{
	mm_lock();
	mm_state.account.is_enforced = true;
	mm_unlock();
}

void mm_stats(struct mm_stats *stats)
{
	mm_lock();
	stats->pinned_pages = mm_state.account.total;
	stats->peak_pages = mm_state.account.peak;
	stats->n_extents = mm_state.registry.n_extents;
	stats->moved_bytes = mm_state.moved_bytes;
	stats->held_blocks = mm_state.n_held;
	mm_unlock();
}

void mm_fork_prepare(void)
{
	mm_lock();
}

void mm_fork_parent(void)
{
	mm_unlock();
}

void mm_fork_child(void)
{
	bool is_enforced = mm_state.account.is_enforced;

	/*
	 * The parent's objects are unreachable here: they are left alone, and
	 * everything starts empty. Held blocks stay allocated, as the memory
	 * that was moved aside stays mapped: nobody knows them any more.
	 */
	registry_clear(&mm_state.registry);
	mm_state.account = (struct account){ .is_enforced = is_enforced };
	list_init(&mm_state.files);
	list_init(&mm_state.owners);
	list_init(&mm_state.held);
	mm_state.moved_bytes = 0;
	mm_state.n_held = 0;
	bounds_shrink();
	vma_after_fork_child();
	limbo_after_fork_child();
	settle_after_fork_child();
	lock_after_fork_child(&state_lock);
}
