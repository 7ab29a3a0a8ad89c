/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An I/O address space.
 *
 * area: one mapped IOVA range (area.h)
 * reserved range: IOVAs that a device or a domain cannot use (reserved.h)
 * allowed range: IOVAs that the program wants to be given, and that no device
 *	may reserve later
 * alignment: what every area's ends, and its memory, are multiples of
 */
#ifndef IOMMUFD_IOAS_H
#define IOMMUFD_IOAS_H

#include "base/interval.h"
#include "base/list.h"
#include "base/lock.h"
#include "iommu/iommu.h"
#include "iommufd/object.h"

struct iommufd_ctx;
struct slab;

/**
 * struct ioas - an I/O address space
 * @object: its ID
 * @ctx: where it lives
 * @lock: guards everything below, and serialises changes of @space
 * @space: the areas
 * @area_slab: memory of areas; made with the first one
 * @hwpts: the domains on it, by struct hwpt's entry, oldest first
 * @n_pinning: domains and pinning accesses: areas are pinned while it is not 0
 * @alignment: power of two
 * @huge_pages_off: the program asked for small pages
 * @reserved: struct reserved, may overlap
 * @allowed: struct allowed, never overlap; empty: everything is allowed
 */
struct ioas {
	struct object object;
	struct iommufd_ctx *ctx;
	struct lock lock;
	struct iommu_space *space;
	struct slab *area_slab;
	struct list_head hwpts;
	unsigned int n_pinning;
	__u64 alignment;
	bool huge_pages_off;
	struct interval_tree reserved;
	struct interval_tree allowed;
};

extern const struct object_ops ioas_ops;

/* Return: the address space with a reference, or NULL. */
struct ioas *ioas_get(struct iommufd_ctx *ctx, __u32 id);

/**
 * ioas_next() - walk the address spaces of a context
 * @id: where to begin; becomes the ID of what is found
 *
 * Return: the next one, with a reference, or NULL.
 */
struct ioas *ioas_next(struct iommufd_ctx *ctx, __u32 *id);

static inline void ioas_put(struct ioas *ioas)
{
	object_put(&ioas->object);
}

/**
 * ioas_set_alignment_locked() - settle the alignment anew
 * @pgsizes: page sizes of a domain about to be added, a bit each, or 0
 *
 * From the domains on it, the option, and that domain.
 *
 * Context: lock held. Return: 0, or -EADDRINUSE when an area does not fit;
 * never fails when nothing was added. On failure nothing changed.
 */
int ioas_set_alignment_locked(struct ioas *ioas, __u64 pgsizes);

/**
 * ioas_start_pinning_locked() - one more user needs the areas pinned
 *
 * The first one pins them all, or none.
 *
 * Return: 0, -EFAULT, -EINVAL, -ENOMEM.
 */
int ioas_start_pinning_locked(struct ioas *ioas);

/* The last one unpins them. No DMA goes through the space any more. */
void ioas_stop_pinning_locked(struct ioas *ioas);

#endif /* IOMMUFD_IOAS_H */
