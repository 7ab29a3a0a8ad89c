/* SPDX-License-Identifier: BSD-3-Clause */
/* Intel VT-d, as a driver of the software IOMMU. */
#ifndef IOMMU_VTD_VTD_H
#define IOMMU_VTD_VTD_H

struct iommu_unit;

/* Return: the one unit of a machine; it is constant and always there. */
struct iommu_unit *vtd_unit(void);

#endif /* IOMMU_VTD_VTD_H */
