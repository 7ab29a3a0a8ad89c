/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose memory it is.
 *
 * Memory that a program maps for DMA is named by a memory (this process, or a
 * file) and an offset in it (for this process, the address). Until something
 * translates, a mapping is only a name. Pinning makes it real: the range is
 * validated, charged, and from then on kept: when the program unmaps or
 * discards it, the pages are moved aside first and whoever translates to the
 * old address is told the new one.
 *
 * The registry holds, for the whole process, how often each byte is pinned.
 *
 * Lock: everything here is guarded by one lock of rank LOCK_RANK_MM that is
 * taken inside. Owners' callbacks run under it, and under another one of rank
 * LOCK_RANK_MM_MOVE, which mm_limbo_enter() may wait for.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include "base/compiler.h"
#include "base/list.h"

#define MM_PAGE_LG2 12u
#define MM_PAGE_LEN (1u << MM_PAGE_LG2)

struct mm_memory;

/* The memory of this process; offsets are addresses. Never freed. */
struct mm_memory *mm_process(void);

/**
 * mm_file_get() - the memory of a memfd, a tmpfs or hugetlbfs file
 * @fd: the program's descriptor; not kept
 *
 * The same file gives the same object, mapped once, however often it is got.
 * Whether it is of a kind that can be pinned is looked at by mm_pin().
 *
 * Return: a memory with one reference, or err_ptr(-EBADF, -ENOMEM, ...).
 */
struct mm_memory *mm_file_get(int fd);

/* For mm_process() it does nothing. */
void mm_memory_put(struct mm_memory *memory);

bool mm_memory_is_file(const struct mm_memory *memory);

/* Who is charged: as the kernel's two modes of accounting. */
enum mm_account {
	MM_ACCOUNT_USER,
	MM_ACCOUNT_PROCESS,
};

/**
 * mm_pin() - make a range usable for DMA
 * @memory: whose
 * @offset: first byte, any alignment
 * @len: bytes, at least 1; the range does not wrap
 * @is_writable: devices will write it
 * @account: who is charged: whole pages, each pin anew
 * @address: the address in this process of the first byte
 *
 * For this process: every VMA of the range exists, permits the access and is
 * no device mapping, else -EFAULT. For a file: it is shmem or hugetlbfs and
 * long enough (else -EINVAL), and was opened for writing if @is_writable
 * (else -EFAULT). The cost does not depend on @len, only on the number of
 * VMAs.
 *
 * A fault point (FAULT_PIN, FAULT_CHARGE). Return: 0, -EFAULT, -EINVAL, or
 * -ENOMEM (the limit, when it is enforced).
 */
int mm_pin(struct mm_memory *memory, __u64 offset, __u64 len, bool is_writable,
	   enum mm_account account, uintptr_t *address);

/**
 * mm_unpin() - undo one mm_pin()
 * @address: where the range is now: what mm_pin() gave, or what the last
 *	moved callback said
 *
 * Pages that were moved aside and held blocks are freed with their last pin.
 * Never fails.
 */
void mm_unpin(struct mm_memory *memory, uintptr_t address, __u64 len,
	      enum mm_account account);

/**
 * struct mm_owner - somebody who keeps addresses of pinned memory
 * @moved: [old, old + len) is now at @now. Every kept address in the old
 *	range is to be changed; a range of the owner that is cut by the bounds
 *	is split. Called before the old memory goes: when it returns, no new
 *	DMA uses the old address; DMA in flight may. It must not fail: what it
 *	needs it allocated when @prepare said so.
 * @prepare: reserve what @moved will need for this range. 0 or -ENOMEM.
 * @settled: may be NULL. Wait for asynchronous DMA that looked up before the
 *	last @moved, and so may use the old address yet. Read sections that
 *	were open then are over. Context: no lock of the owner, nor that of mm;
 *	one call at a time; after mm_owner_remove() returned none is under way
 * @is_unsettled: moved, and not settled since; of mm
 * @is_settling: @settled runs; of mm
 *
 * Context of the others: under the mm lock; may take no lock of a lower rank.
 * See iommu/iommu.h (space) for the one implementation.
 */
struct mm_owner {
	struct list_head entry;
	int (*prepare)(struct mm_owner *owner, uintptr_t old, size_t len);
	void (*moved)(struct mm_owner *owner, uintptr_t old, size_t len,
		      uintptr_t now);
	void (*settled)(struct mm_owner *owner);
	bool is_unsettled;
	bool is_settling;
};

/**
 * mm_limbo_enter() - no memory moves until mm_limbo_exit()
 *
 * Around all that lies between mm_pin() and the moment from which the owner's
 * ops see the address, and between the moment from which they do not and
 * mm_unpin(): memory that moved in between would not be followed.
 *
 * Context: not nested. No lock of rank LOCK_RANK_MM_MOVE or above is held.
 * What is done inside must not wait for a thread that may let go of memory.
 */
void mm_limbo_enter(void);
void mm_limbo_exit(void);

void mm_owner_add(struct mm_owner *owner);

/* No asynchronous DMA of the owner is in flight, or it is about to end. */
void mm_owner_remove(struct mm_owner *owner);

/* What the front end calls; see struct shim_core for each. */
bool mm_is_pinned(const void *start, size_t len);
int mm_leaving(void *start, size_t len);
void *mm_remap(void *old, size_t old_len, size_t new_len, int flags,
	       void *new_address);
bool mm_hold_block(void *block, size_t len);

/**
 * mm_settle() - wait until no memory is on its way
 *
 * After a copy that fell short: pages may just be moving. When it returns the
 * owners know the new address. Inside a read section it is fine.
 */
void mm_settle(void);

/* Enforce RLIMIT_MEMLOCK from now on, as the kernel does. Default: count. */
void mm_enforce_limit(void);

/**
 * struct mm_stats - what is pinned now
 * @pinned_pages: pages by all pins, shared ones counted each time
 * @peak_pages: highest value so far
 * @n_extents: ranges in the registry
 * @moved_bytes: bytes moved aside and alive
 * @held_blocks: freed blocks held back
 */
struct mm_stats {
	__u64 pinned_pages;
	__u64 peak_pages;
	__u64 n_extents;
	__u64 moved_bytes;
	__u64 held_blocks;
};

void mm_stats(struct mm_stats *stats);

/* Around fork: the child has no pins. */
void mm_fork_prepare(void);
void mm_fork_parent(void);
void mm_fork_child(void);

#endif /* MM_MM_H */
