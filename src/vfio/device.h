/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO device: what its bus driver (pci.h) and every model share. The way
 * of a model to program memory, to interrupts, and to a thread of its own.
 */
#ifndef VFIO_DEVICE_H
#define VFIO_DEVICE_H

#include "base/compiler.h"
#include "base/file.h"
#include "iommufd/framework.h"

struct vfio_device;

/* ---- DMA, for models -------------------------------------------------- */

/*
 * All DMA of a model goes through these, from any thread of the model. They
 * are refused (-EIO, reported) while bus master is off, or the device is not
 * attached. See iommu/iommu.h for each.
 */
int vfio_dma_read(struct vfio_device *device, iova_t iova, void *buf,
		  size_t len);
int vfio_dma_write(struct vfio_device *device, iova_t iova, const void *buf,
		   size_t len);
int vfio_dma_map(struct vfio_device *device, iova_t iova, size_t len,
		 bool is_write, struct iommu_dma_piece *piece);
void vfio_dma_unmap(struct iommu_dma_piece *piece);
void vfio_dma_burst_begin(void);
void vfio_dma_burst_end(void);

/* The device's name as programs know it: "0000:01:00.0". */
const char *vfio_device_name(const struct vfio_device *device);

/* ---- nodes, for the machine ------------------------------------------- */

/**
 * vfio_device_set_index() - give the device its number K in /dev/vfio/devices
 *
 * Before vfio_device_node(). The node is /dev/vfio/devices/vfioK.
 */
void vfio_device_set_index(struct vfio_device *device, unsigned int index,
			   dev_t rdev);

/* Return: the node of the character device. */
struct file_node *vfio_device_node(struct vfio_device *device);

/**
 * struct vfio_device_claim - exclusion between processes
 * @take: a program binds the device. 0, or -EBUSY when another process has it
 * @drop: it is free again
 *
 * Set by the machine; absent in a program that embeds the library.
 */
struct vfio_device_claim {
	int (*take)(void *arg);
	void (*drop)(void *arg);
	void *arg;
};

void vfio_device_set_claim(struct vfio_device *device,
			   const struct vfio_device_claim *claim);

/* No mmap of trapping and doorbell pages is offered from now on (KVM). */
void vfio_offer_no_trapping_mmap(void);

#endif /* VFIO_DEVICE_H */
