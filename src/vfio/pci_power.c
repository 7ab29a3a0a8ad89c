/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The features of a PCI function: low power.
 *
 * A program may put the device to sleep; its BARs do not answer until it is
 * awake. A sleep that was entered with an event ends at the next use of the
 * device other than through a BAR, and the event is signalled.
 */
#include <errno.h>
#include <linux/vfio.h>
#include "base/file.h"
#include "base/uaccess.h"
#include "vfio/pci_device.h"

static void sleep_locked(struct vfio_pci_device *pci, int wake_fd)
{
	pci->is_asleep = true;
	pci->wake_fd = wake_fd;
	pci_config_apply_locked(pci);
}

static void wake_locked(struct vfio_pci_device *pci)
{
	if (!pci->is_asleep)
		return;
	pci->is_asleep = false;
	fd_release(pci->wake_fd);
	pci->wake_fd = -1;
	pci_config_apply_locked(pci);
}

void pci_power_close_locked(struct vfio_pci_device *pci)
{
	lock_assert_held(&pci->device.lock);
	pci->is_asleep = false;
	fd_release(pci->wake_fd);
	pci->wake_fd = -1;
}

void pci_power_touch(struct vfio_pci_device *pci)
{
	lock_acquire(&pci->device.lock);
	if (pci->wake_fd >= 0) {
		eventfd_signal(pci->wake_fd);
		wake_locked(pci);
	}
	lock_release(&pci->device.lock);
}

static long enter(struct vfio_pci_device *pci, int wake_fd)
{
	long ret = -EINVAL;

	lock_acquire(&pci->device.lock);
	if (!pci->is_asleep) {
		sleep_locked(pci, wake_fd);
		ret = 0;
	}
	lock_release(&pci->device.lock);
	return ret;
}

static long feature_entry(struct vfio_pci_device *pci, __u32 flags, size_t len)
{
	int ret = vfio_feature_check(flags, VFIO_DEVICE_FEATURE_SET, len, 0);

	return ret == 1 ? enter(pci, -1) : ret;
}

static long feature_entry_with_wakeup(struct vfio_pci_device *pci, __u32 flags,
				      const void *data, size_t len)
{
	struct vfio_device_low_power_entry_with_wakeup entry;
	int wake_fd;
	long ret;

	ret = vfio_feature_check(flags, VFIO_DEVICE_FEATURE_SET, len,
				 sizeof(entry));
	if (ret != 1)
		return ret;
	if (copy_from_user(&entry, data, sizeof(entry)))
		return -EFAULT;
	if (entry.wakeup_eventfd < 0)
		return -EINVAL;
	wake_fd = eventfd_claim(entry.wakeup_eventfd);
	if (wake_fd < 0)
		return wake_fd;
	ret = enter(pci, wake_fd);
	if (ret)
		fd_release(wake_fd);
	return ret;
}

static long feature_exit(struct vfio_pci_device *pci, __u32 flags, size_t len)
{
	int ret = vfio_feature_check(flags, VFIO_DEVICE_FEATURE_SET, len, 0);

	if (ret != 1)
		return ret;
	lock_acquire(&pci->device.lock);
	wake_locked(pci);
	lock_release(&pci->device.lock);
	return 0;
}

long pci_feature(struct vfio_device *device, __u32 flags, void *data,
		 size_t len)
{
	struct vfio_pci_device *pci = to_pci(device);

	pci_power_touch(pci);
	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
		return feature_entry(pci, flags, len);
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
		return feature_entry_with_wakeup(pci, flags, data, len);
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		return feature_exit(pci, flags, len);
	case VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2:
		return -EINVAL; /* Linux asks for pre-copy first */
	default:
		return -ENOTTY;
	}
}
