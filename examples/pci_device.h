/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI device that VFIO hands to this program, with an I/O address space of
 * iommufd around it: what every user-space driver needs.
 */
#ifndef EXAMPLES_PCI_DEVICE_H
#define EXAMPLES_PCI_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct pci_device - a device that is ours
 * @name: of its node in /dev/vfio/devices
 * @address: on the PCI bus; "?" when sysfs does not tell
 * @iommufd: an iommufd context
 * @fd: the device
 * @ioas_id: the I/O address space that its DMA goes through
 * @config_offset: where @fd has its configuration space
 * @bar: BAR 0
 * @bar_len: bytes of @bar
 */
struct pci_device {
	char name[64];
	char address[64];
	int iommufd;
	int fd;
	uint32_t ioas_id;
	uint64_t config_offset;
	volatile uint8_t *bar;
	size_t bar_len;
};

/**
 * struct dma_memory - memory that the device can reach
 * @va: its address here
 * @len: bytes
 * @iova: its address for the device
 */
struct dma_memory {
	void *va;
	size_t len;
	uint64_t iova;
};

/**
 * complain() - print what failed and what to do
 * @error: an errno
 * @advice: what the user can do
 * @format: the call that failed, as printf()
 *
 * Return: -@error.
 */
int complain(int error, const char *advice, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * pci_device_open() - take a device, with BAR 0 mapped and DMA allowed
 * @device: filled
 * @which: "vfio0", a path, a PCI address, or NULL for the first there is
 *
 * Return: 0, or a negative errno, after a complaint.
 */
int pci_device_open(struct pci_device *device, const char *which);

/* Give it back. Its DMA ends here at the latest. */
void pci_device_close(struct pci_device *device);

/**
 * pci_device_alloc_dma() - memory for DMA in both directions
 * @device: may reach it from now on
 * @memory: filled
 * @len: bytes, a multiple of the page size
 * @align: of both addresses: a power of two, a page at least
 *
 * Return: 0, or a negative errno, after a complaint.
 */
int pci_device_alloc_dma(struct pci_device *device, struct dma_memory *memory,
			 size_t len, size_t align);

/* The device can no longer reach @memory; this program can. */
int pci_device_unmap_dma(struct pci_device *device, struct dma_memory *memory);

/* Undo of pci_device_alloc_dma(), whether still mapped or not. */
void pci_device_free_dma(struct pci_device *device, struct dma_memory *memory);

/**
 * pci_device_free_iova() - an address where nothing is mapped
 * @device: asks its I/O address space
 * @iova: the last page that could be mapped
 *
 * Return: 0, or a negative errno, after a complaint.
 */
int pci_device_free_iova(struct pci_device *device, uint64_t *iova);

/**
 * pci_device_enable_irq() - have an interrupt signal an eventfd
 * @device: with MSI-X
 * @vector: which of its vectors, if it has that many, else its first
 * @event_fd: the eventfd
 *
 * Return: the vector, or a negative errno, after a complaint.
 */
int pci_device_enable_irq(struct pci_device *device, unsigned int vector,
			  int event_fd);

/* MSI-X off. */
void pci_device_disable_irq(struct pci_device *device);

/*
 * Registers are read and written with exactly the width and in exactly the
 * order that is written here: volatile says so to the compiler, and the memory
 * type of BARs to the CPU.
 */
static inline uint32_t pci_read32(const struct pci_device *device, size_t off)
{
	return *(const volatile uint32_t *)(device->bar + off);
}

static inline void pci_write32(struct pci_device *device, size_t off,
			       uint32_t value)
{
	*(volatile uint32_t *)(device->bar + off) = value;
}

/* Two halves: not every controller likes accesses of 8 bytes. */
static inline uint64_t pci_read64(const struct pci_device *device, size_t off)
{
	uint64_t low = pci_read32(device, off);

	return (uint64_t)pci_read32(device, off + 4) << 32 | low;
}

static inline void pci_write64(struct pci_device *device, size_t off,
			       uint64_t value)
{
	pci_write32(device, off, (uint32_t)value);
	pci_write32(device, off + 4, (uint32_t)(value >> 32));
}

/*
 * Memory that the device reads or writes is ordered against the registers, and
 * against other such memory. x86 keeps loads in order, and stores, and a store
 * behind earlier loads: only the compiler must be told.
 */
static inline void dma_barrier(void)
{
#if defined(__x86_64__)
	__asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dmb osh" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif /* EXAMPLES_PCI_DEVICE_H */
