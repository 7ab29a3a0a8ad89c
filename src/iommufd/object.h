/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects: what an ID of a context names.
 *
 * Life of an object: reserved (it has its ID, nobody finds it), published
 * (found by its ID), removed (nobody finds it any more), destroyed. The table
 * itself counts as one reference; whoever else uses the object, for the time
 * of an ioctl or for as long as it is attached, has one more.
 */
#ifndef IOMMUFD_OBJECT_H
#define IOMMUFD_OBJECT_H

#include <stdatomic.h>
#include "base/idtable.h"
#include "base/lock.h"

struct object;

/**
 * struct object_ops - a type of object; its address is the type's identity
 * @name: for people
 * @destroy: free the object. Called once, when nobody can reach it any more;
 *	never fails. Context: no lock of rank ioas or above is held
 */
struct object_ops {
	const char *name;
	void (*destroy)(struct object *object);
};

/**
 * struct object - embedded first in every object of a context
 * @ops: its type
 * @n_refs: the table's, and one for each user. Grows under the table's lock
 *	only, so that a count of one, seen under the lock, stays one
 * @id: its number
 */
struct object {
	const struct object_ops *ops;
	atomic_uint n_refs;
	__u32 id;
};

/**
 * struct object_table - the objects of one context
 * @lock: guards @ids; rank leaf, so it may be taken below every other lock
 * @ids: by number
 */
struct object_table {
	struct lock lock;
	struct id_table ids;
};

void object_table_init(struct object_table *table);

/* Destroys all objects, those that nobody refers to first. */
void object_table_deinit(struct object_table *table);

/* Return: 0 and @object has an ID that nobody finds yet; or -ENOMEM. */
int object_reserve(struct object_table *table, struct object *object,
		   const struct object_ops *ops);

/* Let the ID of a reserved object be found. Cannot fail. */
void object_publish(struct object_table *table, struct object *object);

/* Give the ID of a reserved object back. The caller frees the object. */
void object_abort(struct object_table *table, struct object *object);

/* One more reference; the caller has one already, or the ID's lock. */
static inline void object_ref(struct object *object)
{
	atomic_fetch_add_explicit(&object->n_refs, 1, memory_order_relaxed);
}

/**
 * object_get() - find an object and keep it
 * @ops: the type wanted, or NULL for any
 *
 * Return: the object with one more reference, or NULL.
 */
static inline struct object *object_get(struct object_table *table, __u32 id,
					const struct object_ops *ops)
{
	struct object *object;

	lock_acquire(&table->lock);
	object = id_table_find(&table->ids, id);
	if (unlikely(object && ops && object->ops != ops))
		object = NULL;
	if (likely(object))
		object_ref(object);
	lock_release(&table->lock);
	return object;
}

/* The last reference is the table's and is never put. */
static inline void object_put(struct object *object)
{
	atomic_fetch_sub_explicit(&object->n_refs, 1, memory_order_release);
}

/**
 * object_destroy() - what a program's DESTROY does
 * Return: 0, -ENOENT, or -EBUSY when anybody else refers to the object.
 */
int object_destroy(struct object_table *table, __u32 id);

/**
 * object_remove() - nobody finds the object any more
 * @n_refs: references of the caller, given up by this call
 *
 * Waits for ioctls that are using the object. The caller then destroys it.
 * Context: holds no lock that such an ioctl takes.
 */
void object_remove(struct object_table *table, struct object *object,
		   unsigned int n_refs);

#endif /* IOMMUFD_OBJECT_H */
