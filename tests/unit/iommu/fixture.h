/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is attached to an address space over 64 pages of memory. */
#ifndef UNIT_IOMMU_FIXTURE_H
#define UNIT_IOMMU_FIXTURE_H

#include "base/trace.h"
#include "harness/harness.h"
#include "iommu/iommu.h"

#define PAGE 4096u
#define FIXTURE_N_PAGES 64u
#define FIXTURE_LEN (FIXTURE_N_PAGES * PAGE)

/**
 * struct fixture - one device
 * @space: its address space, empty
 * @group: its group
 * @endpoint: itself: VT-d, bus master on
 * @domain: attached
 * @memory: zeroed
 */
struct fixture {
	struct iommu_space *space;
	struct iommu_group *group;
	struct iommu_endpoint *endpoint;
	struct iommu_domain *domain;
	char *memory;
};

/* The last fault that was reported, and how many were since the start. */
extern struct trace_dma_fault fixture_fault;
extern unsigned int fixture_n_faults;

void fixture_init(struct fixture *fixture);
void fixture_deinit(struct fixture *fixture);

/* Map @len bytes of the memory from @offset on. */
void fixture_map(struct fixture *fixture, struct iommu_map *map, iova_t iova,
		 size_t offset, size_t len, unsigned int prot);
void fixture_unmap(struct fixture *fixture, struct iommu_map *map);

/* DMA of the device. */
int fixture_read(struct fixture *fixture, iova_t iova, void *buf, size_t len);
int fixture_write(struct fixture *fixture, iova_t iova, const void *buf,
		  size_t len);

/* The access was refused for @reason at @bad, once more than before. */
#define assert_refused(rc, wanted, bad)                         \
	do {                                                    \
		assert_int_equal(rc, -EIO);                     \
		assert_int_equal(fixture_fault.reason, wanted); \
		assert_int_equal(fixture_fault.bad_iova, bad);  \
	} while (0)

#endif /* UNIT_IOMMU_FIXTURE_H */
