/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A paging HWPT: the object that user space holds for a domain.
 *
 * Made by HWPT_ALLOC it lives until DESTROY. Made by itself, when a device is
 * attached to an address space, it goes with the last device.
 */
#ifndef IOMMUFD_HWPT_H
#define IOMMUFD_HWPT_H

#include "base/list.h"
#include "iommu/iommu.h"
#include "iommufd/object.h"

struct ioas;
struct iommufd_ctx;

/**
 * struct hwpt - a domain on an address space
 * @object: its ID; each attached device has a reference
 * @ctx: where it lives
 * @ioas: what it translates; a reference
 * @domain: the translation
 * @entry: of ioas->hwpts, guarded by the address space's lock
 * @is_auto: made by an attach
 * @n_attached: devices attached; guarded by the context's group_lock
 */
struct hwpt {
	struct object object;
	struct iommufd_ctx *ctx;
	struct ioas *ioas;
	struct iommu_domain *domain;
	struct list_head entry;
	bool is_auto;
	unsigned int n_attached;
};

extern const struct object_ops hwpt_ops;

/**
 * hwpt_create() - put a domain on an address space
 * @endpoint: decides the kind of domain
 * @flags: IOMMU_HWPT_ALLOC_*
 *
 * All areas are pinned. The ID is reserved; publish the object, or abort and
 * destroy it.
 *
 * Return: the HWPT, or err_ptr(-EOPNOTSUPP, -EINVAL, -EADDRINUSE, -EFAULT,
 * -ENOMEM).
 */
struct hwpt *hwpt_create(struct iommufd_ctx *ctx, struct ioas *ioas,
			 struct iommu_endpoint *endpoint, __u32 flags);

/**
 * hwpt_next_auto() - walk the HWPTs that attaches made on an address space
 * @after: the one before, or NULL for the first
 *
 * They live while the context's group_lock is held: only an attach makes one
 * and only a detach destroys it.
 *
 * Context: group_lock held. Return: the next one, or NULL.
 */
struct hwpt *hwpt_next_auto(struct ioas *ioas, const struct hwpt *after);

#endif /* IOMMUFD_HWPT_H */
