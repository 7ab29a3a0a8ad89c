/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a driver of one IOMMU architecture provides.
 *
 * A unit is an instance of a driver. The common code keeps endpoints,
 * domains and the translation; a driver says what its hardware can do.
 */
#ifndef IOMMU_DRIVER_H
#define IOMMU_DRIVER_H

#include "iommu/iommu.h"

/**
 * struct iommu_unit_ops - one architecture
 *
 * @name: what --iommu calls it
 * @class_name: directory under /sys/class/iommu, "dmar0"
 * @domain_flags_ok: does the hardware have domains with these
 *	IOMMU_HWPT_ALLOC_* flags? Context: any
 * @geometry: of a domain with these flags
 * @resv_regions: the ranges that no device behind the unit can use. Return:
 *	their number; the array is constant
 * @hw_info: fill in type, data, len, capabilities
 * @sysfs: lines for the unit's directory in sysfs: calls @emit with a file
 *	name and its text, once a file
 */
struct iommu_unit_ops {
	const char *name;
	const char *class_name;
	bool (*domain_flags_ok)(const struct iommu_unit *unit, __u32 flags);
	void (*geometry)(const struct iommu_unit *unit, __u32 flags,
			 struct iommu_geometry *geometry);
	unsigned int (*resv_regions)(const struct iommu_unit *unit,
				     const struct iommu_resv_region **regions);
	void (*hw_info)(const struct iommu_unit *unit,
			struct iommu_unit_info *info);
	void (*sysfs)(const struct iommu_unit *unit,
		      void (*emit)(void *arg, const char *file,
				   const char *text),
		      void *arg);
};

/**
 * struct iommu_unit - one IOMMU
 * @ops: its architecture
 *
 * A driver may embed it first in a structure of its own.
 */
struct iommu_unit {
	const struct iommu_unit_ops *ops;
};

#endif /* IOMMU_DRIVER_H */
