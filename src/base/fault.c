/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The countdown of fault points, a thread's own, and the names of the guards.
 */
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"

__thread unsigned int fault_countdown;
static __thread bool fault_is_hit;

enum guard guard_off = GUARD_N;

static const char *const guard_names[] = {
	[GUARD_UNMAP_WAITS] = "unmap-waits",
	[GUARD_IOTLB_INVALIDATE] = "iotlb-invalidate",
	[GUARD_DETACH_WAITS] = "detach-waits",
	[GUARD_UNMAP_WAITS_HOLDER] = "unmap-waits-holder",
	[GUARD_BIND_FIRST] = "bind-first",
	[GUARD_BUS_MASTER] = "bus-master",
	[GUARD_MEMORY_ENABLE] = "memory-enable",
	[GUARD_BIND_EXCLUSIVE] = "bind-exclusive",
	[GUARD_GROUP_OWNER] = "group-owner",
	[GUARD_ATTACH_ROLLBACK] = "attach-rollback",
	[GUARD_DMA_PERMISSION] = "dma-permission",
	[GUARD_DMA_BOUNDS] = "dma-bounds",
	[GUARD_COPY_FAULT] = "copy-fault",
	[GUARD_RESERVED_IOVA] = "reserved-iova",
	[GUARD_STRUCT_TAIL] = "struct-tail",
};

_Static_assert(array_len(guard_names) == GUARD_N, "every guard has a name");

bool fault_hit(enum fault_point point)
{
	(void)point;
	if (--fault_countdown)
		return false;
	fault_is_hit = true;
	return true;
}

void fault_arm(unsigned int nth)
{
	fault_countdown = nth;
	fault_is_hit = false;
}

bool fault_was_hit(void)
{
	return fault_is_hit;
}

const char *guard_name(enum guard guard)
{
	return (unsigned int)guard < GUARD_N ? guard_names[guard] : NULL;
}

#if defined(IOMMUFD_USER_MUTATE)
__attribute__((constructor)) static void guard_read_environment(void)
{
	const char *name = getenv("IOMMUFD_USER_MUTATE");
	unsigned int i;

	for (i = 0; name && i < GUARD_N; i++) {
		if (!strcmp(name, guard_names[i]))
			guard_off = (enum guard)i;
	}
}
#endif
