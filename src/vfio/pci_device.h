/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI function: what its parts (configuration space, BARs, mappings,
 * interrupts, power) know of each other.
 */
#ifndef VFIO_PCI_DEVICE_H
#define VFIO_PCI_DEVICE_H

#include <stdatomic.h>
#include "vfio/core.h"
#include "vfio/pci.h"
#include "vfio/pci_config.h"
#include "vfio/pci_irq.h"
#include "vfio/pci_map.h"
#include "vfio/watch.h"

/* Region i begins at i << 40 of the device file (programs hard-code it). */
#define PCI_REGION_SHIFT 40
#define PCI_REGION_MASK ((1ULL << PCI_REGION_SHIFT) - 1)

/**
 * struct pci_bar_backing - the memory behind a BAR, from open to close
 * @fd: a memfd of the BAR's length, or -1
 * @memory: our own mapping of it
 */
struct pci_bar_backing {
	int fd;
	void *memory;
};

/**
 * struct vfio_pci_device - a PCI function
 * @device: its VFIO side
 * @description: what it is
 * @ops: the model
 * @priv: the model's
 * @mmio: how mappings behave
 * @is_sync: devices run inside the store that rings them
 * @config: configuration space; device lock
 * @memory_on: memory space is decoded: COMMAND says so, in D0, not asleep
 * @bus_master: COMMAND says so
 * @bars: backing memory
 * @maps: mappings of BARs in the program
 * @irq: interrupts
 * @watcher: the thread that waits for eventfds of the program
 * @ioeventfds: stores that an eventfd makes; device lock
 * @n_ioeventfds: their number
 * @is_asleep: the low power feature was entered; device lock
 * @wake_fd: eventfd that says when it ended, or -1; device lock
 */
struct vfio_pci_device {
	struct vfio_device device;
	struct vfio_pci_description description;
	const struct vfio_pci_ops *ops;
	void *priv;
	enum vfio_pci_mmio mmio;
	atomic_bool is_sync;
	struct pci_config config;
	atomic_bool memory_on;
	atomic_bool bus_master;
	struct pci_bar_backing bars[VFIO_PCI_N_BARS];
	struct pci_maps maps;
	struct pci_irq irq;
	struct watcher watcher;
	struct list_head ioeventfds;
	unsigned int n_ioeventfds;
	bool is_asleep;
	int wake_fd;
};

static inline struct vfio_pci_device *to_pci(struct vfio_device *device)
{
	return container_of(device, struct vfio_pci_device, device);
}

/* ---- pci_bar.c -------------------------------------------------------- */

/* Return: 0 or -errno. */
int pci_bars_open(struct vfio_pci_device *pci);
void pci_bars_close(struct vfio_pci_device *pci);

/* Return: the area that holds @offset, which is inside the BAR. */
const struct vfio_pci_area *pci_bar_area(const struct vfio_pci_device *pci,
					 unsigned int bar, __u64 offset);

/* One access, aligned, inside the BAR, with memory decoding on. */
__u64 pci_bar_load(struct vfio_pci_device *pci, unsigned int bar, __u64 offset,
		   unsigned int width);
void pci_bar_store(struct vfio_pci_device *pci, unsigned int bar, __u64 offset,
		   unsigned int width, __u64 value);

/* Does [offset, offset + len) of the BAR meet the MSI-X table? */
bool pci_bar_meets_msix_table(const struct vfio_pci_device *pci,
			      unsigned int bar, __u64 offset, __u64 len);

ssize_t pci_bar_read(struct vfio_pci_device *pci, unsigned int bar, char *buf,
		     size_t count, __u64 offset);
ssize_t pci_bar_write(struct vfio_pci_device *pci, unsigned int bar,
		      const char *buf, size_t count, __u64 offset);

/* ---- pci_reset.c ------------------------------------------------------ */

/* Function level reset. Context: device lock held. */
void pci_reset_locked(struct vfio_pci_device *pci)
	lock_requires(pci->device.lock);
long pci_reset_ioctl(struct vfio_pci_device *pci);
long pci_hot_reset_info_ioctl(struct vfio_pci_device *pci, void *arg);
long pci_hot_reset_ioctl(struct vfio_pci_device *pci, void *arg);

/* ---- pci_power.c ------------------------------------------------------ */

long pci_feature(struct vfio_device *device, __u32 flags, void *data,
		 size_t len);

/*
 * The program uses the device: a sleep that was entered with a wake-up event
 * ends here, and the event is signalled.
 */
void pci_power_touch(struct vfio_pci_device *pci);

/* The device closes: it is awake, and the event dropped. */
void pci_power_close_locked(struct vfio_pci_device *pci);

/* ---- pci_ioeventfd.c -------------------------------------------------- */

long pci_ioeventfd_ioctl(struct vfio_pci_device *pci, void *arg);
void pci_ioeventfds_close_locked(struct vfio_pci_device *pci);

#endif /* VFIO_PCI_DEVICE_H */
