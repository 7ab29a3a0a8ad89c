/* SPDX-License-Identifier: BSD-3-Clause */
/* Domains and endpoints, inside; see domain.c and endpoint.c. */
#ifndef IOMMU_UNIT_H
#define IOMMU_UNIT_H

#include "iommu/driver.h"
#include "iommu/iommu.h"
#include "iommu/space.h"

/**
 * struct iommu_domain - a space through the eyes of one unit
 * @unit: whose
 * @space: what it translates
 * @view: of the space
 * @geometry: what the unit's tables can hold
 */
struct iommu_domain {
	struct iommu_unit *unit;
	struct iommu_space *space;
	struct space_view *view;
	struct iommu_geometry geometry;
};

/**
 * struct iommu_endpoint - a device, for DMA
 * @view: where its DMA goes: NULL unless attached and enabled. The only field
 *	that DMA which is allowed looks at. Guarded by the group's lock
 * @phase: which of @n_held new holders count in; likewise
 * @n_held: asynchronous DMA in flight, by the phase in which it began: a
 *	change of the attachment waits for those from before it
 * @unit: its IOMMU, or NULL
 * @group: its group
 * @entry: in the group
 * @domain: attached, or NULL; guarded by the group's lock
 * @is_enabled: bus master; likewise
 * @is_reported: that nothing checks its DMA was said
 * @requester_id: bus, device, function
 * @name: as programs know the device
 */
struct iommu_endpoint {
	struct space_view *_Atomic view;
	_Atomic __u32 phase;
	_Atomic __u32 n_held[2];
	struct iommu_unit *unit;
	struct iommu_group *group;
	struct list_head entry;
	struct iommu_domain *_Atomic domain;
	atomic_bool is_enabled;
	atomic_bool is_reported;
	__u16 requester_id;
	char *name;
};

#endif /* IOMMU_UNIT_H */
