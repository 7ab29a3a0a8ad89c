/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lowest free gap of a length.
 *
 * Every slot of the index has the code of the largest gap that follows a
 * range of its subtree. The search goes from range to range by it, skipping
 * every subtree whose code is below that of the wanted length. For a length
 * whose code is exact (a power of two, or few pages) a gap that is met is
 * long enough, and only alignment and the bounds can refuse it. So the cost
 * is that of a few descents, not of the ranges in between.
 *
 * The space before the first range follows none, and is looked at by itself.
 *
 * A program asks for the same length again and again. Where the last search
 * of a request ended, a cursor stays: behind the maps before it nothing
 * suits, and that holds until one of them is removed. Most often the answer
 * is a map or two further on.
 */
#include <errno.h>
#include "iommu/index.h"

/* So many maps the cursor looks at before a search goes down the tree. */
#define CURSOR_STEPS 8u

/* Does the request fit into [start, end]? */
static bool gap_fits(const struct iommu_gap *gap, iova_t start, iova_t end,
		     iova_t *iova)
{
	iova_t at, last;

	if (start < gap->from)
		start = gap->from;
	if (end > gap->last)
		end = gap->last;
	if (add_overflow(start, (gap->phase - start) & (gap->alignment - 1),
			 &at) ||
	    range_last(at, gap->len, &last) || last > end)
		return false;
	*iova = at;
	return true;
}

/*
 * Move @path to the first map behind its own whose slot has a mark above
 * @limit. Return: the map or NULL.
 */
static struct iommu_map *path_next_above(struct index_path *path, short limit)
{
	while (path->n > 1) {
		_Atomic __u64 *slot = path->slots[path->n - 1];
		struct index_node *node = node_of_slot(slot);
		unsigned int above = node_slots_above(node, limit) &
				     ~1u << slot_digit(slot);
		__u64 word;

		if (!above) {
			path->n--;
			continue;
		}
		slot = &node->slots[lowest_bit(above)];
		path->slots[path->n - 1] = slot;
		word = slot_load(slot);
		while (slot_is_node(word)) {
			node = slot_node(word);
			above = node_slots_above(node, limit);
			slot = &node->slots[lowest_bit(above)];
			path->slots[path->n++] = slot;
			word = slot_load(slot);
		}
		return slot_map(word);
	}
	return NULL;
}

/* The end of the gap behind a map. */
static iova_t map_gap_end(const struct iommu_map *map)
{
	return map->next ? map->next->start - 1 : UINT64_MAX;
}

static bool map_gap_fits(const struct iommu_map *map,
			 const struct iommu_gap *gap, iova_t *iova)
{
	iova_t end = map_gap_end(map);

	return end != map->last && gap_fits(gap, map->last + 1, end, iova);
}

/*
 * Set the path of @place to the last map that begins at or before the lowest
 * address wanted. Return: it, or NULL.
 */
static struct iommu_map *gap_begin(struct map_index *index, iova_t from,
				   struct index_place *place)
{
	struct index_path *path = &place->path;
	struct index_path tail;
	struct iommu_map *map;
	unsigned int branch, i;

	index_locate(index, from, place);
	if (place->is_exact)
		return place->map;
	map = index_neighbour(place, from, false, &tail, &branch);
	if (!map)
		return NULL;
	path->n = branch;
	for (i = 0; i < tail.n; i++)
		path->slots[path->n++] = tail.slots[i];
	return map;
}

/* The first map of all whose mark is above @limit. */
static struct iommu_map *path_first_above(struct map_index *index,
					  struct index_path *path, short limit)
{
	__u64 word = slot_load(&index->root);

	path->slots[0] = &index->root;
	path->n = 1;
	if ((short)(word >> SLOT_MARK_SHIFT) <= limit)
		return NULL;
	while (slot_is_node(word)) {
		struct index_node *node = slot_node(word);
		unsigned int above = node_slots_above(node, limit);

		path->slots[path->n] = &node->slots[lowest_bit(above)];
		word = slot_load(path->slots[path->n++]);
	}
	return slot_map(word);
}

static bool gap_is_same(const struct iommu_gap *a, const struct iommu_gap *b)
{
	return a->len == b->len && a->from == b->from && a->last == b->last &&
	       a->alignment == b->alignment && a->phase == b->phase;
}

/*
 * The same request again: go on where the last one ended. Return: true when
 * that was enough; else the cursor stands before all that may suit.
 */
static bool cursor_find(struct gap_cursor *cursor, const struct iommu_gap *gap,
			iova_t *iova)
{
	struct iommu_map *map = cursor->map;
	unsigned int steps;

	for (steps = 0; map && steps < CURSOR_STEPS; steps++) {
		cursor->map = map;
		if (map_gap_fits(map, gap, iova))
			return true;
		map = map->next;
	}
	return false;
}

/* Search from the top; the cursor says where it ended. */
static int index_search_gap(struct map_index *index,
			    const struct iommu_gap *gap, iova_t *iova)
{
	/* Above every mark of a shorter gap, of a map or of a node. */
	short limit = (short)((gap_encode(gap->len) + 1) * 2 - 1);
	struct index_place place;
	struct iommu_map *map;

	map = gap_begin(index, gap->from, &place);
	if (!map)
		map = path_first_above(index, &place.path, limit);
	for (; map && map->last < gap->last;
	     map = path_next_above(&place.path, limit)) {
		if (!map_gap_fits(map, gap, iova))
			continue;
		index->cursor.map = map;
		return 0;
	}
	return -ENOSPC;
}

/* A request that is not the cursor's. */
static int index_search_anew(struct map_index *index,
			     const struct iommu_gap *gap, iova_t *iova)
{
	struct gap_cursor before = index->cursor;
	int err = index_search_gap(index, gap, iova);

	/* A search that found nothing is no place to go on from. */
	if (err)
		index->cursor = before;
	else
		index->cursor.gap = *gap;
	return err;
}

int index_find_gap(struct map_index *index, const struct iommu_gap *gap,
		   iova_t *iova)
{
	struct gap_cursor *cursor = &index->cursor;
	struct iommu_gap rest = *gap;

	if (!index->lowest)
		return gap_fits(gap, 0, UINT64_MAX, iova) ? 0 : -ENOSPC;
	if (gap->from < index->lowest->start &&
	    gap_fits(gap, 0, index->lowest->start - 1, iova))
		return 0;
	if (!cursor->map || !gap_is_same(&cursor->gap, gap))
		return index_search_anew(index, gap, iova);
	if (cursor_find(cursor, gap, iova))
		return 0;
	if (rest.from < cursor->map->start)
		rest.from = cursor->map->start;
	return index_search_gap(index, &rest, iova);
}
