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

struct id_node;

/**
 * struct id_table - IDs and what they name
 * @root: top of a 64-way tree whose nodes know which of their IDs are taken
 * @height: levels below the root
 * @n_ids: IDs taken
 */
struct id_table {
	struct id_node *root;
	unsigned int height;
	__u32 n_ids;
};

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
void *id_table_find(const struct id_table *table, __u32 id);

/* Return: the published object with the lowest ID >= *@id, which is updated. */
void *id_table_next(const struct id_table *table, __u32 *id);

#endif /* BASE_IDTABLE_H */
