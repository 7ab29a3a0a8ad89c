/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A context, devices behind IOMMUs, and every command as a function: what all
 * tests of iommufd begin with.
 */
#ifndef IOMMUFD_FIXTURE_H
#define IOMMUFD_FIXTURE_H

#include <linux/iommufd.h>
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "harness/harness.h"
#include "iommufd/framework.h"
#include "mm/mm.h"

#define PAGE 4096ul

/* MAP flags. */
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA
#define READ IOMMU_IOAS_MAP_READABLE
#define WRITE IOMMU_IOAS_MAP_WRITEABLE

/* Of the IOMMU that tests use: 48 bits, and a hole for interrupts. */
#define UNIT_LAST (((iova_t)1 << 48) - 1)
#define UNIT_MSI_START 0xfee00000ull
#define UNIT_MSI_LAST 0xfeefffffull

/**
 * struct fixture - a context
 * @node: /dev/iommu
 * @file: opened from it
 */
struct fixture {
	struct file_node node;
	struct file *file;
};

/* For test tables: *state is a struct fixture. Checks what is left behind. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

#define fixture_test(function)                                   \
	cmocka_unit_test_setup_teardown(function, fixture_setup, \
					fixture_teardown)

/* A second context. */
struct file *fixture_open(void);
struct iommufd_ctx *fixture_ctx(struct file *file);

/* Units: an ordinary one, one of another kind, one with a direct region. */
extern struct iommu_unit *fixture_unit;
extern struct iommu_unit *fixture_other_unit;
extern struct iommu_unit *fixture_direct_unit;

/* Pages pinned now by anybody. */
__u64 fixture_pinned(void);

/* Zeroed pages; fixture_free() gives them back. */
void *fixture_memory(size_t len);
void fixture_free(void *memory, size_t len);

/* The commands. Each returns what the ioctl returned. */
int do_ioas_alloc(struct file *file, __u32 *id);
int do_destroy(struct file *file, __u32 id);
int do_map(struct file *file, __u32 ioas, __u32 flags, const void *va,
	   __u64 len, __u64 *iova);
int do_map_file(struct file *file, struct iommu_ioas_map_file *args);
int do_unmap(struct file *file, __u32 ioas, __u64 iova, __u64 *len);
int do_copy(struct file *file, struct iommu_ioas_copy *args);
int do_allow(struct file *file, __u32 ioas,
	     const struct iommu_iova_range *ranges, __u32 n);
int do_ranges(struct file *file, __u32 ioas, struct iommu_iova_range *ranges,
	      __u32 *n, __u64 *alignment);
int do_option(struct file *file, struct iommu_option *args);
int do_hwpt_alloc(struct file *file, __u32 flags, __u32 device, __u32 pt,
		  __u32 *id);

/* Those that must succeed. */
__u32 ioas_alloc(struct file *file);
void map_fixed(struct file *file, __u32 ioas, const void *va, __u64 len,
	       __u64 iova);
void unmap(struct file *file, __u32 ioas, __u64 iova, __u64 len);
void destroy(struct file *file, __u32 id);

/**
 * struct bound - a device in a group of its own, bound to a context
 * @group: its group
 * @endpoint: its endpoint, with bus master enabled
 * @device: the object
 * @id: its ID
 */
struct bound {
	struct iommu_group *group;
	struct iommu_endpoint *endpoint;
	struct iommufd_device *device;
	__u32 id;
};

void bound_init(struct bound *bound, struct file *file,
		struct iommu_unit *unit);

/* One more device in the group of @first. */
void bound_init_beside(struct bound *bound, struct file *file,
		       const struct bound *first);
void bound_deinit(struct bound *bound);

/* The group goes with its first device: deinit that one last. */
void bound_deinit_beside(struct bound *bound);

int attach(struct bound *bound, __u32 *pt);
int replace(struct bound *bound, __u32 *pt);
void detach(struct bound *bound);

/* One byte by DMA: written, and read back. Return: 0 or -EIO. */
int dma_put(struct bound *bound, iova_t iova, char byte);
int dma_get(struct bound *bound, iova_t iova, char *byte);

#endif /* IOMMUFD_FIXTURE_H */
