/* SPDX-License-Identifier: BSD-3-Clause */
/* A device bound to a context. */
#ifndef IOMMUFD_DEVICE_H
#define IOMMUFD_DEVICE_H

#include "base/list.h"
#include "iommu/iommu.h"
#include "iommufd/object.h"

struct group;
struct iommufd_ctx;

/**
 * struct iommufd_device - a device bound to a context
 * @object: its ID; the framework that bound it has a reference, so a program
 *	cannot destroy it
 * @ctx: where it lives
 * @endpoint: its DMA
 * @group: those it cannot be isolated from
 * @entry: of group->devices
 * @is_attached: to the HWPT of its group
 *
 * The last three are guarded by the context's group_lock.
 */
struct iommufd_device {
	struct object object;
	struct iommufd_ctx *ctx;
	struct iommu_endpoint *endpoint;
	struct group *group;
	struct list_head entry;
	bool is_attached;
};

extern const struct object_ops device_ops;

/* Return: the device with a reference, or NULL. */
struct iommufd_device *device_get(struct iommufd_ctx *ctx, __u32 id);

#endif /* IOMMUFD_DEVICE_H */
