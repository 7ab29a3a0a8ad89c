/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI function as VFIO shows it: its life, its regions, its ioctls.
 *
 * Closed: no backing memory, DMA off. Open: as at power-on, memory decoded,
 * bus master off. The parts have files of their own: pci_config.c, pci_bar.c,
 * pci_map.c, pci_irq.c, pci_reset.c, pci_power.c.
 */
#include <errno.h>
#include <string.h>
#include <linux/vfio.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/mem.h"
#include "base/uaccess.h"
#include "vfio/pci_device.h"

/* ---- open, close ------------------------------------------------------ */

static int pci_open(struct vfio_device *device)
{
	struct vfio_pci_device *pci = to_pci(device);
	int err;

	lock_assert_held(&device->lock);
	err = pci_bars_open(pci);
	if (err)
		return err;
	pci_maps_open(pci);
	pci_config_restore_locked(pci);
	err = pci->ops->open(pci, pci->priv);
	if (err) {
		pci_bars_close(pci);
		return err;
	}
	pci_config_apply_locked(pci);
	return 0;
}

static void pci_close(struct vfio_device *device)
{
	struct vfio_pci_device *pci = to_pci(device);

	lock_assert_held(&device->lock);
	pci_ioeventfds_close_locked(pci);
	/* A model that stops finds no DMA refused that it began before. */
	pci->ops->close(pci, pci->priv);
	iommu_endpoint_set_enabled(device->endpoint, false);
	pci_irq_close_locked(pci);
	pci_power_close_locked(pci);
	pci_maps_close(pci);
	atomic_store(&pci->memory_on, false);
	atomic_store(&pci->bus_master, false);
	pci_config_restore_locked(pci);
	pci_bars_close(pci);
}

/* ---- regions ---------------------------------------------------------- */

static ssize_t pci_read(struct vfio_device *device, void *buf, size_t count,
			off_t position)
{
	struct vfio_pci_device *pci = to_pci(device);
	__u64 index = (__u64)position >> PCI_REGION_SHIFT;
	__u64 offset = (__u64)position & PCI_REGION_MASK;

	if (!count)
		return 0;
	if (index < VFIO_PCI_N_BARS)
		return pci_bar_read(pci, (unsigned int)index, buf, count,
				    offset);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return pci_config_read(pci, buf, count, offset);
	return -EINVAL;
}

static ssize_t pci_write(struct vfio_device *device, const void *buf,
			 size_t count, off_t position)
{
	struct vfio_pci_device *pci = to_pci(device);
	__u64 index = (__u64)position >> PCI_REGION_SHIFT;
	__u64 offset = (__u64)position & PCI_REGION_MASK;

	if (!count)
		return 0;
	if (index < VFIO_PCI_N_BARS)
		return pci_bar_write(pci, (unsigned int)index, buf, count,
				     offset);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return pci_config_write(pci, buf, count, offset);
	return -EINVAL;
}

/* ---- information ------------------------------------------------------ */

static long pci_info_ioctl(void *arg)
{
	const size_t min_len = offsetof(struct vfio_device_info, cap_offset);
	struct vfio_device_info info = { .argsz = 0 };
	size_t len;

	if (copy_from_user(&info, arg, min_len))
		return -EFAULT;
	if (info.argsz < min_len)
		return -EINVAL;
	len = info.argsz < sizeof(info) ? info.argsz : sizeof(info);
	info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	return copy_to_user(arg, &info, len);
}

/**
 * struct cap_chain - capabilities that follow a region's information
 * @bytes: the chain, as it will stand behind the fixed part
 * @len: bytes
 * @capacity: bytes that @bytes has
 * @last: the header whose link is open
 */
struct cap_chain {
	char *bytes;
	size_t len;
	size_t capacity;
	struct vfio_info_cap_header *last;
};

/* Return: the new capability's header. There is room. */
static void *cap_append(struct cap_chain *chain, __u16 id, size_t len)
{
	struct vfio_info_cap_header *header =
		(void *)(chain->bytes + chain->len);

	if (chain->last)
		chain->last->next =
			(__u32)(sizeof(struct vfio_region_info) + chain->len);
	header->id = id;
	header->version = 1;
	chain->last = header;
	chain->len += align_up(len, sizeof(__u64));
	return header;
}

/* Only when some of the BAR is offered and some is not. */
static bool needs_sparse(const struct vfio_pci_bar *bar)
{
	for (unsigned int i = 0; i < bar->n_areas; i++)
		if (!pci_map_area_is_offered(&bar->areas[i]))
			return true;
	return false;
}

static void cap_sparse(struct cap_chain *chain, const struct vfio_pci_bar *bar)
{
	struct vfio_region_info_cap_sparse_mmap *cap;
	const struct vfio_pci_area *area;
	unsigned int i, n = 0;

	for (i = 0; i < bar->n_areas; i++)
		n += pci_map_area_is_offered(&bar->areas[i]);
	cap = cap_append(chain, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
			 sizeof(*cap) + n * sizeof(cap->areas[0]));
	for (i = 0; i < bar->n_areas; i++) {
		area = &bar->areas[i];
		if (!pci_map_area_is_offered(area))
			continue;
		cap->areas[cap->nr_areas].offset = area->offset;
		cap->areas[cap->nr_areas++].size = area->len;
	}
}

/* May the pages of the MSI-X table be mapped with the rest? */
static bool msix_is_mappable(const struct vfio_pci_device *pci,
			     unsigned int index)
{
	const struct vfio_pci_description *description = &pci->description;

	return description->n_msix && index == description->msix_bar &&
	       pci_map_area_is_offered(pci_bar_area(
		       pci, index, description->msix_table_offset));
}

static void fill_bar(struct vfio_pci_device *pci, struct vfio_region_info *info,
		     struct cap_chain *chain)
{
	const struct vfio_pci_bar *bar = &pci->description.bars[info->index];

	info->size = bar->len;
	if (!bar->len)
		return;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!pci_map_is_offered(pci, info->index))
		return;
	info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (needs_sparse(bar))
		cap_sparse(chain, bar);
	if (msix_is_mappable(pci, info->index))
		cap_append(chain, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
			   sizeof(struct vfio_info_cap_header));
}

/* Fixed part and chain go out; a chain without room only tells its length. */
static long region_info_copy_out(struct vfio_region_info *info,
				 const struct cap_chain *chain, char *arg)
{
	__u32 needed = (__u32)(sizeof(*info) + chain->len);

	info->cap_offset = 0;
	if (chain->len) {
		info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (info->argsz < needed)
			info->argsz = needed;
		else if (copy_to_user(user_at(arg, sizeof(*info)), chain->bytes,
				      chain->len))
			return -EFAULT;
		else
			info->cap_offset = sizeof(*info);
	}
	return copy_to_user(arg, info, sizeof(*info));
}

static long pci_bar_info(struct vfio_pci_device *pci,
			 struct vfio_region_info *info, void *arg)
{
	struct cap_chain chain = { .len = 0 };
	long ret;

	/* Both capabilities, and an area for each of the BAR's. */
	chain.capacity =
		sizeof(struct vfio_region_info_cap_sparse_mmap) +
		sizeof(struct vfio_info_cap_header) +
		array_size(pci->description.bars[info->index].n_areas,
			   sizeof(struct vfio_region_sparse_mmap_area));
	chain.bytes = mem_alloc(chain.capacity);
	if (!chain.bytes)
		return -ENOMEM;
	fill_bar(pci, info, &chain);
	ret = region_info_copy_out(info, &chain, arg);
	mem_free(chain.bytes);
	return ret;
}

static long pci_region_info_ioctl(struct vfio_pci_device *pci, void *arg)
{
	const struct cap_chain no_caps = { .len = 0 };
	struct vfio_region_info info;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	info.offset = (__u64)info.index << PCI_REGION_SHIFT;
	info.size = 0;
	info.flags = 0;
	if (info.index < VFIO_PCI_N_BARS)
		return pci_bar_info(pci, &info, arg);
	if (info.index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info.size = PCI_CONFIG_LEN;
		info.flags = VFIO_REGION_INFO_FLAG_READ |
			     VFIO_REGION_INFO_FLAG_WRITE;
	} else if (info.index != VFIO_PCI_ROM_REGION_INDEX) {
		return -EINVAL; /* no VGA, and nothing of the device's own */
	}
	return region_info_copy_out(&info, &no_caps, arg);
}

static long pci_ioctl(struct vfio_device *device, unsigned int cmd, void *arg)
{
	struct vfio_pci_device *pci = to_pci(device);

	pci_power_touch(pci);
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return pci_info_ioctl(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return pci_region_info_ioctl(pci, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return pci_irq_info_ioctl(pci, arg);
	case VFIO_DEVICE_SET_IRQS:
		return pci_irq_set_ioctl(pci, arg);
	case VFIO_DEVICE_RESET:
		return pci_reset_ioctl(pci);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return pci_hot_reset_info_ioctl(pci, arg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return pci_hot_reset_ioctl(pci, arg);
	case VFIO_DEVICE_IOEVENTFD:
		return pci_ioeventfd_ioctl(pci, arg);
	default:
		return -ENOTTY;
	}
}

static const struct vfio_bus_ops pci_bus_ops = {
	.open = pci_open,
	.close = pci_close,
	.ioctl = pci_ioctl,
	.feature = pci_feature,
	.read = pci_read,
	.write = pci_write,
	.mmap = pci_mmap,
};

/* ---- create, destroy -------------------------------------------------- */

static bool bar_is_valid(const struct vfio_pci_bar *bar)
{
	__u64 end = 0;

	for (unsigned int i = 0; i < bar->n_areas; i++) {
		if (bar->areas[i].offset != end || !bar->areas[i].len ||
		    !is_aligned(bar->areas[i].len, 4096))
			return false;
		end += bar->areas[i].len;
	}
	return end == bar->len && bar->len >= 4096 &&
	       is_aligned(bar->len, bar->len) &&
	       (bar->is_64bit || bar->len <= 1ULL << 31);
}

static bool description_is_valid(const struct vfio_pci_description *description)
{
	const struct vfio_pci_bar *bar;

	for (unsigned int i = 0; i < VFIO_PCI_N_BARS; i++) {
		bar = &description->bars[i];
		if (!bar->len)
			continue;
		if (!bar_is_valid(bar))
			return false;
		if (bar->is_64bit &&
		    (i + 1 == VFIO_PCI_N_BARS || description->bars[i + 1].len))
			return false;
	}
	if (description->n_msi > 32 ||
	    description->n_msi & (description->n_msi - 1))
		return false;
	return !description->n_msix ||
	       (description->n_msix <= 2048 &&
		description->msix_bar < VFIO_PCI_N_BARS &&
		description->bars[description->msix_bar].len >=
			description->msix_table_offset +
				(__u64)description->n_msix *
					PCI_MSIX_ENTRY_LEN);
}

struct vfio_pci_device *
vfio_pci_create(const struct vfio_pci_description *description,
		const struct vfio_pci_ops *ops, void *priv,
		struct iommu_endpoint *endpoint, enum vfio_pci_mmio mmio)
{
	struct vfio_pci_device *pci;
	int err;

	if (!description_is_valid(description))
		return err_ptr(-EINVAL);
	pci = mem_alloc(sizeof(*pci));
	if (!pci)
		return err_ptr(-ENOMEM);
	pci->description = *description;
	pci->ops = ops;
	pci->priv = priv;
	pci->mmio = mmio;
	err = pci_irq_init(pci);
	if (err) {
		mem_free(pci);
		return err_ptr(err);
	}
	vfio_device_init(&pci->device, &pci_bus_ops, endpoint);
	pci_maps_init(pci);
	watcher_init(&pci->watcher);
	list_init(&pci->ioeventfds);
	pci->wake_fd = -1;
	for (unsigned int i = 0; i < VFIO_PCI_N_BARS; i++)
		pci->bars[i].fd = -1;
	pci_config_init(pci);
	return pci;
}

void vfio_pci_destroy(struct vfio_pci_device *device)
{
	vfio_device_deinit(&device->device);
	if (device->ops->destroy)
		device->ops->destroy(device->priv);
	watcher_deinit(&device->watcher);
	lock_deinit(&device->maps.lock);
	pci_irq_deinit(device);
	mem_free(device);
}

/* ---- what models ask -------------------------------------------------- */

void *vfio_pci_priv(const struct vfio_pci_device *device)
{
	return device->priv;
}

struct vfio_device *vfio_pci_to_device(struct vfio_pci_device *device)
{
	return &device->device;
}

bool vfio_pci_memory_enabled(const struct vfio_pci_device *device)
{
	return !guard_holds(GUARD_MEMORY_ENABLE) ||
	       atomic_load(&device->memory_on);
}

bool vfio_pci_bus_master(const struct vfio_pci_device *device)
{
	return atomic_load(&device->bus_master);
}

bool vfio_pci_is_synchronous(const struct vfio_pci_device *device)
{
	return atomic_load(&device->is_sync);
}

void vfio_pci_set_synchronous(struct vfio_pci_device *device, bool is_sync)
{
	atomic_store(&device->is_sync, is_sync);
}

const struct vfio_pci_description *
vfio_pci_get_description(const struct vfio_pci_device *device)
{
	return &device->description;
}
