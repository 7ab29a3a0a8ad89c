/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens to the process as a whole: its memory, its forks, its end. The
 * front ends know the machine only; this hands on to the floors below.
 */
#include <errno.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/fork.h"
#include "base/overflow.h"
#include "base/rcu.h"
#include "base/trap.h"
#include "iommu/iommu.h"
#include "machine/machine.h"
#include "mm/mm.h"
#include "observe/observe.h"
#include "vfio/device.h"

bool machine_memory_is_mapped(const void *start, size_t len)
{
	return mm_is_pinned(start, len);
}

int machine_memory_leaving(void *start, size_t len)
{
	return mm_leaving(start, len);
}

/* Registers cannot be discarded: Linux refuses it for pages of a device. */
int machine_memory_discarding(void *start, size_t len)
{
	return trap_meets((uintptr_t)start, len) ? -EINVAL
						 : mm_leaving(start, len);
}

int machine_memory_protect(void *start, size_t len, int prot)
{
	if (mprotect(start, len, prot))
		return -errno;
	return trap_protected((uintptr_t)start, align_up(len, MM_PAGE_LEN),
			      prot);
}

/* Pages of a device do not grow; of what stays in place, the rest goes. */
static void *bar_remap(void *old, size_t old_len, size_t new_len, int flags)
{
	size_t kept = align_up(new_len, MM_PAGE_LEN);
	int err;

	if (!new_len || flags & ~MREMAP_MAYMOVE)
		return err_ptr(-EINVAL);
	if (new_len > old_len)
		return err_ptr(-EFAULT);
	if (kept < old_len) {
		err = mm_leaving((char *)old + kept, old_len - kept);
		if (err)
			return err_ptr(err);
	}
	old = mremap(old, old_len, new_len, flags);
	return old == MAP_FAILED ? err_ptr(-errno) : old;
}

void *machine_memory_remap(void *old, size_t old_len, size_t new_len, int flags,
			   void *new_address)
{
	if (trap_meets((uintptr_t)old, old_len))
		return bar_remap(old, old_len, new_len, flags);
	return mm_remap(old, old_len, new_len, flags, new_address);
}

bool machine_memory_hold(void *block, size_t len)
{
	return mm_hold_block(block, len);
}

void machine_memlock_limit_set(void)
{
	mm_enforce_limit();
}

void machine_kvm_opened(void)
{
	vfio_offer_no_trapping_mmap();
}

void machine_fork_prepare(void)
{
	mm_fork_prepare();
	base_fork_prepare();
}

void machine_fork_parent(void)
{
	base_fork_parent();
	mm_fork_parent();
}

void machine_fork_child(void)
{
	base_fork_child();
	mm_fork_child();
	rcu_after_fork_child();
	trap_after_fork_child();
	iommu_after_fork_child();
	observe_fork_child();
}

__u64 machine_n_dma_errors(void)
{
	return observe_n_dma_errors();
}

void machine_finish_reports(void)
{
	observe_finish();
}
