/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ioctls of VFIO, as Linux 7.3 has them: containers (/dev/vfio/vfio),
 * groups (/dev/vfio/N) and devices (/dev/vfio/devices/vfioK). Names, numbers
 * and layouts are Linux's; the text is this project's. Systems bring a header
 * of the same name, so this one is not installed. What only POWER's IOMMUs and
 * s390's devices have is left out.
 *
 * Every command is _IO(';', 100 + n). Structs begin with argsz, the bytes the
 * caller gives. Less than the first version of a struct had is EINVAL; more is
 * allowed and not looked at (BIND_IOMMUFD: must be zero). An unknown flag is
 * EINVAL, an unknown command or feature ENOTTY, a bad pointer EFAULT.
 *
 * Answers that may grow have a chain of capabilities behind the struct: the
 * CAPS flag tells that there is one, cap_offset where it starts, or 0 when
 * argsz was too small. Then argsz tells on return how much is needed.
 */
#ifndef UAPI_LINUX_VFIO_H
#define UAPI_LINUX_VFIO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VFIO_API_VERSION 0

#define VFIO_TYPE (';')
#define VFIO_BASE 100

/**
 * struct vfio_info_cap_header - the start of each capability
 * @id: which capability of this struct
 * @version: of the capability
 * @next: offset of the next one in the answer; 0: this is the last
 */
struct vfio_info_cap_header {
	__u16 id;
	__u16 version;
	__u32 next;
};

/* ---- container -------------------------------------------------------- */

/* CHECK_EXTENSION and SET_IOMMU: kinds of IOMMU, and what they can do. */
#define VFIO_TYPE1_IOMMU 1
#define VFIO_SPAPR_TCE_IOMMU 2
#define VFIO_TYPE1v2_IOMMU 3
#define VFIO_DMA_CC_IOMMU 4
#define VFIO_EEH 5
/* Linux has given it up, and never says yes; older programs still ask. */
#define VFIO_TYPE1_NESTING_IOMMU 6
#define VFIO_SPAPR_TCE_v2_IOMMU 7
#define VFIO_NOIOMMU_IOMMU 8
#define VFIO_UNMAP_ALL 9
#define VFIO_UPDATE_VADDR 10

/* No argument. Result: VFIO_API_VERSION. */
#define VFIO_GET_API_VERSION _IO(VFIO_TYPE, VFIO_BASE + 0)

/* Argument: the extension, by value. Result: 1 or 0. */
#define VFIO_CHECK_EXTENSION _IO(VFIO_TYPE, VFIO_BASE + 1)

/* Argument: the kind of IOMMU, by value. */
#define VFIO_SET_IOMMU _IO(VFIO_TYPE, VFIO_BASE + 2)

/* ---- group ------------------------------------------------------------ */

#define VFIO_GROUP_FLAGS_VIABLE (1 << 0)
#define VFIO_GROUP_FLAGS_CONTAINER_SET (1 << 1)

/**
 * struct vfio_group_status - VFIO_GROUP_GET_STATUS: can it be used?
 * @argsz: bytes of this struct
 * @flags: VFIO_GROUP_FLAGS_*; VIABLE: no other driver has one of its devices
 */
struct vfio_group_status {
	__u32 argsz;
	__u32 flags;
};
#define VFIO_GROUP_GET_STATUS _IO(VFIO_TYPE, VFIO_BASE + 3)

/* Argument: pointer to the container's file descriptor. */
#define VFIO_GROUP_SET_CONTAINER _IO(VFIO_TYPE, VFIO_BASE + 4)

/* No argument. */
#define VFIO_GROUP_UNSET_CONTAINER _IO(VFIO_TYPE, VFIO_BASE + 5)

/* Argument: the device's name. Result: a file descriptor. */
#define VFIO_GROUP_GET_DEVICE_FD _IO(VFIO_TYPE, VFIO_BASE + 6)

/* ---- device: what it is ----------------------------------------------- */

#define VFIO_DEVICE_FLAGS_RESET (1 << 0)
#define VFIO_DEVICE_FLAGS_PCI (1 << 1)
#define VFIO_DEVICE_FLAGS_PLATFORM (1 << 2)
#define VFIO_DEVICE_FLAGS_AMBA (1 << 3)
#define VFIO_DEVICE_FLAGS_CCW (1 << 4)
#define VFIO_DEVICE_FLAGS_AP (1 << 5)
#define VFIO_DEVICE_FLAGS_FSL_MC (1 << 6)
#define VFIO_DEVICE_FLAGS_CAPS (1 << 7)
#define VFIO_DEVICE_FLAGS_CDX (1 << 8)

/**
 * struct vfio_device_info - VFIO_DEVICE_GET_INFO
 * @argsz: bytes of this struct and of room for capabilities
 * @flags: VFIO_DEVICE_FLAGS_*
 * @num_regions: highest region index + 1
 * @num_irqs: highest IRQ index + 1
 * @cap_offset: of the first capability
 * @pad: 0
 */
struct vfio_device_info {
	__u32 argsz;
	__u32 flags;
	__u32 num_regions;
	__u32 num_irqs;
	__u32 cap_offset;
	__u32 pad;
};
#define VFIO_DEVICE_GET_INFO _IO(VFIO_TYPE, VFIO_BASE + 7)

/* What mediated devices tell in sysfs, device_api. */
#define VFIO_DEVICE_API_PCI_STRING "vfio-pci"
#define VFIO_DEVICE_API_PLATFORM_STRING "vfio-platform"
#define VFIO_DEVICE_API_AMBA_STRING "vfio-amba"
#define VFIO_DEVICE_API_CCW_STRING "vfio-ccw"
#define VFIO_DEVICE_API_AP_STRING "vfio-ap"

#define VFIO_DEVICE_INFO_CAP_ZPCI_BASE 1
#define VFIO_DEVICE_INFO_CAP_ZPCI_GROUP 2
#define VFIO_DEVICE_INFO_CAP_ZPCI_UTIL 3
#define VFIO_DEVICE_INFO_CAP_ZPCI_PFIP 4
#define VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP 5

#define VFIO_PCI_ATOMIC_COMP32 (1 << 0)
#define VFIO_PCI_ATOMIC_COMP64 (1 << 1)
#define VFIO_PCI_ATOMIC_COMP128 (1 << 2)

/**
 * struct vfio_device_info_cap_pci_atomic_comp - atomics to host memory
 * @header: of the capability
 * @flags: VFIO_PCI_ATOMIC_COMP*
 * @reserved: 0
 */
struct vfio_device_info_cap_pci_atomic_comp {
	struct vfio_info_cap_header header;
	__u32 flags;
	__u32 reserved;
};

/* ---- device: regions -------------------------------------------------- */

#define VFIO_REGION_INFO_FLAG_READ (1 << 0)
#define VFIO_REGION_INFO_FLAG_WRITE (1 << 1)
#define VFIO_REGION_INFO_FLAG_MMAP (1 << 2)
#define VFIO_REGION_INFO_FLAG_CAPS (1 << 3)

/**
 * struct vfio_region_info - VFIO_DEVICE_GET_REGION_INFO
 * @argsz: bytes of this struct and of room for capabilities
 * @flags: VFIO_REGION_INFO_FLAG_*
 * @index: which region
 * @cap_offset: of the first capability
 * @size: bytes; 0: not there
 * @offset: its place in the device's file, for pread(), pwrite() and mmap()
 */
struct vfio_region_info {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 cap_offset;
	__aligned_u64 size;
	__aligned_u64 offset;
};
#define VFIO_DEVICE_GET_REGION_INFO _IO(VFIO_TYPE, VFIO_BASE + 8)

#define VFIO_REGION_INFO_CAP_SPARSE_MMAP 1
#define VFIO_REGION_INFO_CAP_TYPE 2
#define VFIO_REGION_INFO_CAP_MSIX_MAPPABLE 3
#define VFIO_REGION_INFO_CAP_NVLINK2_SSATGT 4
#define VFIO_REGION_INFO_CAP_NVLINK2_LNKSPD 5

/**
 * struct vfio_region_sparse_mmap_area - a part that mmap() may take
 * @offset: from the start of the region
 * @size: bytes
 */
struct vfio_region_sparse_mmap_area {
	__aligned_u64 offset;
	__aligned_u64 size;
};

/**
 * struct vfio_region_info_cap_sparse_mmap - only parts may be mapped
 * @header: of the capability
 * @nr_areas: their number
 * @reserved: 0
 * @areas: the parts
 */
struct vfio_region_info_cap_sparse_mmap {
	struct vfio_info_cap_header header;
	__u32 nr_areas;
	__u32 reserved;
	struct vfio_region_sparse_mmap_area areas[];
};

/**
 * struct vfio_region_info_cap_type - what a device specific region is
 * @header: of the capability
 * @type: VFIO_REGION_TYPE_*
 * @subtype: VFIO_REGION_SUBTYPE_*
 */
struct vfio_region_info_cap_type {
	struct vfio_info_cap_header header;
	__u32 type;
	__u32 subtype;
};

/* With the vendor's PCI number in the low bits. */
#define VFIO_REGION_TYPE_PCI_VENDOR_TYPE (1U << 31)
#define VFIO_REGION_TYPE_PCI_VENDOR_MASK 0xffff
#define VFIO_REGION_TYPE_GFX 1
#define VFIO_REGION_TYPE_CCW 2
#define VFIO_REGION_TYPE_MIGRATION_DEPRECATED 3

#define VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION 1
#define VFIO_REGION_SUBTYPE_INTEL_IGD_HOST_CFG 2
#define VFIO_REGION_SUBTYPE_INTEL_IGD_LPC_CFG 3
#define VFIO_REGION_SUBTYPE_GFX_EDID 1
#define VFIO_REGION_SUBTYPE_CCW_ASYNC_CMD 1
#define VFIO_REGION_SUBTYPE_CCW_SCHIB 2
#define VFIO_REGION_SUBTYPE_CCW_CRW 3
#define VFIO_REGION_SUBTYPE_MIGRATION_DEPRECATED 1

/* Regions of vfio-pci. Those of one device only come behind. */
enum {
	VFIO_PCI_BAR0_REGION_INDEX = 0,
	VFIO_PCI_BAR1_REGION_INDEX = 1,
	VFIO_PCI_BAR2_REGION_INDEX = 2,
	VFIO_PCI_BAR3_REGION_INDEX = 3,
	VFIO_PCI_BAR4_REGION_INDEX = 4,
	VFIO_PCI_BAR5_REGION_INDEX = 5,
	VFIO_PCI_ROM_REGION_INDEX = 6,
	VFIO_PCI_CONFIG_REGION_INDEX = 7,
	VFIO_PCI_VGA_REGION_INDEX = 8,
	VFIO_PCI_NUM_REGIONS = 9,
};

/* Regions of vfio-ccw. */
enum {
	VFIO_CCW_CONFIG_REGION_INDEX = 0,
	VFIO_CCW_NUM_REGIONS = 1,
};

/* ---- device: interrupts ----------------------------------------------- */

#define VFIO_IRQ_INFO_EVENTFD (1 << 0)
#define VFIO_IRQ_INFO_MASKABLE (1 << 1)
#define VFIO_IRQ_INFO_AUTOMASKED (1 << 2)
#define VFIO_IRQ_INFO_NORESIZE (1 << 3)

/**
 * struct vfio_irq_info - VFIO_DEVICE_GET_IRQ_INFO
 * @argsz: bytes of this struct
 * @flags: VFIO_IRQ_INFO_*
 * @index: which kind of interrupt
 * @count: its vectors; 0: the device has none
 */
struct vfio_irq_info {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 count;
};
#define VFIO_DEVICE_GET_IRQ_INFO _IO(VFIO_TYPE, VFIO_BASE + 9)

#define VFIO_IRQ_SET_DATA_NONE (1 << 0)
#define VFIO_IRQ_SET_DATA_BOOL (1 << 1)
#define VFIO_IRQ_SET_DATA_EVENTFD (1 << 2)
#define VFIO_IRQ_SET_ACTION_MASK (1 << 3)
#define VFIO_IRQ_SET_ACTION_UNMASK (1 << 4)
#define VFIO_IRQ_SET_ACTION_TRIGGER (1 << 5)

#define VFIO_IRQ_SET_DATA_TYPE_MASK                        \
	(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL | \
	 VFIO_IRQ_SET_DATA_EVENTFD)
#define VFIO_IRQ_SET_ACTION_TYPE_MASK                            \
	(VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK | \
	 VFIO_IRQ_SET_ACTION_TRIGGER)

/**
 * struct vfio_irq_set - VFIO_DEVICE_SET_IRQS
 * @argsz: bytes of this struct and of the data
 * @flags: one VFIO_IRQ_SET_DATA_* and one VFIO_IRQ_SET_ACTION_*
 * @index: which kind of interrupt
 * @start: the first vector
 * @count: vectors; TRIGGER with NONE and 0: the whole kind off
 * @data: a byte (BOOL) or a file descriptor (EVENTFD, -1: none) for each
 */
struct vfio_irq_set {
	__u32 argsz;
	__u32 flags;
	__u32 index;
	__u32 start;
	__u32 count;
	__u8 data[];
};
#define VFIO_DEVICE_SET_IRQS _IO(VFIO_TYPE, VFIO_BASE + 10)

/* Interrupts of vfio-pci. */
enum {
	VFIO_PCI_INTX_IRQ_INDEX = 0,
	VFIO_PCI_MSI_IRQ_INDEX = 1,
	VFIO_PCI_MSIX_IRQ_INDEX = 2,
	VFIO_PCI_ERR_IRQ_INDEX = 3,
	VFIO_PCI_REQ_IRQ_INDEX = 4,
	VFIO_PCI_NUM_IRQS = 5,
};

/* Interrupts of vfio-ccw. */
enum {
	VFIO_CCW_IO_IRQ_INDEX = 0,
	VFIO_CCW_CRW_IRQ_INDEX = 1,
	VFIO_CCW_REQ_IRQ_INDEX = 2,
	VFIO_CCW_NUM_IRQS = 3,
};

/* Interrupts of vfio-ap. */
enum {
	VFIO_AP_REQ_IRQ_INDEX = 0,
	VFIO_AP_CFG_CHG_IRQ_INDEX = 1,
	VFIO_AP_NUM_IRQS = 2,
};

/* ---- device: reset ---------------------------------------------------- */

/* No argument. */
#define VFIO_DEVICE_RESET _IO(VFIO_TYPE, VFIO_BASE + 11)

/* Instead of a device ID: in the same context; in another, or in none. */
#define VFIO_PCI_DEVID_OWNED 0
#define VFIO_PCI_DEVID_NOT_OWNED (-1)

/**
 * struct vfio_pci_dependent_device - a device that a hot reset resets too
 * @group_id: its group, when asked through a group
 * @devid: its ID in the caller's iommufd context, or VFIO_PCI_DEVID_*, when
 *	asked through a device file
 * @segment: its PCI domain
 * @bus: its PCI bus
 * @devfn: its PCI slot and function
 */
struct vfio_pci_dependent_device {
	union {
		__u32 group_id;
		__u32 devid;
	};
	__u16 segment;
	__u8 bus;
	__u8 devfn;
};

#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID (1 << 0)
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED (1 << 1)

/**
 * struct vfio_pci_hot_reset_info - VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
 * @argsz: bytes of this struct and of room for devices
 * @flags: VFIO_PCI_HOT_RESET_FLAG_*
 * @count: number of devices, also when there was no room (ENOSPC)
 * @devices: all that would be reset
 */
struct vfio_pci_hot_reset_info {
	__u32 argsz;
	__u32 flags;
	__u32 count;
	struct vfio_pci_dependent_device devices[];
};
#define VFIO_DEVICE_GET_PCI_HOT_RESET_INFO _IO(VFIO_TYPE, VFIO_BASE + 12)

/**
 * struct vfio_pci_hot_reset - VFIO_DEVICE_PCI_HOT_RESET
 * @argsz: bytes of this struct and of the descriptors
 * @flags: 0
 * @count: number of group files; 0 through a device file
 * @group_fds: proof that the caller has all groups
 */
struct vfio_pci_hot_reset {
	__u32 argsz;
	__u32 flags;
	__u32 count;
	__s32 group_fds[];
};
#define VFIO_DEVICE_PCI_HOT_RESET _IO(VFIO_TYPE, VFIO_BASE + 13)

/* ---- device: graphics of mediated devices ----------------------------- */

#define VFIO_GFX_PLANE_TYPE_PROBE (1 << 0)
#define VFIO_GFX_PLANE_TYPE_DMABUF (1 << 1)
#define VFIO_GFX_PLANE_TYPE_REGION (1 << 2)

/**
 * struct vfio_device_gfx_plane_info - VFIO_DEVICE_QUERY_GFX_PLANE
 * @argsz: bytes of this struct
 * @flags: VFIO_GFX_PLANE_TYPE_*
 * @drm_plane_type: which plane
 * @drm_format: its pixel format
 * @drm_format_mod: the modifier of the format
 * @width: in pixels
 * @height: in pixels
 * @stride: bytes of a line
 * @size: bytes of the plane
 * @x_pos: place of the cursor plane
 * @y_pos: place of the cursor plane
 * @x_hot: hot spot of the cursor
 * @y_hot: hot spot of the cursor
 * @region_index: the region that holds the plane
 * @dmabuf_id: for VFIO_DEVICE_GET_GFX_DMABUF
 * @reserved: 0
 */
struct vfio_device_gfx_plane_info {
	__u32 argsz;
	__u32 flags;
	__u32 drm_plane_type;
	__u32 drm_format;
	__aligned_u64 drm_format_mod;
	__u32 width;
	__u32 height;
	__u32 stride;
	__u32 size;
	__u32 x_pos;
	__u32 y_pos;
	__u32 x_hot;
	__u32 y_hot;
	union {
		__u32 region_index;
		__u32 dmabuf_id;
	};
	__u32 reserved;
};
#define VFIO_DEVICE_QUERY_GFX_PLANE _IO(VFIO_TYPE, VFIO_BASE + 14)

/* Argument: pointer to a dmabuf_id. Result: a file descriptor. */
#define VFIO_DEVICE_GET_GFX_DMABUF _IO(VFIO_TYPE, VFIO_BASE + 15)

/* ---- device: stores by eventfd ---------------------------------------- */

#define VFIO_DEVICE_IOEVENTFD_8 (1 << 0)
#define VFIO_DEVICE_IOEVENTFD_16 (1 << 1)
#define VFIO_DEVICE_IOEVENTFD_32 (1 << 2)
#define VFIO_DEVICE_IOEVENTFD_64 (1 << 3)
#define VFIO_DEVICE_IOEVENTFD_SIZE_MASK 0xf

/**
 * struct vfio_device_ioeventfd - VFIO_DEVICE_IOEVENTFD: an eventfd that
 *	stores a value into a region
 * @argsz: bytes of this struct
 * @flags: one VFIO_DEVICE_IOEVENTFD_*, the width
 * @offset: in the device's file
 * @data: the value
 * @fd: the eventfd; -1 removes the store
 * @reserved: 0
 */
struct vfio_device_ioeventfd {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 offset;
	__aligned_u64 data;
	__s32 fd;
	__u32 reserved;
};
#define VFIO_DEVICE_IOEVENTFD _IO(VFIO_TYPE, VFIO_BASE + 16)

/* ---- device: features ------------------------------------------------- */

#define VFIO_DEVICE_FEATURE_MASK 0xffff
#define VFIO_DEVICE_FEATURE_GET (1 << 16)
#define VFIO_DEVICE_FEATURE_SET (1 << 17)
#define VFIO_DEVICE_FEATURE_PROBE (1 << 18)

/**
 * struct vfio_device_feature - VFIO_DEVICE_FEATURE
 * @argsz: bytes of this struct and of the payload
 * @flags: the feature's number; GET or SET; PROBE with those asked for
 * @data: the payload
 */
struct vfio_device_feature {
	__u32 argsz;
	__u32 flags;
	__u8 data[];
};
#define VFIO_DEVICE_FEATURE _IO(VFIO_TYPE, VFIO_BASE + 17)

/* SET: 16 bytes that virtual functions must know. */
#define VFIO_DEVICE_FEATURE_PCI_VF_TOKEN 0

#define VFIO_DEVICE_FEATURE_MIGRATION 1

#define VFIO_MIGRATION_STOP_COPY (1 << 0)
#define VFIO_MIGRATION_P2P (1 << 1)
#define VFIO_MIGRATION_PRE_COPY (1 << 2)

/**
 * struct vfio_device_feature_migration - GET: can it migrate?
 * @flags: VFIO_MIGRATION_*
 */
struct vfio_device_feature_migration {
	__aligned_u64 flags;
};

#define VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE 2

/**
 * struct vfio_device_feature_mig_state - GET, SET: where migration stands
 * @device_state: of enum vfio_device_mig_state
 * @data_fd: on return the file of the device's data, or -1
 */
struct vfio_device_feature_mig_state {
	__u32 device_state;
	__s32 data_fd;
};

/**
 * enum vfio_device_mig_state - states of a device that migrates
 * @VFIO_DEVICE_STATE_ERROR: only a reset helps
 * @VFIO_DEVICE_STATE_STOP: nothing changes
 * @VFIO_DEVICE_STATE_RUNNING: as ever
 * @VFIO_DEVICE_STATE_STOP_COPY: stopped, its data can be read
 * @VFIO_DEVICE_STATE_RESUMING: stopped, its data can be written
 * @VFIO_DEVICE_STATE_RUNNING_P2P: runs, but starts no DMA to other devices
 * @VFIO_DEVICE_STATE_PRE_COPY: runs, its data can be read already
 * @VFIO_DEVICE_STATE_PRE_COPY_P2P: both
 * @VFIO_DEVICE_STATE_NR: their number
 */
enum vfio_device_mig_state {
	VFIO_DEVICE_STATE_ERROR = 0,
	VFIO_DEVICE_STATE_STOP = 1,
	VFIO_DEVICE_STATE_RUNNING = 2,
	VFIO_DEVICE_STATE_STOP_COPY = 3,
	VFIO_DEVICE_STATE_RESUMING = 4,
	VFIO_DEVICE_STATE_RUNNING_P2P = 5,
	VFIO_DEVICE_STATE_PRE_COPY = 6,
	VFIO_DEVICE_STATE_PRE_COPY_P2P = 7,
	VFIO_DEVICE_STATE_NR,
};

#define VFIO_PRECOPY_INFO_REINIT (1 << 0)

/**
 * struct vfio_precopy_info - VFIO_MIG_GET_PRECOPY_INFO, on the data's file
 * @argsz: bytes of this struct
 * @flags: VFIO_PRECOPY_INFO_*, once MIG_PRECOPY_INFOv2 was set
 * @initial_bytes: left of the first part
 * @dirty_bytes: changed since they were read
 */
struct vfio_precopy_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 initial_bytes;
	__aligned_u64 dirty_bytes;
};
#define VFIO_MIG_GET_PRECOPY_INFO _IO(VFIO_TYPE, VFIO_BASE + 21)

/* SET: the device may sleep until it is used. */
#define VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY 3

#define VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP 4

/**
 * struct vfio_device_low_power_entry_with_wakeup - SET: the same, once
 * @wakeup_eventfd: signalled when it wakes
 * @reserved: 0
 */
struct vfio_device_low_power_entry_with_wakeup {
	__s32 wakeup_eventfd;
	__u32 reserved;
};

/* SET: the device may not sleep. */
#define VFIO_DEVICE_FEATURE_LOW_POWER_EXIT 5

/**
 * struct vfio_device_feature_dma_logging_control - SET: log DMA writes
 * @page_size: granularity wanted; on return the one chosen
 * @num_ranges: entries of the array
 * @__reserved: 0
 * @ranges: pointer to struct vfio_device_feature_dma_logging_range entries
 */
struct vfio_device_feature_dma_logging_control {
	__aligned_u64 page_size;
	__u32 num_ranges;
	__u32 __reserved;
	__aligned_u64 ranges;
};

/**
 * struct vfio_device_feature_dma_logging_range - what to log
 * @iova: the first IOVA
 * @length: bytes
 */
struct vfio_device_feature_dma_logging_range {
	__aligned_u64 iova;
	__aligned_u64 length;
};

#define VFIO_DEVICE_FEATURE_DMA_LOGGING_START 6
#define VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP 7
#define VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT 8

/**
 * struct vfio_device_feature_dma_logging_report - GET: the log of a range
 * @iova: the first IOVA
 * @length: bytes
 * @page_size: bytes that one bit stands for
 * @bitmap: pointer to an array of 64-bit words; bits are set, never cleared
 */
struct vfio_device_feature_dma_logging_report {
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 bitmap;
};

#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE 9

/**
 * struct vfio_device_feature_mig_data_size - GET: how much will be copied?
 * @stop_copy_length: bytes, estimated
 */
struct vfio_device_feature_mig_data_size {
	__aligned_u64 stop_copy_length;
};

#define VFIO_DEVICE_FEATURE_BUS_MASTER 10

#define VFIO_DEVICE_FEATURE_CLEAR_MASTER 0
#define VFIO_DEVICE_FEATURE_SET_MASTER 1

/**
 * struct vfio_device_feature_bus_master - SET: may it do DMA? (CDX)
 * @op: VFIO_DEVICE_FEATURE_CLEAR_MASTER or VFIO_DEVICE_FEATURE_SET_MASTER
 */
struct vfio_device_feature_bus_master {
	__u32 op;
};

#define VFIO_DEVICE_FEATURE_DMA_BUF 11

/**
 * struct vfio_region_dma_range - a part of a region
 * @offset: from the start of the region
 * @length: bytes
 */
struct vfio_region_dma_range {
	__aligned_u64 offset;
	__aligned_u64 length;
};

/**
 * struct vfio_device_feature_dma_buf - GET: parts of a BAR as a dma-buf, whose
 *	file descriptor is the result of the ioctl
 * @region_index: the BAR
 * @open_flags: O_* of the file
 * @flags: 0
 * @nr_ranges: number of parts
 * @dma_ranges: the parts
 */
struct vfio_device_feature_dma_buf {
	__u32 region_index;
	__u32 open_flags;
	__u32 flags;
	__u32 nr_ranges;
	struct vfio_region_dma_range dma_ranges[];
};

/* SET: struct vfio_precopy_info has flags. */
#define VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 12

#define VFIO_DEVICE_FEATURE_ZPCI_ERROR 13

/**
 * struct vfio_device_feature_zpci_err - GET: the next error (s390)
 * @data: pointer to room for it
 */
struct vfio_device_feature_zpci_err {
	__aligned_u64 data;
};

/* ---- device: iommufd -------------------------------------------------- */

#define VFIO_DEVICE_BIND_FLAG_TOKEN (1 << 0)

/**
 * struct vfio_device_bind_iommufd - VFIO_DEVICE_BIND_IOMMUFD: give the device
 *	to an iommufd context; nothing else works before
 * @argsz: bytes of this struct, or of its first 16
 * @flags: VFIO_DEVICE_BIND_FLAG_*
 * @iommufd: the context's file
 * @out_devid: the device's ID in the context
 * @token_uuid_ptr: with TOKEN pointer to the 16 bytes of a PCI_VF_TOKEN
 */
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
	__aligned_u64 token_uuid_ptr;
};
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

#define VFIO_DEVICE_ATTACH_PASID (1 << 0)

/**
 * struct vfio_device_attach_iommufd_pt - VFIO_DEVICE_ATTACH_IOMMUFD_PT: what
 *	the device's DMA goes through; replaces what was attached
 * @argsz: bytes of this struct, or without PASID of its first 12
 * @flags: VFIO_DEVICE_ATTACH_PASID or 0
 * @pt_id: an I/O address space or a page table; on return the page table
 * @pasid: with ATTACH_PASID
 */
struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
	__u32 pasid;
};
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

#define VFIO_DEVICE_DETACH_PASID (1 << 0)

/**
 * struct vfio_device_detach_iommufd_pt - VFIO_DEVICE_DETACH_IOMMUFD_PT: no DMA
 *	of the device passes any more
 * @argsz: bytes of this struct, or without PASID of its first 8
 * @flags: VFIO_DEVICE_DETACH_PASID or 0
 * @pasid: with DETACH_PASID
 */
struct vfio_device_detach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pasid;
};
#define VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)

/* ---- container: the type 1 IOMMU -------------------------------------- */

#define VFIO_IOMMU_INFO_PGSIZES (1 << 0)
#define VFIO_IOMMU_INFO_CAPS (1 << 1)

/**
 * struct vfio_iommu_type1_info - VFIO_IOMMU_GET_INFO
 * @argsz: bytes of this struct (its first 16 at least) and of room for
 *	capabilities
 * @flags: VFIO_IOMMU_INFO_*
 * @iova_pgsizes: a bit for each page size
 * @cap_offset: of the first capability
 * @pad: 0
 */
struct vfio_iommu_type1_info {
	__u32 argsz;
	__u32 flags;
	__aligned_u64 iova_pgsizes;
	__u32 cap_offset;
	__u32 pad;
};
#define VFIO_IOMMU_GET_INFO _IO(VFIO_TYPE, VFIO_BASE + 12)

#define VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE 1
#define VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION 2
#define VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL 3

/**
 * struct vfio_iova_range - a range of IOVAs
 * @start: its first
 * @end: its last, inclusive
 */
struct vfio_iova_range {
	__u64 start;
	__u64 end;
};

/**
 * struct vfio_iommu_type1_info_cap_iova_range - what may be mapped
 * @header: of the capability
 * @nr_iovas: number of ranges
 * @reserved: 0
 * @iova_ranges: the ranges
 */
struct vfio_iommu_type1_info_cap_iova_range {
	struct vfio_info_cap_header header;
	__u32 nr_iovas;
	__u32 reserved;
	struct vfio_iova_range iova_ranges[];
};

/**
 * struct vfio_iommu_type1_info_cap_migration - it can track writes
 * @header: of the capability
 * @flags: 0
 * @pgsize_bitmap: a bit for each granularity
 * @max_dirty_bitmap_size: bytes of the largest bitmap
 */
struct vfio_iommu_type1_info_cap_migration {
	struct vfio_info_cap_header header;
	__u32 flags;
	__aligned_u64 pgsize_bitmap;
	__aligned_u64 max_dirty_bitmap_size;
};

/**
 * struct vfio_iommu_type1_info_dma_avail - how many mappings are left
 * @header: of the capability
 * @avail: their number
 */
struct vfio_iommu_type1_info_dma_avail {
	struct vfio_info_cap_header header;
	__u32 avail;
};

#define VFIO_DMA_MAP_FLAG_READ (1 << 0)
#define VFIO_DMA_MAP_FLAG_WRITE (1 << 1)
#define VFIO_DMA_MAP_FLAG_VADDR (1 << 2)

/**
 * struct vfio_iommu_type1_dma_map - VFIO_IOMMU_MAP_DMA
 * @argsz: bytes of this struct
 * @flags: VFIO_DMA_MAP_FLAG_*; VADDR: the memory has moved, nothing else
 * @vaddr: address of the memory in this process
 * @iova: where to map
 * @size: bytes
 */
struct vfio_iommu_type1_dma_map {
	__u32 argsz;
	__u32 flags;
	__u64 vaddr;
	__u64 iova;
	__u64 size;
};
#define VFIO_IOMMU_MAP_DMA _IO(VFIO_TYPE, VFIO_BASE + 13)

/**
 * struct vfio_bitmap - where to put dirty bits
 * @pgsize: bytes that one bit stands for
 * @size: bytes of the bitmap
 * @data: the bitmap
 */
struct vfio_bitmap {
	__u64 pgsize;
	__u64 size;
	__u64 *data;
};

#define VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP (1 << 0)
#define VFIO_DMA_UNMAP_FLAG_ALL (1 << 1)
#define VFIO_DMA_UNMAP_FLAG_VADDR (1 << 2)

/**
 * struct vfio_iommu_type1_dma_unmap - VFIO_IOMMU_UNMAP_DMA
 * @argsz: bytes of this struct and of the data
 * @flags: VFIO_DMA_UNMAP_FLAG_*
 * @iova: the first IOVA; 0 with ALL
 * @size: bytes, 0 with ALL; on return how many were unmapped
 * @data: with GET_DIRTY_BITMAP a struct vfio_bitmap
 */
struct vfio_iommu_type1_dma_unmap {
	__u32 argsz;
	__u32 flags;
	__u64 iova;
	__u64 size;
	__u8 data[];
};
#define VFIO_IOMMU_UNMAP_DMA _IO(VFIO_TYPE, VFIO_BASE + 14)

/* POWER only; no argument. */
#define VFIO_IOMMU_ENABLE _IO(VFIO_TYPE, VFIO_BASE + 15)
#define VFIO_IOMMU_DISABLE _IO(VFIO_TYPE, VFIO_BASE + 16)

#define VFIO_IOMMU_DIRTY_PAGES_FLAG_START (1 << 0)
#define VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP (1 << 1)
#define VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP (1 << 2)

/**
 * struct vfio_iommu_type1_dirty_bitmap - VFIO_IOMMU_DIRTY_PAGES
 * @argsz: bytes of this struct and of the data
 * @flags: one of VFIO_IOMMU_DIRTY_PAGES_FLAG_*
 * @data: with GET_BITMAP a struct vfio_iommu_type1_dirty_bitmap_get
 */
struct vfio_iommu_type1_dirty_bitmap {
	__u32 argsz;
	__u32 flags;
	__u8 data[];
};
#define VFIO_IOMMU_DIRTY_PAGES _IO(VFIO_TYPE, VFIO_BASE + 17)

/**
 * struct vfio_iommu_type1_dirty_bitmap_get - which pages were written?
 * @iova: the first IOVA
 * @size: bytes
 * @bitmap: where to put the answer
 */
struct vfio_iommu_type1_dirty_bitmap_get {
	__u64 iova;
	__u64 size;
	struct vfio_bitmap bitmap;
};

#endif /* UAPI_LINUX_VFIO_H */
