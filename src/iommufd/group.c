/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups: attach, replace, detach.
 *
 * Each step that changes something has its undo, and only iommu's refusal of
 * a domain, memory and address conflicts can fail; all these come before the
 * first change that other devices would notice.
 */
#include <errno.h>
#include "base/log.h"
#include "base/mem.h"
#include "iommufd/context.h"
#include "iommufd/device.h"
#include "iommufd/group.h"
#include "iommufd/hwpt.h"
#include "iommufd/ioas.h"
#include "iommufd/reserved.h"

/* Regions that one device may have. */
#define GROUP_REGIONS_MAX 32u

struct group *group_find_locked(const struct iommufd_ctx *ctx,
				const struct iommu_group *iommu)
{
	struct group *group;

	list_for_each_entry(group, &ctx->groups, entry)
		if (group->iommu == iommu)
			return group;
	return NULL;
}

static struct group *group_create(struct iommufd_ctx *ctx,
				  struct iommu_group *iommu)
{
	struct group *group = mem_alloc(sizeof(*group));

	if (!group)
		return NULL;
	group->iommu = iommu;
	list_init(&group->devices);
	list_add_tail(&group->entry, &ctx->groups);
	return group;
}

static void group_destroy_if_empty(struct group *group)
{
	if (!list_is_empty(&group->devices))
		return;
	list_remove(&group->entry);
	mem_free(group);
}

int group_join_locked(struct iommufd_device *device)
{
	struct iommufd_ctx *ctx = device->ctx;
	struct iommu_group *iommu = iommu_endpoint_group(device->endpoint);
	struct group *group;
	int rc = 0;

	lock_assert_held(&ctx->group_lock);
	group = group_find_locked(ctx, iommu);
	if (!group)
		group = group_create(ctx, iommu);
	if (!group)
		return -ENOMEM;
	if (group->hwpt)
		rc = iommu_endpoint_set_domain(device->endpoint,
					       group->hwpt->domain);
	if (rc) {
		group_destroy_if_empty(group);
		return rc;
	}
	device->group = group;
	list_add_tail(&device->entry, &group->devices);
	return 0;
}

void group_leave_locked(struct iommufd_device *device)
{
	struct group *group = device->group;

	lock_assert_held(&device->ctx->group_lock);
	iommu_endpoint_set_domain(device->endpoint, NULL);
	list_remove(&device->entry);
	group_destroy_if_empty(group);
}

/* Keep a device's ranges free of areas in an address space. */
static int group_reserve(struct iommufd_device *device, struct ioas *ioas)
{
	struct iommu_resv_region regions[GROUP_REGIONS_MAX];
	unsigned int n;
	unsigned int i;
	int rc = 0;

	n = iommu_endpoint_resv_regions(device->endpoint, regions,
					GROUP_REGIONS_MAX);
	if (warn_on(n > GROUP_REGIONS_MAX))
		return -EINVAL;
	lock_acquire(&ioas->lock);
	for (i = 0; i < n && !rc; i++)
		if (regions[i].kind != IOMMU_RESV_DIRECT_RELAXABLE)
			rc = reserved_add_locked(ioas, regions[i].start,
						 regions[i].last, device);
	if (rc)
		reserved_remove_locked(ioas, device);
	lock_release(&ioas->lock);
	return rc;
}

static void group_unreserve(struct iommufd_device *device, struct ioas *ioas)
{
	lock_acquire(&ioas->lock);
	reserved_remove_locked(ioas, device);
	lock_release(&ioas->lock);
}

static struct iommu_domain *hwpt_domain(const struct hwpt *hwpt)
{
	return hwpt ? hwpt->domain : NULL;
}

/* Move the DMA of every device of the group, or of none. */
static int group_set_hwpt(struct group *group, struct hwpt *hwpt)
{
	struct iommufd_device *failed;
	struct iommufd_device *device;
	int rc;

	list_for_each_entry(failed, &group->devices, entry) {
		rc = iommu_endpoint_set_domain(failed->endpoint,
					       hwpt_domain(hwpt));
		if (rc)
			goto err_back;
	}
	group->hwpt = hwpt;
	return 0;

err_back:
	list_for_each_entry(device, &group->devices, entry) {
		if (device == failed)
			break;
		iommu_endpoint_set_domain(device->endpoint,
					  hwpt_domain(group->hwpt));
	}
	return rc;
}

/* An HWPT that an attach made has no use without devices. */
static void group_put_hwpt(struct hwpt *hwpt, unsigned int n)
{
	hwpt->n_attached -= n;
	if (hwpt->n_attached || !hwpt->is_auto) {
		while (n--)
			object_put(&hwpt->object);
		return;
	}
	object_remove(&hwpt->ctx->objects, &hwpt->object, n);
	hwpt->object.ops->destroy(&hwpt->object);
}

static void group_get_hwpt(struct hwpt *hwpt, unsigned int n)
{
	hwpt->n_attached += n;
	while (n--)
		object_ref(&hwpt->object);
}

int group_attach_locked(struct iommufd_device *device, struct hwpt *hwpt)
{
	struct group *group = device->group;
	int rc;

	lock_assert_held(&device->ctx->group_lock);
	if (device->is_attached)
		return -EBUSY;
	if (group->hwpt && group->hwpt != hwpt)
		return -EINVAL;
	rc = group_reserve(device, hwpt->ioas);
	if (rc)
		return rc;
	if (!group->hwpt) {
		rc = group_set_hwpt(group, hwpt);
		if (rc)
			goto err_unreserve;
	}
	device->is_attached = true;
	group->n_attached++;
	group_get_hwpt(hwpt, 1);
	return 0;

err_unreserve:
	group_unreserve(device, hwpt->ioas);
	return rc;
}

/* Remove what the attached devices of the group before @end reserve. */
static void group_unreserve_all(struct group *group, struct ioas *ioas,
				const struct iommufd_device *end)
{
	struct iommufd_device *device;

	list_for_each_entry(device, &group->devices, entry) {
		if (device == end)
			return;
		if (device->is_attached)
			group_unreserve(device, ioas);
	}
}

static int group_reserve_all(struct group *group, struct ioas *ioas)
{
	struct iommufd_device *device;
	int rc;

	list_for_each_entry(device, &group->devices, entry) {
		rc = device->is_attached ? group_reserve(device, ioas) : 0;
		if (rc) {
			group_unreserve_all(group, ioas, device);
			return rc;
		}
	}
	return 0;
}

int group_replace_locked(struct iommufd_device *device, struct hwpt *hwpt)
{
	struct group *group = device->group;
	struct hwpt *old = group->hwpt;
	bool is_same_ioas = old->ioas == hwpt->ioas;
	int rc;

	lock_assert_held(&device->ctx->group_lock);
	if (old == hwpt)
		return 0;
	if (!is_same_ioas) {
		rc = group_reserve_all(group, hwpt->ioas);
		if (rc)
			return rc;
	}
	rc = group_set_hwpt(group, hwpt);
	if (rc)
		goto err_unreserve;
	if (!is_same_ioas)
		group_unreserve_all(group, old->ioas, NULL);
	group_get_hwpt(hwpt, group->n_attached);
	group_put_hwpt(old, group->n_attached);
	return 0;

err_unreserve:
	if (!is_same_ioas)
		group_unreserve_all(group, hwpt->ioas, NULL);
	return rc;
}

void group_detach_locked(struct iommufd_device *device)
{
	struct group *group = device->group;
	struct hwpt *hwpt = group->hwpt;

	lock_assert_held(&device->ctx->group_lock);
	device->is_attached = false;
	if (!--group->n_attached)
		group_set_hwpt(group, NULL);
	group_unreserve(device, hwpt->ioas);
	group_put_hwpt(hwpt, 1);
}
