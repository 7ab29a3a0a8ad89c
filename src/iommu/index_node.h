/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slots, nodes and paths of the index; see index.c for what they mean.
 *
 * A slot is one word:
 *
 *	63      49 48 47          6 5    0
 *	[gap + 1 ][1 ][ node       ][shift]	a node
 *	[gap + 1 ][0 ][ map                ]	a map
 *	[ 0          ][ anything           ]	empty
 *
 * shift: the node's digit of a key begins at this bit.
 * gap: code of the largest free gap behind a range of the subtree.
 * mark: bits 48 to 63.
 */
#ifndef IOMMU_INDEX_NODE_H
#define IOMMU_INDEX_NODE_H

#include <stdatomic.h>
#include <emmintrin.h>
#include "base/compiler.h"
#include "base/overflow.h"
#include "iommu/iommu.h"

struct map_index;

#define INDEX_DIGIT_BITS 3u
#define INDEX_FANOUT (1u << INDEX_DIGIT_BITS)
/* A slot for the root, and one in each of 22 nodes. */
#define INDEX_PATH_MAX 23u

#define SLOT_MARK_SHIFT 48u
#define SLOT_IS_NODE (1ull << SLOT_MARK_SHIFT)
#define SLOT_GAP_SHIFT (SLOT_MARK_SHIFT + 1u)
#define SLOT_POINTER_MASK (SLOT_IS_NODE - 1)
#define SLOT_SHIFT_MASK 63u

/**
 * struct index_node - one cache line of slots
 * @slots: by the digit. At least two are taken while it is in the tree
 */
struct index_node {
	_Atomic __u64 slots[INDEX_FANOUT];
} cacheline_aligned;

_Static_assert(sizeof(struct index_node) == CACHE_LINE, "one line");
_Static_assert(CACHE_LINE > SLOT_SHIFT_MASK, "the shift fits below a pointer");

/**
 * struct index_path - slots from the root's down to one
 * @slots: slots[0] is the root; slots[i] lies in the node of slots[i - 1]
 * @n: their number
 */
struct index_path {
	_Atomic __u64 *slots[INDEX_PATH_MAX];
	unsigned int n;
};

static always_inline __u64 slot_load(const _Atomic __u64 *slot)
{
	return atomic_load_explicit(slot, memory_order_acquire);
}

static always_inline void slot_store(_Atomic __u64 *slot, __u64 word)
{
	atomic_store_explicit(slot, word, memory_order_release);
}

static always_inline bool slot_is_empty(__u64 word)
{
	return word < SLOT_IS_NODE;
}

static always_inline bool slot_is_node(__u64 word)
{
	return word & SLOT_IS_NODE;
}

static always_inline struct index_node *slot_node(__u64 word)
{
	return (struct index_node *)(word & SLOT_POINTER_MASK &
				     ~(__u64)SLOT_SHIFT_MASK);
}

/* Of a node's slot: its digit begins at that bit. */
static always_inline unsigned int slot_shift(__u64 word)
{
	return word & SLOT_SHIFT_MASK;
}

/* Return: the map of a slot that is no node, or NULL when it is empty. */
static always_inline struct iommu_map *slot_map(__u64 word)
{
	if (slot_is_empty(word))
		return NULL;
	return (struct iommu_map *)(word & SLOT_POINTER_MASK);
}

/* Of a slot that is known to hold a map. */
static always_inline struct iommu_map *slot_its_map(__u64 word)
{
	return (struct iommu_map *)(word & SLOT_POINTER_MASK);
}

/* The slot for @key in @node, which @word points to. */
static always_inline _Atomic __u64 *node_slot_of(struct index_node *node,
						 __u64 word, __u64 key)
{
	return &node->slots[(key >> slot_shift(word)) & (INDEX_FANOUT - 1)];
}

/* The node that a slot other than the root's lies in, and its place there. */
static inline struct index_node *node_of_slot(_Atomic __u64 *slot)
{
	return (struct index_node *)align_down((uintptr_t)slot, CACHE_LINE);
}

static inline unsigned int slot_digit(_Atomic __u64 *slot)
{
	return ((uintptr_t)slot / sizeof(*slot)) % INDEX_FANOUT;
}

/*
 * Codes of gaps, a floating point number of 8 bits behind the leading one:
 * monotonic, rounded down, exact for a multiple of a power of two by less
 * than 512. From 0 to 14591, so that a mark is a positive 16-bit number.
 */
#define GAP_MANTISSA_BITS 8u

static inline unsigned int gap_encode(__u64 gap)
{
	unsigned int exponent;

	if (gap < 1u << GAP_MANTISSA_BITS)
		return (unsigned int)gap;
	exponent = 63u - (unsigned int)__builtin_clzll(gap) - GAP_MANTISSA_BITS;
	return (exponent << GAP_MANTISSA_BITS) +
	       (unsigned int)(gap >> exponent);
}

/* The smallest gap of that code. */
static inline __u64 gap_decode(unsigned int code)
{
	unsigned int exponent = code >> GAP_MANTISSA_BITS;

	if (exponent < 2)
		return code;
	exponent--;
	return (__u64)(code - (exponent << GAP_MANTISSA_BITS)) << exponent;
}

static inline __u64 slot_of_map(const struct iommu_map *map, __u64 gap)
{
	return (__u64)(gap_encode(gap) + 1) << SLOT_GAP_SHIFT | (uintptr_t)map;
}

/* The code in a slot that is not empty. */
static inline unsigned int slot_gap_code(__u64 word)
{
	return (unsigned int)(word >> SLOT_GAP_SHIFT) - 1;
}

/* The marks of a node's slots, as eight 16-bit numbers. */
static inline __m128i node_marks(const struct index_node *node)
{
	const __m128i *pairs;
	__m128i low, high;

#if defined(BUILT_WITH_TSAN)
	/* Word by word, since it takes the vector's load for a plain one. */
	__u64 words[INDEX_FANOUT] cacheline_aligned;
	unsigned int i;

	for (i = 0; i < INDEX_FANOUT; i++)
		words[i] = slot_load(&node->slots[i]);
	pairs = (const void *)words;
#else
	/* The CPU loads each aligned word of a vector whole. */
	pairs = (const void *)node;
#endif
	low = _mm_packs_epi32(_mm_srli_epi64(pairs[0], SLOT_MARK_SHIFT),
			      _mm_srli_epi64(pairs[1], SLOT_MARK_SHIFT));
	high = _mm_packs_epi32(_mm_srli_epi64(pairs[2], SLOT_MARK_SHIFT),
			       _mm_srli_epi64(pairs[3], SLOT_MARK_SHIFT));
	return _mm_packs_epi32(low, high);
}

/* A bit for each slot whose mark is above @limit; 0: those not empty. */
static inline unsigned int node_slots_above(const struct index_node *node,
					    short limit)
{
	__m128i above =
		_mm_cmpgt_epi16(node_marks(node), _mm_set1_epi16(limit));

	return (unsigned int)_mm_movemask_epi8(
		_mm_packs_epi16(above, _mm_setzero_si128()));
}

static inline unsigned int node_taken(const struct index_node *node)
{
	return node_slots_above(node, 0);
}

/* The highest mark, with the bit that says node. */
static inline __u64 node_mark(const struct index_node *node)
{
	__m128i marks = node_marks(node);

	marks = _mm_max_epi16(marks, _mm_srli_si128(marks, 8));
	marks = _mm_max_epi16(marks, _mm_srli_si128(marks, 4));
	marks = _mm_max_epi16(marks, _mm_srli_si128(marks, 2));
	return (__u64)(_mm_cvtsi128_si32(marks) & 0xffff) << SLOT_MARK_SHIFT |
	       SLOT_IS_NODE;
}

static inline unsigned int lowest_bit(unsigned int bits)
{
	return (unsigned int)__builtin_ctz(bits);
}

static inline unsigned int highest_bit(unsigned int bits)
{
	return 31u - (unsigned int)__builtin_clz(bits);
}

/**
 * struct index_place - where a key is, or would be
 * @path: to the slot of the map that starts at the key; else to the empty
 *	slot for it, or to the slot whose subtree leaves the key's way
 * @map: the map at the key, or any map of the subtree or of the empty slot's
 *	node
 * @taken: slots that are, in the node of the path's last slot; or 0 when not
 *	looked at. Set when that slot is empty
 * @is_exact: @map starts at the key
 */
struct index_place {
	struct index_path path;
	struct iommu_map *map;
	unsigned int taken;
	bool is_exact;
};

/* The tree is not empty. A reader may get false when it was misled. */
bool index_locate(struct map_index *index, __u64 key,
		  struct index_place *place);

/**
 * index_neighbour() - the map beside a place
 * @is_after: the next map, else the one before
 * @tail: the path to it, from a slot in the node of path->slots[*branch] on
 * @branch: the index in the path of the slot that tail->slots[0] stands beside
 *	or is
 *
 * Return: the map or NULL.
 */
struct iommu_map *index_neighbour(const struct index_place *place, __u64 key,
				  bool is_after, struct index_path *tail,
				  unsigned int *branch);

#endif /* IOMMU_INDEX_NODE_H */
