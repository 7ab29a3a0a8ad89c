/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints: what a device's DMA goes through.
 *
 * DMA looks at one word, endpoint->view: the address space in use, or NULL
 * when the endpoint is not attached, its bus master enable is off, or it has
 * no IOMMU; the slow path then finds out which.
 *
 * Whoever changes the word waits for the DMA that has seen the old value:
 * first for the read sections that are open, then for the holders. A holder
 * counts itself, inside a read section, in the phase that it read before the
 * word. The phase is turned after the word, so who found the old word counts in
 * the old phase; once the sections from before are over nobody joins that any
 * more, and its count falls to 0.
 */
#include <errno.h>
#include <string.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "iommu/hold.h"
#include "iommu/unit.h"

struct iommu_endpoint *iommu_endpoint_create(struct iommu_unit *unit,
					     struct iommu_group *group,
					     __u16 requester_id,
					     const char *name)
{
	struct iommu_endpoint *endpoint = mem_alloc(sizeof(*endpoint));

	if (!endpoint)
		return NULL;
	endpoint->name = mem_strdup(name);
	if (!endpoint->name) {
		mem_free(endpoint);
		return NULL;
	}
	endpoint->unit = unit;
	endpoint->group = group;
	endpoint->requester_id = requester_id;
	lock_acquire(&group->lock);
	list_add_tail(&endpoint->entry, &group->endpoints);
	lock_release(&group->lock);
	return endpoint;
}

void iommu_endpoint_destroy(struct iommu_endpoint *endpoint)
{
	if (!endpoint)
		return;
	if (warn_on(endpoint->domain))
		iommu_endpoint_set_domain(endpoint, NULL);
	iommu_endpoint_set_enabled(endpoint, false);
	lock_acquire(&endpoint->group->lock);
	list_remove(&endpoint->entry);
	lock_release(&endpoint->group->lock);
	mem_free(endpoint->name);
	mem_free(endpoint);
}

struct iommu_group *iommu_endpoint_group(const struct iommu_endpoint *endpoint)
{
	return endpoint->group;
}

const char *iommu_endpoint_name(const struct iommu_endpoint *endpoint)
{
	return endpoint->name;
}

struct iommu_unit *iommu_endpoint_unit(const struct iommu_endpoint *endpoint)
{
	return endpoint->unit;
}

unsigned int iommu_endpoint_resv_regions(const struct iommu_endpoint *endpoint,
					 struct iommu_resv_region *regions,
					 unsigned int max)
{
	const struct iommu_unit *unit = endpoint->unit;
	const struct iommu_resv_region *all;
	unsigned int n;

	if (!unit)
		return 0;
	n = unit->ops->resv_regions(unit, &all);
	if (max)
		memcpy(regions, all, (n < max ? n : max) * sizeof(*regions));
	return n;
}

void iommu_endpoint_hw_info(const struct iommu_endpoint *endpoint,
			    struct iommu_unit_info *info)
{
	memset(info, 0, sizeof(*info));
	if (endpoint->unit)
		endpoint->unit->ops->hw_info(endpoint->unit, info);
}

/* Where DMA goes from now on. */
static void endpoint_publish_locked(struct iommu_endpoint *endpoint)
{
	struct iommu_domain *domain = endpoint->domain;
	bool is_open = domain &&
		       (endpoint->is_enabled || !guard_holds(GUARD_BUS_MASTER));

	lock_assert_held(&endpoint->group->lock);
	atomic_store(&endpoint->view, is_open ? domain->view : NULL);
}

/* Wait for DMA that began before endpoint_publish_locked(). */
static void endpoint_drain_locked(struct iommu_endpoint *endpoint)
{
	__u32 phase = atomic_load(&endpoint->phase);

	lock_assert_held(&endpoint->group->lock);
	if (!guard_holds(GUARD_DETACH_WAITS))
		return;
	atomic_store(&endpoint->phase, !phase);
	rcu_synchronize();
	hold_wait(&endpoint->n_held[phase]);
}

/*
 * Without an endpoint the memory behind the maps may be unpinned, and be
 * elsewhere when it is pinned again: nobody is told, so cached translations
 * end with the last endpoint.
 */
static void endpoint_leave_space(struct iommu_space *space)
{
	struct space_view *view = atomic_load(&space->view);

	if (atomic_fetch_sub(&space->n_endpoints, 1) != 1 || !view)
		return;
	index_lock(&space->index);
	view_invalidate_all(view);
	index_unlock(&space->index);
}

int iommu_endpoint_set_domain(struct iommu_endpoint *endpoint,
			      struct iommu_domain *domain)
{
	struct iommu_domain *old;

	if (domain &&
	    (!endpoint->unit || domain->unit->ops != endpoint->unit->ops))
		return -EINVAL;
	lock_acquire(&endpoint->group->lock);
	old = endpoint->domain;
	if (old == domain)
		goto out_unlock;
	/* Before DMA can see the space; see iommu_space_sync(). */
	if (domain)
		atomic_fetch_add(&domain->space->n_endpoints, 1);
	atomic_store(&endpoint->domain, domain);
	endpoint_publish_locked(endpoint);
	if (old) {
		endpoint_drain_locked(endpoint);
		endpoint_leave_space(old->space);
	}
out_unlock:
	lock_release(&endpoint->group->lock);
	return 0;
}

void iommu_endpoint_set_enabled(struct iommu_endpoint *endpoint, bool enabled)
{
	lock_acquire(&endpoint->group->lock);
	if (endpoint->is_enabled == enabled)
		goto out_unlock;
	atomic_store(&endpoint->is_enabled, enabled);
	endpoint_publish_locked(endpoint);
	if (!enabled)
		endpoint_drain_locked(endpoint);
out_unlock:
	lock_release(&endpoint->group->lock);
}
