/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a DMA was refused: found out after the fact, so that DMA which is
 * allowed pays nothing for it.
 */
#include <errno.h>
#include "iommu/refusal.h"

static int dma_refuse(const struct dma_access *access,
		      enum dma_fault_reason reason, iova_t bad,
		      const struct view_range *near)
{
	struct trace_dma_fault fault = {
		.device = access->endpoint->name,
		.pasid = access->pasid,
		.is_write = access->is_write,
		.iova = access->iova,
		.len = access->len,
		.reason = reason,
		.bad_iova = bad,
		.near_start = near ? near->start : 0,
		.near_last = near ? near->last : 0,
	};

	trace_dma_fault(&fault);
	return -EIO;
}

int dma_refuse_closed(const struct dma_access *access)
{
	enum dma_fault_reason reason = DMA_FAULT_NOT_ATTACHED;

	if (!atomic_load(&access->endpoint->is_enabled))
		reason = DMA_FAULT_BUS_MASTER;
	return dma_refuse(access, reason, access->iova, NULL);
}

int dma_refuse_map(const struct dma_access *access,
		   enum dma_fault_reason reason, iova_t bad,
		   const struct iommu_map *map)
{
	struct view_range near = { .start = map->start, .last = map->last };

	return dma_refuse(access, reason, bad, &near);
}

/* Is it outside of what the domain can translate? */
static bool domain_excludes(const struct iommu_domain *domain, iova_t iova,
			    struct view_range *near)
{
	const struct iommu_geometry *geometry = &domain->geometry;

	if (iova < geometry->aperture_start) {
		near->start = 0;
		near->last = geometry->aperture_start - 1;
		return true;
	}
	if (iova > geometry->aperture_last) {
		near->start = geometry->aperture_last + 1;
		near->last = UINT64_MAX;
		return true;
	}
	return false;
}

static bool endpoint_reserves(struct iommu_endpoint *endpoint, iova_t iova,
			      struct view_range *near)
{
	struct iommu_domain *domain = atomic_load(&endpoint->domain);
	const struct iommu_resv_region *regions;
	unsigned int n, i;

	if (domain && domain_excludes(domain, iova, near))
		return true;
	n = endpoint->unit->ops->resv_regions(endpoint->unit, &regions);
	for (i = 0; i < n; i++) {
		if (iova < regions[i].start || iova > regions[i].last)
			continue;
		near->start = regions[i].start;
		near->last = regions[i].last;
		return true;
	}
	return false;
}

static bool view_had(struct space_view *view, iova_t iova,
		     struct view_range *near)
{
	struct map_index *index = &view->space->index;
	bool was_mapped;

	index_lock(index);
	was_mapped = view_find_removed(view, iova, near);
	index_unlock(index);
	return was_mapped;
}

int dma_refuse_unmapped(const struct dma_access *access,
			struct space_view *view, iova_t bad)
{
	const struct iommu_map *before;
	struct view_range near;

	if (bad != access->iova) {
		before = index_find(&view->space->index, bad - 1);
		if (before)
			return dma_refuse_map(access, DMA_FAULT_BEYOND, bad,
					      before);
	}
	if (endpoint_reserves(access->endpoint, bad, &near))
		return dma_refuse(access, DMA_FAULT_RESERVED, bad, &near);
	if (view_had(view, bad, &near))
		return dma_refuse(access, DMA_FAULT_UNMAPPED, bad, &near);
	return dma_refuse(access, DMA_FAULT_NEVER_MAPPED, bad, NULL);
}
