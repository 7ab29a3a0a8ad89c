/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of a context's objects. All types share one space of numbers.
 *
 * References are taken under the table's lock and given up without it: the
 * thread that sees a count of one under the lock is the only one left.
 */
#include <errno.h>
#include <time.h>
#include "base/log.h"
#include "iommufd/object.h"

void object_table_init(struct object_table *table)
{
	lock_init(&table->lock, LOCK_RANK_LEAF);
	id_table_init(&table->ids);
}

/* The acquire pairs with the release of the last user's object_put(). */
static bool object_is_unused(struct object *object)
{
	return atomic_load_explicit(&object->n_refs, memory_order_acquire) == 1;
}

/* Return: how many objects were destroyed. */
static unsigned int object_table_sweep(struct object_table *table)
{
	unsigned int n_destroyed = 0;
	struct object *object;
	__u32 id = 1;

	while ((object = id_table_next(&table->ids, &id))) {
		if (object_is_unused(object)) {
			id_table_remove(&table->ids, id);
			object->ops->destroy(object);
			n_destroyed++;
		}
		if (id == ID_MAX)
			break;
		id++;
	}
	return n_destroyed;
}

void object_table_deinit(struct object_table *table)
{
	/*
	 * An object goes after those that refer to it. The file is closed, so
	 * nobody else is here, and destroy ops are free to take the lock.
	 */
	while (object_table_sweep(table))
		;
	warn_on(table->ids.n_ids);
	id_table_deinit(&table->ids);
	lock_deinit(&table->lock);
}

int object_reserve(struct object_table *table, struct object *object,
		   const struct object_ops *ops)
{
	int rc;

	object->ops = ops;
	atomic_init(&object->n_refs, 1);
	lock_acquire(&table->lock);
	rc = id_table_reserve(&table->ids, &object->id);
	lock_release(&table->lock);
	return rc;
}

void object_publish(struct object_table *table, struct object *object)
{
	lock_acquire(&table->lock);
	id_table_publish(&table->ids, object->id, object);
	lock_release(&table->lock);
}

void object_abort(struct object_table *table, struct object *object)
{
	lock_acquire(&table->lock);
	id_table_remove(&table->ids, object->id);
	lock_release(&table->lock);
}

int object_destroy(struct object_table *table, __u32 id)
{
	struct object *object;
	int rc = 0;

	lock_acquire(&table->lock);
	object = id_table_find(&table->ids, id);
	if (!object)
		rc = -ENOENT;
	else if (!object_is_unused(object))
		rc = -EBUSY;
	else
		id_table_remove(&table->ids, id);
	lock_release(&table->lock);
	if (!rc)
		object->ops->destroy(object);
	return rc;
}

void object_remove(struct object_table *table, struct object *object,
		   unsigned int n_refs)
{
	const struct timespec pause = { .tv_nsec = 20000 };

	lock_acquire(&table->lock);
	id_table_remove(&table->ids, object->id);
	lock_release(&table->lock);
	atomic_fetch_sub_explicit(&object->n_refs, n_refs,
				  memory_order_release);
	/* Only an ioctl that runs right now can be in the way. */
	while (!object_is_unused(object))
		nanosleep(&pause, NULL);
}
