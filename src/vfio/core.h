/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device as its front doors (cdev.c) and its bus (pci.c) know it.
 *
 * closed: nobody has it; DMA is off.
 * open: one owner, whose DMA isolation is in place; the model runs.
 */
#ifndef VFIO_CORE_H
#define VFIO_CORE_H

#include "base/file.h"
#include "base/lock.h"
#include "vfio/device.h"

#define VFIO_NODE_PATH_LEN 48u

/**
 * struct vfio_bus_ops - what a bus adds
 *
 * All but @open and @close are called on an open device.
 *
 * @open: power the device on. 0 or -errno. Context: device lock held
 * @close: stop it for good; DMA of it is over when this returns. Context:
 *	device lock held, DMA still attached
 * @ioctl: commands that are not common to all buses
 * @feature: DEVICE_FEATURE @feature; @len bytes of payload at @data, which is
 *	a program's. Return: 0 or -errno, -ENOTTY when there is no such thing
 * @read: as file_ops.pread
 * @write: as file_ops.pwrite
 * @mmap: as file_ops.mmap
 */
struct vfio_bus_ops {
	int (*open)(struct vfio_device *device);
	void (*close)(struct vfio_device *device);
	long (*ioctl)(struct vfio_device *device, unsigned int cmd, void *arg);
	long (*feature)(struct vfio_device *device, __u32 flags, void *data,
			size_t len);
	ssize_t (*read)(struct vfio_device *device, void *buf, size_t count,
			off_t position);
	ssize_t (*write)(struct vfio_device *device, const void *buf,
			 size_t count, off_t position);
	void *(*mmap)(struct vfio_device *device, struct file *file,
		      const struct file_mmap *request);
};

/**
 * struct vfio_device - embedded first in a bus's device
 * @ops: the bus
 * @endpoint: its DMA identity
 * @lock: LOCK_RANK_VFIO_DEVICE; guards all below
 * @is_open: the model runs
 * @is_attached: DMA goes through an address space
 * @iommufd: the object of the context it is bound to, or NULL
 * @claim: exclusion between processes; its ops may be NULL
 * @node: the character device; @path is its path
 */
struct vfio_device {
	const struct vfio_bus_ops *ops;
	struct iommu_endpoint *endpoint;
	struct lock lock;
	bool is_open;
	bool is_attached;
	struct iommufd_device *iommufd;
	struct vfio_device_claim claim;
	struct file_node node;
	char path[VFIO_NODE_PATH_LEN];
};

void vfio_device_init(struct vfio_device *device,
		      const struct vfio_bus_ops *ops,
		      struct iommu_endpoint *endpoint);

/* A device that is still open is closed first: the end of the machine. */
void vfio_device_deinit(struct vfio_device *device);

/**
 * vfio_device_bind_locked() - isolate the device's DMA, then open it
 * @ctx: the context that owns it from now on
 * @id: its ID there
 *
 * Return: 0; -EINVAL when it is open already, here or in another process; or
 * what iommufd and the model say.
 */
int vfio_device_bind_locked(struct vfio_device *device, struct iommufd_ctx *ctx,
			    __u32 *id) lock_requires(device->lock);

/* Close, detach, unbind: in this order. Never fails. */
void vfio_device_unbind_locked(struct vfio_device *device)
	lock_requires(device->lock);

/**
 * vfio_device_attach_locked() - attach, or replace what is attached
 * @pasid: IOMMU_NO_PASID; or a PASID, which attaches only
 * @pt_id: IOAS or HWPT; becomes the HWPT
 */
int vfio_device_attach_locked(struct vfio_device *device, __u32 pasid,
			      __u32 *pt_id) lock_requires(device->lock);
void vfio_device_detach_locked(struct vfio_device *device, __u32 pasid)
	lock_requires(device->lock);

/* What every front door does with an open device's file. */
long vfio_device_ioctl(struct vfio_device *device, unsigned int cmd, void *arg);

/**
 * vfio_feature_check() - the rules that all features share
 * @flags: of the request
 * @ops: VFIO_DEVICE_FEATURE_GET and SET, as far as the feature has them
 * @len: bytes of payload that the program gave
 * @min_len: bytes that the feature needs
 *
 * Return: 1 to go on, 0 when a probe found it supported, or -EINVAL.
 */
int vfio_feature_check(__u32 flags, __u32 ops, size_t len, size_t min_len);

/* A program's address plus @offset: it may be anything, so no pointer sum. */
static inline void *user_at(const void *base, size_t offset)
{
	return (void *)((uintptr_t)base + offset);
}

/* cdev.c: describe the character device. */
void vfio_cdev_node_init(struct vfio_device *device);

#endif /* VFIO_CORE_H */
