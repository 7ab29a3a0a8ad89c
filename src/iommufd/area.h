/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An area: one mapped IOVA range of an address space.
 *
 * There may be ten million of them, so an area is 56 bytes and has no other
 * object beside it until a copy shares its memory. Whether it is pinned is
 * not its own property: all areas of an address space are, or none.
 */
#ifndef IOMMUFD_AREA_H
#define IOMMUFD_AREA_H

#include "iommu/iommu.h"
#include "iommufd/ioas.h"
#include "iommufd/mapping.h"
#include "iommufd/pages.h"
#include "mm/mm.h"

/* In area->source: it is a struct pages, or leads to one. */
#define AREA_SHARED ((uintptr_t)1)
/* And it leads there by the struct page_pin of the area. */
#define AREA_SHARED_PIN ((uintptr_t)2)

/**
 * struct area - one mapped range
 * @map: what translation sees of it
 * @source: struct mm_memory, or struct pages with AREA_SHARED; a reference.
 *	While shared memory is pinned its struct page_pin, with both bits
 * @offset: of the first byte in the memory
 * @next: links removed areas on their way to being freed
 *
 * All guarded by the lock of the address space.
 */
struct area {
	struct iommu_map map;
	uintptr_t source;
	__u64 offset;
	struct area *next;
};

_Static_assert(offsetof(struct area, map) == 0, "iommu finds us by our map");
_Static_assert(sizeof(struct area) <= 64, "ten million areas");

static inline struct area *to_area(struct iommu_map *map)
{
	return container_of(map, struct area, map);
}

static inline __u64 area_len(const struct area *area)
{
	return area->map.last - area->map.start + 1;
}

static inline bool area_is_shared(const struct area *area)
{
	return area->source & AREA_SHARED;
}

/* The area is shared, and pinned. */
static inline struct page_pin *area_pin_of(const struct area *area)
{
	return (struct page_pin *)(area->source &
				   ~(AREA_SHARED | AREA_SHARED_PIN));
}

/* The area is shared. */
static inline struct pages *area_pages(const struct area *area)
{
	if (area->source & AREA_SHARED_PIN)
		return area_pin_of(area)->pages;
	return (struct pages *)(area->source & ~AREA_SHARED);
}

static inline uintptr_t area_source_of(const struct pages *pages)
{
	return (uintptr_t)pages | AREA_SHARED;
}

static inline void area_set_pages(struct area *area, const struct pages *pages)
{
	area->source = area_source_of(pages);
}

static inline void area_set_pin(struct area *area, const struct page_pin *pin)
{
	area->source = (uintptr_t)pin | AREA_SHARED | AREA_SHARED_PIN;
}

/* Return: true when the memory was first mapped with write permission. */
static inline bool area_was_writable(const struct area *area)
{
	if (area_is_shared(area))
		return area_pages(area)->is_writable;
	return area->map.prot & IOMMU_WRITE;
}

/**
 * area_insert_locked() - add an area, pinned if the address space pins
 *
 * Context: in limbo if the address space pins. Return: 0, -EEXIST, -ENOMEM,
 * -EFAULT, -EINVAL; nothing changed on failure.
 */
int area_insert_locked(struct ioas *ioas, const struct mapping *mapping);

/**
 * area_share_locked() - make the memory of an area one that can be shared
 * Return: 0 or -ENOMEM.
 */
int area_share_locked(struct ioas *ioas, struct area *area);

/**
 * area_unmap() - remove all areas inside a range
 * @n_bytes: set to the sum of their lengths
 *
 * In ascending order, up to the first one that lies partly outside, which
 * makes the result -ENOENT; those before it are gone then. No DMA uses a
 * removed area when this returns. The lock is dropped while asynchronous DMA
 * is waited for.
 *
 * Context: the caller has a reference, not the lock. Return: 0 or -ENOENT.
 */
int area_unmap(struct ioas *ioas, iova_t start, iova_t last, __u64 *n_bytes);

/* Remove areas that the call holding the lock made itself, and no others. */
void area_undo_locked(struct ioas *ioas, iova_t start, iova_t last);

/* The end of the address space: nothing translates. */
void area_remove_all_locked(struct ioas *ioas);

/* Return: 0, or -EADDRINUSE when an area has an end that is not aligned. */
int area_check_alignment_locked(struct ioas *ioas, __u64 alignment);

/* All or nothing. Return: 0, -EFAULT, -EINVAL, -ENOMEM. */
int area_pin_all_locked(struct ioas *ioas);
void area_unpin_all_locked(struct ioas *ioas);

#endif /* IOMMUFD_AREA_H */
