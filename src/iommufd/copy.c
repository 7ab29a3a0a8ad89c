/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * COPY: map what is mapped elsewhere, sharing its memory.
 *
 * Both address spaces are locked, the one at the lower address first, so a
 * copy sees and makes one state. It is an area for each area of the source,
 * or part of one; an area whose memory was moved in parts gives one for each
 * part, since an area is made of memory in one piece.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "base/overflow.h"
#include "iommufd/area.h"
#include "iommufd/command.h"
#include "iommufd/mapping.h"

/**
 * struct copy - a copy under way
 * @src: from
 * @dst: to
 * @start: first IOVA in the source
 * @last: last one
 * @iova: where in the target the next area goes
 * @prot: what devices may do there
 * @area: of the source, being copied
 * @at: IOVA in the source of the next piece of @area
 * @rc: 0, or the first error
 */
struct copy {
	struct ioas *src;
	struct ioas *dst;
	iova_t start;
	iova_t last;
	iova_t iova;
	__u8 prot;
	struct area *area;
	iova_t at;
	int rc;
};

static void copy_lock(struct copy *copy) lock_unchecked
{
	struct ioas *first = copy->src < copy->dst ? copy->src : copy->dst;

	lock_acquire(&first->lock);
	if (copy->src != copy->dst)
		lock_acquire(first == copy->src ? &copy->dst->lock
						: &copy->src->lock);
}

static void copy_unlock(struct copy *copy) lock_unchecked
{
	lock_release(&copy->src->lock);
	if (copy->src != copy->dst)
		lock_release(&copy->dst->lock);
}

/**
 * copy_check_source() - every byte of the source is mapped
 * @is_writable: set when all of it was mapped with write permission
 *
 * Return: the first map, or NULL when there is a gap.
 */
static struct iommu_map *copy_check_source(const struct copy *copy,
					   bool *is_writable)
{
	struct iommu_space *space = copy->src->space;
	struct iommu_map *first;
	struct iommu_map *map;
	iova_t at = copy->start;

	*is_writable = true;
	first = iommu_space_first(space, copy->start, copy->last);
	for (map = first; map; map = iommu_space_next(space, map, copy->last)) {
		if (map->start > at)
			return NULL;
		*is_writable &= area_was_writable(to_area(map));
		if (map->last >= copy->last)
			return first;
		at = map->last + 1;
	}
	return NULL;
}

/* A piece of the area's memory: its part in the range becomes an area. */
static void copy_piece(void *arg, uintptr_t address, __u64 len)
{
	struct copy *copy = arg;
	struct pages *pages = area_pages(copy->area);
	struct mapping mapping = {
		.source = area_source_of(pages),
		.iova = copy->iova,
		.prot = copy->prot,
	};
	iova_t start = copy->at;
	iova_t last = copy->at + (len - 1);

	copy->at += len;
	if (copy->rc || last < copy->start || start > copy->last)
		return;
	if (last > copy->last)
		last = copy->last;
	if (start < copy->start) {
		address += address ? copy->start - start : 0;
		start = copy->start;
	}
	mapping.address = address;
	mapping.offset = copy->area->offset + (start - copy->area->map.start);
	mapping.len = last - start + 1;
	pages_get(pages);
	copy->rc = area_insert_locked(copy->dst, &mapping);
	if (copy->rc)
		pages_put(pages);
	else
		copy->iova += mapping.len;
}

/* Copy an area of the source, or the part of it that is in the range. */
static int copy_area(struct copy *copy, struct iommu_map *map)
{
	bool is_pinned = copy->src->n_pinning || copy->dst->n_pinning;

	copy->area = to_area(map);
	copy->at = map->start;
	if (is_pinned)
		mm_limbo_enter();
	copy->rc = area_share_locked(copy->src, copy->area);
	if (copy->rc)
		goto out_limbo;
	/* Where pinned memory is matters only to an area that is pinned. */
	if (copy->src->n_pinning && copy->dst->n_pinning)
		iommu_map_for_each_piece(copy->src->space, map, copy_piece,
					 copy);
	else
		copy_piece(copy, 0, area_len(copy->area));
out_limbo:
	if (is_pinned)
		mm_limbo_exit();
	return copy->rc;
}

/* All areas or none. */
static int copy_areas(struct copy *copy, struct iommu_map *map, iova_t dst)
{
	struct iommu_map *next;

	copy->iova = dst;
	for (; map; map = next) {
		if (copy_area(copy, map))
			break;
		next = map->last >= copy->last
			       ? NULL
			       : iommu_space_next(copy->src->space, map,
						  copy->last);
	}
	if (copy->rc && copy->iova != dst)
		area_undo_locked(copy->dst, dst, copy->iova - 1);
	return copy->rc;
}

/* Each area of the source gives one that the target's alignment permits. */
static bool copy_is_aligned(const struct copy *copy, struct iommu_map *map,
			    iova_t dst)
{
	__u64 alignment = copy->dst->alignment;
	__u64 offset;

	if (alignment == 1)
		return true;
	/* The first one, which may be cut, was looked at with its place. */
	while (map->last < copy->last) {
		map = iommu_space_next(copy->src->space, map, copy->last);
		offset = to_area(map)->offset % MM_PAGE_LEN;
		if (!is_aligned(offset | (dst + (map->start - copy->start)),
				alignment))
			return false;
	}
	return true;
}

static int copy_locked(struct copy *copy, struct iommu_ioas_copy *args)
{
	struct mapping mapping = {
		.len = args->length,
		.iova = args->dst_iova,
	};
	struct iommu_map *map;
	bool is_writable;
	int rc;

	map = copy_check_source(copy, &is_writable);
	if (!map)
		return -ENOENT;
	mapping.offset = to_area(map)->offset + (copy->start - map->start);
	rc = mapping_place_locked(copy->dst, args->flags, &mapping);
	if (rc)
		return rc;
	if (copy->prot & IOMMU_WRITE && !is_writable)
		return -EPERM;
	if (!copy_is_aligned(copy, map, mapping.iova))
		return -EINVAL;
	args->dst_iova = mapping.iova;
	return copy_areas(copy, map, mapping.iova);
}

/* The source is known and the range is sound. */
static int copy_to(struct command *command, struct copy *copy)
{
	struct iommu_ioas_copy *args = command->args;
	int rc;

	/* A gap in the source would come first, but is the same errno. */
	copy->dst = ioas_get(command->ctx, args->dst_ioas_id);
	if (!copy->dst)
		return -ENOENT;
	copy_lock(copy);
	rc = copy_locked(copy, args);
	copy_unlock(copy);
	if (!rc) {
		rc = command_reply(command, sizeof(*args));
		if (rc)
			mapping_undo(copy->dst, args->dst_iova, args->length);
	}
	ioas_put(copy->dst);
	return rc;
}

int ioas_copy_ioctl(struct command *command)
{
	const struct iommu_ioas_copy *args = command->args;
	struct copy copy = { .start = args->src_iova };
	int rc;

	if (args->flags & ~MAPPING_FLAGS)
		return -EOPNOTSUPP;
	if (args->length == MAPPING_NUMBER_MAX ||
	    args->src_iova == MAPPING_NUMBER_MAX ||
	    args->dst_iova == MAPPING_NUMBER_MAX)
		return -EOVERFLOW;
	copy.prot = mapping_prot(args->flags);
	if (!copy.prot)
		return -EINVAL;
	copy.src = ioas_get(command->ctx, args->src_ioas_id);
	if (!copy.src)
		return -ENOENT;
	rc = -EINVAL;
	if (!args->length)
		goto out_put;
	rc = -EOVERFLOW;
	if (range_last(args->src_iova, args->length, &copy.last))
		goto out_put;
	rc = copy_to(command, &copy);
out_put:
	ioas_put(copy.src);
	return rc;
}
