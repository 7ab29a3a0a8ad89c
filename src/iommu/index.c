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
#include <string.h>
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
	index->retired_root = 0;
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
static always_inline struct iommu_map *path_descend(struct index_path *path,
						    bool to_first)
{
	__u64 word = slot_load(path->slots[path->n - 1]);

	while (unlikely(slot_is_node(word))) {
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

/*
 * Any map of the node of an empty slot: the one before it if there is one,
 * since that is looked at anyway.
 */
static always_inline struct iommu_map *slot_relative(_Atomic __u64 *slot,
						     unsigned int taken)
{
	struct index_node *node = node_of_slot(slot);
	unsigned int lower = taken & ((1u << slot_digit(slot)) - 1);
	struct index_path path;

	if (!taken)
		return NULL;
	path.n = 1;
	if (lower) {
		path.slots[0] = &node->slots[highest_bit(lower)];
		return path_descend(&path, false);
	}
	path.slots[0] = &node->slots[lowest_bit(taken)];
	return path_descend(&path, true);
}

/* Take back the steps that lie below the bit at which the key leaves. */
static always_inline void path_leave(struct index_path *path, unsigned int bit)
{
	while (path->n > 1 && slot_shift(slot_load(path->slots[path->n - 2])) +
					      INDEX_DIGIT_BITS <=
				      bit)
		path->n--;
}

/* Go down to the slot that @key leads to. Return: what it holds. */
static always_inline __u64 path_follow(struct map_index *index, __u64 key,
				       struct index_path *path)
{
	_Atomic __u64 *slot = &index->root;
	__u64 word = slot_load(slot);
	unsigned int n = 0;

	for (; slot_is_node(word); word = slot_load(slot)) {
		path->slots[n++] = slot;
		slot = node_slot_of(slot_node(word), word, key);
	}
	path->slots[n++] = slot;
	path->n = n;
	return word;
}

/* path_follow() led to @word: find where the key really is. */
static always_inline bool locate_end(__u64 key, __u64 word,
				     struct index_place *place)
{
	struct index_path *path = &place->path;
	unsigned int n = path->n;
	_Atomic __u64 *slot = path->slots[n - 1];
	__u64 difference;

	place->taken = 0;
	place->is_exact = false;
	place->map = slot_map(word);
	if (!place->map && n > 1) {
		place->taken = node_taken(node_of_slot(slot));
		place->map = slot_relative(slot, place->taken);
	}
	if (!place->map)
		return false;
	difference = place->map->start ^ key;
	if (!difference) {
		place->is_exact = true;
		return true;
	}
	path_leave(path, 63u - (unsigned int)__builtin_clzll(difference));
	if (path->n < n)
		place->taken = 0;
	return true;
}

static always_inline bool locate(struct map_index *index, __u64 key,
				 struct index_place *place)
{
	return locate_end(key, path_follow(index, key, &place->path), place);
}

static always_inline struct iommu_map *
neighbour(const struct index_place *place, __u64 key, bool is_after,
	  struct index_path *tail, unsigned int *branch)
{
	unsigned int i = place->path.n - 1;
	_Atomic __u64 *slot = place->path.slots[i];
	unsigned int taken = place->taken;

	tail->n = 1;
	tail->slots[0] = slot;
	*branch = i;
	/* All of a subtree that leaves the key's way is on one side of it. */
	if (!place->is_exact && !taken &&
	    (place->map->start > key) == is_after) {
		return path_descend(tail, is_after);
	}
	for (; i; slot = place->path.slots[--i], taken = 0) {
		struct index_node *node = node_of_slot(slot);
		unsigned int beside = taken ? taken : node_taken(node);

		beside &= is_after ? ~1u << slot_digit(slot)
				   : (1u << slot_digit(slot)) - 1;
		if (!beside)
			continue;
		beside = is_after ? lowest_bit(beside) : highest_bit(beside);
		tail->slots[0] = &node->slots[beside];
		*branch = i;
		return path_descend(tail, is_after);
	}
	return NULL;
}

bool index_locate(struct map_index *index, __u64 key, struct index_place *place)
{
	return locate(index, key, place);
}

struct iommu_map *index_neighbour(const struct index_place *place, __u64 key,
				  bool is_after, struct index_path *tail,
				  unsigned int *branch)
{
	return is_after ? neighbour(place, key, true, tail, branch)
			: neighbour(place, key, false, tail, branch);
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
	map = map ? map->next : index->lowest;
	return map && map->start <= last ? map : NULL;
}

/* ---- changing --------------------------------------------------------- */

/* The code of a slot's gap, one more; 0 when it is empty. */
static inline __u64 slot_gap_mark(__u64 word)
{
	return word >> SLOT_GAP_SHIFT;
}

/**
 * struct gap_change - a change on its way up
 * @old: the mark that a slot had
 * @now: the mark it has
 */
struct gap_change {
	__u64 old;
	__u64 now;
};

/*
 * A slot in the node below path->slots[n - 1] has changed: set the marks from
 * there up, as far as they change. Most often it is not the slot with the
 * largest gap, and nothing does.
 * Return: true when the mark of path->slots[0] changed, or n is 0.
 */
static always_inline bool path_refresh(const struct index_path *path,
				       unsigned int n,
				       struct gap_change *change)
{
	while (n--) {
		__u64 word = slot_load(path->slots[n]);
		__u64 mark = slot_gap_mark(word);

		if (change->now < mark) {
			if (change->old < mark)
				return false;
			change->now = slot_gap_mark(node_mark(slot_node(word)));
		}
		if (change->now == mark)
			return false;
		slot_store(path->slots[n],
			   (word & (SLOT_IS_NODE | SLOT_POINTER_MASK)) |
				   change->now << SLOT_GAP_SHIFT);
		change->old = mark;
	}
	return true;
}

/* Change the last slot of a path. */
static always_inline void path_store(const struct index_path *path, __u64 word)
{
	_Atomic __u64 *slot = path->slots[path->n - 1];
	struct gap_change change = {
		.old = slot_gap_mark(slot_load(slot)),
		.now = slot_gap_mark(word),
	};

	slot_store(slot, word);
	path_refresh(path, path->n - 1, &change);
}

static __u64 gap_between(const struct iommu_map *map,
			 const struct iommu_map *after)
{
	return (after ? after->start - 1 : UINT64_MAX) - map->last;
}

/*
 * Take a map out of the list. What was known of gaps holds up to the map
 * before it, behind which there is a larger one now.
 */
static void index_unlink(struct map_index *index, struct iommu_map *before,
			 const struct iommu_map *map)
{
	if (before)
		before->next = map->next;
	else
		index->lowest = map->next;
	if (index->cursor.map && map->start <= index->cursor.map->start)
		index->cursor.map = before;
	index->n_maps--;
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

static always_inline void before_set_gap(const struct index_before *before,
					 const struct index_path *path,
					 const struct iommu_map *after)
{
	const struct index_path *tail = &before->tail;
	struct gap_change change;
	_Atomic __u64 *slot;
	__u64 word;

	if (!before->map)
		return;
	slot = tail->slots[tail->n - 1];
	word = slot_of_map(before->map, gap_between(before->map, after));
	change.old = slot_gap_mark(slot_load(slot));
	change.now = slot_gap_mark(word);
	slot_store(slot, word);
	if (path_refresh(tail, tail->n - 1, &change))
		path_refresh(path, before->branch, &change);
}

static struct index_node *index_new_node(struct map_index *index)
{
	struct index_node *node;

	if (!index->nodes)
		index->nodes =
			slab_create(sizeof(struct index_node), CACHE_LINE);
	if (!index->nodes)
		return NULL;
	node = slab_alloc_raw(index->nodes);
	return node ? memset(node, 0, sizeof(*node)) : NULL;
}

/*
 * A node for the highest bit in which the map's key leaves the subtree of a
 * place, and the slot that is to take the subtree's place.
 */
static __u64 place_fork(const struct index_place *place,
			struct index_before *before, struct index_node *node,
			const struct iommu_map *map, __u64 map_word)
{
	_Atomic __u64 *slot = place->path.slots[place->path.n - 1];
	__u64 key = place->map->start;
	unsigned int bit =
		63u - (unsigned int)__builtin_clzll(key ^ map->start);
	__u64 fork = (uintptr_t)node | (bit - bit % INDEX_DIGIT_BITS);

	slot_store(node_slot_of(node, fork, key), slot_load(slot));
	slot_store(node_slot_of(node, fork, map->start), map_word);
	/* The map before is in the subtree: its path is one slot longer now. */
	if (before->map && before->tail.slots[0] == slot) {
		before->tail.slots[0] = node_slot_of(node, fork, key);
		before->branch++;
	}
	return fork | node_mark(node);
}

static int index_insert_first(struct map_index *index, struct iommu_map *map)
{
	index_lock(index);
	slot_store(&index->root, slot_of_map(map, UINT64_MAX - map->last));
	map->next = NULL;
	index->lowest = map;
	index->n_maps = 1;
	index_unlock(index);
	return 0;
}

/*
 * The usual case, and a short one: the map before the last slot of @path
 * stands in its own node. Return: the slot of the map before, or NULL.
 */
static always_inline _Atomic __u64 *
path_slot_before(const struct index_path *path)
{
	_Atomic __u64 *slot = path->slots[path->n - 1];
	unsigned int n;

	for (n = slot_digit(slot); n; n--) {
		__u64 word = slot_load(--slot);

		if (!slot_is_empty(word))
			return slot_is_node(word) ? NULL : slot;
	}
	return NULL;
}

static bool map_fits_behind(const struct iommu_map *before,
			    const struct iommu_map *map)
{
	return before->last < map->start &&
	       (!before->next || before->next->start > map->last);
}

/*
 * Put a map behind one of its node. The gap before it can only shrink, and
 * the one after it is a part of what that was: marks above change only if it
 * was the largest.
 */
static int index_insert_behind(struct map_index *index,
			       const struct index_path *path,
			       _Atomic __u64 *slot, struct iommu_map *map)
{
	__u64 old = slot_load(slot);
	struct iommu_map *before = slot_its_map(old);
	struct gap_change change;

	if (!map_fits_behind(before, map))
		return -EEXIST;
	index_lock(index);
	slot_store(slot, slot_of_map(before, map->start - 1 - before->last));
	slot_store(path->slots[path->n - 1],
		   slot_of_map(map, gap_between(map, before->next)));
	change.old = slot_gap_mark(old);
	change.now = 0;
	path_refresh(path, path->n - 1, &change);
	map->next = before->next;
	before->next = map;
	index->n_maps++;
	index_unlock(index);
	return 0;
}

/*
 * The reverse, where two slots and more stay. The gap that grows is larger
 * than both it is made of.
 */
static void index_remove_behind(struct map_index *index,
				const struct index_path *path,
				_Atomic __u64 *slot,
				const struct iommu_map *map)
{
	__u64 old = slot_load(slot);
	struct iommu_map *before = slot_its_map(old);
	__u64 word = slot_of_map(before, gap_between(before, map->next));
	struct gap_change change = {
		.old = slot_gap_mark(old),
		.now = slot_gap_mark(word),
	};

	slot_store(path->slots[path->n - 1], 0);
	slot_store(slot, word);
	path_refresh(path, path->n - 1, &change);
	index_unlink(index, before, map);
}

/* Put a map behind the one that stands alone in its slot. */
static int index_insert_fork(struct map_index *index,
			     const struct index_path *path,
			     struct iommu_map *before, struct iommu_map *map)
{
	_Atomic __u64 *slot = path->slots[path->n - 1];
	unsigned int bit =
		63u - (unsigned int)__builtin_clzll(before->start ^ map->start);
	struct gap_change change = { .old = slot_gap_mark(slot_load(slot)) };
	struct index_node *node;
	__u64 fork, first, second;

	if (!map_fits_behind(before, map))
		return -EEXIST;
	node = index_new_node(index);
	if (!node)
		return -ENOMEM;
	index_lock(index);
	fork = (uintptr_t)node | (bit - bit % INDEX_DIGIT_BITS);
	first = slot_of_map(before, map->start - 1 - before->last);
	second = slot_of_map(map, gap_between(map, before->next));
	slot_store(node_slot_of(node, fork, before->start), first);
	slot_store(node_slot_of(node, fork, map->start), second);
	change.now = slot_gap_mark(first > second ? first : second);
	slot_store(slot, fork | SLOT_IS_NODE | change.now << SLOT_GAP_SHIFT);
	path_refresh(path, path->n - 1, &change);
	map->next = before->next;
	before->next = map;
	index->n_maps++;
	index_unlock(index);
	return 0;
}

/* Do all levels that the path left out agree in both? */
static always_inline bool path_is_of(const struct index_path *path,
				     const struct iommu_map *map, __u64 key)
{
	unsigned int shift;

	if (path->n < 2)
		return true;
	shift = slot_shift(slot_load(path->slots[path->n - 2]));
	return !((map->start ^ key) >> shift >> INDEX_DIGIT_BITS);
}

/*
 * The usual insertions: the map before is where the path ends, or beside it.
 * Return: true when it was one; *@err is the outcome.
 */
static always_inline bool index_insert_quick(struct map_index *index,
					     const struct index_path *path,
					     __u64 word, struct iommu_map *map,
					     int *err)
{
	struct iommu_map *before = slot_map(word);
	_Atomic __u64 *slot;

	if (before) {
		if (before->start >= map->start ||
		    !path_is_of(path, before, map->start))
			return false;
		*err = index_insert_fork(index, path, before, map);
		return true;
	}
	slot = path->n > 1 ? path_slot_before(path) : NULL;
	if (!slot ||
	    !path_is_of(path, slot_its_map(slot_load(slot)), map->start))
		return false;
	*err = index_insert_behind(index, path, slot, map);
	return true;
}

/* Put a map where @place says, behind @before or as the first. */
static int index_insert_at(struct map_index *index, struct index_place *place,
			   struct index_before *before, struct iommu_map *map)
{
	struct iommu_map **link = before->map ? &before->map->next
					      : &index->lowest;
	struct index_node *node = NULL;
	__u64 word;

	if (!place->taken) {
		node = index_new_node(index);
		if (!node)
			return -ENOMEM;
	}
	index_lock(index);
	word = slot_of_map(map, gap_between(map, *link));
	if (node)
		word = place_fork(place, before, node, map, word);
	/*
	 * The new gap before the one that shrinks: when it is the largest of
	 * all behind the last map, it takes over without a change above.
	 */
	path_store(&place->path, word);
	before_set_gap(before, &place->path, map);
	map->next = *link;
	*link = map;
	index->n_maps++;
	index_unlock(index);
	return 0;
}

int index_insert(struct map_index *index, struct iommu_map *map)
{
	struct index_before before;
	struct index_place place;
	__u64 word;
	int err;

	if (!index->lowest)
		return index_insert_first(index, map);
	word = path_follow(index, map->start, &place.path);
	if (index_insert_quick(index, &place.path, word, map, &err))
		return err;
	if (warn_on(!locate_end(map->start, word, &place)))
		return -ENOMEM;
	if (map_holds(place.map, map->start))
		return -EEXIST;
	before.map = neighbour(&place, map->start, false, &before.tail,
			       &before.branch);
	if (before.map ? !map_fits_behind(before.map, map)
		       : index->lowest->start <= map->last)
		return -EEXIST;
	return index_insert_at(index, &place, &before, map);
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

/* As deep as a path is long. */
static void index_free_tree(struct map_index *index, __u64 word)
{
	struct index_node *node = slot_node(word);
	unsigned int i;

	if (!slot_is_node(word))
		return;
	for (i = 0; i < INDEX_FANOUT; i++)
		index_free_tree(index, slot_load(&node->slots[i]));
	slab_free(index->nodes, node);
}

void index_free_retired(struct map_index *index)
{
	struct index_node *node = index->retired;

	/* When no node is in use, their memory goes as a whole. */
	if (unlikely(slot_is_node(index->retired_root) &&
		     !slot_is_node(slot_load(&index->root)))) {
		slab_destroy(index->nodes);
		index->nodes = NULL;
		index->retired = NULL;
		index->retired_root = 0;
		return;
	}
	while (node) {
		struct index_node *next =
			(struct index_node *)slot_load(node_link(node));

		slab_free(index->nodes, node);
		node = next;
	}
	index->retired = NULL;
	if (unlikely(!slot_is_empty(index->retired_root)))
		index_free_tree(index, index->retired_root);
	index->retired_root = 0;
}

/* A node is left with one slot: what that holds takes the node's place. */
static void path_collapse(struct map_index *index, struct index_path *path,
			  unsigned int taken)
{
	struct index_node *node = node_of_slot(path->slots[path->n - 1]);

	path->n--;
	path_store(path, slot_load(&node->slots[lowest_bit(taken)]));
	index_retire(index, node);
}

void index_remove_locked(struct map_index *index, struct iommu_map *map)
{
	struct index_before before;
	struct index_place place;
	_Atomic __u64 *before_slot;
	_Atomic __u64 *slot;

	if (warn_on(!locate(index, map->start, &place) || place.map != map))
		return;
	slot = place.path.slots[place.path.n - 1];
	if (place.path.n > 1) {
		place.taken = node_taken(node_of_slot(slot)) &
			      ~(1u << slot_digit(slot));
		before_slot = path_slot_before(&place.path);
		if (before_slot && place.taken & (place.taken - 1)) {
			index_remove_behind(index, &place.path, before_slot,
					    map);
			return;
		}
	}
	before.map = neighbour(&place, map->start, false, &before.tail,
			       &before.branch);
	/* First the gap that grows, so that the node's largest one is known. */
	before_set_gap(&before, &place.path, map->next);
	path_store(&place.path, 0);
	if (place.path.n > 1 && !(place.taken & (place.taken - 1)))
		path_collapse(index, &place.path, place.taken);
	index_unlink(index, before.map, map);
}

static void tree_visit(struct index_node *node,
		       void (*visit)(void *arg, struct iommu_map *map),
		       void *arg)
{
	unsigned int i;

	for (i = 0; i < INDEX_FANOUT; i++) {
		__u64 word = slot_load(&node->slots[i]);

		if (slot_is_node(word))
			tree_visit(slot_node(word), visit, arg);
		else if (!slot_is_empty(word))
			visit(arg, slot_its_map(word));
	}
}

void index_remove_all_locked(struct map_index *index,
			     void (*visit)(void *arg, struct iommu_map *map),
			     void *arg)
{
	__u64 root = slot_load(&index->root);
	struct iommu_map *map;

	if (slot_is_empty(root))
		return;
	if (slot_is_empty(index->retired_root)) {
		slot_store(&index->root, 0);
		if (slot_is_node(root))
			tree_visit(slot_node(root), visit, arg);
		else
			visit(arg, slot_its_map(root));
		index->retired_root = root;
		index->lowest = NULL;
		index->cursor.map = NULL;
		index->n_maps = 0;
		return;
	}
	/* One tree waits already: there is no place for another. */
	while ((map = index->lowest)) {
		index_remove_locked(index, map);
		visit(arg, map);
	}
}
