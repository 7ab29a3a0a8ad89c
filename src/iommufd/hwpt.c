/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paging HWPTs: made, destroyed, and HWPT_ALLOC.
 *
 * A domain that joins an address space may raise its alignment, reserves what
 * its unit cannot translate, and has all areas pinned, in this order; what
 * fails undoes what was done.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "base/err.h"
#include "base/mem.h"
#include "iommufd/command.h"
#include "iommufd/device.h"
#include "iommufd/hwpt.h"
#include "iommufd/ioas.h"
#include "iommufd/reserved.h"

static inline struct hwpt *to_hwpt(struct object *object)
{
	return container_of(object, struct hwpt, object);
}

/* What lies outside the aperture can be mapped by nobody on the IOAS. */
static int hwpt_reserve_outside(struct hwpt *hwpt,
				const struct iommu_geometry *geometry)
{
	struct ioas *ioas = hwpt->ioas;
	int rc = 0;

	if (geometry->aperture_start)
		rc = reserved_add_locked(ioas, 0, geometry->aperture_start - 1,
					 hwpt);
	if (!rc && geometry->aperture_last != ~(iova_t)0)
		rc = reserved_add_locked(ioas, geometry->aperture_last + 1,
					 ~(iova_t)0, hwpt);
	if (rc)
		reserved_remove_locked(ioas, hwpt);
	return rc;
}

static int hwpt_join_locked(struct hwpt *hwpt)
{
	const struct iommu_geometry *geometry =
		iommu_domain_geometry(hwpt->domain);
	struct ioas *ioas = hwpt->ioas;
	int rc;

	lock_assert_held(&ioas->lock);
	if ((geometry->pgsizes & -geometry->pgsizes) > MM_PAGE_LEN)
		return -EINVAL;
	rc = ioas_set_alignment_locked(ioas, geometry->pgsizes);
	if (rc)
		return rc;
	rc = hwpt_reserve_outside(hwpt, geometry);
	if (rc)
		goto err_alignment;
	rc = ioas_start_pinning_locked(ioas);
	if (rc)
		goto err_unreserve;
	list_add_tail(&hwpt->entry, &ioas->hwpts);
	return 0;

err_unreserve:
	reserved_remove_locked(ioas, hwpt);
err_alignment:
	ioas_set_alignment_locked(ioas, 0);
	return rc;
}

static void hwpt_leave_locked(struct hwpt *hwpt)
{
	struct ioas *ioas = hwpt->ioas;

	lock_assert_held(&ioas->lock);
	list_remove(&hwpt->entry);
	ioas_stop_pinning_locked(ioas);
	reserved_remove_locked(ioas, hwpt);
	ioas_set_alignment_locked(ioas, 0);
}

struct hwpt *hwpt_create(struct iommufd_ctx *ctx, struct ioas *ioas,
			 struct iommu_endpoint *endpoint, __u32 flags)
{
	struct hwpt *hwpt = mem_alloc(sizeof(*hwpt));
	int rc;

	if (!hwpt)
		return err_ptr(-ENOMEM);
	rc = object_reserve(&ctx->objects, &hwpt->object, &hwpt_ops);
	if (rc)
		goto err_free;
	hwpt->ctx = ctx;
	hwpt->ioas = ioas;
	hwpt->domain = iommu_domain_alloc(endpoint, ioas->space, flags);
	if (is_err(hwpt->domain)) {
		rc = ptr_err(hwpt->domain);
		goto err_abort;
	}
	lock_acquire(&ioas->lock);
	rc = hwpt_join_locked(hwpt);
	lock_release(&ioas->lock);
	if (rc)
		goto err_domain;
	object_ref(&ioas->object);
	return hwpt;

err_domain:
	iommu_domain_free(hwpt->domain);
err_abort:
	object_abort(&ctx->objects, &hwpt->object);
err_free:
	mem_free(hwpt);
	return err_ptr(rc);
}

static void hwpt_destroy(struct object *object)
{
	struct hwpt *hwpt = to_hwpt(object);
	struct ioas *ioas = hwpt->ioas;

	lock_acquire(&ioas->lock);
	hwpt_leave_locked(hwpt);
	lock_release(&ioas->lock);
	iommu_domain_free(hwpt->domain);
	object_put(&ioas->object);
	mem_free(hwpt);
}

const struct object_ops hwpt_ops = {
	.name = "hwpt",
	.destroy = hwpt_destroy,
};

struct hwpt *hwpt_next_auto(struct ioas *ioas, const struct hwpt *after)
{
	bool is_passed = !after;
	struct hwpt *found = NULL;
	struct hwpt *hwpt;

	lock_acquire(&ioas->lock);
	list_for_each_entry(hwpt, &ioas->hwpts, entry) {
		if (is_passed && hwpt->is_auto) {
			found = hwpt;
			break;
		}
		if (hwpt == after)
			is_passed = true;
	}
	lock_release(&ioas->lock);
	return found;
}

/* A table on an address space. */
static int hwpt_alloc_paging(struct command *command,
			     struct iommufd_device *device, struct ioas *ioas)
{
	struct iommu_hwpt_alloc *args = command->args;
	const __u32 known = IOMMU_HWPT_ALLOC_NEST_PARENT |
			    IOMMU_HWPT_ALLOC_DIRTY_TRACKING |
			    IOMMU_HWPT_FAULT_ID_VALID | IOMMU_HWPT_ALLOC_PASID;
	struct hwpt *hwpt;

	/* No unit here has tables that are described by the program. */
	if (args->flags & ~known || args->data_len)
		return -EOPNOTSUPP;
	if (args->flags & IOMMU_HWPT_ALLOC_NEST_PARENT &&
	    args->flags & IOMMU_HWPT_FAULT_ID_VALID)
		return -EOPNOTSUPP;
	hwpt = hwpt_create(command->ctx, ioas, device->endpoint,
			   args->flags & ~(__u32)IOMMU_HWPT_FAULT_ID_VALID);
	if (is_err(hwpt))
		return ptr_err(hwpt);
	command->new_object = &hwpt->object;
	/* Looked for last, and there are no fault queues to be found. */
	if (args->flags & IOMMU_HWPT_FAULT_ID_VALID)
		return -ENOENT;
	args->out_hwpt_id = hwpt->object.id;
	return command_reply(command, sizeof(*args));
}

static int hwpt_alloc_on(struct command *command, struct iommufd_device *device)
{
	const struct iommu_hwpt_alloc *args = command->args;
	struct object *pt =
		object_get(&command->ctx->objects, args->pt_id, NULL);
	int rc;

	if (!pt)
		return -EINVAL;
	if (pt->ops == &ioas_ops)
		rc = hwpt_alloc_paging(command, device,
				       container_of(pt, struct ioas, object));
	else if (pt->ops == &hwpt_ops)
		rc = -EOPNOTSUPP; /* no unit here nests */
	else
		rc = -EINVAL;
	object_put(pt);
	return rc;
}

int hwpt_alloc_ioctl(struct command *command)
{
	const struct iommu_hwpt_alloc *args = command->args;
	struct iommufd_device *device;
	int rc;

	if (args->__reserved)
		return -EOPNOTSUPP;
	if (!args->data_type != !args->data_len)
		return -EINVAL;
	device = device_get(command->ctx, args->dev_id);
	if (!device)
		return -ENOENT;
	rc = hwpt_alloc_on(command, device);
	object_put(&device->object);
	return rc;
}
