/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Areas: made, pinned, removed.
 *
 * While an address space pins, an area is pinned before translation sees it,
 * and unpinned only after every DMA that may have found it is over:
 *
 *	insert: pin, publish
 *	remove: take out of the index, wait for DMA, unpin, free
 *
 * The wait is one for all areas that a call removes. Only an area that
 * asynchronous DMA holds is waited for on its own, and without the lock, for
 * that may take as long as a disk takes.
 *
 * While an area is pinned and not in the index, a move of its memory would
 * not be followed: that time is spent in limbo (mm/mm.h). It is short. For the
 * long wait the area lingers instead: the space follows moves for it.
 */
#include <errno.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "iommufd/area.h"
#include "iommufd/context.h"

static void area_put_source(struct area *area)
{
	if (area_is_shared(area))
		pages_put(area_pages(area));
	else
		mm_memory_put((struct mm_memory *)area->source);
}

static int area_pin(struct ioas *ioas, struct area *area)
{
	uintptr_t address;
	int rc;

	if (area_is_shared(area))
		return pages_pin(ioas, area);
	rc = mm_pin((struct mm_memory *)area->source, area->offset,
		    area_len(area), area->map.prot & IOMMU_WRITE,
		    ioas->ctx->account, &address);
	if (!rc)
		area->map.address = address;
	return rc;
}

/* What the pieces of an area are unpinned with. */
struct area_unpin {
	struct mm_memory *memory;
	enum mm_account account;
};

static void area_unpin_piece(void *arg, uintptr_t address, __u64 len)
{
	const struct area_unpin *unpin = arg;

	mm_unpin(unpin->memory, address, len, unpin->account);
}

static void area_unpin(struct ioas *ioas, struct area *area)
{
	struct area_unpin unpin;

	if (area_is_shared(area)) {
		pages_unpin(ioas, area);
		return;
	}
	unpin.memory = (struct mm_memory *)area->source;
	unpin.account = ioas->ctx->account;
	iommu_map_for_each_piece(ioas->space, &area->map, area_unpin_piece,
				 &unpin);
}

/* The first area makes the memory that all live in. It is not zeroed. */
static inline struct area *area_alloc(struct ioas *ioas)
{
	if (unlikely(!ioas->area_slab)) {
		ioas->area_slab =
			slab_create(sizeof(struct area), _Alignof(struct area));
		if (!ioas->area_slab)
			return NULL;
	}
	return slab_alloc_raw(ioas->area_slab);
}

/* Pin and publish: a move of the memory follows it either way. */
static no_inline int area_insert_pinned(struct ioas *ioas, struct area *area)
{
	int rc;

	rc = area_pin(ioas, area);
	if (rc)
		return rc;
	rc = iommu_space_insert(ioas->space, &area->map);
	if (rc)
		area_unpin(ioas, area);
	return rc;
}

int area_insert_locked(struct ioas *ioas, const struct mapping *mapping)
{
	struct area *area;
	int rc;

	lock_assert_held(&ioas->lock);
	area = area_alloc(ioas);
	if (!area)
		return -ENOMEM;
	area->map.start = mapping->iova;
	area->map.last = mapping->iova + (mapping->len - 1);
	atomic_init(&area->map.address, mapping->address);
	atomic_init(&area->map.prot, mapping->prot);
	atomic_init(&area->map.flags, 0);
	atomic_init(&area->map.n_holders, 0);
	area->source = mapping->source;
	area->offset = mapping->offset;
	if (unlikely(ioas->n_pinning))
		rc = area_insert_pinned(ioas, area);
	else
		rc = iommu_space_insert(ioas->space, &area->map);
	if (unlikely(rc))
		slab_free(ioas->area_slab, area);
	return rc;
}

int area_share_locked(struct ioas *ioas, struct area *area)
{
	uintptr_t source = area->source;
	struct pages *pages;
	int rc;

	lock_assert_held(&ioas->lock);
	if (area_is_shared(area))
		return 0;
	pages = pages_create((struct mm_memory *)source, area->offset,
			     area->offset + (area_len(area) - 1),
			     area->map.prot & IOMMU_WRITE);
	if (!pages)
		return -ENOMEM;
	area_set_pages(area, pages);
	if (!ioas->n_pinning)
		return 0;
	rc = pages_adopt(ioas, area);
	if (rc) {
		area->source = source;
		mem_free(pages);
	}
	return rc;
}

/**
 * struct area_removal - areas on their way out
 * @list: all of them, taken out of the index
 * @n_bytes: the sum of their lengths
 * @process: the source of areas that have no reference to give up
 * @sources: 0 as long as all have that source
 */
struct area_removal {
	struct area *list;
	__u64 n_bytes;
	uintptr_t process;
	uintptr_t sources;
};

static inline void area_removal_add(struct area_removal *removal,
				    struct area *area)
{
	area->next = removal->list;
	removal->list = area;
	removal->n_bytes += area_len(area);
	removal->sources |= area->source ^ removal->process;
}

static void area_removed(void *arg, struct iommu_map *map)
{
	area_removal_add(arg, to_area(map));
}

/* Does no area begin or end outside of the range? */
static bool area_range_is_all(struct ioas *ioas, iova_t start, iova_t last)
{
	const iova_t max = ~(iova_t)0;

	return (!start || !iommu_space_first(ioas->space, 0, start - 1)) &&
	       (last == max || !iommu_space_first(ioas->space, last + 1, max));
}

/**
 * area_take_out() - remove areas from the index
 *
 * Return: 0, or -ENOENT at an area that lies partly outside.
 */
static int area_take_out(struct ioas *ioas, iova_t start, iova_t last,
			 struct area_removal *removal)
{
	struct iommu_map *map = iommu_space_first(ioas->space, start, last);
	struct iommu_map *next;

	removal->list = NULL;
	removal->n_bytes = 0;
	removal->process = (uintptr_t)mm_process();
	removal->sources = 0;
	if (map && map->last != last && area_range_is_all(ioas, start, last)) {
		iommu_space_remove_all(ioas->space, area_removed, removal);
		return 0;
	}
	for (; map; map = next) {
		if (map->start < start || map->last > last)
			return -ENOENT;
		next = map->last == last
			       ? NULL
			       : iommu_space_next(ioas->space, map, last);
		iommu_space_remove(ioas->space, map);
		area_removal_add(removal, to_area(map));
	}
	return 0;
}

static void area_unpin_list(struct ioas *ioas, struct area *area)
{
	for (; area; area = area->next)
		area_unpin(ioas, area);
}

/*
 * No DMA finds the areas any more, and nothing is pinned for them. When none
 * is left and none has a reference to give up, their memory goes as a whole.
 */
static inline void area_free_removed(struct ioas *ioas,
				     const struct area_removal *removal)
{
	struct area *area = removal->list;
	struct area *next;

	if (area && area->next && !removal->sources &&
	    !iommu_space_n_maps(ioas->space)) {
		slab_destroy(ioas->area_slab);
		ioas->area_slab = NULL;
		return;
	}
	for (; area; area = next) {
		next = area->next;
		if (area->source != removal->process)
			area_put_source(area);
		slab_free(ioas->area_slab, area);
	}
}

static struct iommu_map *area_next_map(struct iommu_map *map)
{
	struct area *next = to_area(map)->next;

	return next ? &next->map : NULL;
}

static inline bool area_list_is_held(struct area *area)
{
	for (; area; area = area->next)
		if (unlikely(atomic_load(&area->map.n_holders)))
			return true;
	return false;
}

/**
 * area_wait_list() - wait for the holders of removed areas, which are pinned
 * @may_unlock: drop the lock for the wait
 *
 * The caller is in limbo, which is left meanwhile. The address space goes on
 * pinning, so that it is told of moves.
 */
static no_inline lock_unchecked void
area_wait_list(struct ioas *ioas, struct area *removed, bool may_unlock)
{
	struct iommu_linger linger = {
		.first = &removed->map,
		.next = area_next_map,
	};
	struct area *area;

	iommu_space_linger_add(ioas->space, &linger);
	ioas->n_pinning++;
	mm_limbo_exit();
	if (may_unlock)
		lock_release(&ioas->lock);
	for (area = removed; area; area = area->next)
		iommu_map_wait_holders(&area->map);
	if (may_unlock)
		lock_acquire(&ioas->lock);
	mm_limbo_enter();
	iommu_space_linger_remove(ioas->space, &linger);
}

/* What is left of area_wait_list(), when the areas are unpinned. */
static void area_wait_list_end(struct ioas *ioas)
{
	ioas_stop_pinning_locked(ioas);
}

/**
 * area_remove_locked() - remove all areas inside a range
 * @may_unlock: the lock may be dropped to wait for asynchronous DMA
 *
 * Return: as area_unmap().
 */
static inline int area_remove_locked(struct ioas *ioas, iova_t start,
				     iova_t last, __u64 *n_bytes,
				     bool may_unlock)
{
	bool is_pinned = ioas->n_pinning;
	struct area_removal removal;
	bool was_held = false;
	int rc;

	if (is_pinned)
		mm_limbo_enter();
	rc = area_take_out(ioas, start, last, &removal);
	*n_bytes = removal.n_bytes;
	if (removal.list)
		iommu_space_sync(ioas->space);
	if (unlikely(is_pinned)) {
		/* Without an attached device there is nobody who holds one. */
		was_held = area_list_is_held(removal.list);
		if (unlikely(was_held))
			area_wait_list(ioas, removal.list, may_unlock);
		area_unpin_list(ioas, removal.list);
		mm_limbo_exit();
		if (unlikely(was_held))
			area_wait_list_end(ioas);
	}
	area_free_removed(ioas, &removal);
	return rc;
}

int area_unmap(struct ioas *ioas, iova_t start, iova_t last, __u64 *n_bytes)
{
	int rc;

	lock_acquire(&ioas->lock);
	rc = area_remove_locked(ioas, start, last, n_bytes, true);
	lock_release(&ioas->lock);
	return rc;
}

void area_undo_locked(struct ioas *ioas, iova_t start, iova_t last)
{
	__u64 n_bytes;

	lock_assert_held(&ioas->lock);
	warn_on(area_remove_locked(ioas, start, last, &n_bytes, false));
}

void area_remove_all_locked(struct ioas *ioas)
{
	__u64 n_bytes;

	lock_assert_held(&ioas->lock);
	area_remove_locked(ioas, 0, ~(iova_t)0, &n_bytes, false);
}

int area_check_alignment_locked(struct ioas *ioas, __u64 alignment)
{
	struct iommu_space *space = ioas->space;
	struct iommu_map *map = iommu_space_first(space, 0, ~(iova_t)0);
	__u64 bits;

	lock_assert_held(&ioas->lock);
	for (; map; map = iommu_space_next(space, map, ~(iova_t)0)) {
		bits = map->start | area_len(to_area(map)) |
		       to_area(map)->offset;
		if (!is_aligned(bits, alignment))
			return -EADDRINUSE;
	}
	return 0;
}

/* Unpin the areas before @end, or all when it is NULL. */
static void area_unpin_until(struct ioas *ioas, const struct iommu_map *end)
{
	struct iommu_space *space = ioas->space;
	struct iommu_map *map = iommu_space_first(space, 0, ~(iova_t)0);

	for (; map != end; map = iommu_space_next(space, map, ~(iova_t)0)) {
		mm_limbo_enter();
		area_unpin(ioas, to_area(map));
		mm_limbo_exit();
	}
}

int area_pin_all_locked(struct ioas *ioas)
{
	struct iommu_space *space = ioas->space;
	struct iommu_map *map = iommu_space_first(space, 0, ~(iova_t)0);
	int rc;

	lock_assert_held(&ioas->lock);
	for (; map; map = iommu_space_next(space, map, ~(iova_t)0)) {
		mm_limbo_enter();
		map->address = 0;
		rc = area_pin(ioas, to_area(map));
		mm_limbo_exit();
		if (rc) {
			if (guard_holds(GUARD_ATTACH_ROLLBACK))
				area_unpin_until(ioas, map);
			return rc;
		}
	}
	return 0;
}

void area_unpin_all_locked(struct ioas *ioas)
{
	lock_assert_held(&ioas->lock);
	area_unpin_until(ioas, NULL);
}
