/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's own structures, shared by the files of this folder. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "machine/machine.h"
#include "machine/options.h"

/* Device numbers as Linux hands them out when a machine starts. */
#define MISC_MAJOR 10u
#define IOMMU_MINOR 125u
#define VFIO_DEV_MAJOR 511u

/* Where BARs begin in physical addresses; each is aligned to its length. */
#define BAR_WINDOW_START 0xe0000000ULL

/**
 * struct machine_device - one -d
 * @machine: which machine
 * @options: what the user said
 * @index: K of vfioK
 * @address: as text
 * @group: its IOMMU group, shared by devices of one number
 * @endpoint: its DMA identity
 * @pci: the device itself, or NULL before it was made
 * @bar_address: physical addresses, 0 where there is no BAR
 * @claim_fd: the lock that keeps other processes out, -1 when not bound
 */
struct machine_device {
	struct machine *machine;
	const struct device_options *options;
	unsigned int index;
	char address[16];
	struct iommu_group *group;
	struct iommu_endpoint *endpoint;
	struct vfio_pci_device *pci;
	__u64 bar_address[VFIO_PCI_N_BARS];
	int claim_fd;
};

/**
 * struct machine - what a program sees
 * @options: all of them
 * @unit: the IOMMU
 * @iommu_node: /dev/iommu
 * @devices: in the order of the command line
 * @n_devices: made so far
 * @run_dir: for the claims, or NULL
 */
struct machine {
	struct machine_options options;
	struct iommu_unit *unit;
	struct file_node iommu_node;
	struct machine_device devices[MACHINE_MAX_DEVICES];
	unsigned int n_devices;
	char *run_dir;
};

/* Keep other processes of the run away from a device that is bound. */
void device_set_claim(struct machine_device *device);

/**
 * struct tree - where files are laid out
 * @dir: descriptor of the top
 * @err: the first error; later calls do nothing then
 * @path: the path that failed
 */
struct tree {
	int dir;
	int err;
	char path[256];
};

/* Make a directory and those above it. */
void tree_dir(struct tree *tree, const char *format, ...) printf_like(2, 3);

/* Write a file with @len bytes; its directory is made first. */
void tree_bytes(struct tree *tree, const char *path, const void *bytes,
		size_t len);

/* Write a text file; the path is @dir "/" @name. */
void tree_text(struct tree *tree, const char *dir, const char *name,
	       const char *format, ...) printf_like(4, 5);

/* Make a link; the path is @dir "/" @name. */
void tree_link(struct tree *tree, const char *dir, const char *name,
	       const char *format, ...) printf_like(4, 5);

/* Lay out the directory of a PCI device in sysfs, and the links to it. */
void sysfs_pci_write(struct tree *tree, struct machine_device *device);

#endif /* MACHINE_INTERNAL_H */
