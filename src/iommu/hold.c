/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counts of holders: a futex word each.
 *
 * The top bit says that somebody waits; the holder that goes last then wakes
 * all of them. The bit stays until the count is used for a new hold: a wake
 * too many is harmless. The waker touches no memory of the count after its
 * decrement but its address, so the waiter may free it.
 */
#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "iommu/hold.h"

#define HOLD_IS_WAITED_FOR (1u << 31)

void hold_get(_Atomic __u32 *holders)
{
	atomic_fetch_add(holders, 1);
}

void hold_put(_Atomic __u32 *holders)
{
	if (atomic_fetch_sub(holders, 1) == (HOLD_IS_WAITED_FOR | 1))
		syscall(SYS_futex, holders, FUTEX_WAKE | FUTEX_PRIVATE_FLAG,
			INT_MAX, NULL, NULL, 0);
}

void hold_wait(_Atomic __u32 *holders)
{
	__u32 seen = atomic_load(holders);

	while (seen & ~HOLD_IS_WAITED_FOR) {
		if (!(seen & HOLD_IS_WAITED_FOR) &&
		    !atomic_compare_exchange_strong(holders, &seen,
						    seen | HOLD_IS_WAITED_FOR))
			continue;
		syscall(SYS_futex, holders, FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
			seen | HOLD_IS_WAITED_FOR, NULL, NULL, 0);
		seen = atomic_load(holders);
	}
	atomic_fetch_and(holders, ~HOLD_IS_WAITED_FOR);
}
