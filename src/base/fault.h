/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Faults on purpose.
 *
 * Fault points: every step that can fail for want of a resource asks
 * fault_inject() first. A sweep fails the 1st, 2nd, ... nth such step of a
 * thread until a run passes untouched.
 *
 * Guards: every check that an invariant of this project hangs on is written
 * guard_holds(GUARD_x) && check. tools/mutate switches one guard off and
 * sees the test of that invariant fail. In a release build a guard is true.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/compiler.h"

enum fault_point {
	FAULT_ALLOC, /* heap */
	FAULT_ID, /* an object ID */
	FAULT_PIN, /* memory validated for DMA */
	FAULT_CHARGE, /* locked memory accounted */
	FAULT_FD, /* a file descriptor */
	FAULT_USER_COPY, /* copy from or to a program's memory */
	FAULT_THREAD, /* a thread of a model */
	FAULT_N_POINTS,
};

/* The number of fault points left until one fails; 0 means none will. */
extern __thread unsigned int fault_countdown
	__attribute__((tls_model("initial-exec")));

bool fault_hit(enum fault_point point);

/* Return: true when this step is to fail. Costs one load when unused. */
static inline bool fault_inject(enum fault_point point)
{
	return unlikely(fault_countdown) && fault_hit(point);
}

/**
 * fault_arm() - fail the nth fault point that this thread passes from now on
 * @nth: 1 is the next one; 0 disarms
 */
void fault_arm(unsigned int nth);

/* Return: true when the armed fault was hit since fault_arm(). */
bool fault_was_hit(void);

enum guard {
	GUARD_UNMAP_WAITS, /* 1: unmap waits for DMA in flight */
	GUARD_IOTLB_INVALIDATE, /* 1: unmap invalidates cached translations */
	GUARD_DETACH_WAITS, /* 1: detach waits for DMA in flight */
	GUARD_UNMAP_WAITS_HOLDER, /* 1: unmap waits for asynchronous DMA */
	GUARD_BIND_FIRST, /* 2: nothing works before bind */
	GUARD_BUS_MASTER, /* 2: no DMA before bus master is set */
	GUARD_MEMORY_ENABLE, /* 2: no MMIO before memory space is enabled */
	GUARD_BIND_EXCLUSIVE, /* 3: one bind a device */
	GUARD_GROUP_OWNER, /* 3: a group belongs to one owner */
	GUARD_ATTACH_ROLLBACK, /* 4: a failed attach changes nothing */
	GUARD_DMA_PERMISSION, /* 5: no write to a read-only mapping */
	GUARD_DMA_BOUNDS, /* 5: no byte beyond the mapping */
	GUARD_COPY_FAULT, /* 5: memory that is gone does not crash us */
	GUARD_RESERVED_IOVA, /* 6: no mapping in a reserved range */
	GUARD_STRUCT_TAIL, /* 6: unknown trailing bytes must be zero */
	GUARD_N,
};

/* The guard that is switched off, or GUARD_N. Set once, at the start. */
extern enum guard guard_off;

#if defined(IOMMUFD_USER_MUTATE)
static inline bool guard_holds(enum guard guard)
{
	return likely(guard_off != guard);
}
#else
static inline bool guard_holds(enum guard guard)
{
	(void)guard;
	return true;
}
#endif

/* Return: the name that tools/mutate knows the guard by, or NULL. */
const char *guard_name(enum guard guard);

#endif /* BASE_FAULT_H */
