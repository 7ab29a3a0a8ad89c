/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Object IDs: 1 to 0x7fffffff, the lowest free one first, each naming one
 * pointer. An ID is reserved first (look-ups do not find it), then published
 * in a step that cannot fail.
 *
 * Context: the caller serialises all calls.
 */
#ifndef BASE_IDTABLE_H
#define BASE_IDTABLE_H

#include "base/compiler.h"

#define ID_MAX 0x7fffffffu

#define ID_NODE_LG2 6u
#define ID_NODE_N_SLOTS (1u << ID_NODE_LG2)

/**
 * struct id_node - 64 IDs, or 64 children
 * @full: leaf: IDs taken; else: children that are full
 * @n_slots: slots in use: leaf: IDs taken; else: children
 * @slots: leaf: objects, NULL if only reserved; else: children
 */
struct id_node {
	__u64 full;
	unsigned int n_slots;
	void *slots[ID_NODE_N_SLOTS];
};

/**
 * struct id_table - IDs and what they name
 * @root: top of a 64-way tree whose nodes know which of their IDs are taken
 * @limit: IDs that the tree has room for; 0 when there is no tree
 * @height: levels, the lowest included
 * @n_ids: IDs taken
 */
struct id_table {
	struct id_node *root;
	__u64 limit;
	unsigned int height;
	__u32 n_ids;
};

/* Where in a node of @level the way to an index (ID - 1) goes on. */
static always_inline unsigned int id_index_slot(__u32 index, unsigned int level)
{
	return (index >> (level * ID_NODE_LG2)) & (ID_NODE_N_SLOTS - 1);
}

void id_table_init(struct id_table *table);

/* No ID is taken any more; frees the tree. */
void id_table_deinit(struct id_table *table);

/* Return: 0 and the lowest free ID taken, not yet visible; or -ENOMEM. */
int id_table_reserve(struct id_table *table, __u32 *id);

/* Make a reserved ID name @object, or replace what it names. */
void id_table_publish(struct id_table *table, __u32 id, void *object);

/* Free an ID, reserved or published. Its number is used again at once. */
void id_table_remove(struct id_table *table, __u32 id);

/* Return: the object, or NULL if the ID is free or only reserved. */
static always_inline void *id_table_find(const struct id_table *table, __u32 id)
{
	const struct id_node *node = table->root;
	unsigned int level = table->height;
	__u32 index = id - 1;

	/* ID 0 makes the highest index, for which no tree has a node. */
	if (unlikely(index >= table->limit))
		return NULL;
	while (unlikely(--level)) {
		node = node->slots[id_index_slot(index, level)];
		if (!node)
			return NULL;
	}
	return node->slots[id_index_slot(index, 0)];
}

/* Return: the published object with the lowest ID >= *@id, which is updated. */
void *id_table_next(const struct id_table *table, __u32 *id);

#endif /* BASE_IDTABLE_H */
