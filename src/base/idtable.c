/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Object IDs in a 64-way tree.
 *
 * The index of an ID is ID - 1. A node of the lowest level (a leaf) has one
 * slot an ID and a bit for each ID that is taken; a node above has one slot a
 * child and a bit for each child whose IDs are all taken. So the lowest free
 * ID is the first clear bit at every level, and finding it takes as many
 * steps as the tree is high: one up to 64 IDs, four up to 16 million.
 *
 * Invariants: no node but the root's path to a new ID is ever empty; a tree
 * is not higher than its highest ID needs.
 */
#include <errno.h>
#include "base/fault.h"
#include "base/idtable.h"
#include "base/log.h"
#include "base/mem.h"

#define NODE_LG2 ID_NODE_LG2
#define NODE_N_SLOTS ID_NODE_N_SLOTS
#define NODE_FULL (~(__u64)0)
/* 6 levels of 6 bits hold 31 bits. */
#define ID_HEIGHT_MAX 6u

/**
 * struct id_path - the nodes that lead to an index
 * @nodes: by level, 0 is the leaf
 */
struct id_path {
	struct id_node *nodes[ID_HEIGHT_MAX];
};

/* Return: the last index that a tree of this height holds. */
static __u64 height_last(unsigned int height)
{
	return ((__u64)1 << (height * NODE_LG2)) - 1;
}

static void id_table_set_height(struct id_table *table, unsigned int height)
{
	table->height = height;
	table->limit = height ? height_last(height) + 1 : 0;
}

static void node_free_tree(struct id_node *node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level && i < NODE_N_SLOTS; i++) {
		if (node->slots[i])
			node_free_tree(node->slots[i], level - 1);
	}
	mem_free(node);
}

/* Return: a node at @level whose first slots lead down to a leaf, or NULL. */
static struct id_node *node_alloc_chain(unsigned int level)
{
	struct id_node *node = NULL;
	struct id_node *parent;
	unsigned int i;

	for (i = 0; i <= level; i++) {
		parent = mem_alloc(sizeof(*parent));
		if (!parent)
			goto err_free;
		if (node) {
			parent->slots[0] = node;
			parent->n_slots = 1;
		}
		node = parent;
	}
	return node;

err_free:
	if (node)
		node_free_tree(node, i - 1);
	return NULL;
}

void id_table_init(struct id_table *table)
{
	*table = (struct id_table){ .limit = 0 };
}

void id_table_deinit(struct id_table *table)
{
	if (table->root)
		node_free_tree(table->root, table->height - 1);
	id_table_init(table);
}

/* Fill @path to a taken or free index that the tree holds. */
static bool id_table_walk(const struct id_table *table, __u32 index,
			  struct id_path *path)
{
	struct id_node *node = table->root;
	unsigned int level = table->height;

	if (index >= ID_MAX || !node || index > height_last(level))
		return false;
	for (;;) {
		path->nodes[--level] = node;
		if (!level)
			return true;
		node = node->slots[id_index_slot(index, level)];
		if (!node)
			return false;
	}
}

/* Make the tree one level higher, with room for its first new index. */
static int id_table_grow(struct id_table *table)
{
	struct id_node *root, *chain;

	if (!table->root) {
		table->root = node_alloc_chain(0);
		if (!table->root)
			return -ENOMEM;
		id_table_set_height(table, 1);
		return 0;
	}
	root = mem_alloc(sizeof(*root));
	if (!root)
		return -ENOMEM;
	chain = node_alloc_chain(table->height - 1);
	if (!chain) {
		mem_free(root);
		return -ENOMEM;
	}
	root->slots[0] = table->root;
	root->slots[1] = chain;
	root->n_slots = 2;
	root->full = 1;
	table->root = root;
	id_table_set_height(table, table->height + 1);
	return 0;
}

/* Find the lowest free index; makes the nodes to it. */
static int id_table_lowest_free(struct id_table *table, struct id_path *path,
				__u32 *index)
{
	struct id_node *node = table->root;
	unsigned int level = table->height;
	unsigned int slot;

	*index = 0;
	for (;;) {
		path->nodes[--level] = node;
		slot = (unsigned int)__builtin_ctzll(~node->full);
		*index |= slot << (level * NODE_LG2);
		if (!level)
			return 0;
		if (!node->slots[slot]) {
			node->slots[slot] = node_alloc_chain(level - 1);
			if (!node->slots[slot])
				return -ENOMEM;
			node->n_slots++;
		}
		node = node->slots[slot];
	}
}

static void id_path_mark_taken(struct id_path *path, __u32 index,
			       unsigned int height)
{
	unsigned int level;

	path->nodes[0]->n_slots++;
	for (level = 0; level < height; level++) {
		path->nodes[level]->full |= (__u64)1
					    << id_index_slot(index, level);
		if (path->nodes[level]->full != NODE_FULL)
			break;
	}
}

int id_table_reserve(struct id_table *table, __u32 *id)
{
	struct id_path path;
	__u32 index;
	int err;

	if (fault_inject(FAULT_ID) || table->n_ids == ID_MAX)
		return -ENOMEM;
	if (!table->root || table->root->full == NODE_FULL) {
		err = id_table_grow(table);
		if (err)
			return err;
	}
	err = id_table_lowest_free(table, &path, &index);
	if (err)
		return err;
	id_path_mark_taken(&path, index, table->height);
	table->n_ids++;
	*id = index + 1;
	return 0;
}

static bool leaf_is_taken(const struct id_node *leaf, __u32 index)
{
	return leaf->full >> id_index_slot(index, 0) & 1;
}

void id_table_publish(struct id_table *table, __u32 id, void *object)
{
	struct id_path path;
	__u32 index = id - 1;

	if (warn_on(!id_table_walk(table, index, &path)) ||
	    warn_on(!leaf_is_taken(path.nodes[0], index)))
		return;
	path.nodes[0]->slots[id_index_slot(index, 0)] = object;
}

/* Drop levels that the remaining IDs do not need. */
static void id_table_shrink(struct id_table *table)
{
	struct id_node *root;

	while (table->root && table->height > 1) {
		root = table->root;
		if (root->n_slots != 1 || !root->slots[0])
			break;
		table->root = root->slots[0];
		id_table_set_height(table, table->height - 1);
		mem_free(root);
	}
	if (table->root && !table->root->n_slots) {
		mem_free(table->root);
		table->root = NULL;
		id_table_set_height(table, 0);
	}
}

void id_table_remove(struct id_table *table, __u32 id)
{
	struct id_path path;
	__u32 index = id - 1;
	unsigned int level, slot;
	struct id_node *node;

	if (warn_on(!id_table_walk(table, index, &path)) ||
	    warn_on(!leaf_is_taken(path.nodes[0], index)))
		return;
	table->n_ids--;
	node = NULL;
	for (level = 0; level < table->height; level++) {
		slot = id_index_slot(index, level);
		path.nodes[level]->full &= ~((__u64)1 << slot);
		/* The level below, if it has become empty, or the ID itself. */
		if (!level || !node->n_slots) {
			mem_free(node);
			path.nodes[level]->slots[slot] = NULL;
			path.nodes[level]->n_slots--;
		}
		node = path.nodes[level];
	}
	id_table_shrink(table);
}

/* The first object of a subtree at or after *@index, of this subtree. */
static void *node_next(const struct id_node *node, unsigned int level,
		       __u64 *index)
{
	__u64 step = (__u64)1 << (level * NODE_LG2);
	unsigned int slot = id_index_slot((__u32)*index, level);
	void *object;

	for (; slot < NODE_N_SLOTS; slot++) {
		object = node->slots[slot];
		if (object && level)
			object = node_next(object, level - 1, index);
		if (object)
			return object;
		/* A child that was searched has moved *@index to its end. */
		if (!node->slots[slot] || !level)
			*index = (*index | (step - 1)) + 1;
	}
	return NULL;
}

void *id_table_next(const struct id_table *table, __u32 *id)
{
	__u64 index = *id ? *id - 1 : 0;
	void *object;

	if (!table->root || index > height_last(table->height))
		return NULL;
	object = node_next(table->root, table->height - 1, &index);
	if (object)
		*id = (__u32)index + 1;
	return object;
}
