/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices: bound to a context and attached to what they may reach.
 *
 * Bound, not attached: the endpoint has no domain and all its DMA is refused.
 * Objects named by pt_id are looked up with the group lock held, so nobody
 * waits for that lock with a reference that a detach has to wait for.
 */
#include <errno.h>
#include <fcntl.h>
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "iommufd/context.h"
#include "iommufd/device.h"
#include "iommufd/framework.h"
#include "iommufd/group.h"
#include "iommufd/hwpt.h"
#include "iommufd/ioas.h"
#include "iommufd/main.h"

/* Regions looked at for a direct one. */
#define DEVICE_REGIONS_MAX 32u

static inline struct iommufd_device *to_device(struct object *object)
{
	return container_of(object, struct iommufd_device, object);
}

struct iommufd_device *device_get(struct iommufd_ctx *ctx, __u32 id)
{
	struct object *object = object_get(&ctx->objects, id, &device_ops);

	return object ? to_device(object) : NULL;
}

static void device_destroy(struct object *object)
{
	mem_free(to_device(object));
}

const struct object_ops device_ops = {
	.name = "device",
	.destroy = device_destroy,
};

struct iommufd_ctx *iommufd_ctx_from_fd(int fd, struct file **file)
{
	struct file *found = file_from_fd(fd);
	struct iommufd_ctx *ctx;

	if (!found)
		return err_ptr(fcntl(fd, F_GETFD) < 0 ? -EBADF : -EBADFD);
	ctx = iommufd_ctx_from_file(found);
	if (!ctx) {
		file_put(found);
		return err_ptr(-EBADFD);
	}
	*file = found;
	return ctx;
}

/*
 * Memory that the firmware wants reachable at its own address at all times
 * rules out the blocked state that a bound device starts in.
 */
static bool device_needs_direct(const struct iommu_endpoint *endpoint)
{
	struct iommu_resv_region regions[DEVICE_REGIONS_MAX];
	unsigned int n;
	unsigned int i;

	n = iommu_endpoint_resv_regions(endpoint, regions, DEVICE_REGIONS_MAX);
	for (i = 0; i < n; i++)
		if (regions[i].kind == IOMMU_RESV_DIRECT)
			return true;
	return false;
}

static int device_join_group(struct iommufd_device *device)
{
	struct iommu_group *group = iommu_endpoint_group(device->endpoint);
	int rc;

	rc = iommu_group_claim(group, device->ctx);
	if (rc)
		return rc;
	rc = -EINVAL;
	if (device_needs_direct(device->endpoint))
		goto err_unclaim;
	lock_acquire(&device->ctx->group_lock);
	rc = group_join_locked(device);
	lock_release(&device->ctx->group_lock);
	if (rc)
		goto err_unclaim;
	return 0;

err_unclaim:
	iommu_group_unclaim(group, device->ctx);
	return rc;
}

struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ctx,
					   struct iommu_endpoint *endpoint,
					   __u32 *id)
{
	struct iommufd_device *device = mem_alloc(sizeof(*device));
	int rc;

	if (!device)
		return err_ptr(-ENOMEM);
	device->ctx = ctx;
	device->endpoint = endpoint;
	rc = object_reserve(&ctx->objects, &device->object, &device_ops);
	if (rc)
		goto err_free;
	rc = device_join_group(device);
	if (rc)
		goto err_abort;
	file_get(ctx->file);
	/* The framework's reference. */
	object_ref(&device->object);
	*id = device->object.id;
	object_publish(&ctx->objects, &device->object);
	return device;

err_abort:
	object_abort(&ctx->objects, &device->object);
err_free:
	mem_free(device);
	return err_ptr(rc);
}

void iommufd_device_unbind(struct iommufd_device *device)
{
	struct iommu_group *group = iommu_endpoint_group(device->endpoint);
	struct iommufd_ctx *ctx = device->ctx;

	iommufd_device_detach(device, IOMMU_NO_PASID);
	object_remove(&ctx->objects, &device->object, 1);
	lock_acquire(&ctx->group_lock);
	group_leave_locked(device);
	lock_release(&ctx->group_lock);
	iommu_group_unclaim(group, ctx);
	device_destroy(&device->object);
	file_put(ctx->file);
}

/* How a device gets onto an HWPT: attach or replace. */
typedef int (*device_move_fn)(struct iommufd_device *device, struct hwpt *hwpt);

/* The first HWPT that an attach made there and that the device can use. */
static int device_move_to_existing(struct iommufd_device *device,
				   struct ioas *ioas, device_move_fn move,
				   __u32 *pt_id)
{
	struct hwpt *after = NULL;
	struct hwpt *hwpt;
	int rc = -EINVAL;

	while (rc == -EINVAL) {
		hwpt = hwpt_next_auto(ioas, after);
		if (!hwpt)
			return -EINVAL;
		after = hwpt;
		*pt_id = hwpt->object.id;
		rc = move(device, hwpt);
	}
	return rc;
}

/* A new HWPT for the device. */
static int device_move_to_new(struct iommufd_device *device, struct ioas *ioas,
			      device_move_fn move, __u32 *pt_id)
{
	struct object_table *objects = &device->ctx->objects;
	struct hwpt *hwpt;
	int rc;

	hwpt = hwpt_create(device->ctx, ioas, device->endpoint, 0);
	if (is_err(hwpt))
		return ptr_err(hwpt);
	hwpt->is_auto = true;
	rc = move(device, hwpt);
	if (rc) {
		object_abort(objects, &hwpt->object);
		hwpt->object.ops->destroy(&hwpt->object);
		return rc;
	}
	*pt_id = hwpt->object.id;
	object_publish(objects, &hwpt->object);
	return 0;
}

static int device_move_to_ioas(struct iommufd_device *device, struct ioas *ioas,
			       device_move_fn move, __u32 *pt_id)
{
	int rc = device_move_to_existing(device, ioas, move, pt_id);

	return rc == -EINVAL ? device_move_to_new(device, ioas, move, pt_id)
			     : rc;
}

/* Attach or replace, whatever the ID names. */
static int device_move_locked(struct iommufd_device *device,
			      device_move_fn move, __u32 *pt_id)
{
	struct object *pt = object_get(&device->ctx->objects, *pt_id, NULL);
	__u32 id = *pt_id;
	int rc = -EINVAL;

	if (!pt)
		return -ENOENT;
	if (pt->ops == &hwpt_ops)
		rc = move(device, container_of(pt, struct hwpt, object));
	else if (pt->ops == &ioas_ops)
		rc = device_move_to_ioas(device,
					 container_of(pt, struct ioas, object),
					 move, &id);
	if (!rc)
		*pt_id = id;
	object_put(pt);
	return rc;
}

/*
 * A PASID needs a table that was made for PASIDs, and the one of an address
 * space never is. No unit here makes any.
 */
static int device_refuse_pasid(struct iommufd_device *device, __u32 pt_id)
{
	struct object *pt = object_get(&device->ctx->objects, pt_id, NULL);

	if (!pt)
		return -ENOENT;
	object_put(pt);
	return -EINVAL;
}

static int device_move(struct iommufd_device *device, __u32 pasid,
		       device_move_fn move, __u32 *pt_id)
{
	int rc;

	/* PASID 0 is the device itself. */
	if (pasid != IOMMU_NO_PASID && pasid)
		return device_refuse_pasid(device, *pt_id);
	lock_acquire(&device->ctx->group_lock);
	rc = device_move_locked(device, move, pt_id);
	lock_release(&device->ctx->group_lock);
	return rc;
}

int iommufd_device_attach(struct iommufd_device *device, __u32 pasid,
			  __u32 *pt_id)
{
	return device_move(device, pasid, group_attach_locked, pt_id);
}

static int device_replace_locked(struct iommufd_device *device,
				 struct hwpt *hwpt)
{
	if (!device->is_attached)
		return -EINVAL;
	return group_replace_locked(device, hwpt);
}

int iommufd_device_replace(struct iommufd_device *device, __u32 pasid,
			   __u32 *pt_id)
{
	return device_move(device, pasid, device_replace_locked, pt_id);
}

void iommufd_device_detach(struct iommufd_device *device, __u32 pasid)
{
	if (pasid != IOMMU_NO_PASID && pasid)
		return;
	lock_acquire(&device->ctx->group_lock);
	if (device->is_attached)
		group_detach_locked(device);
	lock_release(&device->ctx->group_lock);
}

struct iommufd_ctx *iommufd_device_ctx(const struct iommufd_device *device)
{
	return device->ctx;
}

__u32 iommufd_ctx_device_id(struct iommufd_ctx *ctx,
			    const struct iommu_endpoint *endpoint)
{
	struct iommufd_device *device;
	struct group *group;
	__u32 id = 0;

	lock_acquire(&ctx->group_lock);
	group = group_find_locked(ctx, iommu_endpoint_group(endpoint));
	if (group)
		list_for_each_entry(device, &group->devices, entry)
			if (device->endpoint == endpoint)
				id = device->object.id;
	lock_release(&ctx->group_lock);
	return id;
}

bool iommufd_ctx_owns_group(const struct iommufd_ctx *ctx,
			    const struct iommu_group *group)
{
	/* The lock is no part of what the caller must not change. */
	struct lock *lock = (struct lock *)(uintptr_t)&ctx->group_lock;
	bool is_owner;

	lock_acquire(lock);
	is_owner = group_find_locked(ctx, group);
	lock_release(lock);
	return is_owner;
}
