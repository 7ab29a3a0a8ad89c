/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A framework for a model alone: program memory is one arena at FAKE_IOVA, DMA
 * fails where a test says, interrupts are counted, doorbells arm.
 */
#ifndef DEVICES_NVME_FAKE_VFIO_H
#define DEVICES_NVME_FAKE_VFIO_H

#include "devices/model.h"
#include "vfio/pci.h"

#define FAKE_IOVA 0x10000000ull
#define FAKE_MEMORY_LEN (32u << 20)

/**
 * struct fake_options - how the next fake device behaves
 * @is_sync: devices run inside the store
 * @cannot_arm: mmio=poll
 */
struct fake_options {
	bool is_sync;
	bool cannot_arm;
};

/* Return: a device that is closed. */
struct vfio_pci_device *fake_create(const struct model *model, void *priv,
				    const struct vfio_pci_description *about,
				    const struct fake_options *options);
void fake_destroy(struct vfio_pci_device *fake);

int fake_open(struct vfio_pci_device *fake);
void fake_close(struct vfio_pci_device *fake);
void fake_reset(struct vfio_pci_device *fake);
void fake_set_bus_master(struct vfio_pci_device *fake, bool is_on);

/* What a program's load or store does, by mapping. */
__u32 fake_load32(struct vfio_pci_device *fake, __u32 offset);
__u64 fake_load64(struct vfio_pci_device *fake, __u32 offset);
void fake_store32(struct vfio_pci_device *fake, __u32 offset, __u32 value);
void fake_store64(struct vfio_pci_device *fake, __u32 offset, __u64 value);

/* The arena: zeroed at fake_create(). */
void *fake_memory(iova_t iova);

/* DMA to [start, start + len) is refused; len 0: nothing is. */
void fake_fail_dma(iova_t start, __u64 len);

/* vfio_dma_map() gives at most @len bytes a piece; 0: no limit. */
void fake_limit_pieces(size_t len);

/* The next @n pieces are memory that is gone by the time it is used. */
void fake_break_pieces(unsigned int n);

/* Pieces held now. */
unsigned int fake_n_held(void);

void fake_use_msi(struct vfio_pci_device *fake, bool is_on);
unsigned int fake_n_interrupts(struct vfio_pci_device *fake,
			       unsigned int vector);
bool fake_intx(struct vfio_pci_device *fake);
bool fake_is_armed(struct vfio_pci_device *fake);

/* Lines given to trace_device_error() since the last call. */
unsigned int fake_n_errors(void);

#endif /* DEVICES_NVME_FAKE_VFIO_H */
