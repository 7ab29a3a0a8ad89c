/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps whose memory was moved in parts; see split.c.
 *
 * Context: index_lock() of the space, but for split_find() by a reader that
 * checks the sequence of the index.
 */
#ifndef IOMMU_SPLIT_H
#define IOMMU_SPLIT_H

#include <stdatomic.h>
#include "iommu/iommu.h"

/**
 * struct split_piece - contiguous memory behind a part of a map
 * @start: first IOVA; the last one is before the next piece
 * @address: of that byte
 */
struct split_piece {
	_Atomic iova_t start;
	_Atomic uintptr_t address;
};

/**
 * struct map_split - the pieces of one map
 * @next: in the table, or of those retired
 * @map: whose
 * @n_pieces: at least 1
 * @n_pieces_max: room
 * @pieces: by IOVA
 */
struct map_split {
	struct map_split *_Atomic next;
	struct iommu_map *map;
	_Atomic __u32 n_pieces;
	__u32 n_pieces_max;
	struct split_piece pieces[];
};

/**
 * struct split_table - all split maps of a space
 * @head: readers walk from here
 * @reserve: made for a move to come
 * @retired: taken out; readers may still look at them
 */
struct split_table {
	struct map_split *_Atomic head;
	struct map_split *reserve;
	struct map_split *retired;
};

/**
 * struct memory_move - memory that has got another address
 * @old: first address
 * @len: bytes
 * @now: where @old is
 */
struct memory_move {
	uintptr_t old;
	size_t len;
	uintptr_t now;
};

struct map_split *split_find(const struct split_table *table,
			     const struct iommu_map *map);

/* Get what map_follow() will need. Return: 0 or -ENOMEM. */
int map_prepare_move(struct split_table *table, struct iommu_map *map,
		     const struct memory_move *move);

/* The part of the map's memory that was moved is translated to its place. */
void map_follow(struct split_table *table, struct iommu_map *map,
		const struct memory_move *move);

/* The map is of one piece again; what it had is retired. */
void split_dissolve(struct split_table *table, struct iommu_map *map);
void split_dissolve_all(struct split_table *table);

/* Without the lock of mm or index_lock(): freeing may take both. */
void split_free_list(struct map_split *split);

#endif /* IOMMU_SPLIT_H */
