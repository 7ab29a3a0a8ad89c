/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups: who owns the DMA of the endpoints that cannot be told apart.
 */
#include <errno.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "iommu/iommu.h"

struct iommu_group *iommu_group_create(__u32 id)
{
	struct iommu_group *group = mem_alloc(sizeof(*group));

	if (!group)
		return NULL;
	group->id = id;
	lock_init(&group->lock, LOCK_RANK_IOMMU_ENDPOINT);
	list_init(&group->endpoints);
	return group;
}

void iommu_group_destroy(struct iommu_group *group)
{
	if (!group)
		return;
	warn_on(group->owner);
	warn_on(!list_is_empty(&group->endpoints));
	lock_deinit(&group->lock);
	mem_free(group);
}

int iommu_group_claim(struct iommu_group *group, const void *owner)
{
	int err = 0;

	lock_acquire(&group->lock);
	if (guard_holds(GUARD_GROUP_OWNER) && group->owner &&
	    group->owner != owner) {
		err = -EPERM;
		goto out_unlock;
	}
	group->owner = owner;
	group->n_owned++;
out_unlock:
	lock_release(&group->lock);
	return err;
}

void iommu_group_unclaim(struct iommu_group *group, const void *owner)
{
	lock_acquire(&group->lock);
	warn_on(guard_holds(GUARD_GROUP_OWNER) && group->owner != owner);
	if (!warn_on(!group->n_owned) && !--group->n_owned)
		group->owner = NULL;
	lock_release(&group->lock);
}
