/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An address space: the index of its maps, and what has to happen besides
 * when one is taken out or its memory moves.
 *
 * Taking out: the map is marked dead, leaves the index, and the stamps of its
 * part change, so no DMA that begins later finds it, in the index or in an
 * IOTLB. DMA that began earlier runs in a read section, which
 * iommu_space_sync() waits for, or holds the map, for which
 * iommu_map_wait_holders() does.
 *
 * Nothing can be in flight without an attached endpoint: n_endpoints is
 * raised before an endpoint can see the space, and lowered after it left and
 * its sections ended.
 *
 * Memory moves come from mm under its lock, while the owner of the space may
 * be changing the index under its own: index_lock() keeps the walk over all
 * maps and the changes apart. It costs a change one locked instruction.
 */
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "iommu/hold.h"
#include "iommu/space.h"

_Static_assert(sizeof(struct iommu_space) <= 512, "a space stays small");

static struct iommu_space *to_space(struct mm_owner *owner)
{
	return container_of(owner, struct iommu_space, owner);
}

static int space_prepare_move(struct mm_owner *owner, uintptr_t old, size_t len)
{
	struct iommu_space *space = to_space(owner);
	struct memory_move move = { .old = old, .len = len };
	struct iommu_linger *linger;
	struct iommu_map *map;
	int err = 0;

	index_lock(&space->index);
	map = index_first(&space->index, 0, UINT64_MAX);
	for (; map && !err; map = index_next(map))
		err = map_prepare_move(&space->splits, map, &move);
	list_for_each_entry(linger, &space->lingering, entry)
		for (map = linger->first; map && !err; map = linger->next(map))
			err = map_prepare_move(&space->splits, map, &move);
	index_unlock(&space->index);
	return err;
}

static void space_moved(struct mm_owner *owner, uintptr_t old, size_t len,
			uintptr_t now)
{
	struct iommu_space *space = to_space(owner);
	struct memory_move move = { .old = old, .len = len, .now = now };
	struct iommu_linger *linger;
	struct space_view *view;
	struct iommu_map *map;

	index_lock(&space->index);
	map = index_first(&space->index, 0, UINT64_MAX);
	for (; map; map = index_next(map))
		map_follow(&space->splits, map, &move);
	list_for_each_entry(linger, &space->lingering, entry)
		for (map = linger->first; map; map = linger->next(map))
			map_follow(&space->splits, map, &move);
	view = atomic_load(&space->view);
	if (view)
		view_invalidate_all(view);
	index_unlock(&space->index);
}

/*
 * A holder looks up and counts itself in one section. Sections from before the
 * move are over, so who knows the old address counts in the phase of now; and
 * when the sections that saw that phase are over too, nobody joins it.
 */
static void space_settled(struct mm_owner *owner)
{
	struct iommu_space *space = to_space(owner);
	__u32 phase = atomic_load(&space->phase);

	atomic_store(&space->phase, !phase);
	rcu_synchronize_deep();
	if (guard_holds(GUARD_UNMAP_WAITS_HOLDER))
		hold_wait(&space->n_held[phase]);
}

struct iommu_space *iommu_space_create(void)
{
	struct iommu_space *space = mem_alloc(sizeof(*space));

	if (!space)
		return NULL;
	list_init(&space->owner.entry);
	list_init(&space->lingering);
	space->owner.prepare = space_prepare_move;
	space->owner.moved = space_moved;
	space->owner.settled = space_settled;
	return space;
}

void iommu_space_destroy(struct iommu_space *space)
{
	if (!space)
		return;
	warn_on(space->index.n_maps);
	index_deinit(&space->index);
	split_free_list(space->splits.head);
	split_free_list(space->splits.reserve);
	split_free_list(space->splits.retired);
	view_destroy(space->view);
	mem_free(space);
}

struct space_view *space_get_view(struct iommu_space *space)
{
	struct space_view *none = NULL;
	struct space_view *view = atomic_load(&space->view);

	if (view)
		return view;
	view = view_create(space);
	if (!view)
		return NULL;
	if (atomic_compare_exchange_strong(&space->view, &none, view))
		return view;
	view_destroy(view);
	return none;
}

int iommu_space_insert(struct iommu_space *space, struct iommu_map *map)
{
	atomic_store_explicit(&map->flags, 0, memory_order_relaxed);
	return index_insert(&space->index, map);
}

/* Under index_lock(), as all changes of the flags are. */
static void map_set_dead(struct iommu_map *map)
{
	__u8 flags = atomic_load_explicit(&map->flags, memory_order_relaxed);

	atomic_store_explicit(&map->flags, flags | MAP_IS_DEAD,
			      memory_order_release);
}

void iommu_space_remove(struct iommu_space *space, struct iommu_map *map)
{
	struct space_view *view;

	index_lock(&space->index);
	atomic_store_explicit(&map->flags,
			      atomic_load_explicit(&map->flags,
						   memory_order_relaxed) |
				      MAP_IS_DEAD,
			      memory_order_release);
	index_remove_locked(&space->index, map);
	view = atomic_load_explicit(&space->view, memory_order_acquire);
	if (view) {
		if (guard_holds(GUARD_IOTLB_INVALIDATE))
			view_invalidate(view, map->start, map->last);
		view_note_removed(view, map->start, map->last);
	}
	index_unlock(&space->index);
}

/**
 * struct space_removal - all maps on their way out
 */
struct space_removal {
	struct space_view *view;
	void (*visit)(void *arg, struct iommu_map *map);
	void *arg;
};

static void space_removed(void *arg, struct iommu_map *map)
{
	const struct space_removal *removal = arg;

	map_set_dead(map);
	if (removal->view)
		view_note_removed(removal->view, map->start, map->last);
	removal->visit(removal->arg, map);
}

void iommu_space_remove_all(struct iommu_space *space,
			    void (*visit)(void *arg, struct iommu_map *map),
			    void *arg)
{
	struct space_removal removal = {
		.view = atomic_load(&space->view),
		.visit = visit,
		.arg = arg,
	};

	index_lock(&space->index);
	index_remove_all_locked(&space->index, space_removed, &removal);
	if (removal.view) {
		removal.view->has_readers = true;
		if (guard_holds(GUARD_IOTLB_INVALIDATE))
			view_invalidate_all(removal.view);
	}
	index_unlock(&space->index);
}

/* Free what readers may have looked at. */
static void space_free_retired(struct iommu_space *space)
{
	struct map_split *splits;

	index_free_retired(&space->index);
	if (likely(!space->splits.retired))
		return;
	index_lock(&space->index);
	splits = space->splits.retired;
	space->splits.retired = NULL;
	index_unlock(&space->index);
	split_free_list(splits);
}

/* Those that remember what was taken out; or all who may be looking at it. */
static void space_wait_for_readers(struct iommu_space *space)
{
	struct space_view *view = atomic_load(&space->view);

	if (!view->has_readers) {
		rcu_synchronize_deep();
		return;
	}
	view->has_readers = false;
	rcu_synchronize();
}

void iommu_space_sync(struct iommu_space *space)
{
	/*
	 * By an exchange, for its fence: either it sees an endpoint that is
	 * just being attached, or that endpoint's DMA sees the index as it is
	 * now.
	 */
	if (atomic_fetch_add(&space->n_endpoints, 0) &&
	    guard_holds(GUARD_UNMAP_WAITS))
		space_wait_for_readers(space);
	space_free_retired(space);
}

void iommu_space_linger_add(struct iommu_space *space,
			    struct iommu_linger *linger)
{
	index_lock(&space->index);
	list_add_tail(&linger->entry, &space->lingering);
	index_unlock(&space->index);
}

void iommu_space_linger_remove(struct iommu_space *space,
			       struct iommu_linger *linger)
{
	index_lock(&space->index);
	list_remove(&linger->entry);
	index_unlock(&space->index);
}

void iommu_map_wait_holders(struct iommu_map *map)
{
	if (guard_holds(GUARD_UNMAP_WAITS_HOLDER))
		hold_wait(&map->n_holders);
}

struct iommu_map *iommu_space_first(struct iommu_space *space, iova_t start,
				    iova_t last)
{
	return index_first(&space->index, start, last);
}

struct iommu_map *iommu_space_next(struct iommu_space *space,
				   const struct iommu_map *map, iova_t last)
{
	struct iommu_map *next = index_next(map);

	(void)space;
	return next && next->start <= last ? next : NULL;
}

int iommu_space_find_gap(struct iommu_space *space, const struct iommu_gap *gap,
			 iova_t *iova)
{
	return index_find_gap(&space->index, gap, iova);
}

__u64 iommu_space_n_maps(const struct iommu_space *space)
{
	return space->index.n_maps;
}

/* ---- memory that moves ------------------------------------------------ */

struct mm_owner *iommu_space_memory_owner(struct iommu_space *space)
{
	return &space->owner;
}

void iommu_space_forget_moves(struct iommu_space *space)
{
	struct iommu_map *map;

	if (!space->splits.head)
		return;
	index_lock(&space->index);
	map = index_first(&space->index, 0, UINT64_MAX);
	for (; map; map = index_next(map))
		atomic_fetch_and(&map->flags, (__u8)~MAP_IS_SPLIT);
	split_dissolve_all(&space->splits);
	index_unlock(&space->index);
}

static void split_piece_at(struct map_split *split, iova_t iova,
			   struct map_piece_at *piece)
{
	struct split_piece *pieces = split->pieces;
	__u32 end =
		atomic_load_explicit(&split->n_pieces, memory_order_acquire);
	__u32 low = 0;
	__u32 high = end;

	/* Piece low begins at or below the address, piece high above it. */
	while (high - low > 1) {
		__u32 middle = low + (high - low) / 2;

		if (pieces[middle].start <= iova)
			low = middle;
		else
			high = middle;
	}
	piece->start = pieces[low].start;
	piece->last = high < end ? pieces[high].start - 1 : split->map->last;
	piece->address = pieces[low].address;
	if (piece->address)
		piece->address += iova - piece->start;
}

/* Return: false when the pieces changed meanwhile. */
static bool split_try_piece_at(struct iommu_space *space, struct iommu_map *map,
			       iova_t iova, struct map_piece_at *piece)
{
	__u32 sequence = atomic_load_explicit(&space->index.sequence,
					      memory_order_acquire);
	struct map_split *split = split_find(&space->splits, map);

	piece->address = 0;
	if (split)
		split_piece_at(split, iova, piece);
	return !(sequence & 1) &&
	       sequence == atomic_load_explicit(&space->index.sequence,
						memory_order_acquire);
}

void space_piece_at(struct iommu_space *space, struct iommu_map *map,
		    iova_t iova, struct map_piece_at *piece)
{
	piece->start = map->start;
	piece->last = map->last;
	if (unlikely(atomic_load_explicit(&map->flags, memory_order_acquire) &
		     MAP_IS_SPLIT)) {
		while (!split_try_piece_at(space, map, iova, piece))
			__builtin_ia32_pause();
		return;
	}
	piece->address =
		atomic_load_explicit(&map->address, memory_order_acquire);
	if (likely(piece->address))
		piece->address += iova - map->start;
}

void iommu_map_for_each_piece(struct iommu_space *space, struct iommu_map *map,
			      void (*visit)(void *arg, uintptr_t address,
					    __u64 len),
			      void *arg)
{
	bool is_split = atomic_load(&map->flags) & MAP_IS_SPLIT;
	struct map_piece_at piece;
	iova_t iova = map->start;

	for (;;) {
		space_piece_at(space, map, iova, &piece);
		visit(arg, piece.address, piece.last - iova + 1);
		if (piece.last == map->last)
			break;
		iova = piece.last + 1;
	}
	if (!is_split || !(atomic_load(&map->flags) & MAP_IS_DEAD))
		return;
	index_lock(&space->index);
	split_dissolve(&space->splits, map);
	index_unlock(&space->index);
}

uintptr_t iommu_map_piece_at(struct iommu_space *space,
			     const struct iommu_map *map, iova_t iova,
			     __u64 *len)
{
	struct map_piece_at piece = { .last = map->last };
	struct map_split *split = NULL;

	/* Pieces of other maps, beside it in the list, are not freed then. */
	index_lock(&space->index);
	if (atomic_load(&map->flags) & MAP_IS_SPLIT)
		split = split_find(&space->splits, map);
	if (split) {
		split_piece_at(split, iova, &piece);
	} else {
		piece.address = atomic_load(&map->address);
		if (piece.address)
			piece.address += iova - map->start;
	}
	index_unlock(&space->index);
	*len = piece.last - iova + 1;
	return piece.address;
}
