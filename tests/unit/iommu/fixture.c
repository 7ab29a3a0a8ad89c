/* SPDX-License-Identifier: BSD-3-Clause */
/* See fixture.h. */
#include <sys/mman.h>
#include "base/err.h"
#include "iommu/vtd/vtd.h"
#include "fixture.h"

struct trace_dma_fault fixture_fault;
unsigned int fixture_n_faults;

static void keep_fault(const struct trace_dma_fault *fault)
{
	fixture_fault = *fault;
	fixture_n_faults++;
}

static const struct trace_listener fixture_listener = {
	.dma_fault = keep_fault,
};

void fixture_init(struct fixture *fixture)
{
	harness_catch_faults();
	trace_listen(&fixture_listener);
	fixture->space = iommu_space_create();
	assert_non_null(fixture->space);
	fixture->group = iommu_group_create(1);
	assert_non_null(fixture->group);
	fixture->endpoint = iommu_endpoint_create(vtd_unit(), fixture->group,
						  0x100, "0000:01:00.0");
	assert_non_null(fixture->endpoint);
	fixture->domain =
		iommu_domain_alloc(fixture->endpoint, fixture->space, 0);
	assert_false(is_err(fixture->domain));
	iommu_endpoint_set_enabled(fixture->endpoint, true);
	assert_int_equal(iommu_endpoint_set_domain(fixture->endpoint,
						   fixture->domain),
			 0);
	fixture->memory = mmap(NULL, FIXTURE_LEN, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(fixture->memory, MAP_FAILED);
}

void fixture_deinit(struct fixture *fixture)
{
	iommu_endpoint_set_domain(fixture->endpoint, NULL);
	iommu_domain_free(fixture->domain);
	iommu_endpoint_destroy(fixture->endpoint);
	iommu_group_destroy(fixture->group);
	iommu_space_destroy(fixture->space);
	munmap(fixture->memory, FIXTURE_LEN);
	trace_listen(NULL);
}

void fixture_map(struct fixture *fixture, struct iommu_map *map, iova_t iova,
		 size_t offset, size_t len, unsigned int prot)
{
	map->start = iova;
	map->last = iova + len - 1;
	map->address = (uintptr_t)fixture->memory + offset;
	map->prot = (__u8)prot;
	map->n_holders = 0;
	assert_int_equal(iommu_space_insert(fixture->space, map), 0);
}

void fixture_unmap(struct fixture *fixture, struct iommu_map *map)
{
	iommu_space_remove(fixture->space, map);
	iommu_space_sync(fixture->space);
	iommu_map_wait_holders(map);
}

int fixture_read(struct fixture *fixture, iova_t iova, void *buf, size_t len)
{
	return iommu_dma_read(fixture->endpoint, IOMMU_NO_PASID, iova, buf,
			      len);
}

int fixture_write(struct fixture *fixture, iova_t iova, const void *buf,
		  size_t len)
{
	return iommu_dma_write(fixture->endpoint, IOMMU_NO_PASID, iova, buf,
			       len);
}
