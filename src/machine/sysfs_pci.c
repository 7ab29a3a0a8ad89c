/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI device in sysfs, as vfio-pci's is shown
 * (Documentation/ABI/testing/sysfs-bus-pci, sysfs-devices-vfio-dev).
 */
#include <stdio.h>
#include <string.h>
#include "machine/internal.h"

/* linux/ioport.h: what the third column of "resource" is made of. */
enum {
	RESOURCE_MEM = 0x200,
	RESOURCE_PREFETCH = 0x2000,
	RESOURCE_SIZEALIGN = 0x40000,
	RESOURCE_MEM_64 = 0x100000,
};

/* BARs 0 to 5, ROM, and six of SR-IOV. */
#define N_RESOURCES 13u

static __u64 bar_flags(const struct vfio_pci_bar *bar)
{
	__u64 low_bits = (bar->is_64bit ? 4u : 0u) |
			 (bar->is_prefetchable ? 8u : 0u);

	return low_bits | RESOURCE_MEM | RESOURCE_SIZEALIGN |
	       (bar->is_64bit ? RESOURCE_MEM_64 : 0u) |
	       (bar->is_prefetchable ? RESOURCE_PREFETCH : 0u);
}

static void write_resources(struct tree *tree, const char *dir,
			    const struct machine_device *device)
{
	const struct vfio_pci_description *description =
		vfio_pci_get_description(device->pci);
	char text[N_RESOURCES * 57 + 1] = "";
	unsigned int i;

	for (i = 0; i < N_RESOURCES; i++) {
		__u64 start = 0;
		__u64 last = 0;
		__u64 flags = 0;

		if (i < VFIO_PCI_N_BARS && description->bars[i].len) {
			start = device->bar_address[i];
			last = start + description->bars[i].len - 1;
			flags = bar_flags(&description->bars[i]);
		}
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "0x%016llx 0x%016llx 0x%016llx\n",
			 (unsigned long long)start, (unsigned long long)last,
			 (unsigned long long)flags);
	}
	tree_text(tree, dir, "resource", "%s", text);
}

static void write_config(struct tree *tree, const char *dir,
			 const struct machine_device *device)
{
	unsigned char config[4096];
	char path[256];
	size_t len =
		vfio_pci_config_read(device->pci, 0, config, sizeof(config));

	snprintf(path, sizeof(path), "%s/config", dir);
	tree_bytes(tree, path, config, len);
}

static void write_ids(struct tree *tree, const char *dir,
		      const struct machine_device *device)
{
	const struct vfio_pci_description *d =
		vfio_pci_get_description(device->pci);
	char modalias[96];

	snprintf(modalias, sizeof(modalias),
		 "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", d->vendor,
		 d->device, d->subsystem_vendor, d->subsystem_device,
		 d->class_code >> 16, d->class_code >> 8 & 0xff,
		 d->class_code & 0xff);
	tree_text(tree, dir, "vendor", "0x%04x\n", d->vendor);
	tree_text(tree, dir, "device", "0x%04x\n", d->device);
	tree_text(tree, dir, "subsystem_vendor", "0x%04x\n",
		  d->subsystem_vendor);
	tree_text(tree, dir, "subsystem_device", "0x%04x\n",
		  d->subsystem_device);
	tree_text(tree, dir, "class", "0x%06x\n", d->class_code);
	tree_text(tree, dir, "revision", "0x%02x\n", d->revision);
	tree_text(tree, dir, "modalias", "%s\n", modalias);
	tree_text(tree, dir, "uevent",
		  "DRIVER=vfio-pci\nPCI_CLASS=%X\nPCI_ID=%04X:%04X\n"
		  "PCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=%s\n",
		  d->class_code, d->vendor, d->device, d->subsystem_vendor,
		  d->subsystem_device, device->address, modalias);
}

static void write_attributes(struct tree *tree, const char *dir)
{
	tree_text(tree, dir, "ari_enabled", "0\n");
	tree_text(tree, dir, "broken_parity_status", "0\n");
	tree_text(tree, dir, "consistent_dma_mask_bits", "64\n");
	tree_text(tree, dir, "dma_mask_bits", "64\n");
	tree_text(tree, dir, "d3cold_allowed", "1\n");
	tree_text(tree, dir, "driver_override", "(null)\n");
	tree_text(tree, dir, "enable", "0\n");
	tree_text(tree, dir, "irq", "0\n");
	tree_text(tree, dir, "local_cpus", "3\n");
	tree_text(tree, dir, "local_cpulist", "0-1\n");
	tree_text(tree, dir, "msi_bus", "1\n");
	tree_text(tree, dir, "numa_node", "-1\n");
	tree_text(tree, dir, "power_state", "D0\n");
	tree_text(tree, dir, "remove", "%s", "");
	tree_text(tree, dir, "rescan", "%s", "");
	tree_text(tree, dir, "reset", "%s", "");
	tree_text(tree, dir, "reset_method", "flr\n");
}

/* The entry by which programs find the character device: exactly one. */
static void write_vfio_dev(struct tree *tree, const char *dir,
			   const struct machine_device *device)
{
	const struct pci_address *address = &device->options->address;
	char sub[256];

	snprintf(sub, sizeof(sub), "%s/vfio-dev/vfio%u", dir, device->index);
	tree_text(tree, sub, "dev", "%u:%u\n", VFIO_DEV_MAJOR, device->index);
	tree_text(tree, sub, "uevent",
		  "MAJOR=%u\nMINOR=%u\nDEVNAME=vfio/devices/vfio%u\n",
		  VFIO_DEV_MAJOR, device->index, device->index);
	tree_link(tree, sub, "device", "../../../%s", device->address);
	tree_link(tree, sub, "subsystem", "../../../../../class/vfio-dev");
	snprintf(sub, sizeof(sub), "vfio%u", device->index);
	tree_link(tree, "sys/class/vfio-dev", sub,
		  "../../devices/pci%04x:%02x/%s/vfio-dev/vfio%u",
		  address->domain, address->bus, device->address,
		  device->index);
}

static void write_links(struct tree *tree, const char *dir,
			const struct machine_device *device)
{
	const struct pci_address *address = &device->options->address;

	tree_link(tree, dir, "driver", "../../../bus/pci/drivers/vfio-pci");
	tree_link(tree, dir, "subsystem", "../../../bus/pci");
	tree_link(tree, dir, "iommu_group", "../../../kernel/iommu_groups/%u",
		  device->group->id);
	tree_link(tree, dir, "iommu", "../../virtual/iommu/dmar0");
	tree_link(tree, "sys/bus/pci/devices", device->address,
		  "../../../devices/pci%04x:%02x/%s", address->domain,
		  address->bus, device->address);
	tree_link(tree, "sys/bus/pci/drivers/vfio-pci", device->address,
		  "../../../../devices/pci%04x:%02x/%s", address->domain,
		  address->bus, device->address);
}

void sysfs_pci_write(struct tree *tree, struct machine_device *device)
{
	char dir[96];

	snprintf(dir, sizeof(dir), "sys/devices/pci%04x:%02x/%s",
		 device->options->address.domain, device->options->address.bus,
		 device->address);
	write_ids(tree, dir, device);
	write_attributes(tree, dir);
	write_config(tree, dir, device);
	write_resources(tree, dir, device);
	write_vfio_dev(tree, dir, device);
	write_links(tree, dir, device);
}
