/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ioctls of /dev/iommu, as Linux 7.3 has them. Names, numbers and layouts
 * are Linux's; the text is this project's. Systems bring a header of the same
 * name, so this one is not installed.
 *
 * Every command is _IO(';', 0x80 + n) and takes one struct whose first field
 * tells its size. The struct may be as short as the last field that the first
 * version of the command had; what is missing is read as 0. It may be longer
 * than this header knows, if all bytes beyond are 0.
 *
 * What an errno means, for all commands:
 *
 * ============  ==============================================================
 * ENOTTY        no such command
 * EFAULT        the struct, or memory that it points to, cannot be reached
 * EINVAL        the struct is too short; a length is 0; an alignment is not
 *               kept; objects do not fit each other
 * E2BIG         the struct is longer than known, and not zero there
 * EOPNOTSUPP    a flag, type or option that is not known, or a reserved field
 *               that is not 0 (EINVAL only where Linux says so)
 * ENOENT        no object of that type has this ID; nothing is mapped there
 * EBUSY         something still uses the object
 * EEXIST        the place is taken: a mapping, a virtual device ID, a queue
 * EADDRINUSE    an IOVA range is reserved, or would have to be, but is in use
 * EOVERFLOW     the range goes beyond the last address
 * ENOSPC        no free IOVA range is large enough
 * EMSGSIZE      the answer is longer than the array; its length is told
 * EPERM         a mapping, or the caller, lacks the permission
 * ENOMEM        out of memory, or more pinned than RLIMIT_MEMLOCK allows
 * ENODEV        nothing is set; a dma-buf was revoked
 * EBADF         a field needs an open file descriptor
 * EDEADLK       an in-process user does not give its pins back
 * EIO           an IOMMU does not accept a guest's command or table entry
 * ENXIO         mmap() of an offset that was not handed out
 * ============  ==============================================================
 *
 * IDs of objects count from 1 in each open file, all types together.
 */
#ifndef UAPI_LINUX_IOMMUFD_H
#define UAPI_LINUX_IOMMUFD_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define IOMMUFD_TYPE (';')

/* The low byte of each command. */
enum {
	IOMMUFD_CMD_BASE = 0x80,
	IOMMUFD_CMD_DESTROY = IOMMUFD_CMD_BASE,
	IOMMUFD_CMD_IOAS_ALLOC = 0x81,
	IOMMUFD_CMD_IOAS_ALLOW_IOVAS = 0x82,
	IOMMUFD_CMD_IOAS_COPY = 0x83,
	IOMMUFD_CMD_IOAS_IOVA_RANGES = 0x84,
	IOMMUFD_CMD_IOAS_MAP = 0x85,
	IOMMUFD_CMD_IOAS_UNMAP = 0x86,
	IOMMUFD_CMD_OPTION = 0x87,
	IOMMUFD_CMD_VFIO_IOAS = 0x88,
	IOMMUFD_CMD_HWPT_ALLOC = 0x89,
	IOMMUFD_CMD_GET_HW_INFO = 0x8a,
	IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING = 0x8b,
	IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP = 0x8c,
	IOMMUFD_CMD_HWPT_INVALIDATE = 0x8d,
	IOMMUFD_CMD_FAULT_QUEUE_ALLOC = 0x8e,
	IOMMUFD_CMD_IOAS_MAP_FILE = 0x8f,
	IOMMUFD_CMD_VIOMMU_ALLOC = 0x90,
	IOMMUFD_CMD_VDEVICE_ALLOC = 0x91,
	IOMMUFD_CMD_IOAS_CHANGE_PROCESS = 0x92,
	IOMMUFD_CMD_VEVENTQ_ALLOC = 0x93,
	IOMMUFD_CMD_HW_QUEUE_ALLOC = 0x94,
	IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA = 0x95,
};

/**
 * struct iommu_destroy - IOMMU_DESTROY: the end of an object
 * @size: bytes of this struct
 * @id: any object that user space made; devices and accesses end with the
 *	file that made them, and give EBUSY
 */
struct iommu_destroy {
	__u32 size;
	__u32 id;
};
#define IOMMU_DESTROY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_DESTROY)

/* ---- I/O address spaces ---------------------------------------------- */

/**
 * struct iommu_ioas_alloc - IOMMU_IOAS_ALLOC: a new I/O address space
 * @size: bytes of this struct
 * @flags: 0
 * @out_ioas_id: its ID
 */
struct iommu_ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};
#define IOMMU_IOAS_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOC)

/**
 * struct iommu_iova_range - a range of IOVAs
 * @start: its first
 * @last: its last, inclusive
 */
struct iommu_iova_range {
	__aligned_u64 start;
	__aligned_u64 last;
};

/**
 * struct iommu_ioas_iova_ranges - IOMMU_IOAS_IOVA_RANGES: what may be mapped
 * @size: bytes of this struct
 * @ioas_id: which I/O address space
 * @num_iovas: entries of the array; on return the number of ranges, also when
 *	that is more (EMSGSIZE) and the array holds only the first of them
 * @__reserved: 0
 * @allowed_iovas: pointer to an array of struct iommu_iova_range
 * @out_iova_alignment: what IOVAs, lengths and memory offsets are multiples of
 *
 * The answer changes whenever a device is attached or detached. It does not
 * depend on what is mapped.
 */
struct iommu_ioas_iova_ranges {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
	__aligned_u64 out_iova_alignment;
};
#define IOMMU_IOAS_IOVA_RANGES _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_IOVA_RANGES)

/**
 * struct iommu_ioas_allow_iovas - IOMMU_IOAS_ALLOW_IOVAS: keep ranges usable
 * @size: bytes of this struct
 * @ioas_id: which I/O address space
 * @num_iovas: entries of the array; 0 forgets the list
 * @__reserved: 0
 * @allowed_iovas: pointer to an array of struct iommu_iova_range
 *
 * The new list replaces the old one as a whole. Addresses that MAP chooses
 * come from it, and no device can be attached that reserves a part of it.
 */
struct iommu_ioas_allow_iovas {
	__u32 size;
	__u32 ioas_id;
	__u32 num_iovas;
	__u32 __reserved;
	__aligned_u64 allowed_iovas;
};
#define IOMMU_IOAS_ALLOW_IOVAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_ALLOW_IOVAS)

/**
 * enum iommufd_ioas_map_flags - flags of MAP, MAP_FILE and COPY
 * @IOMMU_IOAS_MAP_FIXED_IOVA: the caller chooses the IOVA
 * @IOMMU_IOAS_MAP_WRITEABLE: devices may write
 * @IOMMU_IOAS_MAP_READABLE: devices may read
 */
enum iommufd_ioas_map_flags {
	IOMMU_IOAS_MAP_FIXED_IOVA = 1 << 0,
	IOMMU_IOAS_MAP_WRITEABLE = 1 << 1,
	IOMMU_IOAS_MAP_READABLE = 1 << 2,
};

/**
 * struct iommu_ioas_map - IOMMU_IOAS_MAP: show memory to devices
 * @size: bytes of this struct
 * @flags: of enum iommufd_ioas_map_flags; one permission at least
 * @ioas_id: which I/O address space
 * @__reserved: 0
 * @user_va: address of the memory in this process
 * @length: bytes
 * @iova: with FIXED_IOVA where to map, else on return where it was mapped
 */
struct iommu_ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};
#define IOMMU_IOAS_MAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP)

/**
 * struct iommu_ioas_map_file - IOMMU_IOAS_MAP_FILE: show a file to devices
 * @size: bytes of this struct
 * @flags: as of struct iommu_ioas_map
 * @ioas_id: which I/O address space
 * @fd: a memfd, a file of tmpfs or hugetlbfs, or a dma-buf of vfio-pci
 * @start: byte offset in the file
 * @length: bytes
 * @iova: as of struct iommu_ioas_map
 */
struct iommu_ioas_map_file {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__s32 fd;
	__aligned_u64 start;
	__aligned_u64 length;
	__aligned_u64 iova;
};
#define IOMMU_IOAS_MAP_FILE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_MAP_FILE)

/**
 * struct iommu_ioas_copy - IOMMU_IOAS_COPY: map what is mapped elsewhere
 * @size: bytes of this struct
 * @flags: as of struct iommu_ioas_map
 * @dst_ioas_id: where to map; may be the source
 * @src_ioas_id: where the memory is mapped already
 * @length: bytes; all of them must be mapped
 * @dst_iova: as iova of struct iommu_ioas_map
 * @src_iova: the first IOVA of the source
 *
 * Both mappings share the memory: it is pinned and charged once. Later either
 * may go without the other.
 */
struct iommu_ioas_copy {
	__u32 size;
	__u32 flags;
	__u32 dst_ioas_id;
	__u32 src_ioas_id;
	__aligned_u64 length;
	__aligned_u64 dst_iova;
	__aligned_u64 src_iova;
};
#define IOMMU_IOAS_COPY _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_COPY)

/**
 * struct iommu_ioas_unmap - IOMMU_IOAS_UNMAP: take memory away from devices
 * @size: bytes of this struct
 * @ioas_id: which I/O address space
 * @iova: the first IOVA
 * @length: bytes; on return how many were unmapped
 *
 * Only whole mappings go. IOVA 0 with a length of 2^64 - 1 means everything,
 * and then nothing mapped is no error. When the call has returned, no device
 * reaches the memory any more.
 */
struct iommu_ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};
#define IOMMU_IOAS_UNMAP _IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_UNMAP)

/**
 * struct iommu_ioas_change_process - IOMMU_IOAS_CHANGE_PROCESS: a new owner
 * @size: bytes of this struct
 * @__reserved: 0
 *
 * From now on the calling process pays for what all I/O address spaces of the
 * file have pinned. Only where everything mapped is files.
 */
struct iommu_ioas_change_process {
	__u32 size;
	__u32 __reserved;
};
#define IOMMU_IOAS_CHANGE_PROCESS \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_CHANGE_PROCESS)

/**
 * struct iommu_ioas_noiommu_get_pa - IOMMU_IOAS_NOIOMMU_GET_PA: the physical
 *	address for a device that no IOMMU translates
 * @size: bytes of this struct
 * @flags: 0
 * @ioas_id: which I/O address space
 * @__reserved: 0
 * @iova: the address asked for
 * @length: bytes wanted; on return how many follow each other in memory
 * @out_phys: the physical address of @iova
 */
struct iommu_ioas_noiommu_get_pa {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 out_phys;
};
#define IOMMU_IOAS_NOIOMMU_GET_PA \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_IOAS_NOIOMMU_GET_PA)

/* ---- options and compatibility --------------------------------------- */

/**
 * enum iommufd_option - what IOMMU_OPTION sets
 * @IOMMU_OPTION_RLIMIT_MODE: 0: pinned memory is charged to the user; 1: to
 *	the process, as the VFIO container does. Before the first object only
 * @IOMMU_OPTION_HUGE_PAGES: of an I/O address space; 0: keep to system pages,
 *	so that mappings can be split
 */
enum iommufd_option {
	IOMMU_OPTION_RLIMIT_MODE = 0,
	IOMMU_OPTION_HUGE_PAGES = 1,
};

/**
 * enum iommufd_option_ops - what to do with an option
 * @IOMMU_OPTION_OP_SET: set it
 * @IOMMU_OPTION_OP_GET: tell it
 */
enum iommufd_option_ops {
	IOMMU_OPTION_OP_SET = 0,
	IOMMU_OPTION_OP_GET = 1,
};

/**
 * struct iommu_option - IOMMU_OPTION: set or tell an option
 * @size: bytes of this struct
 * @option_id: of enum iommufd_option
 * @op: of enum iommufd_option_ops
 * @__reserved: 0
 * @object_id: the object that has the option; 0 for options of the file
 * @val64: the value
 */
struct iommu_option {
	__u32 size;
	__u32 option_id;
	__u16 op;
	__u16 __reserved;
	__u32 object_id;
	__aligned_u64 val64;
};
#define IOMMU_OPTION _IO(IOMMUFD_TYPE, IOMMUFD_CMD_OPTION)

/**
 * enum iommufd_vfio_ioas_op - what to do with the container's address space
 * @IOMMU_VFIO_IOAS_GET: tell it
 * @IOMMU_VFIO_IOAS_SET: choose it
 * @IOMMU_VFIO_IOAS_CLEAR: choose none
 */
enum iommufd_vfio_ioas_op {
	IOMMU_VFIO_IOAS_GET = 0,
	IOMMU_VFIO_IOAS_SET = 1,
	IOMMU_VFIO_IOAS_CLEAR = 2,
};

/**
 * struct iommu_vfio_ioas - IOMMU_VFIO_IOAS: the I/O address space that the
 *	VFIO container commands on this file work on
 * @size: bytes of this struct
 * @ioas_id: to set, or told
 * @op: of enum iommufd_vfio_ioas_op
 * @__reserved: 0
 */
struct iommu_vfio_ioas {
	__u32 size;
	__u32 ioas_id;
	__u16 op;
	__u16 __reserved;
};
#define IOMMU_VFIO_IOAS _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VFIO_IOAS)

/* ---- page tables ------------------------------------------------------ */

/**
 * enum iommufd_hwpt_alloc_flags - flags of IOMMU_HWPT_ALLOC
 * @IOMMU_HWPT_ALLOC_NEST_PARENT: guest page tables can be nested on it
 * @IOMMU_HWPT_ALLOC_DIRTY_TRACKING: it can track writes
 * @IOMMU_HWPT_FAULT_ID_VALID: page faults go to a fault queue
 * @IOMMU_HWPT_ALLOC_PASID: a PASID can be attached to it
 */
enum iommufd_hwpt_alloc_flags {
	IOMMU_HWPT_ALLOC_NEST_PARENT = 1 << 0,
	IOMMU_HWPT_ALLOC_DIRTY_TRACKING = 1 << 1,
	IOMMU_HWPT_FAULT_ID_VALID = 1 << 2,
	IOMMU_HWPT_ALLOC_PASID = 1 << 3,
};

/**
 * enum iommu_hwpt_vtd_s1_flags - what a VT-d first-stage table makes use of
 * @IOMMU_VTD_S1_SRE: supervisor requests
 * @IOMMU_VTD_S1_EAFE: the extended accessed flag
 * @IOMMU_VTD_S1_WPE: write protection for supervisor requests
 */
enum iommu_hwpt_vtd_s1_flags {
	IOMMU_VTD_S1_SRE = 1 << 0,
	IOMMU_VTD_S1_EAFE = 1 << 1,
	IOMMU_VTD_S1_WPE = 1 << 2,
};

/**
 * struct iommu_hwpt_vtd_s1 - a guest's first-stage table, Intel VT-d
 * @flags: of enum iommu_hwpt_vtd_s1_flags
 * @pgtbl_addr: guest physical address of its root
 * @addr_width: 48 or 57
 * @__reserved: 0
 */
struct iommu_hwpt_vtd_s1 {
	__aligned_u64 flags;
	__aligned_u64 pgtbl_addr;
	__u32 addr_width;
	__u32 __reserved;
};

/**
 * struct iommu_hwpt_arm_smmuv3 - a guest's stage 1, Arm SMMUv3
 * @ste: first two doublewords of the guest's stream table entry
 */
struct iommu_hwpt_arm_smmuv3 {
	__aligned_le64 ste[2];
};

/**
 * struct iommu_hwpt_amd_guest - a guest's first stage, AMD IOMMU
 * @dte: the guest's device table entry
 */
struct iommu_hwpt_amd_guest {
	__aligned_u64 dte[4];
};

/**
 * enum iommu_hwpt_data_type - what IOMMU_HWPT_ALLOC gets besides
 * @IOMMU_HWPT_DATA_NONE: nothing
 * @IOMMU_HWPT_DATA_VTD_S1: struct iommu_hwpt_vtd_s1
 * @IOMMU_HWPT_DATA_ARM_SMMUV3: struct iommu_hwpt_arm_smmuv3
 * @IOMMU_HWPT_DATA_AMD_GUEST: struct iommu_hwpt_amd_guest
 */
enum iommu_hwpt_data_type {
	IOMMU_HWPT_DATA_NONE = 0,
	IOMMU_HWPT_DATA_VTD_S1 = 1,
	IOMMU_HWPT_DATA_ARM_SMMUV3 = 2,
	IOMMU_HWPT_DATA_AMD_GUEST = 3,
};

/**
 * struct iommu_hwpt_alloc - IOMMU_HWPT_ALLOC: a page table of one's own
 * @size: bytes of this struct, or of its first 24
 * @flags: of enum iommufd_hwpt_alloc_flags
 * @dev_id: a device behind the IOMMU that is to hold the table
 * @pt_id: an I/O address space: a paging table that follows it. A table made
 *	with NEST_PARENT, or a virtual IOMMU: a nested table
 * @out_hwpt_id: its ID
 * @__reserved: 0
 * @data_type: of enum iommu_hwpt_data_type
 * @data_len: bytes of the data
 * @data_uptr: pointer to the data
 * @fault_id: the fault queue, with FAULT_ID_VALID
 * @__reserved2: 0
 */
struct iommu_hwpt_alloc {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 pt_id;
	__u32 out_hwpt_id;
	__u32 __reserved;
	__u32 data_type;
	__u32 data_len;
	__aligned_u64 data_uptr;
	__u32 fault_id;
	__u32 __reserved2;
};
#define IOMMU_HWPT_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_ALLOC)

/* ---- what the hardware is --------------------------------------------- */

/**
 * enum iommu_hw_info_vtd_flags - flags of struct iommu_hw_info_vtd
 * @IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17: a nest parent must not hold
 *	read-only mappings
 */
enum iommu_hw_info_vtd_flags {
	IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 = 1 << 0,
};

/**
 * struct iommu_hw_info_vtd - an Intel VT-d unit
 * @flags: of enum iommu_hw_info_vtd_flags
 * @__reserved: 0
 * @cap_reg: capability register
 * @ecap_reg: extended capability register
 */
struct iommu_hw_info_vtd {
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 cap_reg;
	__aligned_u64 ecap_reg;
};

/**
 * enum iommu_hw_info_arm_smmuv3_flags - of struct iommu_hw_info_arm_smmuv3
 * @IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI: each run of invalidation
 *	commands must be issued twice, with its SYNC
 */
enum iommu_hw_info_arm_smmuv3_flags {
	IOMMU_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI = 1 << 0,
};

/**
 * struct iommu_hw_info_arm_smmuv3 - an Arm SMMUv3
 * @flags: of enum iommu_hw_info_arm_smmuv3_flags
 * @__reserved: 0
 * @idr: registers IDR0 to IDR5
 * @iidr: register IIDR
 * @aidr: register AIDR
 */
struct iommu_hw_info_arm_smmuv3 {
	__u32 flags;
	__u32 __reserved;
	__u32 idr[6];
	__u32 iidr;
	__u32 aidr;
};

/**
 * struct iommu_hw_info_tegra241_cmdqv - Tegra241 command queues
 * @flags: 0
 * @version: of the hardware
 * @log2vcmdqs: virtual queues of an interface, power of two
 * @log2vsids: stream IDs of an interface, power of two
 * @__reserved: 0
 */
struct iommu_hw_info_tegra241_cmdqv {
	__u32 flags;
	__u8 version;
	__u8 log2vcmdqs;
	__u8 log2vsids;
	__u8 __reserved;
};

/**
 * struct iommu_hw_info_amd - an AMD IOMMU
 * @efr: extended feature register
 * @efr2: extended feature register 2
 */
struct iommu_hw_info_amd {
	__aligned_u64 efr;
	__aligned_u64 efr2;
};

/**
 * enum iommu_hw_info_type - what IOMMU_GET_HW_INFO tells
 * @IOMMU_HW_INFO_TYPE_NONE: nothing (as answer)
 * @IOMMU_HW_INFO_TYPE_DEFAULT: what the driver has (as question)
 * @IOMMU_HW_INFO_TYPE_INTEL_VTD: struct iommu_hw_info_vtd
 * @IOMMU_HW_INFO_TYPE_ARM_SMMUV3: struct iommu_hw_info_arm_smmuv3
 * @IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV: struct iommu_hw_info_tegra241_cmdqv
 * @IOMMU_HW_INFO_TYPE_AMD: struct iommu_hw_info_amd
 */
enum iommu_hw_info_type {
	IOMMU_HW_INFO_TYPE_NONE = 0,
	IOMMU_HW_INFO_TYPE_DEFAULT = 0,
	IOMMU_HW_INFO_TYPE_INTEL_VTD = 1,
	IOMMU_HW_INFO_TYPE_ARM_SMMUV3 = 2,
	IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV = 3,
	IOMMU_HW_INFO_TYPE_AMD = 4,
};

/**
 * enum iommufd_hw_capabilities - what the IOMMU can do for a device
 * @IOMMU_HW_CAP_DIRTY_TRACKING: track writes
 * @IOMMU_HW_CAP_PCI_PASID_EXEC: PASIDs with execute permission
 * @IOMMU_HW_CAP_PCI_PASID_PRIV: PASIDs in privileged mode
 * @IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: the device must not cache translations
 */
enum iommufd_hw_capabilities {
	IOMMU_HW_CAP_DIRTY_TRACKING = 1 << 0,
	IOMMU_HW_CAP_PCI_PASID_EXEC = 1 << 1,
	IOMMU_HW_CAP_PCI_PASID_PRIV = 1 << 2,
	IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED = 1 << 3,
};

/**
 * enum iommufd_hw_info_flags - flags of IOMMU_GET_HW_INFO
 * @IOMMU_HW_INFO_FLAG_INPUT_TYPE: the caller asks for one type
 */
enum iommufd_hw_info_flags {
	IOMMU_HW_INFO_FLAG_INPUT_TYPE = 1 << 0,
};

/**
 * struct iommu_hw_info - IOMMU_GET_HW_INFO: the IOMMU behind a device
 * @size: bytes of this struct, or of its first 32
 * @flags: of enum iommufd_hw_info_flags
 * @dev_id: the device
 * @data_len: bytes of the buffer; on return of the data, even if cut
 * @data_uptr: pointer to the buffer; what the data does not fill is zeroed
 * @in_data_type: the type asked for, with INPUT_TYPE
 * @out_data_type: the type told, of enum iommu_hw_info_type
 * @out_max_pasid_log2: power of two of the number of PASIDs; 0: none
 * @__reserved: 0
 * @out_capabilities: of enum iommufd_hw_capabilities
 */
struct iommu_hw_info {
	__u32 size;
	__u32 flags;
	__u32 dev_id;
	__u32 data_len;
	__aligned_u64 data_uptr;
	union {
		__u32 in_data_type;
		__u32 out_data_type;
	};
	__u8 out_max_pasid_log2;
	__u8 __reserved[3];
	__aligned_u64 out_capabilities;
};
#define IOMMU_GET_HW_INFO _IO(IOMMUFD_TYPE, IOMMUFD_CMD_GET_HW_INFO)

/* ---- dirty tracking --------------------------------------------------- */

/**
 * enum iommufd_hwpt_set_dirty_tracking_flags - on or off
 * @IOMMU_HWPT_DIRTY_TRACKING_ENABLE: on, with no page dirty at first
 */
enum iommufd_hwpt_set_dirty_tracking_flags {
	IOMMU_HWPT_DIRTY_TRACKING_ENABLE = 1,
};

/**
 * struct iommu_hwpt_set_dirty_tracking - IOMMU_HWPT_SET_DIRTY_TRACKING
 * @size: bytes of this struct
 * @flags: of enum iommufd_hwpt_set_dirty_tracking_flags; 0: off
 * @hwpt_id: a paging table made with DIRTY_TRACKING
 * @__reserved: 0
 */
struct iommu_hwpt_set_dirty_tracking {
	__u32 size;
	__u32 flags;
	__u32 hwpt_id;
	__u32 __reserved;
};
#define IOMMU_HWPT_SET_DIRTY_TRACKING \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_SET_DIRTY_TRACKING)

/**
 * enum iommufd_hwpt_get_dirty_bitmap_flags - how to read
 * @IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR: what is dirty stays so
 */
enum iommufd_hwpt_get_dirty_bitmap_flags {
	IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR = 1,
};

/**
 * struct iommu_hwpt_get_dirty_bitmap - IOMMU_HWPT_GET_DIRTY_BITMAP
 * @size: bytes of this struct
 * @hwpt_id: a paging table made with DIRTY_TRACKING
 * @flags: of enum iommufd_hwpt_get_dirty_bitmap_flags
 * @__reserved: 0
 * @iova: the first IOVA
 * @length: bytes
 * @page_size: bytes that one bit stands for
 * @data: pointer to an array of 64-bit words; bits are set, never cleared
 */
struct iommu_hwpt_get_dirty_bitmap {
	__u32 size;
	__u32 hwpt_id;
	__u32 flags;
	__u32 __reserved;
	__aligned_u64 iova;
	__aligned_u64 length;
	__aligned_u64 page_size;
	__aligned_u64 data;
};
#define IOMMU_HWPT_GET_DIRTY_BITMAP \
	_IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_GET_DIRTY_BITMAP)

/* ---- invalidation of nested tables ------------------------------------ */

/**
 * enum iommu_hwpt_invalidate_data_type - what an entry is
 * @IOMMU_HWPT_INVALIDATE_DATA_VTD_S1: struct iommu_hwpt_vtd_s1_invalidate, for
 *	a nested table
 * @IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3:
 *	struct iommu_viommu_arm_smmuv3_invalidate, for a virtual IOMMU
 */
enum iommu_hwpt_invalidate_data_type {
	IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 = 0,
	IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 = 1,
};

/**
 * enum iommu_hwpt_vtd_s1_invalidate_flags - of a VT-d entry
 * @IOMMU_VTD_INV_FLAGS_LEAF: only last-level entries have changed
 */
enum iommu_hwpt_vtd_s1_invalidate_flags {
	IOMMU_VTD_INV_FLAGS_LEAF = 1 << 0,
};

/**
 * struct iommu_hwpt_vtd_s1_invalidate - forget a range, Intel VT-d
 * @addr: its start, a multiple of 4096
 * @npages: pages of 4096 bytes; 2^64 - 1 with address 0: everything
 * @flags: of enum iommu_hwpt_vtd_s1_invalidate_flags
 * @__reserved: 0
 */
struct iommu_hwpt_vtd_s1_invalidate {
	__aligned_u64 addr;
	__aligned_u64 npages;
	__u32 flags;
	__u32 __reserved;
};

/**
 * struct iommu_viommu_arm_smmuv3_invalidate - a guest's command, Arm SMMUv3
 * @cmd: as the guest wrote it
 */
struct iommu_viommu_arm_smmuv3_invalidate {
	__aligned_le64 cmd[2];
};

/**
 * struct iommu_hwpt_invalidate - IOMMU_HWPT_INVALIDATE: a guest has changed
 *	its tables
 * @size: bytes of this struct
 * @hwpt_id: a nested table, or a virtual IOMMU
 * @data_uptr: pointer to the array of entries
 * @data_type: of enum iommu_hwpt_invalidate_data_type
 * @entry_len: bytes from one entry to the next
 * @entry_num: entries; on return, on error too, how many were done
 * @__reserved: 0
 */
struct iommu_hwpt_invalidate {
	__u32 size;
	__u32 hwpt_id;
	__aligned_u64 data_uptr;
	__u32 data_type;
	__u32 entry_len;
	__u32 entry_num;
	__u32 __reserved;
};
#define IOMMU_HWPT_INVALIDATE _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HWPT_INVALIDATE)

/* ---- page faults ------------------------------------------------------ */

/**
 * enum iommu_hwpt_pgfault_flags - flags of a page fault
 * @IOMMU_PGFAULT_FLAGS_PASID_VALID: it has a PASID
 * @IOMMU_PGFAULT_FLAGS_LAST_PAGE: the last one of its group
 */
enum iommu_hwpt_pgfault_flags {
	IOMMU_PGFAULT_FLAGS_PASID_VALID = 1 << 0,
	IOMMU_PGFAULT_FLAGS_LAST_PAGE = 1 << 1,
};

/**
 * enum iommu_hwpt_pgfault_perm - what the device wanted
 * @IOMMU_PGFAULT_PERM_READ: to read
 * @IOMMU_PGFAULT_PERM_WRITE: to write
 * @IOMMU_PGFAULT_PERM_EXEC: to execute
 * @IOMMU_PGFAULT_PERM_PRIV: in privileged mode
 */
enum iommu_hwpt_pgfault_perm {
	IOMMU_PGFAULT_PERM_READ = 1 << 0,
	IOMMU_PGFAULT_PERM_WRITE = 1 << 1,
	IOMMU_PGFAULT_PERM_EXEC = 1 << 2,
	IOMMU_PGFAULT_PERM_PRIV = 1 << 3,
};

/**
 * struct iommu_hwpt_pgfault - what read() of a fault queue gives
 * @flags: of enum iommu_hwpt_pgfault_flags
 * @dev_id: the device
 * @pasid: its PASID
 * @grpid: the device's number of the group
 * @perm: of enum iommu_hwpt_pgfault_perm
 * @__reserved: 0
 * @addr: the address
 * @length: bytes the device will want next, as a hint
 * @cookie: names the whole group in the response
 */
struct iommu_hwpt_pgfault {
	__u32 flags;
	__u32 dev_id;
	__u32 pasid;
	__u32 grpid;
	__u32 perm;
	__u32 __reserved;
	__aligned_u64 addr;
	__u32 length;
	__u32 cookie;
};

/**
 * enum iommufd_page_response_code - the end of a page fault
 * @IOMMUFD_PAGE_RESP_SUCCESS: it is mapped now, the device tries again
 * @IOMMUFD_PAGE_RESP_INVALID: the device must give up
 */
enum iommufd_page_response_code {
	IOMMUFD_PAGE_RESP_SUCCESS = 0,
	IOMMUFD_PAGE_RESP_INVALID = 1,
};

/**
 * struct iommu_hwpt_page_response - what write() to a fault queue takes
 * @cookie: of the group
 * @code: of enum iommufd_page_response_code
 */
struct iommu_hwpt_page_response {
	__u32 cookie;
	__u32 code;
};

/**
 * struct iommu_fault_alloc - IOMMU_FAULT_QUEUE_ALLOC: a queue of page faults
 * @size: bytes of this struct
 * @flags: 0
 * @out_fault_id: its ID
 * @out_fault_fd: its file: poll, read, write
 */
struct iommu_fault_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_fault_id;
	__u32 out_fault_fd;
};
#define IOMMU_FAULT_QUEUE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_FAULT_QUEUE_ALLOC)

/* ---- virtual IOMMUs --------------------------------------------------- */

/**
 * enum iommu_viommu_type - kinds of virtual IOMMU
 * @IOMMU_VIOMMU_TYPE_DEFAULT: not to be made
 * @IOMMU_VIOMMU_TYPE_ARM_SMMUV3: Arm SMMUv3
 * @IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV: the same with Tegra241 command queues
 */
enum iommu_viommu_type {
	IOMMU_VIOMMU_TYPE_DEFAULT = 0,
	IOMMU_VIOMMU_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV = 2,
};

/**
 * struct iommu_viommu_tegra241_cmdqv - data of that kind
 * @out_vintf_mmap_offset: for mmap() of the iommufd file
 * @out_vintf_mmap_length: for mmap() of the iommufd file
 */
struct iommu_viommu_tegra241_cmdqv {
	__aligned_u64 out_vintf_mmap_offset;
	__aligned_u64 out_vintf_mmap_length;
};

/**
 * struct iommu_viommu_alloc - IOMMU_VIOMMU_ALLOC: a slice of an IOMMU, for a
 *	guest
 * @size: bytes of this struct, or of its first 24
 * @flags: 0
 * @type: of enum iommu_viommu_type
 * @dev_id: a device behind that IOMMU
 * @hwpt_id: a table made with NEST_PARENT
 * @out_viommu_id: its ID
 * @data_len: bytes of the driver's data
 * @__reserved: 0
 * @data_uptr: pointer to the driver's data, both ways
 */
struct iommu_viommu_alloc {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 dev_id;
	__u32 hwpt_id;
	__u32 out_viommu_id;
	__u32 data_len;
	__u32 __reserved;
	__aligned_u64 data_uptr;
};
#define IOMMU_VIOMMU_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VIOMMU_ALLOC)

/**
 * struct iommu_vdevice_alloc - IOMMU_VDEVICE_ALLOC: a device as a guest
 *	numbers it
 * @size: bytes of this struct
 * @viommu_id: the virtual IOMMU
 * @dev_id: the device
 * @out_vdevice_id: its ID
 * @virt_id: the device's number at the guest's IOMMU
 */
struct iommu_vdevice_alloc {
	__u32 size;
	__u32 viommu_id;
	__u32 dev_id;
	__u32 out_vdevice_id;
	__aligned_u64 virt_id;
};
#define IOMMU_VDEVICE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VDEVICE_ALLOC)

/**
 * enum iommu_veventq_flag - flags of an event
 * @IOMMU_VEVENTQ_FLAG_LOST_EVENTS: no event, but the place of lost ones
 */
enum iommu_veventq_flag {
	IOMMU_VEVENTQ_FLAG_LOST_EVENTS = 1U << 0,
};

/**
 * struct iommufd_vevent_header - what stands before each event in read()
 * @flags: of enum iommu_veventq_flag
 * @sequence: number of the event, from 0 to 2^31 - 2 and then again
 */
struct iommufd_vevent_header {
	__u32 flags;
	__u32 sequence;
};

/**
 * enum iommu_veventq_type - kinds of event queue
 * @IOMMU_VEVENTQ_TYPE_DEFAULT: not to be made
 * @IOMMU_VEVENTQ_TYPE_ARM_SMMUV3: struct iommu_vevent_arm_smmuv3
 * @IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV: struct iommu_vevent_tegra241_cmdqv
 */
enum iommu_veventq_type {
	IOMMU_VEVENTQ_TYPE_DEFAULT = 0,
	IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 = 1,
	IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV = 2,
};

/**
 * struct iommu_vevent_arm_smmuv3 - an event record, Arm SMMUv3
 * @evt: the record, with the guest's stream ID
 */
struct iommu_vevent_arm_smmuv3 {
	__aligned_le64 evt[4];
};

/**
 * struct iommu_vevent_tegra241_cmdqv - an error of Tegra241 command queues
 * @lvcmdq_err_map: which queues
 */
struct iommu_vevent_tegra241_cmdqv {
	__aligned_le64 lvcmdq_err_map[2];
};

/**
 * struct iommu_veventq_alloc - IOMMU_VEVENTQ_ALLOC: a queue of events
 * @size: bytes of this struct, or of its first 28
 * @flags: 0
 * @viommu_id: the virtual IOMMU
 * @type: of enum iommu_veventq_type; one of each
 * @veventq_depth: most events it holds, 1 to 2^19
 * @out_veventq_id: its ID
 * @out_veventq_fd: its file: poll, read
 * @__reserved: 0
 */
struct iommu_veventq_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 veventq_depth;
	__u32 out_veventq_id;
	__u32 out_veventq_fd;
	__u32 __reserved;
};
#define IOMMU_VEVENTQ_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_VEVENTQ_ALLOC)

/**
 * enum iommu_hw_queue_type - kinds of hardware queue
 * @IOMMU_HW_QUEUE_TYPE_DEFAULT: not to be made
 * @IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV: a Tegra241 command queue
 */
enum iommu_hw_queue_type {
	IOMMU_HW_QUEUE_TYPE_DEFAULT = 0,
	IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV = 1,
};

/**
 * struct iommu_hw_queue_alloc - IOMMU_HW_QUEUE_ALLOC: a hardware queue that a
 *	guest drives itself
 * @size: bytes of this struct
 * @flags: 0
 * @viommu_id: the virtual IOMMU
 * @type: of enum iommu_hw_queue_type
 * @index: which queue
 * @out_hw_queue_id: its ID
 * @nesting_parent_iova: guest physical address of its memory
 * @length: bytes of its memory
 *
 * While it lives, that memory cannot be unmapped.
 */
struct iommu_hw_queue_alloc {
	__u32 size;
	__u32 flags;
	__u32 viommu_id;
	__u32 type;
	__u32 index;
	__u32 out_hw_queue_id;
	__aligned_u64 nesting_parent_iova;
	__aligned_u64 length;
};
#define IOMMU_HW_QUEUE_ALLOC _IO(IOMMUFD_TYPE, IOMMUFD_CMD_HW_QUEUE_ALLOC)

#endif /* UAPI_LINUX_IOMMUFD_H */
