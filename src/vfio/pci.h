/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * To write a PCI device model: describe it, provide a few callbacks, and the
 * framework does configuration space, BARs, mappings, traps, doorbells,
 * interrupts, reset, and every VFIO ioctl.
 *
 * Who calls what, and when:
 *
 * - create: vfio_pci_create() with a description. Nothing runs.
 * - open: the program bound the device. The model makes its state.
 * - close: the last descriptor is gone. The model stops its threads and
 *   releases every DMA; when it returns it does nothing any more.
 * - Between open and close, region callbacks may come from any thread of the
 *   program at any time, several at once; models lock for themselves.
 */
#ifndef VFIO_PCI_H
#define VFIO_PCI_H

#include "base/compiler.h"
#include "vfio/device.h"

#define VFIO_PCI_N_BARS 6u

struct vfio_pci_device;

/* How the pages of a part of a BAR behave when mapped into a program. */
enum vfio_pci_area_kind {
	/*
	 * Plain memory: loads and stores are memory, no callback. Backing
	 * memory is vfio_pci_bar_memory().
	 */
	VFIO_PCI_AREA_MEMORY,
	/*
	 * Loads are plain and read the backing memory, which the model keeps
	 * up to date; stores call back.
	 */
	VFIO_PCI_AREA_STORES_TRAP,
	/* Loads and stores call back. */
	VFIO_PCI_AREA_TRAP,
	/*
	 * Doorbells: plain memory that the model polls while it has work;
	 * after vfio_pci_doorbell_arm() the next store calls ops->doorbell.
	 */
	VFIO_PCI_AREA_DOORBELL,
};

/**
 * struct vfio_pci_area - a run of pages of a BAR
 * @offset: page aligned
 * @len: whole pages
 * @kind: how they behave
 */
struct vfio_pci_area {
	__u32 offset;
	__u32 len;
	enum vfio_pci_area_kind kind;
};

/**
 * struct vfio_pci_bar - one base address register
 * @len: bytes, a power of two >= 4096; 0: absent
 * @is_64bit: occupies the next register too
 * @is_prefetchable: shown in the low bits
 * @areas: cover the BAR without gaps, ascending
 * @n_areas: their number
 */
struct vfio_pci_bar {
	__u64 len;
	bool is_64bit;
	bool is_prefetchable;
	const struct vfio_pci_area *areas;
	unsigned int n_areas;
};

enum vfio_pci_mmio {
	VFIO_PCI_MMIO_AUTO, /* adaptive doorbells */
	VFIO_PCI_MMIO_TRAP, /* doorbells always trap */
	VFIO_PCI_MMIO_POLL, /* doorbells are never armed */
	VFIO_PCI_MMIO_NONE, /* no mmap is offered */
};

/**
 * struct vfio_pci_description - what the device is
 *
 * The framework builds the configuration space from it: header, power
 * management, PCI Express endpoint (with function level reset), MSI and MSI-X
 * capabilities. PCI Local Bus 3.0 chapter 6; PCI Express Base 4.0 chapter 7.
 *
 * @vendor, @device, @subsystem_vendor, @subsystem_device, @revision: IDs
 * @class_code: 24 bits, 0x010802
 * @bars: base address registers
 * @n_msix: MSI-X vectors, 0: no capability. Table and PBA lie in @msix_bar
 * @msix_bar: which
 * @msix_table_offset: page aligned; that area's kind is TRAP or MEMORY
 * @msix_pba_offset: 8-byte aligned
 * @n_msi: MSI vectors, a power of two, 0: no capability
 * @has_intx: interrupt pin A
 * @serial: PCI Express device serial number capability, 0: none
 */
struct vfio_pci_description {
	__u16 vendor;
	__u16 device;
	__u16 subsystem_vendor;
	__u16 subsystem_device;
	__u8 revision;
	__u32 class_code;
	struct vfio_pci_bar bars[VFIO_PCI_N_BARS];
	unsigned int n_msix;
	unsigned int msix_bar;
	__u32 msix_table_offset;
	__u32 msix_pba_offset;
	unsigned int n_msi;
	bool has_intx;
	__u64 serial;
};

/**
 * struct vfio_pci_ops - a model
 *
 * @open: make the state of a powered-on device. 0 or -errno (the bind then
 *	fails with it). Context: device lock held
 * @close: stop; see above. Context: device lock held; memory still mapped
 * @destroy: free @priv, at the end of the machine. May be NULL
 * @reset: function level reset: back to the state after open. Returns when no
 *	DMA of before is in flight. Context: device lock held
 * @bar_load: a load of 1, 2, 4 or 8 bytes, naturally aligned, from an area
 *	that traps loads, or by pread of any area but MEMORY. Memory decoding
 *	is on. Context: any thread, a signal handler included: takes no lock
 *	that the model holds while it blocks, allocates nothing
 * @bar_store: likewise; a pwrite to a DOORBELL area comes here too
 * @doorbell: a store was made to an armed doorbell area, or by pwrite: wake
 *	the thread that polls. Context: as bar_store
 * @enable_changed: bus master or memory enable changed. May be NULL
 */
struct vfio_pci_ops {
	int (*open)(struct vfio_pci_device *device, void *priv);
	void (*close)(struct vfio_pci_device *device, void *priv);
	void (*destroy)(void *priv);
	void (*reset)(struct vfio_pci_device *device, void *priv);
	__u64 (*bar_load)(struct vfio_pci_device *device, unsigned int bar,
			  __u64 offset, unsigned int width);
	void (*bar_store)(struct vfio_pci_device *device, unsigned int bar,
			  __u64 offset, unsigned int width, __u64 value);
	void (*doorbell)(struct vfio_pci_device *device, unsigned int bar);
	void (*enable_changed)(struct vfio_pci_device *device);
};

/**
 * vfio_pci_create() - make a device
 * @description: copied (the areas must stay)
 * @ops: the model
 * @priv: the model's
 * @endpoint: its DMA identity, which stays the caller's
 * @mmio: what the mmio= key says
 *
 * Return: a device or err_ptr(). Destroy it when no file of it is open.
 */
struct vfio_pci_device *
vfio_pci_create(const struct vfio_pci_description *description,
		const struct vfio_pci_ops *ops, void *priv,
		struct iommu_endpoint *endpoint, enum vfio_pci_mmio mmio);
void vfio_pci_destroy(struct vfio_pci_device *device);

void *vfio_pci_priv(const struct vfio_pci_device *device);
struct vfio_device *vfio_pci_to_device(struct vfio_pci_device *device);

/**
 * vfio_pci_bar_memory() - the backing memory of a BAR
 *
 * Readable and writable by the model from open to close, always; what the
 * program sees through its mappings of MEMORY, STORES_TRAP and DOORBELL
 * areas. Zero at open. Return: its address.
 */
void *vfio_pci_bar_memory(struct vfio_pci_device *device, unsigned int bar);

/* Memory decoding is on. */
bool vfio_pci_memory_enabled(const struct vfio_pci_device *device);

/* Bus master is on. */
bool vfio_pci_bus_master(const struct vfio_pci_device *device);

/**
 * vfio_pci_doorbell_arm() - the next store calls ops->doorbell
 *
 * Makes the DOORBELL areas read-only in the program (some microseconds, 20
 * and more when another CPU runs the process). The model must read its
 * doorbells once more after it returned, and only then sleep.
 *
 * Return: true when armed. False: the doorbells cannot be armed (mmio=poll):
 * the model polls on, sleeping between looks.
 */
bool vfio_pci_doorbell_arm(struct vfio_pci_device *device);

/* Undo it, when the second look found work. Cheap when a store undid it. */
void vfio_pci_doorbell_disarm(struct vfio_pci_device *device);

/*
 * True: devices run inside the store that rings them (--sync, mmio=trap with
 * --sync): the model has no thread, ops->doorbell does the work.
 */
bool vfio_pci_is_synchronous(const struct vfio_pci_device *device);
void vfio_pci_set_synchronous(struct vfio_pci_device *device, bool is_sync);

/* ---- interrupts ------------------------------------------------------- */

/* True when MSI-X (else MSI) is active: the model signals vectors. */
bool vfio_pci_msi_active(const struct vfio_pci_device *device);

/**
 * vfio_pci_msi_trigger() - signal a vector of MSI-X or MSI, whichever is on
 *
 * Nothing happens for a vector without an eventfd or masked. One write(2).
 * Context: any thread, a signal handler included.
 */
void vfio_pci_msi_trigger(struct vfio_pci_device *device, unsigned int vector);

/* The level of the INTx pin; a rising level signals, unless masked. */
void vfio_pci_intx_set(struct vfio_pci_device *device, bool is_asserted);

/* ---- for the machine -------------------------------------------------- */

/**
 * vfio_pci_config_read() - read configuration space as sysfs shows it
 * Return: bytes copied, less than @len at the end of the space.
 */
size_t vfio_pci_config_read(struct vfio_pci_device *device, __u32 offset,
			    void *buf, size_t len);

const struct vfio_pci_description *
vfio_pci_get_description(const struct vfio_pci_device *device);

/* Physical address that the BAR has in sysfs and configuration space. */
void vfio_pci_set_bar_address(struct vfio_pci_device *device, unsigned int bar,
			      __u64 address);

#endif /* VFIO_PCI_H */
