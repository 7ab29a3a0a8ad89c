/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings of BARs in the program.
 */
#ifndef VFIO_PCI_MAP_H
#define VFIO_PCI_MAP_H

#include <stdatomic.h>
#include "base/file.h"
#include "base/list.h"
#include "base/lock.h"

/**
 * struct pci_maps - all mappings of a function
 * @lock: LOCK_RANK_IRQ; guards @list. No fault handler takes it
 * @list: struct pci_map
 * @is_armed: the doorbells are read-only, as far as no store met them
 * @is_error_told: an access without memory decoding was reported
 * @owner: the process that opened the device
 */
struct pci_maps {
	struct lock lock;
	struct list_head list;
	atomic_bool is_armed;
	atomic_bool is_error_told;
	pid_t owner;
};

struct vfio_pci_device;

void pci_maps_init(struct vfio_pci_device *pci);
void pci_maps_open(struct vfio_pci_device *pci);

/* What is left of mappings goes with the machine: they trap no more. */
void pci_maps_close(struct vfio_pci_device *pci);

/* Memory decoding changed: give each page the protection it should have. */
void pci_maps_protect(struct vfio_pci_device *pci);

/* Is a BAR, or a part of it, offered for mapping? */
bool pci_map_is_offered(const struct vfio_pci_device *pci, unsigned int bar);

/* Is this area offered for mapping? */
struct vfio_pci_area;
bool pci_map_area_is_offered(const struct vfio_pci_area *area);

/* As file_ops.mmap; the mapping holds @file. */
struct vfio_device;
void *pci_mmap(struct vfio_device *device, struct file *file,
	       const struct file_mmap *request);

#endif /* VFIO_PCI_MAP_H */
