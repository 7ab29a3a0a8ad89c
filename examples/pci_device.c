/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PCI device through VFIO and iommufd, by the Linux ABI alone.
 *
 * The order of things: open /dev/iommu (a context) and the device's node; bind
 * the device to the context, before which nothing works; make an I/O address
 * space; attach the device to it, before which all DMA is refused. From then on
 * the device reaches what is mapped there, and nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pci_device.h"

/* PCI Local Bus 3.0, 6.2.2 */
enum {
	PCI_COMMAND = 4,
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_MASTER = 1 << 2,
};

/* An I/O address space has few ranges: windows cut a few holes. */
enum {
	MAX_RANGES = 64
};

static const char no_device_advice[] =
	"bind a device to vfio-pci, or run this under "
	"\"iommufd-user run -d nvme --\"";

int complain(int error, const char *advice, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "nvme: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s; %s\n", strerror(error), advice);
	return -error;
}

/* ---- which device ------------------------------------------------------ */

/* Take the entry of @directory that starts with "vfio" and sorts first. */
static int pci_device_find_in(struct pci_device *device, const char *directory)
{
	char *name = device->name;
	struct dirent *entry;
	DIR *dir;

	name[0] = '\0';
	dir = opendir(directory);
	if (!dir)
		return complain(errno, no_device_advice, "opendir(%s)",
				directory);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4) != 0)
			continue;
		if (!name[0] || strverscmp(entry->d_name, name) < 0)
			snprintf(name, sizeof(device->name), "%.63s",
				 entry->d_name);
	}
	closedir(dir);
	if (!name[0])
		return complain(ENODEV, no_device_advice, "no device in %s",
				directory);
	return 0;
}

/* The node's name, from whatever the user calls the device. */
static int pci_device_find(struct pci_device *device, const char *which)
{
	char directory[PATH_MAX];
	const char *base;

	if (!which)
		return pci_device_find_in(device, "/dev/vfio/devices");
	if (strchr(which, ':')) {
		snprintf(directory, sizeof(directory),
			 "/sys/bus/pci/devices/%s/vfio-dev", which);
		return pci_device_find_in(device, directory);
	}
	base = strrchr(which, '/');
	snprintf(device->name, sizeof(device->name), "%s",
		 base ? base + 1 : which);
	return 0;
}

/* .../0000:01:00.0/vfio-dev/vfio0: the PCI address is two steps up. */
static void pci_device_find_address(struct pci_device *device)
{
	char link[PATH_MAX];
	char path[PATH_MAX];
	const char *base = "?";

	snprintf(link, sizeof(link), "/sys/class/vfio-dev/%s", device->name);
	if (realpath(link, path)) {
		for (int i = 0; i < 2; i++) {
			char *slash = strrchr(path, '/');

			if (slash)
				*slash = '\0';
		}
		base = strrchr(path, '/');
		base = base ? base + 1 : "?";
	}
	snprintf(device->address, sizeof(device->address), "%.63s", base);
}

/* ---- open, bind, attach ------------------------------------------------ */

static int pci_device_open_files(struct pci_device *device)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", device->name);
	device->fd = open(path, O_RDWR | O_CLOEXEC);
	if (device->fd < 0)
		return complain(errno, no_device_advice, "open(%s)", path);
	device->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (device->iommufd < 0) {
		rc = complain(errno,
			      "the kernel needs CONFIG_IOMMUFD, and you "
			      "permission for the file",
			      "open(/dev/iommu)");
		close(device->fd);
		return rc;
	}
	return 0;
}

static int pci_device_attach(struct pci_device *device)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = device->iommufd,
	};
	struct iommu_ioas_alloc alloc = {
		.size = sizeof(alloc),
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
	};

	if (ioctl(device->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return complain(errno,
				"close other users of the device and of its "
				"IOMMU group",
				"ioctl(VFIO_DEVICE_BIND_IOMMUFD)");
	if (ioctl(device->iommufd, IOMMU_IOAS_ALLOC, &alloc))
		return complain(errno, "this should always work",
				"ioctl(IOMMU_IOAS_ALLOC)");
	device->ioas_id = alloc.out_ioas_id;

	attach.pt_id = device->ioas_id;
	if (ioctl(device->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		return complain(errno,
				"see the kernel's log about the device's "
				"IOMMU",
				"ioctl(VFIO_DEVICE_ATTACH_IOMMUFD_PT)");
	return 0;
}

/* ---- regions ----------------------------------------------------------- */

static int pci_device_get_region(struct pci_device *device, uint32_t index,
				 struct vfio_region_info *region)
{
	*region = (struct vfio_region_info){
		.argsz = sizeof(*region),
		.index = index,
	};
	if (ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, region))
		return complain(errno, "is it a PCI device?",
				"ioctl(VFIO_DEVICE_GET_REGION_INFO, %u)",
				index);
	if (!region->size)
		return complain(ENODEV, "is it an NVMe controller?",
				"region %u of %s", index, device->name);
	return 0;
}

static int pci_device_map_bar(struct pci_device *device)
{
	struct vfio_region_info region;
	void *bar;
	int rc;

	rc = pci_device_get_region(device, VFIO_PCI_BAR0_REGION_INDEX, &region);
	if (rc)
		return rc;
	if (!(region.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return complain(ENODEV,
				"it may not be offered because /dev/kvm is "
				"open, or by the option mmio=none",
				"BAR 0 cannot be mapped");
	device->bar_len = region.size;
	bar = mmap(NULL, device->bar_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		   device->fd, (off_t)region.offset);
	if (bar == MAP_FAILED)
		return complain(errno, "see the kernel's log",
				"mmap(BAR 0, %zu bytes)", device->bar_len);
	device->bar = bar;
	return 0;
}

/* Set or clear bits of the command register. */
static int pci_device_set_command(struct pci_device *device, uint16_t bits,
				  bool is_on)
{
	off_t off = (off_t)device->config_offset + PCI_COMMAND;
	uint16_t command;

	if (pread(device->fd, &command, sizeof(command), off) !=
	    sizeof(command))
		return complain(errno, "is the device still there?",
				"pread(PCI command register)");
	command = (uint16_t)(is_on ? command | bits : command & ~bits);
	if (pwrite(device->fd, &command, sizeof(command), off) !=
	    sizeof(command))
		return complain(errno, "is the device still there?",
				"pwrite(PCI command register)");
	return 0;
}

/* Registers behind the BAR, and DMA: both are off after the bind. */
static int pci_device_enable(struct pci_device *device)
{
	struct vfio_device_info info = {
		.argsz = sizeof(info),
	};
	struct vfio_region_info config;
	int rc;

	if (ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info))
		return complain(errno, "is it bound?",
				"ioctl(VFIO_DEVICE_GET_INFO)");
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI))
		return complain(ENODEV, "choose another with --device",
				"%s is no PCI device", device->name);
	rc = pci_device_get_region(device, VFIO_PCI_CONFIG_REGION_INDEX,
				   &config);
	if (rc)
		return rc;
	device->config_offset = config.offset;
	return pci_device_set_command(
		device, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, true);
}

int pci_device_open(struct pci_device *device, const char *which)
{
	int rc;

	*device = (struct pci_device){ .iommufd = -1, .fd = -1 };
	rc = pci_device_find(device, which);
	if (rc)
		return rc;
	pci_device_find_address(device);
	rc = pci_device_open_files(device);
	if (rc)
		return rc;
	rc = pci_device_attach(device);
	if (rc)
		goto err_close;
	rc = pci_device_enable(device);
	if (rc)
		goto err_close;
	rc = pci_device_map_bar(device);
	if (rc)
		goto err_close;
	return 0;

err_close:
	close(device->fd);
	close(device->iommufd);
	return rc;
}

void pci_device_close(struct pci_device *device)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	munmap((void *)(uintptr_t)device->bar, device->bar_len);
	pci_device_set_command(device, PCI_COMMAND_MASTER, false);
	if (ioctl(device->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach))
		complain(errno, "closing the device detaches it too",
			 "ioctl(VFIO_DEVICE_DETACH_IOMMUFD_PT)");
	close(device->fd);
	close(device->iommufd);
}

/* ---- memory for DMA ---------------------------------------------------- */

/* Anonymous memory at a multiple of @align: take more, give the ends back. */
static void *alloc_aligned(size_t len, size_t align)
{
	char *all, *start;
	size_t before;

	all = mmap(NULL, len + align, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)all & (align - 1);
	start = all + before;
	if (before)
		munmap(all, before);
	munmap(start + len, align - before);
	return start;
}

int pci_device_alloc_dma(struct pci_device *device, struct dma_memory *memory,
			 size_t len, size_t align)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = device->ioas_id,
		.length = len,
	};
	int rc;

	memory->va = alloc_aligned(len, align);
	if (!memory->va)
		return complain(errno, "use less with --depth",
				"mmap(%zu bytes)", len);

	/* Linux chooses the IOVA, as well aligned as the address is. */
	map.user_va = (uintptr_t)memory->va;
	if (ioctl(device->iommufd, IOMMU_IOAS_MAP, &map)) {
		rc = complain(errno,
			      "if memory is short, raise \"ulimit -l\" or use "
			      "less with --depth",
			      "ioctl(IOMMU_IOAS_MAP, %zu bytes)", len);
		goto err_free;
	}
	memory->len = len;
	memory->iova = map.iova;
	if (map.iova & (align - 1)) {
		pci_device_free_dma(device, memory);
		return complain(EINVAL,
				"the device has larger pages than the IOMMU "
				"gives",
				"IOVA %#llx", (unsigned long long)map.iova);
	}
	return 0;

err_free:
	munmap(memory->va, len);
	memory->va = NULL;
	return rc;
}

int pci_device_unmap_dma(struct pci_device *device, struct dma_memory *memory)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = device->ioas_id,
		.iova = memory->iova,
		.length = memory->len,
	};

	if (ioctl(device->iommufd, IOMMU_IOAS_UNMAP, &unmap))
		return complain(errno, "this should always work",
				"ioctl(IOMMU_IOAS_UNMAP, %#llx)",
				(unsigned long long)memory->iova);
	memory->iova = 0;
	return 0;
}

void pci_device_free_dma(struct pci_device *device, struct dma_memory *memory)
{
	if (!memory->va)
		return;

	/* The IOVAs that Linux chooses are never 0. */
	if (memory->iova)
		pci_device_unmap_dma(device, memory);
	munmap(memory->va, memory->len);
	memory->va = NULL;
}

int pci_device_free_iova(struct pci_device *device, uint64_t *iova)
{
	struct iommu_iova_range ranges[MAX_RANGES];
	struct iommu_ioas_iova_ranges query = {
		.size = sizeof(query),
		.ioas_id = device->ioas_id,
		.num_iovas = MAX_RANGES,
		.allowed_iovas = (uintptr_t)ranges,
	};

	if (ioctl(device->iommufd, IOMMU_IOAS_IOVA_RANGES, &query))
		return complain(errno, "this should always work",
				"ioctl(IOMMU_IOAS_IOVA_RANGES)");
	if (!query.num_iovas)
		return complain(ENOSPC, "this should never be",
				"no IOVA can be mapped");

	/* Linux takes the lowest that are free, so the highest ones are. */
	*iova = ranges[query.num_iovas - 1].last & ~(uint64_t)0xfff;
	return 0;
}

/* ---- interrupts -------------------------------------------------------- */

int pci_device_enable_irq(struct pci_device *device, unsigned int vector,
			  int event_fd)
{
	_Alignas(struct vfio_irq_set) unsigned char
		memory[sizeof(struct vfio_irq_set) + 2 * sizeof(int32_t)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)memory;
	int32_t fds[2] = { -1, -1 };
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	if (ioctl(device->fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
		return complain(errno, "leave --irq out",
				"ioctl(VFIO_DEVICE_GET_IRQ_INFO)");
	if (!info.count)
		return complain(ENODEV, "leave --irq out",
				"the device has no MSI-X");
	if (vector >= info.count || vector >= 2)
		vector = 0;
	fds[vector] = event_fd;
	*set = (struct vfio_irq_set){
		.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.count = vector + 1,
	};
	set->argsz = (uint32_t)(sizeof(*set) + set->count * sizeof(fds[0]));
	memcpy(set->data, fds, set->count * sizeof(fds[0]));
	if (ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set))
		return complain(errno, "leave --irq out",
				"ioctl(VFIO_DEVICE_SET_IRQS)");
	return (int)vector;
}

void pci_device_disable_irq(struct pci_device *device)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	if (ioctl(device->fd, VFIO_DEVICE_SET_IRQS, &set))
		complain(errno, "closing the device does it too",
			 "ioctl(VFIO_DEVICE_SET_IRQS, off)");
}
