/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Maps whose memory was moved in parts.
 *
 * A map's memory is one stretch of addresses until the program unmaps or
 * moves a part of it. The map is split then: its pieces, each a stretch of its
 * own, stand in a list beside the index, and a flag of the map says to look
 * there. This is rare, and so the list is short and simple.
 *
 * Pieces are changed in place, under index_lock(); a reader whose look at
 * them was disturbed sees it from the sequence and looks again. A list of
 * pieces that has no room is replaced by one of twice the length.
 *
 * What a move will need is reserved when it is announced. Nothing is freed
 * here: moves happen under the lock of mm, which free() may take.
 */
#include <errno.h>
#include "base/mem.h"
#include "iommu/space.h"
#include "iommu/split.h"

#define SPLIT_N_PIECES_MIN 8u
/* Cutting one piece in three adds two. */
#define SPLIT_N_ADDED_MAX 2u

static struct map_split *split_alloc(struct iommu_map *map, __u32 n_max)
{
	struct map_split *split = mem_alloc(
		sizeof(*split) + array_size(n_max, sizeof(split->pieces[0])));

	if (!split)
		return NULL;
	split->map = map;
	split->n_pieces_max = n_max;
	split->pieces[0].start = map->start;
	split->pieces[0].address = map->address;
	split->n_pieces = 1;
	return split;
}

void split_free_list(struct map_split *split)
{
	struct map_split *next;

	for (; split; split = next) {
		next = split->next;
		mem_free(split);
	}
}

struct map_split *split_find(const struct split_table *table,
			     const struct iommu_map *map)
{
	struct map_split *split =
		atomic_load_explicit(&table->head, memory_order_acquire);

	while (split && split->map != map)
		split = atomic_load_explicit(&split->next,
					     memory_order_acquire);
	return split;
}

/* A reader that stands on it goes on to the end of the list of retired. */
static void split_retire(struct split_table *table, struct map_split *split)
{
	struct map_split *_Atomic *link = &table->head;

	while (*link != split)
		link = &(*link)->next;
	atomic_store(link, split->next);
	split->next = table->retired;
	table->retired = split;
}

void split_dissolve(struct split_table *table, struct iommu_map *map)
{
	struct map_split *split = split_find(table, map);

	atomic_fetch_and(&map->flags, (__u8)~MAP_IS_SPLIT);
	if (split)
		split_retire(table, split);
}

void split_dissolve_all(struct split_table *table)
{
	while (table->head)
		split_retire(table, table->head);
}

static __u32 split_n_pieces(const struct map_split *split)
{
	return atomic_load_explicit(&split->n_pieces, memory_order_relaxed);
}

static bool split_has_room(const struct map_split *split)
{
	return split &&
	       split_n_pieces(split) + SPLIT_N_ADDED_MAX <= split->n_pieces_max;
}

static struct map_split *reserve_find(struct split_table *table,
				      const struct iommu_map *map)
{
	struct map_split *split = table->reserve;

	while (split && split->map != map)
		split = split->next;
	return split;
}

/* Return: what is reserved for a map, out of the reserve; or NULL. */
static struct map_split *reserve_take(struct split_table *table,
				      const struct iommu_map *map)
{
	struct map_split *split = reserve_find(table, map);
	struct map_split *before = table->reserve;

	if (!split)
		return NULL;
	if (split == before) {
		table->reserve = split->next;
		return split;
	}
	while (before->next != split)
		before = before->next;
	before->next = split->next;
	return split;
}

/* Does any byte of [address, address + len) move? */
static bool move_meets(const struct memory_move *move, uintptr_t address,
		       __u64 len)
{
	return address && address < move->old + move->len &&
	       move->old < address + len;
}

static bool move_covers(const struct memory_move *move, uintptr_t address,
			__u64 len)
{
	return address >= move->old && address + len <= move->old + move->len;
}

static __u64 map_len(const struct iommu_map *map)
{
	return map->last - map->start + 1;
}

static bool map_is_split(const struct iommu_map *map)
{
	return atomic_load_explicit(&map->flags, memory_order_relaxed) &
	       MAP_IS_SPLIT;
}

int map_prepare_move(struct split_table *table, struct iommu_map *map,
		     const struct memory_move *move)
{
	struct map_split *split;
	struct map_split *now;
	__u32 n_max = SPLIT_N_PIECES_MIN;

	if (map_is_split(map)) {
		now = split_find(table, map);
		if (!now || split_has_room(now))
			return 0;
		n_max = 2 * now->n_pieces_max;
	} else if (!move_meets(move, map->address, map_len(map)) ||
		   move_covers(move, map->address, map_len(map))) {
		return 0;
	}
	split = reserve_find(table, map);
	if (split && split->n_pieces_max >= n_max)
		return 0;
	split = split_alloc(map, n_max);
	if (!split)
		return -ENOMEM;
	split->next = table->reserve;
	table->reserve = split;
	return 0;
}

static void piece_set(struct split_piece *piece, iova_t start,
		      uintptr_t address)
{
	atomic_store_explicit(&piece->start, start, memory_order_release);
	atomic_store_explicit(&piece->address, address, memory_order_release);
}

/* Begin a new piece @offset bytes into piece @i. There is room. */
static void split_cut(struct map_split *split, __u32 i, __u64 offset)
{
	struct split_piece *pieces = split->pieces;
	__u32 n = split_n_pieces(split);
	__u32 at;

	for (at = n; at > i + 1; at--)
		piece_set(&pieces[at], pieces[at - 1].start,
			  pieces[at - 1].address);
	piece_set(&pieces[i + 1], pieces[i].start + offset,
		  pieces[i].address + offset);
	atomic_store_explicit(&split->n_pieces, n + 1, memory_order_release);
}

static __u64 piece_len(const struct map_split *split, __u32 i)
{
	iova_t end = i + 1 < split_n_pieces(split) ? split->pieces[i + 1].start
						   : split->map->last + 1;

	return end - split->pieces[i].start;
}

/* Cut piece @i at the bounds of the move, and change what lies inside. */
static void split_follow_piece(struct map_split *split, __u32 i,
			       const struct memory_move *move)
{
	struct split_piece *piece = &split->pieces[i];
	uintptr_t address = piece->address;
	uintptr_t end = move->old + move->len;

	if (!move_meets(move, address, piece_len(split, i)))
		return;
	if (address + piece_len(split, i) > end)
		split_cut(split, i, end - address);
	if (address < move->old) {
		split_cut(split, i, move->old - address);
		piece++;
		address = move->old;
	}
	atomic_store_explicit(&piece->address,
			      move->now + (address - move->old),
			      memory_order_release);
}

/* Return: the pieces of the map, with room for two more; or NULL. */
static struct map_split *map_split_with_room(struct split_table *table,
					     struct iommu_map *map)
{
	struct map_split *old = map_is_split(map) ? split_find(table, map)
						  : NULL;
	struct map_split *split;
	__u32 i;

	if (split_has_room(old))
		return old;
	split = reserve_take(table, map);
	/* A map that came between the announcement and the move. */
	if (!split || (old && split->n_pieces_max <= old->n_pieces_max))
		split = split_alloc(map, old ? 2 * old->n_pieces_max
					     : SPLIT_N_PIECES_MIN);
	if (!split)
		return NULL;
	piece_set(&split->pieces[0], map->start, map->address);
	for (i = 0; old && i < split_n_pieces(old); i++)
		piece_set(&split->pieces[i], old->pieces[i].start,
			  old->pieces[i].address);
	split->n_pieces = old ? split_n_pieces(old) : 1;
	if (old)
		split_retire(table, old);
	split->next = table->head;
	atomic_store(&table->head, split);
	atomic_fetch_or(&map->flags, MAP_IS_SPLIT);
	return split;
}

static void split_follow(struct map_split *split,
			 const struct memory_move *move)
{
	__u32 i;

	/*
	 * From the end, so that pieces which are added stand behind. Pieces of
	 * a map are different memory: a move cuts at most two of them.
	 */
	for (i = split_n_pieces(split); i-- > 0;)
		split_follow_piece(split, i, move);
	/* Where the owner looks for the first byte. */
	atomic_store(&split->map->address, split->pieces[0].address);
}

void map_follow(struct split_table *table, struct iommu_map *map,
		const struct memory_move *move)
{
	uintptr_t address = map->address;
	struct map_split *split;

	if (!map_is_split(map)) {
		if (!move_meets(move, address, map_len(map)))
			return;
		if (move_covers(move, address, map_len(map))) {
			atomic_store(&map->address,
				     move->now + (address - move->old));
			return;
		}
	}
	split = map_split_with_room(table, map);
	if (split) {
		split_follow(split, move);
		return;
	}
	/* No memory: its DMA is refused rather than misled. */
	split_dissolve(table, map);
	atomic_store(&map->address, 0);
}
