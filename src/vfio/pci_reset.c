/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets. A function is reset alone; its bus holds no other function, so a hot
 * reset is the same thing by another name.
 *
 * Linux saves configuration space before a reset and restores it afterwards,
 * and leaves interrupts and mappings as they are.
 */
#include <errno.h>
#include <stdlib.h>
#include <linux/vfio.h>
#include "base/uaccess.h"
#include "vfio/pci_device.h"

#define INFO_MIN_LEN offsetof(struct vfio_pci_hot_reset_info, devices)
#define RESET_MIN_LEN offsetof(struct vfio_pci_hot_reset, group_fds)

void pci_reset_locked(struct vfio_pci_device *pci)
{
	lock_assert_held(&pci->device.lock);
	pci->ops->reset(pci, pci->priv);
	/* Waits for DMA that a model forgot; restoring COMMAND enables it. */
	iommu_endpoint_set_enabled(pci->device.endpoint, false);
	vfio_pci_intx_set(pci, false);
	pci_config_reset_locked(pci);
}

long pci_reset_ioctl(struct vfio_pci_device *pci)
{
	lock_acquire(&pci->device.lock);
	pci_reset_locked(pci);
	lock_release(&pci->device.lock);
	return 0;
}

/* The name is the address: "0000:01:00.0". Return: its @n-th number. */
static unsigned long address_part(const char *name, unsigned int n)
{
	char *end;
	unsigned long part = strtoul(name, &end, 16);

	while (n-- && *end)
		part = strtoul(end + 1, &end, 16);
	return part;
}

static void fill_dependent(struct vfio_pci_device *pci,
			   struct vfio_pci_dependent_device *dependent)
{
	struct vfio_device *device = &pci->device;
	const char *name = vfio_device_name(device);

	dependent->segment = (__u16)address_part(name, 0);
	dependent->bus = (__u8)address_part(name, 1);
	dependent->devfn =
		(__u8)(address_part(name, 2) << 3 | address_part(name, 3));
	lock_acquire(&device->lock);
	dependent->devid = iommufd_ctx_device_id(
		iommufd_device_ctx(device->iommufd), device->endpoint);
	lock_release(&device->lock);
}

long pci_hot_reset_info_ioctl(struct vfio_pci_device *pci, void *arg)
{
	struct vfio_pci_dependent_device dependent;
	struct vfio_pci_hot_reset_info info;
	bool has_room;

	if (copy_from_user(&info, arg, INFO_MIN_LEN))
		return -EFAULT;
	if (info.argsz < INFO_MIN_LEN)
		return -EINVAL;
	has_room = info.argsz - INFO_MIN_LEN >= sizeof(dependent);
	info.count = 1;
	info.flags = 0;
	if (has_room) {
		info.flags = VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
			     VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
		fill_dependent(pci, &dependent);
		/* The program's structure may be at an odd address. */
		if (copy_to_user(user_at(arg, INFO_MIN_LEN), &dependent,
				 sizeof(dependent)))
			return -EFAULT;
	}
	if (copy_to_user(arg, &info, INFO_MIN_LEN))
		return -EFAULT;
	return has_room ? 0 : -ENOSPC;
}

long pci_hot_reset_ioctl(struct vfio_pci_device *pci, void *arg)
{
	struct vfio_pci_hot_reset reset;

	if (copy_from_user(&reset, arg, RESET_MIN_LEN))
		return -EFAULT;
	/* Groups are named by owners of groups; a cdev's proof is its bind. */
	if (reset.argsz < RESET_MIN_LEN || reset.flags || reset.count)
		return -EINVAL;
	return pci_reset_ioctl(pci);
}
