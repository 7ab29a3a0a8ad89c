/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommufd, as the device-passthrough frameworks see it: bind and unbind,
 * attach and detach. The shape is that of the kernel's in-kernel API.
 */
#ifndef IOMMUFD_FRAMEWORK_H
#define IOMMUFD_FRAMEWORK_H

#include "base/file.h"
#include "iommu/iommu.h"

struct iommufd_ctx;
struct iommufd_device;

/**
 * iommufd_node_init() - describe /dev/iommu
 * @node: filled in; valid as long as it is open anywhere
 * @rdev: device number that stat() shows
 */
void iommufd_node_init(struct file_node *node, dev_t rdev);

/**
 * iommufd_ctx_from_fd() - the context behind a descriptor
 * @fd: a program's number
 * @file: takes a reference on its file; the caller puts it
 *
 * Return: the context, err_ptr(-EBADF) when not open, err_ptr(-EBADFD) when
 * it is no iommufd.
 */
struct iommufd_ctx *iommufd_ctx_from_fd(int fd, struct file **file);

/**
 * iommufd_device_bind() - make a device an object of a context
 * @ctx: holds a reference on its file until unbind
 * @endpoint: the device's DMA identity
 * @id: the object's ID
 *
 * The group is claimed for the context; its DMA is blocked until attach.
 *
 * Return: the object, or err_ptr(-EPERM: the group is owned by another;
 * -ENOMEM; -EINVAL: a direct reserved region).
 */
struct iommufd_device *iommufd_device_bind(struct iommufd_ctx *ctx,
					   struct iommu_endpoint *endpoint,
					   __u32 *id);

/* Detached before. Never fails. */
void iommufd_device_unbind(struct iommufd_device *device);

/**
 * iommufd_device_attach() - connect a device to an address space
 * @pasid: IOMMU_NO_PASID or 0; another PASID gives -EINVAL, since no table is
 *	made for PASIDs
 * @pt_id: IOAS or HWPT; on success the HWPT
 *
 * Attached already: -EBUSY. Errors as the kernel's.
 */
int iommufd_device_attach(struct iommufd_device *device, __u32 pasid,
			  __u32 *pt_id);

/* As attach; needs an attachment (-EINVAL) and never leaves a gap. */
int iommufd_device_replace(struct iommufd_device *device, __u32 pasid,
			   __u32 *pt_id);

/* Never fails; not attached: nothing happens. */
void iommufd_device_detach(struct iommufd_device *device, __u32 pasid);

struct iommufd_ctx *iommufd_device_ctx(const struct iommufd_device *device);

/* Return: the ID of the bound object of @endpoint in @ctx, or 0. */
__u32 iommufd_ctx_device_id(struct iommufd_ctx *ctx,
			    const struct iommu_endpoint *endpoint);

/* Return: true when @ctx owns the DMA of the group. */
bool iommufd_ctx_owns_group(const struct iommufd_ctx *ctx,
			    const struct iommu_group *group);

#endif /* IOMMUFD_FRAMEWORK_H */
