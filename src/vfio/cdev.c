/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The character device: /dev/vfio/devices/vfioK.
 *
 * Any number of files may be open on it. One of them binds the device to a
 * context and is then the device's; to all others the device does not answer.
 * There is no unbind: the release of the file that bound does it. A mapping
 * of a BAR holds its file, as in Linux.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <linux/vfio.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/uaccess.h"
#include "vfio/core.h"

#define BIND_MIN_LEN offsetof(struct vfio_device_bind_iommufd, token_uuid_ptr)

/**
 * struct cdev_file - one open
 * @device: of the node
 * @is_bound: this file has the device; set under the device lock, never reset
 */
struct cdev_file {
	struct vfio_device *device;
	atomic_bool is_bound;
};

static bool cdev_may_use(const struct cdev_file *cdev)
{
	if (!guard_holds(GUARD_BIND_FIRST))
		return true;
	return atomic_load_explicit(&cdev->is_bound, memory_order_acquire);
}

static int bind_copy_in(struct vfio_device_bind_iommufd *bind, const char *arg)
{
	__u32 argsz;
	size_t len;
	int err;

	if (copy_from_user(&argsz, arg, sizeof(argsz)))
		return -EFAULT;
	if (argsz < BIND_MIN_LEN)
		return -EINVAL;
	len = argsz < sizeof(*bind) ? argsz : sizeof(*bind);
	if (guard_holds(GUARD_STRUCT_TAIL) && argsz > len) {
		err = check_zeroed_user(user_at(arg, len), argsz - len);
		if (err)
			return err;
	}
	*bind = (struct vfio_device_bind_iommufd){ .argsz = argsz };
	return copy_from_user(bind, arg, len);
}

/* A VF token is for functions of SR-IOV, and no device here is one. */
static int bind_check_token(const struct vfio_device_bind_iommufd *bind)
{
	const void *token = (const void *)(uintptr_t)bind->token_uuid_ptr;
	__u8 uuid[16];

	if (!(bind->flags & VFIO_DEVICE_BIND_FLAG_TOKEN))
		return 0;
	if (copy_from_user(uuid, token, sizeof(uuid)))
		return -EFAULT;
	return -EINVAL;
}

static int cdev_bind_locked(struct vfio_device *device, struct cdev_file *cdev,
			    const struct vfio_device_bind_iommufd *bind,
			    void *arg) lock_requires(device->lock)
{
	const size_t at = offsetof(struct vfio_device_bind_iommufd, out_devid);
	struct iommufd_ctx *ctx;
	struct file *ctx_file;
	__u32 id;
	int err;

	if (guard_holds(GUARD_BIND_EXCLUSIVE) && atomic_load(&cdev->is_bound))
		return -EINVAL;
	err = bind_check_token(bind);
	if (err)
		return err;
	ctx = iommufd_ctx_from_fd(bind->iommufd, &ctx_file);
	if (is_err(ctx))
		return ptr_err(ctx);
	err = vfio_device_bind_locked(device, ctx, &id);
	if (err)
		goto out_put_ctx;
	err = copy_to_user(user_at(arg, at), &id, sizeof(id));
	if (err)
		vfio_device_unbind_locked(device);
	else
		atomic_store_explicit(&cdev->is_bound, true,
				      memory_order_release);
out_put_ctx:
	file_put(ctx_file); /* the bound object holds its own reference */
	return err;
}

static long cdev_bind_ioctl(struct cdev_file *cdev, void *arg)
{
	struct vfio_device *device = cdev->device;
	struct vfio_device_bind_iommufd bind;
	int err;

	err = bind_copy_in(&bind, arg);
	if (err)
		return err;
	if (bind.iommufd < 0 || bind.flags & ~VFIO_DEVICE_BIND_FLAG_TOKEN)
		return -EINVAL;
	lock_acquire(&device->lock);
	err = cdev_bind_locked(device, cdev, &bind, arg);
	lock_release(&device->lock);
	return err;
}

/*
 * Attach and detach have the same frame: a minimum, a flag, and a PASID behind
 * the minimum when the flag says so.
 */
static int frame_get_pasid(__u32 argsz, __u32 flags, __u32 pasid_flag,
			   const char *arg, size_t min_len, __u32 *pasid)
{
	*pasid = IOMMU_NO_PASID;
	if (argsz < min_len || flags & ~pasid_flag)
		return -EINVAL;
	if (!(flags & pasid_flag))
		return 0;
	if (argsz < min_len + sizeof(*pasid))
		return -EINVAL;
	return copy_from_user(pasid, user_at(arg, min_len), sizeof(*pasid));
}

static long cdev_attach_ioctl(struct vfio_device *device, void *arg)
{
	const size_t min_len =
		offsetof(struct vfio_device_attach_iommufd_pt, pasid);
	const size_t at = offsetof(struct vfio_device_attach_iommufd_pt, pt_id);
	struct vfio_device_attach_iommufd_pt attach;
	int err;

	if (copy_from_user(&attach, arg, min_len))
		return -EFAULT;
	err = frame_get_pasid(attach.argsz, attach.flags,
			      VFIO_DEVICE_ATTACH_PASID, arg, min_len,
			      &attach.pasid);
	if (err)
		return err;
	lock_acquire(&device->lock);
	err = vfio_device_attach_locked(device, attach.pasid, &attach.pt_id);
	if (!err) {
		err = copy_to_user(user_at(arg, at), &attach.pt_id,
				   sizeof(attach.pt_id));
		if (err)
			vfio_device_detach_locked(device, attach.pasid);
	}
	lock_release(&device->lock);
	return err;
}

static long cdev_detach_ioctl(struct vfio_device *device, void *arg)
{
	const size_t min_len =
		offsetof(struct vfio_device_detach_iommufd_pt, pasid);
	struct vfio_device_detach_iommufd_pt detach;
	int err;

	if (copy_from_user(&detach, arg, min_len))
		return -EFAULT;
	err = frame_get_pasid(detach.argsz, detach.flags,
			      VFIO_DEVICE_DETACH_PASID, arg, min_len,
			      &detach.pasid);
	if (err)
		return err;
	lock_acquire(&device->lock);
	vfio_device_detach_locked(device, detach.pasid);
	lock_release(&device->lock);
	return 0;
}

static long cdev_ioctl(struct file *file, unsigned int cmd, void *arg)
{
	struct cdev_file *cdev = file->priv;

	if (cmd == VFIO_DEVICE_BIND_IOMMUFD)
		return cdev_bind_ioctl(cdev, arg);
	if (!cdev_may_use(cdev))
		return -EINVAL;
	switch (cmd) {
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
		return cdev_attach_ioctl(cdev->device, arg);
	case VFIO_DEVICE_DETACH_IOMMUFD_PT:
		return cdev_detach_ioctl(cdev->device, arg);
	default:
		return vfio_device_ioctl(cdev->device, cmd, arg);
	}
}

static ssize_t cdev_pread(struct file *file, void *buf, size_t count,
			  off_t position)
{
	struct cdev_file *cdev = file->priv;

	if (!cdev_may_use(cdev))
		return -EINVAL;
	return cdev->device->ops->read(cdev->device, buf, count, position);
}

static ssize_t cdev_pwrite(struct file *file, const void *buf, size_t count,
			   off_t position)
{
	struct cdev_file *cdev = file->priv;

	if (!cdev_may_use(cdev))
		return -EINVAL;
	return cdev->device->ops->write(cdev->device, buf, count, position);
}

static void *cdev_mmap(struct file *file, const struct file_mmap *request)
{
	struct cdev_file *cdev = file->priv;

	if (!cdev_may_use(cdev))
		return err_ptr(-EINVAL);
	return cdev->device->ops->mmap(cdev->device, file, request);
}

static void cdev_release(struct file *file)
{
	struct cdev_file *cdev = file->priv;
	struct vfio_device *device = cdev->device;

	if (atomic_load(&cdev->is_bound)) {
		lock_acquire(&device->lock);
		vfio_device_unbind_locked(device);
		lock_release(&device->lock);
	}
	mem_free(cdev);
	file_free(file);
}

static const struct file_ops cdev_file_ops = {
	.name = "vfio-device",
	.ioctl = cdev_ioctl,
	.pread = cdev_pread,
	.pwrite = cdev_pwrite,
	.mmap = cdev_mmap,
	.release = cdev_release,
};

static struct file *cdev_open(struct file_node *node, int flags)
{
	struct cdev_file *cdev;
	struct file *file;

	(void)flags; /* VFIO looks at no access mode */
	cdev = mem_alloc(sizeof(*cdev));
	if (!cdev)
		return err_ptr(-ENOMEM);
	cdev->device = node->priv;
	file = file_alloc(&cdev_file_ops, cdev, node);
	if (!file) {
		mem_free(cdev);
		return err_ptr(-ENOMEM);
	}
	return file;
}

void vfio_cdev_node_init(struct vfio_device *device)
{
	device->node.mode = S_IFCHR | 0600;
	device->node.open = cdev_open;
	device->node.priv = device;
}
