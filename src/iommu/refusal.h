/* SPDX-License-Identifier: BSD-3-Clause */
/* Saying why a DMA was refused; see refusal.c. */
#ifndef IOMMU_REFUSAL_H
#define IOMMU_REFUSAL_H

#include "base/trace.h"
#include "iommu/unit.h"

/**
 * struct dma_access - what a device asked for
 */
struct dma_access {
	struct iommu_endpoint *endpoint;
	__u32 pasid;
	bool is_write;
	iova_t iova;
	size_t len;
};

/*
 * Each reports and returns -EIO, and is called inside the read section of the
 * access. @bad is the first byte refused.
 */

/* The endpoint leads nowhere. */
int dma_refuse_closed(const struct dma_access *access);

/* No map is at @bad. */
int dma_refuse_unmapped(const struct dma_access *access,
			struct space_view *view, iova_t bad);

/* @map is, but this is not what it is for. */
int dma_refuse_map(const struct dma_access *access,
		   enum dma_fault_reason reason, iova_t bad,
		   const struct iommu_map *map);

#endif /* IOMMU_REFUSAL_H */
