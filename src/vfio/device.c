/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core of a VFIO device: who has it, and what all buses share.
 *
 * The order of a bind is the order of isolation: exclusion of other processes,
 * then the context (which blocks the DMA of the group), then the model is
 * started. Unbinding goes the other way, so a model never runs with DMA that
 * nobody owns.
 */
#include <errno.h>
#include <stdio.h>
#include <linux/vfio.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/uaccess.h"
#include "vfio/core.h"

void vfio_device_init(struct vfio_device *device,
		      const struct vfio_bus_ops *ops,
		      struct iommu_endpoint *endpoint)
{
	device->ops = ops;
	device->endpoint = endpoint;
	lock_init(&device->lock, LOCK_RANK_VFIO_DEVICE);
	vfio_cdev_node_init(device);
	vfio_device_set_index(device, 0, 0);
}

void vfio_device_deinit(struct vfio_device *device)
{
	lock_acquire(&device->lock);
	vfio_device_unbind_locked(device);
	lock_release(&device->lock);
	lock_deinit(&device->lock);
}

const char *vfio_device_name(const struct vfio_device *device)
{
	return iommu_endpoint_name(device->endpoint);
}

void vfio_device_set_index(struct vfio_device *device, unsigned int index,
			   dev_t rdev)
{
	snprintf(device->path, sizeof(device->path), "/dev/vfio/devices/vfio%u",
		 index);
	device->node.path = device->path;
	device->node.rdev = rdev;
}

struct file_node *vfio_device_node(struct vfio_device *device)
{
	return &device->node;
}

void vfio_device_set_claim(struct vfio_device *device,
			   const struct vfio_device_claim *claim)
{
	device->claim = *claim;
}

static int device_claim(struct vfio_device *device)
{
	if (!device->claim.take || !device->claim.take(device->claim.arg))
		return 0;
	return -EINVAL;
}

static void device_unclaim(struct vfio_device *device)
{
	if (device->claim.drop)
		device->claim.drop(device->claim.arg);
}

int vfio_device_bind_locked(struct vfio_device *device, struct iommufd_ctx *ctx,
			    __u32 *id)
{
	struct iommufd_device *iommufd;
	int err;

	lock_assert_held(&device->lock);
	if (guard_holds(GUARD_BIND_EXCLUSIVE) && device->is_open)
		return -EINVAL;
	err = device_claim(device);
	if (err)
		return err;
	iommufd = iommufd_device_bind(ctx, device->endpoint, id);
	if (is_err(iommufd)) {
		err = ptr_err(iommufd);
		goto err_unclaim;
	}
	err = device->ops->open(device);
	if (err)
		goto err_unbind;
	device->iommufd = iommufd;
	device->is_open = true;
	return 0;

err_unbind:
	iommufd_device_unbind(iommufd);
err_unclaim:
	device_unclaim(device);
	return err;
}

void vfio_device_unbind_locked(struct vfio_device *device)
{
	lock_assert_held(&device->lock);
	if (!device->is_open)
		return; /* the machine ended first */
	device->ops->close(device);
	vfio_device_detach_locked(device, IOMMU_NO_PASID);
	iommufd_device_unbind(device->iommufd);
	device->iommufd = NULL;
	device->is_open = false;
	device_unclaim(device);
}

int vfio_device_attach_locked(struct vfio_device *device, __u32 pasid,
			      __u32 *pt_id)
{
	int err;

	lock_assert_held(&device->lock);
	if (pasid == IOMMU_NO_PASID && device->is_attached)
		return iommufd_device_replace(device->iommufd, pasid, pt_id);
	err = iommufd_device_attach(device->iommufd, pasid, pt_id);
	if (!err)
		device->is_attached = true;
	return err;
}

/* PASID 0 is the device itself; none of the others is ever attached. */
void vfio_device_detach_locked(struct vfio_device *device, __u32 pasid)
{
	lock_assert_held(&device->lock);
	if (!device->is_attached || (pasid && pasid != IOMMU_NO_PASID))
		return;
	iommufd_device_detach(device->iommufd, IOMMU_NO_PASID);
	device->is_attached = false;
}

/* ---- DEVICE_FEATURE --------------------------------------------------- */

int vfio_feature_check(__u32 flags, __u32 ops, size_t len, size_t min_len)
{
	const __u32 both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;

	if (flags & both & ~ops)
		return -EINVAL;
	if (flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (!(flags & both) || len < min_len)
		return -EINVAL;
	return 1;
}

static long device_feature_ioctl(struct vfio_device *device, void *arg)
{
	const __u32 both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	const __u32 known = VFIO_DEVICE_FEATURE_MASK | both |
			    VFIO_DEVICE_FEATURE_PROBE;
	struct vfio_device_feature feature;

	if (copy_from_user(&feature, arg, sizeof(feature)))
		return -EFAULT;
	if (feature.argsz < sizeof(feature) || feature.flags & ~known)
		return -EINVAL;
	if ((feature.flags & both) == both &&
	    !(feature.flags & VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	return device->ops->feature(device, feature.flags,
				    user_at(arg, sizeof(feature)),
				    feature.argsz - sizeof(feature));
}

long vfio_device_ioctl(struct vfio_device *device, unsigned int cmd, void *arg)
{
	if (cmd == VFIO_DEVICE_FEATURE)
		return device_feature_ioctl(device, arg);
	return device->ops->ioctl(device, cmd, arg);
}

/* ---- DMA of models ---------------------------------------------------- */

int vfio_dma_read(struct vfio_device *device, iova_t iova, void *buf,
		  size_t len)
{
	return iommu_dma_read(device->endpoint, IOMMU_NO_PASID, iova, buf, len);
}

int vfio_dma_write(struct vfio_device *device, iova_t iova, const void *buf,
		   size_t len)
{
	return iommu_dma_write(device->endpoint, IOMMU_NO_PASID, iova, buf,
			       len);
}

int vfio_dma_map(struct vfio_device *device, iova_t iova, size_t len,
		 bool is_write, struct iommu_dma_piece *piece)
{
	return iommu_dma_map(device->endpoint, IOMMU_NO_PASID, iova, len,
			     is_write ? IOMMU_WRITE : IOMMU_READ, piece);
}

void vfio_dma_unmap(struct iommu_dma_piece *piece)
{
	iommu_dma_unmap(piece);
}

void vfio_dma_burst_begin(void)
{
	iommu_dma_burst_begin();
}

void vfio_dma_burst_end(void)
{
	iommu_dma_burst_end();
}
