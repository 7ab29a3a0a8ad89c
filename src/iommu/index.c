/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The index of an address space: disjoint ranges, each one entry whatever its
 * length, found without a lock.
 *
 * It is a radix tree over the first byte of each range, all 64 bits of it,
 * three at a time, so that a node is one cache line and a look into it one
 * miss. Levels in which all keys of a subtree agree are left out: a slot says
 * at which bit the digit of its node begins, a node has at least two taken
 * slots, and so n ranges need less than n nodes, wherever they are, and one
 * insertion at most one new node. Two cache lines a look-up are cold in a big
 * tree, the lowest node and the map, against a miss a level of a balanced
 * tree of ten million.
 *
 * The price of leaving levels out: the way down a tree does not check the
 * digits in between. At its end there is some map, and
 *
 * - if the address lies in it, it is the answer, since ranges are disjoint;
 * - else the highest bit in which the map's start differs from the address
 *   says where the address would leave the tree, and the range that begins
 *   next before it is found from there (index_locate(), index_neighbour()).
 *
 * So an answer that was found proves itself, even while the tree changes
 * under a reader. Only "none" needs proof: it counts if the tree's sequence
 * did not change during the search (index_find_slow()). Nodes that are taken
 * out are kept until no reader can be in one; the slots they hold still lead
 * to what they led to.
 *
 * Each slot also has a code of the largest free gap that follows any range of
 * its subtree (index_node.h), kept up to date from the bottom, as far as it
 * changes. index_gap.c finds the lowest gap of a length by it.
 *
 * Changes are made by one at a time, its caller's lock says; the sequence is
 * a lock besides, for who must walk all maps but cannot take that lock.
 */
#include <errno.h>
#include <sched.h>
#include "base/log.h"
#include "iommu/index.h"

#define INDEX_SPINS 100u
/* So many searches that changes disturbed, and a reader locks changes out. */
#define INDEX_FIND_TRIES 16u

void index_deinit(struct map_index *index)
{
	slab_destroy(index->nodes);
	index->nodes = NULL;
	index->retired = NULL;
	index->n_maps = 0;
	atomic_store(&index->root, 0);
}

void index_lock(struct map_index *index)
{
	unsigned int n_spins = 0;
	__u32 seen =
		atomic_load_explicit(&index->sequence, memory_order_relaxed);

	for (;;) {
		seen &= ~1u;
		if (likely(atomic_compare_exchange_weak(&index->sequence, &seen,
							seen + 1)))
			return;
		if (++n_spins < INDEX_SPINS)
			__builtin_ia32_pause();
		else
			sched_yield();
	}
}

void index_unlock(struct map_index *index)
{
	__u32 odd =
		atomic_load_explicit(&index->sequence, memory_order_relaxed);

	atomic_store_explicit(&index->sequence, odd + 1, memory_order_release);
}

/* ---- looking ---------------------------------------------------------- */

/* Go from the last slot of @path down to the first or the last map below. */
static struct iommu_map *path_descend(struct index_path *path, bool to_first)
{
	__u64 word = slot_load(path->slots[path->n - 1]);

	while (slot_is_node(word)) {
		struct index_node *node = slot_node(word);
		unsigned int taken = node_taken(node);

		/* A reader's; the tree changed. */
		if (!taken || path->n == INDEX_PATH_MAX)
			return NULL;
		taken = to_first ? lowest_bit(taken) : highest_bit(taken);
		path->slots[path->n++] = &node->slots[taken];
		word = slot_load(&node->slots[taken]);
	}
	return slot_map(word);
}

/* Any map of the node of an empty slot; most often the one before it. */
static struct iommu_map *slot_relative(_Atomic __u64 *slot)
{
	struct index_node *node = node_of_slot(slot);
	unsigned int taken = node_taken(node);
	unsigned int lower = taken & ((1u << slot_digit(slot)) - 1);
	struct index_path path;

	if (!taken)
		return NULL;
	path.slots[0] =
		&node->slots[lower ? highest_bit(lower) : lowest_bit(taken)];
	path.n = 1;
	return path_descend(&path, !lower);
}

/* Take back the steps that lie below the bit at which the key leaves. */
static void path_leave(struct index_path *path, unsigned int bit)
{
	while (path->n > 1 && slot_shift(slot_load(path->slots[path->n - 2])) +
					      INDEX_DIGIT_BITS <=
				      bit)
		path->n--;
}

bool index_locate(struct map_index *index, __u64 key, struct index_place *place)
{
	struct index_path *path = &place->path;
	_Atomic __u64 *slot = &index->root;
	__u64 word = slot_load(slot);
	__u64 difference;

	path->slots[0] = slot;
	path->n = 1;
	while (slot_is_node(word)) {
		slot = node_slot_of(slot_node(word), word, key);
		word = slot_load(slot);
		path->slots[path->n++] = slot;
	}
	place->is_exact = false;
	place->map = slot_map(word);
	if (!place->map && path->n > 1)
		place->map = slot_relative(slot);
	if (!place->map)
		return false;
	difference = place->map->start ^ key;
	if (difference)
		path_leave(path,
			   63u - (unsigned int)__builtin_clzll(difference));
	else
		place->is_exact = true;
	return true;
}

struct iommu_map *index_neighbour(const struct index_place *place, __u64 key,
				  bool is_after, struct index_path *tail,
				  unsigned int *branch)
{
	unsigned int i = place->path.n - 1;
	_Atomic __u64 *slot = place->path.slots[i];

	tail->n = 1;
	tail->slots[0] = slot;
	*branch = i;
	/* All of a subtree that leaves the key's way is on one side of it. */
	if (!place->is_exact && !slot_is_empty(slot_load(slot)) &&
	    (place->map->start > key) == is_after)
		return path_descend(tail, is_after);
	for (; i; i--) {
		struct index_node *node = node_of_slot(place->path.slots[i]);
		unsigned int digit = slot_digit(place->path.slots[i]);
		unsigned int beside = node_taken(node);

		beside &= is_after ? ~1u << digit : (1u << digit) - 1;
		if (!beside)
			continue;
		beside = is_after ? lowest_bit(beside) : highest_bit(beside);
		tail->slots[0] = &node->slots[beside];
		*branch = i;
		return path_descend(tail, is_after);
	}
	return NULL;
}

static bool map_holds(const struct iommu_map *map, iova_t iova)
{
	return iova >= map->start && iova <= map->last;
}

/* The map with the highest start at or below @iova. */
static struct iommu_map *index_before(struct map_index *index, iova_t iova)
{
	struct index_place place;
	struct index_path tail;
	unsigned int branch;

	if (!index_locate(index, iova, &place))
		return NULL;
	if (map_holds(place.map, iova))
		return place.map;
	return index_neighbour(&place, iova, false, &tail, &branch);
}

static struct iommu_map *index_find_locked(struct map_index *index, iova_t iova)
{
	struct iommu_map *map;

	index_lock(index);
	map = index_before(index, iova);
	index_unlock(index);
	return map && map_holds(map, iova) ? map : NULL;
}

struct iommu_map *index_find_slow(struct map_index *index, iova_t iova)
{
	unsigned int tries;

	for (tries = 0; tries < INDEX_FIND_TRIES; tries++) {
		__u32 sequence = atomic_load_explicit(&index->sequence,
						      memory_order_acquire);
		struct iommu_map *map = index_before(index, iova);

		if (map && map_holds(map, iova))
			return map;
		/* The loads in between were acquiring ones: this is later. */
		if (!(sequence & 1) &&
		    sequence == atomic_load_explicit(&index->sequence,
						     memory_order_acquire))
			return NULL;
	}
	return index_find_locked(index, iova);
}

struct iommu_map *index_first(struct map_index *index, iova_t start,
			      iova_t last)
{
	struct index_place place;
	struct index_path tail;
	struct iommu_map *map;
	unsigned int branch;

	if (!index_locate(index, start, &place))
		return NULL;
	if (map_holds(place.map, start))
		return place.map;
	map = index_neighbour(&place, start, false, &tail, &branch);
	if (map && map->last >= start)
		return map;
	map = index_neighbour(&place, start, true, &tail, &branch);
	return map && map->start <= last ? map : NULL;
}

struct iommu_map *index_next(struct map_index *index,
			     const struct iommu_map *map)
{
	struct index_place place;
	struct index_path tail;
	unsigned int branch;

	if (!index_locate(index, map->start, &place))
		return NULL;
	return index_neighbour(&place, map->start, true, &tail, &branch);
}

/* ---- changing --------------------------------------------------------- */

/*
 * The node below path->slots[n - 1] has changed: set the marks from there up.
 * Return: true when the mark of path->slots[0] changed.
 */
static bool path_refresh(const struct index_path *path, unsigned int n)
{
	while (n--) {
		__u64 old = slot_load(path->slots[n]);
		__u64 word = (old & SLOT_POINTER_MASK) |
			     node_mark(slot_node(old));

		if (word == old)
			return false;
		slot_store(path->slots[n], word);
	}
	return true;
}

static __u64 gap_between(const struct iommu_map *map,
			 const struct iommu_map *after)
{
	return (after ? after->start - 1 : UINT64_MAX) - map->last;
}

/**
 * struct index_before - the map before a place, whose gap is to change
 * @map: it, or NULL
 * @tail: from where its path leaves the place's, at @branch
 */
struct index_before {
	struct iommu_map *map;
	struct index_path tail;
	unsigned int branch;
};

static void before_set_gap(const struct index_before *before,
			   const struct index_path *path,
			   const struct iommu_map *after)
{
	const struct index_path *tail = &before->tail;

	if (!before->map)
		return;
	slot_store(tail->slots[tail->n - 1],
		   slot_of_map(before->map, gap_between(before->map, after)));
	if (path_refresh(tail, tail->n - 1))
		path_refresh(path, before->branch);
}

static struct index_node *index_new_node(struct map_index *index)
{
	if (!index->nodes)
		index->nodes =
			slab_create(sizeof(struct index_node), CACHE_LINE);
	return index->nodes ? slab_alloc(index->nodes) : NULL;
}

/* A node for the highest bit in which two keys differ, and its slot. */
static __u64 index_fork(struct index_node *node, __u64 word, __u64 key,
			const struct iommu_map *map, __u64 map_word)
{
	unsigned int bit =
		63u - (unsigned int)__builtin_clzll(key ^ map->start);
	__u64 fork = (uintptr_t)node | (bit - bit % INDEX_DIGIT_BITS);

	slot_store(node_slot_of(node, fork, key), word);
	slot_store(node_slot_of(node, fork, map->start), map_word);
	return fork | node_mark(node);
}

static int index_insert_first(struct map_index *index, struct iommu_map *map)
{
	index_lock(index);
	slot_store(&index->root, slot_of_map(map, UINT64_MAX - map->last));
	index->n_maps = 1;
	index_unlock(index);
	return 0;
}

int index_insert(struct map_index *index, struct iommu_map *map)
{
	struct index_node *node = NULL;
	struct index_before before;
	struct index_place place;
	struct index_path tail;
	struct iommu_map *after;
	_Atomic __u64 *slot;
	unsigned int branch;
	__u64 word;

	if (!index_locate(index, map->start, &place))
		return index_insert_first(index, map);
	if (map_holds(place.map, map->start))
		return -EEXIST;
	before.map = index_neighbour(&place, map->start, false, &before.tail,
				     &before.branch);
	if (before.map && before.map->last >= map->start)
		return -EEXIST;
	after = index_neighbour(&place, map->start, true, &tail, &branch);
	if (after && after->start <= map->last)
		return -EEXIST;
	slot = place.path.slots[place.path.n - 1];
	if (!slot_is_empty(slot_load(slot))) {
		node = index_new_node(index);
		if (!node)
			return -ENOMEM;
	}

	index_lock(index);
	before_set_gap(&before, &place.path, map);
	word = slot_of_map(map, gap_between(map, after));
	if (node)
		word = index_fork(node, slot_load(slot), place.map->start, map,
				  word);
	slot_store(slot, word);
	path_refresh(&place.path, place.path.n - 1);
	index->n_maps++;
	index_unlock(index);
	return 0;
}

/* The list of retired nodes runs through an empty slot of each. */
static _Atomic __u64 *node_link(struct index_node *node)
{
	return &node->slots[!slot_is_empty(slot_load(&node->slots[0]))];
}

static void index_retire(struct map_index *index, struct index_node *node)
{
	slot_store(node_link(node), (uintptr_t)index->retired);
	index->retired = node;
}

void index_free_retired(struct map_index *index)
{
	struct index_node *node = index->retired;

	while (node) {
		struct index_node *next =
			(struct index_node *)slot_load(node_link(node));

		slab_free(index->nodes, node);
		node = next;
	}
	index->retired = NULL;
}

/* A node is left with one slot: what that holds takes the node's place. */
static void path_collapse(struct map_index *index, struct index_path *path)
{
	struct index_node *node = node_of_slot(path->slots[path->n - 1]);
	unsigned int taken = node_taken(node);

	if (taken & (taken - 1))
		return;
	path->n--;
	slot_store(path->slots[path->n - 1],
		   slot_load(&node->slots[lowest_bit(taken)]));
	index_retire(index, node);
}

void index_remove_locked(struct map_index *index, struct iommu_map *map)
{
	struct index_before before;
	struct index_place place;
	struct index_path tail;
	struct iommu_map *after;
	unsigned int branch;

	if (warn_on(!index_locate(index, map->start, &place) ||
		    place.map != map))
		return;
	before.map = index_neighbour(&place, map->start, false, &before.tail,
				     &before.branch);
	after = index_neighbour(&place, map->start, true, &tail, &branch);

	slot_store(place.path.slots[place.path.n - 1], 0);
	before_set_gap(&before, &place.path, after);
	if (place.path.n > 1)
		path_collapse(index, &place.path);
	path_refresh(&place.path, place.path.n - 1);
	index->n_maps--;
}
