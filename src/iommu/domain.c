/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Domains. A software IOMMU needs no table of its own for one: a domain is a
 * space and the limits of the unit, so a second one costs nothing.
 */
#include <errno.h>
#include "base/err.h"
#include "base/mem.h"
#include "iommu/unit.h"

struct iommu_domain *iommu_domain_alloc(struct iommu_endpoint *endpoint,
					struct iommu_space *space, __u32 flags)
{
	struct iommu_unit *unit = endpoint->unit;
	struct iommu_domain *domain;

	if (!unit || !unit->ops->domain_flags_ok(unit, flags))
		return err_ptr(-EOPNOTSUPP);
	domain = mem_alloc(sizeof(*domain));
	if (!domain)
		return err_ptr(-ENOMEM);
	domain->unit = unit;
	domain->space = space;
	domain->view = space_get_view(space);
	if (!domain->view) {
		mem_free(domain);
		return err_ptr(-ENOMEM);
	}
	unit->ops->geometry(unit, flags, &domain->geometry);
	return domain;
}

void iommu_domain_free(struct iommu_domain *domain)
{
	mem_free(domain);
}

const struct iommu_geometry *
iommu_domain_geometry(const struct iommu_domain *domain)
{
	return &domain->geometry;
}

struct iommu_space *iommu_domain_space(const struct iommu_domain *domain)
{
	return domain->space;
}
