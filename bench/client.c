/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that uses the library. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "client.h"

/* PCI Local Bus 3.0, 6.2.2 */
enum {
	PCI_COMMAND = 4,
	PCI_COMMAND_MEMORY = 1 << 1,
	PCI_COMMAND_MASTER = 1 << 2,
};

const char *const layout_names[N_LAYOUTS] = { "dense", "64 KiB apart",
					      "random 46 bits" };

static void client_ioctl(int fd, unsigned int cmd, void *arg, const char *what)
{
	long result = iommufd_ioctl(fd, cmd, arg);

	if (result)
		bench_fail("%s: %s", what, strerror((int)-result));
}

uint32_t client_ioas_alloc(const struct client *client)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	client_ioctl(client->fd, IOMMU_IOAS_ALLOC, &alloc, "IOMMU_IOAS_ALLOC");
	return alloc.out_ioas_id;
}

void client_destroy(const struct client *client, uint32_t id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	client_ioctl(client->fd, IOMMU_DESTROY, &destroy, "IOMMU_DESTROY");
}

void client_unmap_all(const struct client *client)
{
	long result = client_unmap(client, 0, UINT64_MAX);

	if (result && result != -ENOENT)
		bench_fail("IOMMU_IOAS_UNMAP of everything: %s",
			   strerror((int)-result));
}

static uint64_t client_region(const struct client *client, uint32_t index,
			      uint64_t *len)
{
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = index,
	};

	client_ioctl(client->device, VFIO_DEVICE_GET_REGION_INFO, &region,
		     "VFIO_DEVICE_GET_REGION_INFO");
	*len = region.size;
	return region.offset;
}

static void client_enable(struct client *client)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	uint64_t offset, len;
	void *bar;

	offset = client_region(client, VFIO_PCI_CONFIG_REGION_INDEX, &len);
	bench_check(iommufd_pwrite(client->device, &command, sizeof(command),
				   (off_t)offset + PCI_COMMAND) ==
			    sizeof(command),
		    "the PCI command register cannot be written");
	offset = client_region(client, VFIO_PCI_BAR0_REGION_INDEX, &len);
	bar = iommufd_mmap(client->device, NULL, len, PROT_READ | PROT_WRITE,
			   MAP_SHARED, (off_t)offset);
	bench_check(bar != MAP_FAILED, "BAR 0 cannot be mapped");
	client->bar = bar;
}

static void client_attach(struct client *client)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = client->fd,
	};
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = client->ioas_id,
	};

	client->device = iommufd_open(client->machine,
				      "/dev/vfio/devices/vfio0", O_RDWR);
	bench_check(client->device >= 0, "the device cannot be opened");
	client_ioctl(client->device, VFIO_DEVICE_BIND_IOMMUFD, &bind,
		     "VFIO_DEVICE_BIND_IOMMUFD");
	client_ioctl(client->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach,
		     "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

void client_start(struct client *client, const char *device)
{
	char option[128] = "";
	/* Benchmarks look for refusals themselves. */
	const char *options[] = { "--on-fault=ignore", option };
	char error[256];

	*client = (struct client){ .device = -1 };
	if (device)
		snprintf(option, sizeof(option), "-d %s", device);
	client->machine = iommufd_machine_create(options, device ? 2 : 1, error,
						 sizeof(error));
	if (!client->machine)
		bench_fail("iommufd_machine_create(): %s", error);
	client->fd = iommufd_open(client->machine, "/dev/iommu", O_RDWR);
	bench_check(client->fd >= 0, "/dev/iommu cannot be opened");
	client->ioas_id = client_ioas_alloc(client);
	if (device) {
		client_attach(client);
		client_enable(client);
	}
}

void client_stop(struct client *client)
{
	if (client->device >= 0)
		iommufd_close(client->device);
	iommufd_close(client->fd);
	iommufd_machine_destroy(client->machine);
}
