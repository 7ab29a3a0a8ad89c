/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The NVMe controller model: its door to the framework.
 *
 * BAR 0, 16 KiB: registers, doorbells, MSI-X table, pending bits, a page
 * each. Contents of a namespace in memory live as long as the device; an
 * image is held, and locked, from open to close.
 */
#include <stdio.h>
#include "base/err.h"
#include "base/mem.h"
#include "devices/nvme/controller.h"
#include "devices/nvme/nvme.h"
#include "devices/nvme/options.h"
#include "devices/nvme/worker.h"

#define BAR_LEN 0x4000u
#define MSIX_TABLE_OFFSET 0x2000u
#define MSIX_PBA_OFFSET 0x3000u

static const struct vfio_pci_area nvme_areas[] = {
	{ 0x0000, 0x1000, VFIO_PCI_AREA_STORES_TRAP },
	{ NVME_REG_DOORBELLS, 0x1000, VFIO_PCI_AREA_DOORBELL },
	{ MSIX_TABLE_OFFSET, 0x1000, VFIO_PCI_AREA_TRAP },
	{ MSIX_PBA_OFFSET, 0x1000, VFIO_PCI_AREA_TRAP },
};

static void nvme_describe(const struct nvme_options *options,
			  struct vfio_pci_description *description)
{
	*description = (struct vfio_pci_description){
		/* The controller of QEMU: no driver has quirks for it. */
		.vendor = 0x1b36,
		.device = 0x0010,
		.subsystem_vendor = 0x1af4,
		.subsystem_device = 0x1100,
		.revision = 2,
		.class_code = 0x010802,
		.bars[0] = {
			.len = BAR_LEN,
			.is_64bit = true,
			.areas = nvme_areas,
			.n_areas = array_len(nvme_areas),
		},
		.n_msix = options->n_queues + 1,
		.msix_bar = 0,
		.msix_table_offset = MSIX_TABLE_OFFSET,
		.msix_pba_offset = MSIX_PBA_OFFSET,
		.has_intx = true,
	};
}

static void *nvme_create(struct model_config *config,
			 struct vfio_pci_description *description)
{
	struct nvme *nvme;

	nvme = mem_alloc_aligned(sizeof(*nvme), CACHE_LINE);
	if (!nvme) {
		snprintf(config->error, config->error_len,
			 "nvme: out of memory");
		return NULL;
	}
	if (nvme_options_parse(&nvme->options, config)) {
		mem_free(nvme);
		return NULL;
	}
	nvme_describe(&nvme->options, description);
	return nvme;
}

static void nvme_destroy(void *priv)
{
	struct nvme *nvme = priv;

	if (nvme->ns)
		nvme->ns->ops->destroy(nvme->ns);
	nvme_options_deinit(&nvme->options);
	mem_free(nvme);
}

static int nvme_open(struct vfio_pci_device *device, void *priv)
{
	struct nvme *nvme = priv;
	struct nvme_namespace *ns = nvme->ns;

	nvme->pci = device;
	nvme->device = vfio_pci_to_device(device);
	nvme->name = vfio_device_name(nvme->device);
	nvme->registers = vfio_pci_bar_memory(device, 0);
	nvme->is_sync = vfio_pci_is_synchronous(device);
	if (!ns)
		ns = nvme->options.image
			     ? nvme_namespace_file_create(nvme)
			     : nvme_namespace_memory_create(nvme->options.len);
	if (is_err(ns))
		return ptr_err(ns);
	nvme->ns = ns;
	atomic_store(&nvme->attention, 0);
	nvme_controller_reset(nvme);
	return 0;
}

static void nvme_close(struct vfio_pci_device *device, void *priv)
{
	struct nvme *nvme = priv;

	(void)device;
	nvme_worker_stop(nvme);
	nvme_controller_reset(nvme);
	if (nvme->options.image) {
		nvme->ns->ops->destroy(nvme->ns);
		nvme->ns = NULL;
	}
}

static void nvme_reset(struct vfio_pci_device *device, void *priv)
{
	(void)device;
	nvme_worker_reset(priv);
}

static __u64 nvme_bar_load(struct vfio_pci_device *device, unsigned int bar,
			   __u64 offset, unsigned int width)
{
	const void *at;

	if (bar || offset > BAR_LEN - width)
		return ~0ull;
	at = (const __u8 *)vfio_pci_bar_memory(device, 0) + offset;
	switch (width) {
	case 1:
		return __atomic_load_n((const __u8 *)at, __ATOMIC_ACQUIRE);
	case 2:
		return __atomic_load_n((const __u16 *)at, __ATOMIC_ACQUIRE);
	case 4:
		return __atomic_load_n((const __u32 *)at, __ATOMIC_ACQUIRE);
	default:
		return __atomic_load_n((const __u64 *)at, __ATOMIC_ACQUIRE);
	}
}

static void nvme_bar_store(struct vfio_pci_device *device, unsigned int bar,
			   __u64 offset, unsigned int width, __u64 value)
{
	if (!bar && offset <= MSIX_TABLE_OFFSET - width)
		nvme_controller_store(vfio_pci_priv(device), offset, width,
				      value);
}

static void nvme_doorbell(struct vfio_pci_device *device, unsigned int bar)
{
	(void)bar;
	nvme_worker_kick(vfio_pci_priv(device));
}

/*
 * Programs enable the device by an ordinary write of the command register
 * before they enable the controller by a store that may trap: a better place
 * to make a thread. A failure shows when the controller is enabled.
 */
static void nvme_enable_changed(struct vfio_pci_device *device)
{
	if (vfio_pci_bus_master(device))
		nvme_worker_start(vfio_pci_priv(device));
}

static const struct vfio_pci_ops nvme_ops = {
	.open = nvme_open,
	.close = nvme_close,
	.destroy = nvme_destroy,
	.reset = nvme_reset,
	.bar_load = nvme_bar_load,
	.bar_store = nvme_bar_store,
	.doorbell = nvme_doorbell,
	.enable_changed = nvme_enable_changed,
};

const struct model nvme_model = {
	.name = "nvme",
	.help = "NVM Express 1.4 controller with one namespace",
	.keys = nvme_option_keys,
	.ops = &nvme_ops,
	.create = nvme_create,
};
