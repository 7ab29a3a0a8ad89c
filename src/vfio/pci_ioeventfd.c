/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DEVICE_IOEVENTFD: a store to a BAR that the program makes by signalling an
 * eventfd. The watcher's thread makes it.
 */
#include <errno.h>
#include <linux/vfio.h>
#include "base/mem.h"
#include "base/uaccess.h"
#include "vfio/pci_device.h"

#define N_IOEVENTFDS_MAX 1000u
#define IOEVENTFD_MIN_LEN offsetof(struct vfio_device_ioeventfd, reserved)

/**
 * struct ioeventfd - one store
 * @link: in pci->ioeventfds
 * @watch: its eventfd
 * @pci: the function
 * @bar: which BAR
 * @offset: in the BAR
 * @width: bytes
 * @value: what is stored
 */
struct ioeventfd {
	struct list_head link;
	struct watch watch;
	struct vfio_pci_device *pci;
	unsigned int bar;
	__u64 offset;
	unsigned int width;
	__u64 value;
};

/* The watcher's thread. */
static void ioeventfd_signalled(void *arg)
{
	const struct ioeventfd *entry = arg;
	unsigned int done, width;

	if (!vfio_pci_memory_enabled(entry->pci))
		return;
	/* In aligned pieces: one, for a store that is aligned. */
	for (done = 0; done < entry->width; done += width) {
		width = entry->width;
		while (width > entry->width - done ||
		       (entry->offset + done) & (width - 1))
			width /= 2;
		pci_bar_store(entry->pci, entry->bar, entry->offset + done,
			      width, entry->value >> (8 * done));
	}
}

static struct ioeventfd *find_locked(struct vfio_pci_device *pci,
				     const struct ioeventfd *like)
{
	struct ioeventfd *entry;

	list_for_each_entry(entry, &pci->ioeventfds, link)
		if (entry->bar == like->bar && entry->offset == like->offset &&
		    entry->width == like->width && entry->value == like->value)
			return entry;
	return NULL;
}

static void remove_locked(struct vfio_pci_device *pci, struct ioeventfd *entry)
{
	watch_remove(&pci->watcher, &entry->watch);
	list_remove(&entry->link);
	pci->n_ioeventfds--;
	mem_free(entry);
}

static int add_locked(struct vfio_pci_device *pci, const struct ioeventfd *like,
		      int fd)
{
	struct ioeventfd *entry;
	int err;

	if (pci->n_ioeventfds >= N_IOEVENTFDS_MAX)
		return -ENOSPC;
	entry = mem_alloc(sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	*entry = *like;
	entry->watch.signalled = ioeventfd_signalled;
	entry->watch.arg = entry;
	err = watch_add(&pci->watcher, &entry->watch, fd);
	if (err) {
		mem_free(entry);
		return err;
	}
	list_add_tail(&entry->link, &pci->ioeventfds);
	pci->n_ioeventfds++;
	return 0;
}

static int change_locked(struct vfio_pci_device *pci,
			 const struct ioeventfd *like, int fd)
{
	struct ioeventfd *entry = find_locked(pci, like);

	if (fd >= 0)
		return entry ? -EEXIST : add_locked(pci, like, fd);
	if (!entry)
		return -ENODEV;
	remove_locked(pci, entry);
	return 0;
}

/* Fill in what is to be stored where. 0 or -EINVAL. */
static int decode(struct vfio_pci_device *pci,
		  const struct vfio_device_ioeventfd *request,
		  struct ioeventfd *entry)
{
	__u64 index = request->offset >> PCI_REGION_SHIFT;
	__u64 len;

	/* The flag of a width is the width. */
	if (request->flags & ~VFIO_DEVICE_IOEVENTFD_SIZE_MASK ||
	    __builtin_popcount(request->flags) != 1 || request->fd < -1 ||
	    index >= VFIO_PCI_N_BARS)
		return -EINVAL;
	entry->pci = pci;
	entry->bar = (unsigned int)index;
	entry->offset = request->offset & PCI_REGION_MASK;
	entry->width = request->flags;
	entry->value = request->data;
	len = pci->description.bars[index].len;
	if (entry->offset >= len || entry->width > len - entry->offset ||
	    pci_bar_meets_msix_table(pci, entry->bar, entry->offset,
				     entry->width))
		return -EINVAL;
	return 0;
}

long pci_ioeventfd_ioctl(struct vfio_pci_device *pci, void *arg)
{
	struct vfio_device_ioeventfd request;
	struct ioeventfd entry;
	long ret;

	if (copy_from_user(&request, arg, IOEVENTFD_MIN_LEN))
		return -EFAULT;
	if (request.argsz < IOEVENTFD_MIN_LEN)
		return -EINVAL;
	ret = decode(pci, &request, &entry);
	if (ret)
		return ret;
	lock_acquire(&pci->device.lock);
	ret = change_locked(pci, &entry, request.fd);
	lock_release(&pci->device.lock);
	return ret;
}

void pci_ioeventfds_close_locked(struct vfio_pci_device *pci)
{
	struct ioeventfd *entry, *after;

	lock_assert_held(&pci->device.lock);
	list_for_each_entry_safe(entry, after, &pci->ioeventfds, link)
		remove_locked(pci, entry);
}
