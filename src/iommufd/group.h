/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A group as a context sees it: the devices of it that are bound here, and
 * the one HWPT that they can only have together.
 *
 * The first device that is attached brings the whole group along, the last
 * one that is detached takes it away. Those between add and remove what they
 * reserve.
 */
#ifndef IOMMUFD_GROUP_H
#define IOMMUFD_GROUP_H

#include "base/list.h"

struct hwpt;
struct iommu_group;
struct iommufd_ctx;
struct iommufd_device;

/**
 * struct group - a group with a device bound to a context
 * @entry: of ctx->groups
 * @iommu: the group itself
 * @devices: bound here, by struct iommufd_device's entry
 * @hwpt: what the group is attached to, or NULL
 * @n_attached: devices attached to it
 *
 * All guarded by the context's group_lock.
 */
struct group {
	struct list_head entry;
	struct iommu_group *iommu;
	struct list_head devices;
	struct hwpt *hwpt;
	unsigned int n_attached;
};

/* Return: the group in the context, or NULL. */
struct group *group_find_locked(const struct iommufd_ctx *ctx,
				const struct iommu_group *iommu);

/**
 * group_join_locked() - a device is bound
 * Its DMA goes where that of the group goes. Return: 0, -ENOMEM, -EINVAL.
 */
int group_join_locked(struct iommufd_device *device);

/* It is bound no more; not attached. */
void group_leave_locked(struct iommufd_device *device);

/**
 * group_attach_locked() - attach a device
 *
 * Return: 0, -EBUSY (it is attached), -EINVAL (its group is elsewhere, or the
 * HWPT is of another kind of unit), -EADDRINUSE, -ENOMEM.
 */
int group_attach_locked(struct iommufd_device *device, struct hwpt *hwpt);

/**
 * group_replace_locked() - move the whole group to another HWPT
 *
 * The device is attached. Return: 0, -EINVAL, -EADDRINUSE, -ENOMEM; the old
 * HWPT stays then.
 */
int group_replace_locked(struct iommufd_device *device, struct hwpt *hwpt);

/* The device is attached. */
void group_detach_locked(struct iommufd_device *device);

#endif /* IOMMUFD_GROUP_H */
