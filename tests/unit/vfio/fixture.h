/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A toy function with one area of each kind, a program's two descriptors, and
 * the fault handler that a front end would have.
 */
#ifndef TESTS_VFIO_FIXTURE_H
#define TESTS_VFIO_FIXTURE_H

#include <linux/vfio.h>
#include "fake_iommufd.h"
#include "harness/harness.h"
#include "vfio/pci.h"
#include "vfio/pci_config.h"

#define PAGE 4096ul

/* BAR0, 64 bits: a page of each kind; the MSI-X table is in the third. */
#define TOY_STORES_TRAP 0u
#define TOY_DOORBELL 0x1000u
#define TOY_TRAP 0x2000u
#define TOY_MEMORY 0x3000u
#define TOY_BAR0_LEN 0x4000u
/* BAR2, 32 bits, prefetchable: memory. */
#define TOY_BAR2_LEN 0x2000u

#define TOY_N_MSIX 5ul
#define TOY_N_MSI 4u
#define TOY_SERIAL 0x1122334455667788ULL
#define TOY_NAME "0000:03:02.1"

/* Position of a byte of a region in the device file. */
#define AT(region, offset) (((off_t)(region) << 40) + (off_t)(offset))
#define AT_CONFIG(offset) AT(VFIO_PCI_CONFIG_REGION_INDEX, offset)

/**
 * struct toy - what the model saw
 * @open_err: what its open returns
 * @n_opens, @n_closes, @n_resets, @n_changes: calls
 * @n_doorbells: calls of doorbell()
 * @n_loads, @n_stores: calls of bar_load() and bar_store()
 * @bar, @offset, @width, @value: of the last one
 * @block: allocated from open to close
 * @widths: of all loads and stores, a digit each
 */
struct toy {
	int open_err;
	unsigned int n_opens;
	unsigned int n_closes;
	unsigned int n_resets;
	unsigned int n_changes;
	atomic_uint n_doorbells;
	unsigned int n_loads;
	unsigned int n_stores;
	unsigned int bar;
	__u64 offset;
	unsigned int width;
	__u64 value;
	void *block;
	char widths[64];
};

/**
 * struct fixture - a machine with one function
 * @toy: its model
 * @endpoint: its DMA identity
 * @pci: the function
 * @node: its character device
 * @iommufd_node: the context's
 * @iommufd: a number that names an open context
 * @file: an open, unbound device file
 * @n_fds: descriptors before
 */
struct fixture {
	struct toy toy;
	struct iommu_endpoint *endpoint;
	struct vfio_pci_device *pci;
	struct file_node *node;
	struct file_node iommufd_node;
	int iommufd;
	struct file *file;
	unsigned int n_fds;
};

extern const struct vfio_pci_description toy_description;
extern const struct vfio_pci_ops toy_ops;

int fixture_setup(void **state);
int fixture_setup_bound(void **state);
int fixture_teardown(void **state);

#define unbound_test(function)                                   \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)
#define bound_test(function)                                           \
	cmocka_unit_test_setup_teardown(function, fixture_setup_bound, \
					fixture_teardown)

/* Destroy the function and make it again with other options. Not bound. */
void fixture_remake(struct fixture *fixture, enum vfio_pci_mmio mmio);

struct file *fixture_open(struct fixture *fixture);
long fixture_bind(struct fixture *fixture, struct file *file);

/* Close a number that file_install() gave. */
void close_number(int fd);

/* Close the file and open a new one. */
void fixture_reopen(struct fixture *fixture);

unsigned int count_fds(void);

/* Configuration space by pread and pwrite. */
__u32 config_get(struct fixture *fixture, unsigned int at, unsigned int width);
void config_set(struct fixture *fixture, unsigned int at, unsigned int width,
		__u32 value);

/* mmap() of the device file, which must succeed. */
void *map_bar(struct fixture *fixture, unsigned int bar, __u64 offset,
	      size_t len, int prot);

/* munmap() as a front end does it. */
void unmap_bar(void *address, size_t len);

/*
 * The front end's fault handler: copies of ours, traps, nothing else. It can
 * perform the two instructions below. In a test itself: cmocka takes the
 * signals before each fixture.
 */
void catch_traps(void);

/* Accesses that the mapping does not give: the program's own faults. */
extern unsigned int n_accesses_refused;
void cpu_store(volatile void *address, __u32 value);
__u32 cpu_load(const volatile void *address);

#endif /* TESTS_VFIO_FIXTURE_H */
