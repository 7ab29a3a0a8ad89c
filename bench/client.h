/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that uses the library: a machine, a context, an address space, and
 * perhaps a device. Everything that fails ends the benchmark.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <linux/iommufd.h>
#include "bench.h"
#include "iommufd-user/iommufd.h"

/**
 * struct client - who uses the machine
 * @machine: made for this program
 * @fd: of /dev/iommu
 * @ioas_id: an address space
 * @device: of /dev/vfio/devices/vfio0, or -1
 * @bar: the device's BAR 0
 */
struct client {
	struct iommufd_machine *machine;
	int fd;
	uint32_t ioas_id;
	int device;
	volatile uint8_t *bar;
};

/**
 * client_start() - a machine with an address space
 * @device: as the option -d has it, or NULL: no device. It is bound, attached
 *	to the address space, and may do DMA
 */
void client_start(struct client *client, const char *device);
void client_stop(struct client *client);

uint32_t client_ioas_alloc(const struct client *client);
void client_destroy(const struct client *client, uint32_t id);

/* The ioctls whose speed counts. */
static inline long client_map(const struct client *client, uint64_t iova,
			      const void *va, uint64_t len)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = client->ioas_id,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = iova,
	};

	return iommufd_ioctl(client->fd, IOMMU_IOAS_MAP, &map);
}

/* The library chooses where. */
static inline uint64_t client_map_anywhere(const struct client *client,
					   const void *va, uint64_t len)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = client->ioas_id,
		.user_va = (uintptr_t)va,
		.length = len,
	};

	bench_check(!iommufd_ioctl(client->fd, IOMMU_IOAS_MAP, &map),
		    "a mapping at an address of the library's choice failed");
	return map.iova;
}

static inline long client_unmap(const struct client *client, uint64_t iova,
				uint64_t len)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = client->ioas_id,
		.iova = iova,
		.length = len,
	};

	return iommufd_ioctl(client->fd, IOMMU_IOAS_UNMAP, &unmap);
}

static inline long client_copy(const struct client *client, uint32_t to,
			       uint64_t iova, uint64_t len)
{
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = to,
		.src_ioas_id = client->ioas_id,
		.length = len,
		.dst_iova = iova,
		.src_iova = iova,
	};

	return iommufd_ioctl(client->fd, IOMMU_IOAS_COPY, &copy);
}

/* Everything in the address space. Nothing there is no error. */
void client_unmap_all(const struct client *client);

/* ---- where mappings lie ------------------------------------------------ */

enum layout {
	LAYOUT_DENSE, /* one behind the other */
	LAYOUT_STRIDE, /* 64 KiB apart */
	LAYOUT_RANDOM, /* anywhere in 46 bits */
	N_LAYOUTS,
};

extern const char *const layout_names[N_LAYOUTS];

/* Above what chosen addresses use, and above where interrupts are. */
#define LAYOUT_BASE (1ull << 46)

/* Where mapping @index of up to 2^34 is; no two are at one place. */
static inline uint64_t layout_iova(enum layout layout, uint64_t index)
{
	const uint64_t mask = (1ull << 34) - 1;

	switch (layout) {
	case LAYOUT_DENSE:
		return LAYOUT_BASE + index * BENCH_PAGE_LEN;
	case LAYOUT_STRIDE:
		return LAYOUT_BASE + index * 65536;
	default:
		/* Each step can be undone, so none makes two numbers one. */
		index = index * 0x1b873593b & mask;
		index ^= index >> 17;
		index = index * 0x2545f4915 & mask;
		index ^= index >> 15;
		return LAYOUT_BASE + index * BENCH_PAGE_LEN;
	}
}

#endif /* BENCH_CLIENT_H */
