/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeping memory that the program lets go of.
 *
 * Pinned pages of Linux outlive their mapping; ours are reached through it.
 * So when the program is about to unmap, map over, or discard pinned memory,
 * its pages move to another address first (mremap() with MREMAP_DONTUNMAP
 * leaves the old mapping in place, empty, so no other thread can take the
 * address in between), and the owners translate to the new one from then on.
 * When the program itself moves memory, devices follow to where it goes.
 *
 * A block of the heap that is freed while it is pinned is held back until its
 * last pin goes, because libc unmaps big blocks without passing us.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trap.h"
#include "base/uaccess.h"
#include "mm/internal.h"
#include "mm/memory.h"
#include "mm/vma.h"

/**
 * struct held_block - a block that the program freed
 * @entry: of mm_state.held
 * @block: its address, for free()
 * @last: its last byte
 */
struct held_block {
	struct list_head entry;
	void *block;
	uintptr_t last;
};

void keep_gone(__u64 start, __u64 last)
{
	size_t len = last - start + 1;

	mm_state.moved_bytes -= len;
	if (munmap((void *)start, len))
		log_line("cannot unmap %zu bytes that were moved aside: %m",
			 len);
}

static int owners_prepare(uintptr_t old, size_t len)
{
	struct mm_owner *owner;
	int err;

	list_for_each_entry(owner, &mm_state.owners, entry) {
		err = owner->prepare(owner, old, len);
		if (err)
			return err;
	}
	return registry_prepare(&mm_state.registry);
}

static void owners_moved(uintptr_t old, size_t len, uintptr_t now)
{
	struct mm_owner *owner;

	list_for_each_entry(owner, &mm_state.owners, entry) {
		owner->moved(owner, old, len, now);
		owner->is_unsettled = true;
	}
}

/**
 * struct leaving - what a call of the program is about to let go of
 * @start: first address, of a page
 * @last: last address, of a page
 */
struct leaving {
	uintptr_t start;
	uintptr_t last;
};

/* Where nothing can be moved the bytes are copied instead. */
static void *copy_aside(char *old, size_t len)
{
	char *now = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t at;

	if (now == MAP_FAILED)
		return MAP_FAILED;
	/* A page that cannot be read (past a file's end) stays zero. */
	for (at = 0; at < len; at += MM_PAGE_LEN)
		copy_may_fault(now + at, old + at, MM_PAGE_LEN);
	return now;
}

/*
 * The address of mremap() is a hint with MREMAP_DONTUNMAP, and the C library
 * hands on whatever is there: it must be given. Linux before 5.13 refuses the
 * flag for shared memory; a length of 0 maps that a second time.
 */
static void *remap_aside(char *old, size_t len, const struct vma *vma)
{
	void *now =
		mremap(old, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	if (now == MAP_FAILED && vma->flags & VMA_SHARED)
		now = mremap(old, 0, len, MREMAP_MAYMOVE, NULL);
	return now == MAP_FAILED ? copy_aside(old, len) : now;
}

/*
 * Linux may have placed the pages in a hole of the very range that goes. Room
 * that is longer than the range by @len has @len bytes outside of it.
 */
static void *move_outside(char *now, size_t len, const struct leaving *leaving)
{
	size_t range_len = leaving->last - leaving->start + 1;
	char *room = mmap(NULL, range_len + len, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *outside = room;
	void *moved;

	if (room == MAP_FAILED)
		return MAP_FAILED;
	if ((uintptr_t)room + len > leaving->start &&
	    (uintptr_t)room <= leaving->last)
		outside = room + range_len;
	moved = mremap(now, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, outside);
	if (moved == MAP_FAILED) {
		munmap(room, range_len + len);
		return MAP_FAILED;
	}
	if (outside == room)
		munmap(room + len, range_len);
	else
		munmap(room, range_len);
	return moved;
}

/* What mprotect() calls the protection of @vma. */
static int vma_prot(const struct vma *vma)
{
	return (vma->flags & VMA_READ ? PROT_READ : 0) |
	       (vma->flags & VMA_WRITE ? PROT_WRITE : 0) |
	       (vma->flags & VMA_EXEC ? PROT_EXEC : 0);
}

/*
 * Move private pages. Their old address must not show fresh ones to DMA while
 * they are on their way: it is closed, what meets it waits in mm_settle(), and
 * it is opened again (for madvise()) when everybody knows the new address.
 */
static void *remap_closed(char *old, size_t len, const struct vma *vma)
{
	void *now;

	if (vma->flags & VMA_SHARED || mprotect(old, len, PROT_NONE))
		return remap_aside(old, len, vma);
	now = mremap(old, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (now == MAP_FAILED) {
		mprotect(old, len, vma_prot(vma));
		return remap_aside(old, len, vma);
	}
	mprotect(now, len, vma_prot(vma));
	return now;
}

/* Move the pages of [start, end), which lie in @vma. */
static int move_aside(uintptr_t start, uintptr_t end, const struct vma *vma,
		      const struct leaving *leaving)
{
	size_t len = end - start;
	void *now;
	void *outside;
	int err;

	err = owners_prepare(start, len);
	if (err)
		return err;
	now = remap_closed((char *)start, len, vma);
	if (now == MAP_FAILED)
		return -ENOMEM;
	if ((uintptr_t)now >= leaving->start &&
	    (uintptr_t)now <= leaving->last) {
		outside = move_outside(now, len, leaving);
		if (outside == MAP_FAILED) /* back to where they were */
			outside = mremap(now, len, len,
					 MREMAP_MAYMOVE | MREMAP_FIXED,
					 (void *)start);
		if (outside == MAP_FAILED || outside == (void *)start)
			return -ENOMEM;
		now = outside;
	}
	registry_relocate(&mm_state.registry, start, end - 1, (uintptr_t)now,
			  true);
	mm_state.moved_bytes += len;
	mm_state.n_moved++;
	bounds_grow_to((uintptr_t)now, (uintptr_t)now + len - 1);
	owners_moved(start, len, (uintptr_t)now);
	if (!(vma->flags & VMA_SHARED))
		mprotect((void *)start, len, vma_prot(vma));
	return 0;
}

/*
 * Move what is pinned of the range, VMA by VMA, extent by extent. What is ours
 * (the program cannot mean it) or gone already, behind our back, is skipped.
 */
static int leave_pinned(const struct leaving *leaving)
{
	uintptr_t start = leaving->start;
	struct extent *extent;

	while (start <= leaving->last &&
	       (extent = registry_first(&mm_state.registry, start,
					leaving->last))) {
		uintptr_t from = extent->range.start;
		uintptr_t until = extent->range.last;
		struct vma vma;
		int err;

		from = align_down(from < start ? start : from, MM_PAGE_LEN);
		if (until > leaving->last)
			until = leaving->last;
		if (extent->is_aside || vma_find(from, &vma)) {
			start = extent->is_aside ? until + 1
						 : from + MM_PAGE_LEN;
			continue;
		}
		if (until >= vma.end)
			until = vma.end - 1;
		err = move_aside(from, align_up(until + 1, MM_PAGE_LEN), &vma,
				 leaving);
		if (err)
			return err;
	}
	return 0;
}

int mm_leaving(void *start, size_t len)
{
	struct leaving leaving = { .start = (uintptr_t)start };
	__u64 n_moved;
	__u64 last;
	int err;

	if (!len || range_last(leaving.start, len, &last) ||
	    last > UINTPTR_MAX - MM_PAGE_LEN ||
	    leaving.start & (MM_PAGE_LEN - 1))
		return 0; /* Linux refuses it, and nothing goes */
	leaving.last = last | (MM_PAGE_LEN - 1);
	trap_unmapped(leaving.start, leaving.last - leaving.start + 1);
	mover_begin();
	mm_lock();
	n_moved = mm_state.n_moved;
	err = leave_pinned(&leaving);
	n_moved = mm_state.n_moved - n_moved;
	mm_unlock();
	mover_end();
	/* DMA that looked up before may still be under way there. */
	if (n_moved)
		owners_settle();
	return err;
}

/* The bytes of the range that are pinned follow it to @now. */
static void follow(uintptr_t old, size_t len, uintptr_t now)
{
	registry_relocate(&mm_state.registry, old, old + len - 1, now, false);
	bounds_grow_to(now, now + len - 1);
	owners_moved(old, len, now);
}

/* What Linux refuses, or takes no page away for, moves nothing. */
static bool remap_takes(uintptr_t old, size_t old_len, size_t new_len)
{
	return !(old & (MM_PAGE_LEN - 1)) && old_len && new_len &&
	       old_len <= SIZE_MAX - MM_PAGE_LEN &&
	       new_len <= SIZE_MAX - MM_PAGE_LEN;
}

void *mm_remap(void *old, size_t old_len, size_t new_len, int flags,
	       void *new_address)
{
	uintptr_t from = (uintptr_t)old;
	size_t kept;
	void *now;
	int err;

	if (!remap_takes(from, old_len, new_len)) {
		now = mremap(old, old_len, new_len, flags, new_address);
		return now == MAP_FAILED ? err_ptr(-errno) : now;
	}
	old_len = align_up(old_len, MM_PAGE_LEN);
	new_len = align_up(new_len, MM_PAGE_LEN);
	kept = old_len < new_len ? old_len : new_len;
	if (old_len > kept) {
		err = mm_leaving((char *)old + kept, old_len - kept);
		if (err)
			return err_ptr(err);
	}
	if (flags & MREMAP_FIXED && mm_is_pinned(new_address, new_len)) {
		err = mm_leaving(new_address, new_len);
		if (err)
			return err_ptr(err);
	}
	mover_begin();
	mm_lock();
	err = owners_prepare(from, kept);
	if (err) {
		now = err_ptr(err);
		goto out_unlock;
	}
	now = mremap(old, old_len, new_len, flags, new_address);
	if (now == MAP_FAILED)
		now = err_ptr(-errno);
	else if (now != old)
		follow(from, kept, (uintptr_t)now);
out_unlock:
	mm_unlock();
	mover_end();
	if (!is_err(now) && now != old)
		owners_settle();
	return now;
}

bool mm_hold_block(void *block, size_t len)
{
	uintptr_t last = (uintptr_t)block + len - 1;
	struct held_block *held;
	bool is_held = false;

	mm_lock();
	if (!registry_first(&mm_state.registry, (uintptr_t)block, last))
		goto out_unlock;
	is_held = true;
	mm_state.n_held++;
	held = mem_alloc(sizeof(*held));
	/* Never freed then: better than a crash. */
	if (!held)
		goto out_unlock;
	held->block = block;
	held->last = last;
	list_add_tail(&held->entry, &mm_state.held);
out_unlock:
	mm_unlock();
	return is_held;
}

void keep_collect(__u64 start, __u64 last, struct list_head *ready)
{
	struct held_block *held;
	struct held_block *after;

	list_for_each_entry_safe(held, after, &mm_state.held, entry) {
		uintptr_t first = (uintptr_t)held->block;

		if (last < first || start > held->last)
			continue;
		if (registry_first(&mm_state.registry, first, held->last))
			continue;
		list_remove(&held->entry);
		list_add_tail(&held->entry, ready);
		mm_state.n_held--;
	}
}

void keep_free(struct list_head *ready)
{
	struct held_block *held;
	struct held_block *after;

	list_for_each_entry_safe(held, after, ready, entry) {
		free(held->block);
		mem_free(held);
	}
}
