/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address ranges in which a load or a store is an event: pages of a BAR that
 * is mapped into the program. The fault handler of the front end finds the
 * range here, and either lets the range open its page (a doorbell that was
 * armed) or decodes the instruction and performs it by the range's callbacks.
 */
#ifndef BASE_TRAP_H
#define BASE_TRAP_H

#include "base/compiler.h"

struct trap_range;

/**
 * struct trap_ops - what happens at a page
 *
 * Context: a SIGSEGV handler on the thread that made the access, at a load or
 * store of the program itself, so no lock of ours is held by this thread.
 *
 * @open: make the page accessible and return true, and the access is made
 *	again by the CPU; or return false, and it is emulated. May be NULL
 * @load: @width is 1, 2, 4 or 8
 * @store: likewise
 * @permits: did the program ask for a mapping that gives this access? If not
 *	the fault is its own. May be NULL: always
 * @unmapped: the program unmapped, or mapped over, [start, start + len) of the
 *	range. Context: not a signal handler
 * @protected: the program set the protection @prot of [start, start + len),
 *	which may reach beyond the range; what must trap is to trap again. May
 *	be NULL. 0 or -errno. Context: not a signal handler
 */
struct trap_ops {
	bool (*open)(struct trap_range *range, __u64 offset, bool is_store);
	__u64 (*load)(struct trap_range *range, __u64 offset,
		      unsigned int width);
	void (*store)(struct trap_range *range, __u64 offset,
		      unsigned int width, __u64 value);
	bool (*permits)(struct trap_range *range, bool is_store);
	void (*unmapped)(struct trap_range *range, uintptr_t start, size_t len);
	int (*protected)(struct trap_range *range, uintptr_t start, size_t len,
			 int prot);
};

/**
 * struct trap_range - one mapping of one region
 * @start: first address
 * @len: bytes
 * @ops: what happens
 * @priv: the owner's
 * @offset: offset in the region of @start, for the owner
 * @name: what a report calls the region
 */
struct trap_range {
	uintptr_t start;
	size_t len;
	const struct trap_ops *ops;
	void *priv;
	__u64 offset;
	const char *name;
};

/* The range must stay valid until trap_remove() returned. 0 or -ENOMEM. */
int trap_add(struct trap_range *range);

/*
 * When it returns, no handler uses the range. Not called from a handler; may
 * be called by an unmapped op. The caller holds no lock that an op takes.
 */
void trap_remove(struct trap_range *range);

/**
 * trap_begin() - find the range of a fault and keep it
 * @address: the faulting address
 *
 * Return: the range, in use until trap_end(); or NULL (no trap_end() then).
 * Context: a signal handler; takes no lock.
 */
struct trap_range *trap_begin(uintptr_t address);
void trap_end(void);

/* Does [start, start + len) meet a range? Such memory is never pinned. */
bool trap_meets(uintptr_t start, size_t len);

/* In the child of a fork: the ranges are the parent's; forget them. */
void trap_after_fork_child(void);

/* Tell every range that meets [start, start + len) by its unmapped op. */
void trap_unmapped(uintptr_t start, size_t len);

/* Likewise by its protected op. Return: 0, or the first error. */
int trap_protected(uintptr_t start, size_t len, int prot);

#endif /* BASE_TRAP_H */
