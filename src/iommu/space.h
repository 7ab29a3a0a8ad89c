/* SPDX-License-Identifier: BSD-3-Clause */
/* An address space; see space.c. */
#ifndef IOMMU_SPACE_H
#define IOMMU_SPACE_H

#include "iommu/index.h"
#include "iommu/iommu.h"
#include "iommu/split.h"
#include "iommu/view.h"
#include "mm/mm.h"

/* iommu_map.flags */
enum map_flags {
	MAP_IS_DEAD = 1, /* taken out: no new holder */
	MAP_IS_SPLIT = 2, /* translated by its pieces */
};

/**
 * struct iommu_space - one address space
 * @index: its maps
 * @owner: what mm tells about moved memory
 * @lingering: struct iommu_linger; guarded by index_lock()
 * @view: made with the first domain, lives as long as the space
 * @splits: pieces of maps that are split
 * @phase: which of @n_held new holders count in
 * @n_held: asynchronous DMA in flight, by the phase in which it began: whoever
 *	moved memory waits for that from before
 * @n_endpoints: attached endpoints: whether readers can be in the index
 */
struct iommu_space {
	struct map_index index;
	struct mm_owner owner;
	struct list_head lingering;
	struct space_view *_Atomic view;
	struct split_table splits;
	_Atomic __u32 phase;
	_Atomic __u32 n_held[2];
	_Atomic __u32 n_endpoints;
};

/* Return: the view, made if it is not there, or NULL. Any thread. */
struct space_view *space_get_view(struct iommu_space *space);

/**
 * struct map_piece_at - contiguous memory behind an address
 * @address: of the byte asked for; 0 when there is none
 * @start: first IOVA of the piece
 * @last: its last
 */
struct map_piece_at {
	uintptr_t address;
	iova_t start;
	iova_t last;
};

/* Inside a deep read section. @iova is in @map. */
void space_piece_at(struct iommu_space *space, struct iommu_map *map,
		    iova_t iova, struct map_piece_at *piece);

#endif /* IOMMU_SPACE_H */
