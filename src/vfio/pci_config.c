/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configuration space.
 *
 * A table says for each bit what it is at power-on, whether a write sets it,
 * and whether a write of 1 clears it. All that a register does besides is in
 * config_written(). Bits that show the state of something else (an asserted
 * pin, active MSI-X) are brought up to date before each read.
 *
 * Memory decoding is on when a device is opened, and bus master off: Linux
 * enables a device before it gives it to a program.
 */
#include <errno.h>
#include <string.h>
#include <linux/vfio.h>
#include "base/fault.h"
#include "base/uaccess.h"
#include "vfio/pci_device.h"

/* ---- the table -------------------------------------------------------- */

static void put_bytes(__u8 *space, unsigned int at, __u64 value,
		      unsigned int width)
{
	for (unsigned int i = 0; i < width; i++)
		space[at + i] = (__u8)(value >> (8 * i));
}

static __u32 get_bytes(const __u8 *space, unsigned int at, unsigned int width)
{
	__u32 value = 0;

	for (unsigned int i = 0; i < width; i++)
		value |= (__u32)space[at + i] << (8 * i);
	return value;
}

static __u16 config_word(const struct pci_config *config, unsigned int at)
{
	return (__u16)get_bytes(config->value, at, 2);
}

static void set_word(struct pci_config *config, unsigned int at, __u16 value)
{
	put_bytes(config->value, at, value, 2);
}

/* A word at power-on, and which of its bits a write sets. */
static void define_word(struct pci_config *config, unsigned int at, __u16 value,
			__u16 writable)
{
	put_bytes(config->at_open, at, value, 2);
	put_bytes(config->writable, at, writable, 2);
}

static void define_header(struct pci_config *config,
			  const struct vfio_pci_description *description)
{
	define_word(config, PCI_VENDOR_ID, description->vendor, 0);
	define_word(config, PCI_DEVICE_ID, description->device, 0);
	define_word(config, PCI_COMMAND, PCI_COMMAND_MEMORY,
		    PCI_COMMAND_WRITABLE);
	define_word(config, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	put_bytes(config->clear_on_1, PCI_STATUS, PCI_STATUS_CLEAR_ON_1, 2);
	config->at_open[PCI_REVISION_ID] = description->revision;
	put_bytes(config->at_open, PCI_CLASS_CODE, description->class_code, 3);
	config->writable[PCI_CACHE_LINE_SIZE] = 0xff;
	define_word(config, PCI_SUBSYSTEM_VENDOR_ID,
		    description->subsystem_vendor, 0);
	define_word(config, PCI_SUBSYSTEM_ID, description->subsystem_device, 0);
	config->writable[PCI_INTERRUPT_LINE] = 0xff;
	config->at_open[PCI_INTERRUPT_PIN] = description->has_intx;
}

static void define_bars(struct pci_config *config,
			const struct vfio_pci_description *description)
{
	const struct vfio_pci_bar *bar;
	__u64 writable;
	unsigned int i, width;
	__u8 flags;

	for (i = 0; i < VFIO_PCI_N_BARS; i++) {
		bar = &description->bars[i];
		if (!bar->len)
			continue;
		flags = bar->is_64bit ? PCI_BAR_64BIT : 0;
		flags |= bar->is_prefetchable ? PCI_BAR_PREFETCHABLE : 0;
		width = bar->is_64bit ? 8 : 4;
		writable = ~(bar->len - 1);
		put_bytes(config->writable, PCI_BAR0 + 4 * i, writable, width);
		config->at_open[PCI_BAR0 + 4 * i] = flags;
	}
}

static void define_pm(struct pci_config *config)
{
	define_word(config, PCI_PM_CAPS, PCI_PM_CAPS_VERSION_3, 0);
	define_word(config, PCI_PM_CONTROL, PCI_PM_NO_SOFT_RESET,
		    PCI_PM_STATE_MASK);
}

static void define_msi(struct pci_config *config, unsigned int n_vectors)
{
	unsigned int capable = (unsigned int)__builtin_ctz(n_vectors);

	define_word(config, PCI_MSI_CONTROL,
		    (__u16)(PCI_MSI_64BIT | capable << PCI_MSI_CAPABLE_SHIFT),
		    PCI_MSI_ENABLE | PCI_MSI_ENABLED_MASK);
	put_bytes(config->writable, PCI_MSI_ADDRESS, ~3ULL, 8);
	put_bytes(config->writable, PCI_MSI_DATA, 0xffff, 2);
}

static void define_msix(struct pci_config *config,
			const struct vfio_pci_description *description)
{
	define_word(config, PCI_MSIX_CONTROL, (__u16)(description->n_msix - 1),
		    0);
	put_bytes(config->at_open, PCI_MSIX_TABLE,
		  description->msix_table_offset | description->msix_bar, 4);
	put_bytes(config->at_open, PCI_MSIX_PBA,
		  description->msix_pba_offset | description->msix_bar, 4);
}

static void define_express(struct pci_config *config)
{
	define_word(config, PCI_EXPRESS_FLAGS, PCI_EXPRESS_FLAGS_ENDPOINT_V2,
		    0);
	put_bytes(config->at_open, PCI_EXPRESS_DEVICE_CAPS,
		  PCI_EXPRESS_DEVICE_CAPS_FLR |
			  PCI_EXPRESS_DEVICE_CAPS_ROLE_BASED_ERRORS,
		  4);
	define_word(config, PCI_EXPRESS_DEVICE_CONTROL,
		    PCI_EXPRESS_DEVICE_CONTROL_DEFAULT,
		    PCI_EXPRESS_DEVICE_CONTROL_WRITABLE);
	put_bytes(config->clear_on_1, PCI_EXPRESS_DEVICE_STATUS,
		  PCI_EXPRESS_DEVICE_STATUS_CLEAR_ON_1, 2);
	define_word(config, PCI_EXPRESS_LINK_CAPS, PCI_EXPRESS_LINK_8GT_X4, 0);
	define_word(config, PCI_EXPRESS_LINK_CONTROL, 0,
		    PCI_EXPRESS_LINK_CONTROL_WRITABLE);
	define_word(config, PCI_EXPRESS_LINK_STATUS, PCI_EXPRESS_LINK_8GT_X4,
		    0);
	define_word(config, PCI_EXPRESS_DEVICE_CAPS_2,
		    PCI_EXPRESS_DEVICE_CAPS_2_TIMEOUT_DISABLE, 0);
	define_word(config, PCI_EXPRESS_DEVICE_CONTROL_2, 0,
		    PCI_EXPRESS_DEVICE_CONTROL_2_WRITABLE);
	define_word(config, PCI_EXPRESS_LINK_CAPS_2,
		    PCI_EXPRESS_LINK_CAPS_2_TO_8GT, 0);
	define_word(config, PCI_EXPRESS_LINK_CONTROL_2,
		    PCI_EXPRESS_LINK_CONTROL_2_8GT,
		    PCI_EXPRESS_LINK_CONTROL_2_WRITABLE);
}

/* Append a capability to the list whose last link is at *@link. */
static void link_capability(struct pci_config *config, unsigned int *link,
			    __u8 at, __u8 id)
{
	config->at_open[*link] = at;
	config->at_open[at] = id;
	*link = at + 1u;
}

static void define_serial(struct pci_config *config, __u64 serial)
{
	const __u32 version = 1;

	put_bytes(config->at_open, PCI_EXT_CAP,
		  PCI_EXT_CAP_ID_SERIAL | version << 16, 4);
	put_bytes(config->at_open, PCI_EXT_CAP + 4, serial, 8);
}

void pci_config_init(struct vfio_pci_device *pci)
{
	const struct vfio_pci_description *description = &pci->description;
	struct pci_config *config = &pci->config;
	unsigned int link = PCI_CAP_POINTER;

	define_header(config, description);
	define_bars(config, description);
	link_capability(config, &link, PCI_CAP_PM, PCI_CAP_ID_PM);
	define_pm(config);
	if (description->n_msi) {
		link_capability(config, &link, PCI_CAP_MSI, PCI_CAP_ID_MSI);
		define_msi(config, description->n_msi);
	}
	link_capability(config, &link, PCI_CAP_EXPRESS, PCI_CAP_ID_EXPRESS);
	define_express(config);
	if (description->n_msix) {
		link_capability(config, &link, PCI_CAP_MSIX, PCI_CAP_ID_MSIX);
		define_msix(config, description);
	}
	if (description->serial)
		define_serial(config, description->serial);
	memcpy(config->value, config->at_open, sizeof(config->value));
}

void vfio_pci_set_bar_address(struct vfio_pci_device *device, unsigned int bar,
			      __u64 address)
{
	const struct vfio_pci_bar *described = &device->description.bars[bar];
	unsigned int at = PCI_BAR0 + 4 * bar;
	struct pci_config *config = &device->config;
	__u8 flags = config->at_open[at] & 0xf;

	if (!described->len)
		return;
	lock_acquire(&device->device.lock);
	put_bytes(config->at_open, at, (address & ~0xfULL) | flags,
		  described->is_64bit ? 8 : 4);
	memcpy(&config->value[at], &config->at_open[at],
	       described->is_64bit ? 8 : 4);
	lock_release(&device->device.lock);
}

/* ---- what registers do ------------------------------------------------ */

static void set_enables(struct vfio_pci_device *pci, __u16 command)
{
	bool bus_master = command & PCI_COMMAND_BUS_MASTER;

	atomic_store(&pci->bus_master, bus_master);
	iommu_endpoint_set_enabled(pci->device.endpoint,
				   bus_master ||
					   !guard_holds(GUARD_BUS_MASTER));
	pci_irq_set_disabled(&pci->irq, command & PCI_COMMAND_INTX_DISABLE);
}

void pci_config_apply_locked(struct vfio_pci_device *pci)
{
	__u16 command = config_word(&pci->config, PCI_COMMAND);
	__u16 power = config_word(&pci->config, PCI_PM_CONTROL);
	bool was_master = atomic_load(&pci->bus_master);
	bool was_on = atomic_load(&pci->memory_on);
	bool is_on = command & PCI_COMMAND_MEMORY &&
		     (power & PCI_PM_STATE_MASK) != PCI_PM_D3HOT &&
		     !pci->is_asleep;

	lock_assert_held(&pci->device.lock);
	set_enables(pci, command);
	if (is_on != was_on) {
		atomic_store(&pci->memory_on, is_on);
		pci_maps_protect(pci);
	}
	if (pci->ops->enable_changed &&
	    (is_on != was_on || was_master != atomic_load(&pci->bus_master)))
		pci->ops->enable_changed(pci);
}

void pci_config_restore_locked(struct vfio_pci_device *pci)
{
	lock_assert_held(&pci->device.lock);
	memcpy(pci->config.value, pci->config.at_open,
	       sizeof(pci->config.value));
}

void pci_config_reset_locked(struct vfio_pci_device *pci)
{
	struct pci_config *config = &pci->config;

	lock_assert_held(&pci->device.lock);
	set_word(config, PCI_PM_CONTROL,
		 config_word(config, PCI_PM_CONTROL) & ~PCI_PM_STATE_MASK);
	set_word(config, PCI_EXPRESS_DEVICE_STATUS, 0);
	set_word(config, PCI_STATUS,
		 config_word(config, PCI_STATUS) & ~PCI_STATUS_CLEAR_ON_1);
	pci_config_apply_locked(pci);
}

/* Only D0 and D3hot exist: PM 3.2.4 has other writes dropped. */
static void power_written(struct pci_config *config, __u16 before)
{
	__u16 state = config_word(config, PCI_PM_CONTROL) & PCI_PM_STATE_MASK;

	if (state != PCI_PM_D0 && state != PCI_PM_D3HOT)
		set_word(config, PCI_PM_CONTROL, before);
}

/* MSI is switched on by SET_IRQS; a program sees what that made active. */
static void msi_written(struct vfio_pci_device *pci)
{
	__u16 control = config_word(&pci->config, PCI_MSI_CONTROL);
	unsigned int n_lg2 = pci_irq_msi_vectors_lg2(&pci->irq);
	unsigned int asked = (control & PCI_MSI_ENABLED_MASK) >>
			     PCI_MSI_ENABLED_SHIFT;

	if (!pci_irq_is_active(&pci->irq, VFIO_PCI_MSI_IRQ_INDEX))
		control &= (__u16)~PCI_MSI_ENABLE;
	if (asked > n_lg2) {
		control &= (__u16)~PCI_MSI_ENABLED_MASK;
		control |= (__u16)(n_lg2 << PCI_MSI_ENABLED_SHIFT);
	}
	set_word(&pci->config, PCI_MSI_CONTROL, control);
}

static void assign_bit(struct pci_config *config, unsigned int at, __u16 bit,
		       bool is_set)
{
	__u16 word = config_word(config, at);

	set_word(config, at, (__u16)(is_set ? word | bit : word & ~bit));
}

/* Bring the bits that show something else up to date. */
static void refresh(struct vfio_pci_device *pci)
{
	struct pci_config *config = &pci->config;

	assign_bit(config, PCI_STATUS, PCI_STATUS_INTERRUPT,
		   pci_irq_intx_is_asserted(&pci->irq));
	if (pci->description.n_msix)
		assign_bit(config, PCI_MSIX_CONTROL, (__u16)PCI_MSIX_ENABLE,
			   pci_irq_is_active(&pci->irq,
					     VFIO_PCI_MSIX_IRQ_INDEX));
	if (pci->description.n_msi &&
	    !pci_irq_is_active(&pci->irq, VFIO_PCI_MSI_IRQ_INDEX))
		assign_bit(config, PCI_MSI_CONTROL, PCI_MSI_ENABLE, false);
}

/**
 * struct config_access - one aligned access of at most four bytes
 * @at: where
 * @width: bytes
 * @value: what was written
 */
struct config_access {
	unsigned int at;
	unsigned int width;
	__u32 value;
};

static bool access_meets(const struct config_access *access, unsigned int at)
{
	return at + 2 > access->at && at < access->at + access->width;
}

/* Was this bit of the register at @at written as 1? */
static bool access_sets(const struct config_access *access, unsigned int at,
			unsigned int bit)
{
	unsigned int byte = at + bit / 8;

	if (byte < access->at || byte >= access->at + access->width)
		return false;
	return access->value >> (8 * (byte - access->at) + bit % 8) & 1;
}

static void write_bits(struct pci_config *config,
		       const struct config_access *access)
{
	for (unsigned int i = 0; i < access->width; i++) {
		unsigned int at = access->at + i;
		__u8 byte = (__u8)(access->value >> (8 * i));
		__u8 kept = config->value[at] & (__u8)~config->writable[at];

		kept &= (__u8) ~(byte & config->clear_on_1[at]);
		config->value[at] = kept | (byte & config->writable[at]);
	}
}

/* One aligned write, and all that follows from it. */
static void config_written(struct vfio_pci_device *pci,
			   const struct config_access *access)
	lock_requires(pci->device.lock)
{
	struct pci_config *config = &pci->config;
	__u16 power = config_word(config, PCI_PM_CONTROL);

	write_bits(config, access);
	power_written(config, power);
	if (pci->description.n_msi && access_meets(access, PCI_MSI_CONTROL))
		msi_written(pci);
	if (access_meets(access, PCI_COMMAND) ||
	    access_meets(access, PCI_PM_CONTROL))
		pci_config_apply_locked(pci);
	if (access_sets(access, PCI_EXPRESS_DEVICE_CONTROL, 15))
		pci_reset_locked(pci); /* initiate function level reset */
}

/* ---- access ----------------------------------------------------------- */

/* Return: bytes of the next access: the largest that is aligned. */
static unsigned int access_width(__u64 offset, size_t count)
{
	if (count >= 4 && !(offset & 3))
		return 4;
	if (count >= 2 && !(offset & 1))
		return 2;
	return 1;
}

static bool is_outside(size_t count, __u64 offset)
{
	return offset >= PCI_CONFIG_LEN || count > PCI_CONFIG_LEN - offset;
}

size_t vfio_pci_config_read(struct vfio_pci_device *device, __u32 offset,
			    void *buf, size_t len)
{
	if (offset >= PCI_CONFIG_LEN)
		return 0;
	if (len > PCI_CONFIG_LEN - offset)
		len = PCI_CONFIG_LEN - offset;
	lock_acquire(&device->device.lock);
	refresh(device);
	memcpy(buf, &device->config.value[offset], len);
	lock_release(&device->device.lock);
	return len;
}

ssize_t pci_config_read(struct vfio_pci_device *pci, char *buf, size_t count,
			__u64 offset)
{
	__u8 bytes[PCI_CONFIG_LEN];

	if (is_outside(count, offset))
		return -EFAULT;
	pci_power_touch(pci);
	vfio_pci_config_read(pci, (__u32)offset, bytes, count);
	if (copy_to_user(buf, bytes, count))
		return -EFAULT;
	return (ssize_t)count;
}

ssize_t pci_config_write(struct vfio_pci_device *pci, const char *buf,
			 size_t count, __u64 offset)
{
	struct config_access access;
	__u8 bytes[4];
	size_t done;

	if (is_outside(count, offset))
		return -EFAULT;
	pci_power_touch(pci);
	for (done = 0; done < count; done += access.width) {
		access.at = (unsigned int)(offset + done);
		access.width = access_width(access.at, count - done);
		if (copy_from_user(bytes, user_at(buf, done), access.width))
			return -EFAULT;
		access.value = get_bytes(bytes, 0, access.width);
		lock_acquire(&pci->device.lock);
		config_written(pci, &access);
		lock_release(&pci->device.lock);
	}
	return (ssize_t)count;
}
