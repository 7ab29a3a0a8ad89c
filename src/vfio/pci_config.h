/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration space of a PCI Express endpoint: registers, and the table that
 * says what each bit does.
 *
 * Sections are those of PCI Local Bus 3.0 (PCI), PCI Bus Power Management 1.2
 * (PM) and PCI Express Base 4.0 (PCIe).
 */
#ifndef VFIO_PCI_CONFIG_H
#define VFIO_PCI_CONFIG_H

#include <sys/types.h>
#include "base/compiler.h"

#define PCI_CONFIG_LEN 4096u

/* PCI 6.1: the header of type 0. */
enum {
	PCI_VENDOR_ID = 0x00,
	PCI_DEVICE_ID = 0x02,
	PCI_COMMAND = 0x04,
	PCI_STATUS = 0x06,
	PCI_REVISION_ID = 0x08,
	PCI_CLASS_CODE = 0x09, /* three bytes */
	PCI_CACHE_LINE_SIZE = 0x0c,
	PCI_BAR0 = 0x10,
	PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
	PCI_SUBSYSTEM_ID = 0x2e,
	PCI_CAP_POINTER = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
};

/* PCI 6.2.2 */
enum {
	PCI_COMMAND_IO = 1 << 0,
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_BUS_MASTER = 1 << 2,
	PCI_COMMAND_PARITY = 1 << 6,
	PCI_COMMAND_SERR = 1 << 8,
	PCI_COMMAND_INTX_DISABLE = 1 << 10,
	PCI_COMMAND_WRITABLE = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			       PCI_COMMAND_BUS_MASTER | PCI_COMMAND_PARITY |
			       PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
};

/* PCI 6.2.3 */
enum {
	PCI_STATUS_INTERRUPT = 1 << 3,
	PCI_STATUS_CAP_LIST = 1 << 4,
	PCI_STATUS_CLEAR_ON_1 = 0xf900,
};

/* PCI 6.2.5.1 */
enum {
	PCI_BAR_64BIT = 2 << 1,
	PCI_BAR_PREFETCHABLE = 1 << 3,
};

/* Where the capabilities stand, and their IDs (PCI appendix H, PCIe 7.5.3). */
enum {
	PCI_CAP_PM = 0x40,
	PCI_CAP_MSI = 0x50,
	PCI_CAP_EXPRESS = 0x60,
	PCI_CAP_MSIX = 0xb0,
	PCI_EXT_CAP = 0x100,

	PCI_CAP_ID_PM = 0x01,
	PCI_CAP_ID_MSI = 0x05,
	PCI_CAP_ID_EXPRESS = 0x10,
	PCI_CAP_ID_MSIX = 0x11,
	PCI_EXT_CAP_ID_SERIAL = 0x0003,
};

/* PM 3.2.3, 3.2.4 */
enum {
	PCI_PM_CAPS = PCI_CAP_PM + 2,
	PCI_PM_CAPS_VERSION_3 = 3,
	PCI_PM_CONTROL = PCI_CAP_PM + 4,
	PCI_PM_STATE_MASK = 3,
	PCI_PM_D0 = 0,
	PCI_PM_D3HOT = 3,
	PCI_PM_NO_SOFT_RESET = 1 << 3,
};

/* PCI 6.8.1: the form with 64-bit addresses and without masks. */
enum {
	PCI_MSI_CONTROL = PCI_CAP_MSI + 2,
	PCI_MSI_ENABLE = 1 << 0,
	PCI_MSI_CAPABLE_SHIFT = 1,
	PCI_MSI_ENABLED_SHIFT = 4,
	PCI_MSI_ENABLED_MASK = 7 << 4,
	PCI_MSI_64BIT = 1 << 7,
	PCI_MSI_ADDRESS = PCI_CAP_MSI + 4,
	PCI_MSI_DATA = PCI_CAP_MSI + 12,
};

/* PCI 6.8.2 */
enum {
	PCI_MSIX_CONTROL = PCI_CAP_MSIX + 2,
	PCI_MSIX_ENABLE = 1 << 15,
	PCI_MSIX_TABLE = PCI_CAP_MSIX + 4,
	PCI_MSIX_PBA = PCI_CAP_MSIX + 8,
	PCI_MSIX_ENTRY_LEN = 16,
};

/* PCIe 7.5.3 */
enum {
	PCI_EXPRESS_FLAGS = PCI_CAP_EXPRESS + 2,
	PCI_EXPRESS_FLAGS_ENDPOINT_V2 = 2,
	PCI_EXPRESS_DEVICE_CAPS = PCI_CAP_EXPRESS + 4,
	PCI_EXPRESS_DEVICE_CAPS_ROLE_BASED_ERRORS = 1 << 15,
	PCI_EXPRESS_DEVICE_CAPS_FLR = 1 << 28,
	PCI_EXPRESS_DEVICE_CONTROL = PCI_CAP_EXPRESS + 8,
	/* Relaxed ordering, no snoop, reads of 512 bytes: 7.5.3.4 defaults. */
	PCI_EXPRESS_DEVICE_CONTROL_DEFAULT = 0x2810,
	PCI_EXPRESS_DEVICE_CONTROL_WRITABLE = 0x78ff,
	PCI_EXPRESS_DEVICE_CONTROL_FLR = 1 << 15,
	PCI_EXPRESS_DEVICE_STATUS = PCI_CAP_EXPRESS + 10,
	PCI_EXPRESS_DEVICE_STATUS_CLEAR_ON_1 = 0x000f,
	PCI_EXPRESS_LINK_CAPS = PCI_CAP_EXPRESS + 12,
	PCI_EXPRESS_LINK_8GT_X4 = 0x0043,
	PCI_EXPRESS_LINK_CONTROL = PCI_CAP_EXPRESS + 16,
	PCI_EXPRESS_LINK_CONTROL_WRITABLE = 0x00cb,
	PCI_EXPRESS_LINK_STATUS = PCI_CAP_EXPRESS + 18,
	PCI_EXPRESS_DEVICE_CAPS_2 = PCI_CAP_EXPRESS + 36,
	PCI_EXPRESS_DEVICE_CAPS_2_TIMEOUT_DISABLE = 1 << 4,
	PCI_EXPRESS_DEVICE_CONTROL_2 = PCI_CAP_EXPRESS + 40,
	PCI_EXPRESS_DEVICE_CONTROL_2_WRITABLE = 1 << 4,
	PCI_EXPRESS_LINK_CAPS_2 = PCI_CAP_EXPRESS + 44,
	PCI_EXPRESS_LINK_CAPS_2_TO_8GT = 0x000e,
	PCI_EXPRESS_LINK_CONTROL_2 = PCI_CAP_EXPRESS + 48,
	PCI_EXPRESS_LINK_CONTROL_2_8GT = 3,
	PCI_EXPRESS_LINK_CONTROL_2_WRITABLE = 0x000f,
};

/**
 * struct pci_config - the space, a bit each
 * @value: what is read now
 * @at_open: what it is when the device is opened
 * @writable: bits that a write sets
 * @clear_on_1: bits that a write of 1 clears
 *
 * Guarded by the device lock.
 */
struct pci_config {
	__u8 value[PCI_CONFIG_LEN];
	__u8 at_open[PCI_CONFIG_LEN];
	__u8 writable[PCI_CONFIG_LEN];
	__u8 clear_on_1[PCI_CONFIG_LEN];
};

struct vfio_pci_device;

/* Build the space from the description. */
void pci_config_init(struct vfio_pci_device *pci);

/* The device is opened or closed: every register as at power-on. */
void pci_config_restore_locked(struct vfio_pci_device *pci);

/* As file_ops.pread and pwrite, at @offset of the space. */
ssize_t pci_config_read(struct vfio_pci_device *pci, char *buf, size_t count,
			__u64 offset);
ssize_t pci_config_write(struct vfio_pci_device *pci, const char *buf,
			 size_t count, __u64 offset);

/* What COMMAND and the power state ask for comes into force. */
void pci_config_apply_locked(struct vfio_pci_device *pci);

/* After a reset: the power state is D0 and errors are forgotten. */
void pci_config_reset_locked(struct vfio_pci_device *pci);

#endif /* VFIO_PCI_CONFIG_H */
