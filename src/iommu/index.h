/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index of an address space: disjoint ranges by IOVA. See index.c.
 *
 * Context: changes are serialised by the caller. index_find() may run at any
 * time, inside a deep read section. All else is for the caller that may
 * change.
 */
#ifndef IOMMU_INDEX_H
#define IOMMU_INDEX_H

#include "base/mem.h"
#include "iommu/index_node.h"
#include "iommu/iommu.h"

/**
 * struct gap_cursor - what is known of a request for a gap that comes again
 * @gap: the request
 * @map: no gap behind a map before it suits @gap; NULL: nothing is known
 */
struct gap_cursor {
	struct iommu_gap gap;
	struct iommu_map *map;
};

/**
 * struct map_index - ranges by their first byte
 * @root: a slot: empty, the only map, or the top node
 * @sequence: odd while the tree changes: a lock among those who change or walk
 *	it, and how a reader knows that it was not misled
 * @lowest: the first map, from which a list leads through all
 * @n_maps: ranges
 * @nodes: struct index_node; made with the first one
 * @retired: nodes taken out; readers may still be in them
 * @retired_root: a slot: a whole tree taken out, likewise; or empty
 * @cursor: where the last search for a gap ended
 */
struct map_index {
	_Atomic __u64 root;
	_Atomic __u32 sequence;
	struct iommu_map *lowest;
	__u64 n_maps;
	struct slab *nodes;
	struct index_node *retired;
	__u64 retired_root;
	struct gap_cursor cursor;
};

/* Frees the nodes; the maps are the caller's. */
void index_deinit(struct map_index *index);

/**
 * index_lock() - keep changes out
 *
 * Spins: held for some instructions, or a walk over all maps. Takes no lock
 * inside, so any rank may be held. Readers do not wait for it.
 */
void index_lock(struct map_index *index);
void index_unlock(struct map_index *index);

/* Return: 0, -EEXIST, -ENOMEM. */
int index_insert(struct map_index *index, struct iommu_map *map);

/* Context: index_lock(). */
void index_remove_locked(struct map_index *index, struct iommu_map *map);

/*
 * Take all maps out, and visit each, in order. Cheaper by far than one after
 * the other. Context: index_lock(), which @visit runs under.
 */
void index_remove_all_locked(struct map_index *index,
			     void (*visit)(void *arg, struct iommu_map *map),
			     void *arg);

/* Free nodes that were taken out. No reader is in one any more. */
void index_free_retired(struct map_index *index);

/* Return: the map that @iova lies in, or NULL. */
struct iommu_map *index_find_slow(struct map_index *index, iova_t iova);

static always_inline struct iommu_map *index_find(struct map_index *index,
						  iova_t iova)
{
	__u64 word = slot_load(&index->root);
	struct iommu_map *map;

	while (slot_is_node(word))
		word = slot_load(node_slot_of(slot_node(word), word, iova));
	map = slot_map(word);
	/* Only one map can hold it, whatever way led here. */
	if (likely(map && iova - map->start <= map->last - map->start))
		return map;
	return index_find_slow(index, iova);
}

/* Return: the first map that meets [start, last], or NULL. */
struct iommu_map *index_first(struct map_index *index, iova_t start,
			      iova_t last);

/* Return: the map after @map, or NULL. */
static inline struct iommu_map *index_next(const struct iommu_map *map)
{
	return map->next;
}

/* Return: 0 or -ENOSPC; see iommu_space_find_gap(). */
int index_find_gap(struct map_index *index, const struct iommu_gap *gap,
		   iova_t *iova);

#endif /* IOMMU_INDEX_H */
