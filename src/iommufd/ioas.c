/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of an address space, its alignment, and the commands about ranges.
 *
 * Areas are pinned exactly while @n_pinning is not zero. The memory owner of
 * the space is told of moved memory in the same time and no longer.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "base/fault.h"
#include "base/mem.h"
#include "base/uaccess.h"
#include "iommufd/area.h"
#include "iommufd/command.h"
#include "iommufd/hwpt.h"
#include "iommufd/ioas.h"
#include "iommufd/reserved.h"

static inline struct ioas *to_ioas(struct object *object)
{
	return container_of(object, struct ioas, object);
}

struct ioas *ioas_get(struct iommufd_ctx *ctx, __u32 id)
{
	struct object *object = object_get(&ctx->objects, id, &ioas_ops);

	return object ? to_ioas(object) : NULL;
}

struct ioas *ioas_next(struct iommufd_ctx *ctx, __u32 *id)
{
	struct object_table *objects = &ctx->objects;
	struct object *object;

	lock_acquire(&objects->lock);
	while ((object = id_table_next(&objects->ids, id)) &&
	       object->ops != &ioas_ops)
		++*id;
	if (object)
		object_ref(object);
	lock_release(&objects->lock);
	return object ? to_ioas(object) : NULL;
}

static struct ioas *ioas_create(struct iommufd_ctx *ctx)
{
	struct ioas *ioas = mem_alloc(sizeof(*ioas));

	if (!ioas)
		return NULL;
	ioas->space = iommu_space_create();
	if (!ioas->space)
		goto err_free;
	if (object_reserve(&ctx->objects, &ioas->object, &ioas_ops))
		goto err_space;
	ioas->ctx = ctx;
	ioas->alignment = 1;
	list_init(&ioas->hwpts);
	lock_init(&ioas->lock, LOCK_RANK_IOAS);
	return ioas;

err_space:
	iommu_space_destroy(ioas->space);
err_free:
	mem_free(ioas);
	return NULL;
}

/* Unless it was set to another one meanwhile. */
static void vfio_ioas_forget(struct ioas *ioas)
{
	struct iommufd_ctx *ctx = ioas->ctx;

	lock_acquire(&ctx->objects.lock);
	if (ctx->vfio_ioas == ioas)
		ctx->vfio_ioas = NULL;
	lock_release(&ctx->objects.lock);
}

static void ioas_destroy(struct object *object)
{
	struct ioas *ioas = to_ioas(object);

	/* Nobody sets it to an address space that is not found any more. */
	if (atomic_load(&ioas->ctx->vfio_ioas) == ioas)
		vfio_ioas_forget(ioas);

	lock_acquire(&ioas->lock);
	if (iommu_space_n_maps(ioas->space))
		area_remove_all_locked(ioas);
	reserved_clear_locked(ioas);
	lock_release(&ioas->lock);
	slab_destroy(ioas->area_slab);
	iommu_space_destroy(ioas->space);
	lock_deinit(&ioas->lock);
	mem_free(ioas);
}

const struct object_ops ioas_ops = {
	.name = "ioas",
	.destroy = ioas_destroy,
};

static __u64 lowest_bit(__u64 bits)
{
	return bits & -bits;
}

int ioas_set_alignment_locked(struct ioas *ioas, __u64 pgsizes)
{
	__u64 alignment = pgsizes ? lowest_bit(pgsizes) : 1;
	struct hwpt *hwpt;
	int rc = 0;

	lock_assert_held(&ioas->lock);
	list_for_each_entry(hwpt, &ioas->hwpts, entry) {
		pgsizes = iommu_domain_geometry(hwpt->domain)->pgsizes;
		if (lowest_bit(pgsizes) > alignment)
			alignment = lowest_bit(pgsizes);
	}
	if (ioas->huge_pages_off && alignment < MM_PAGE_LEN)
		alignment = MM_PAGE_LEN;
	if (alignment > ioas->alignment)
		rc = area_check_alignment_locked(ioas, alignment);
	if (!rc)
		ioas->alignment = alignment;
	return rc;
}

int ioas_start_pinning_locked(struct ioas *ioas)
{
	struct mm_owner *owner = iommu_space_memory_owner(ioas->space);
	int rc;

	lock_assert_held(&ioas->lock);
	if (!ioas->n_pinning) {
		iommu_space_forget_moves(ioas->space);
		/* First, so that no move of pinned memory is missed. */
		mm_owner_add(owner);
		rc = area_pin_all_locked(ioas);
		if (rc) {
			mm_owner_remove(owner);
			return rc;
		}
	}
	ioas->n_pinning++;
	return 0;
}

void ioas_stop_pinning_locked(struct ioas *ioas)
{
	lock_assert_held(&ioas->lock);
	if (--ioas->n_pinning)
		return;
	area_unpin_all_locked(ioas);
	mm_owner_remove(iommu_space_memory_owner(ioas->space));
}

int ioas_alloc_ioctl(struct command *command)
{
	struct iommu_ioas_alloc *args = command->args;
	struct ioas *ioas;

	if (args->flags)
		return -EOPNOTSUPP;
	ioas = ioas_create(command->ctx);
	if (!ioas)
		return -ENOMEM;
	command->new_object = &ioas->object;
	args->out_ioas_id = ioas->object.id;
	return command_reply(command, sizeof(*args));
}

int ioas_iova_ranges_ioctl(struct command *command)
{
	struct iommu_ioas_iova_ranges *args = command->args;
	__u32 capacity = args->num_iovas;
	struct reserved_gaps gaps;
	struct ioas *ioas;
	int rc;

	if (args->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_get(command->ctx, args->ioas_id);
	if (!ioas)
		return -ENOENT;
	lock_acquire(&ioas->lock);
	rc = reserved_get_gaps_locked(ioas, &gaps);
	args->out_iova_alignment = ioas->alignment;
	lock_release(&ioas->lock);
	ioas_put(ioas);
	if (rc)
		return rc;

	args->num_iovas = gaps.n;
	if (capacity > gaps.n)
		capacity = gaps.n;
	rc = copy_to_user((void *)(uintptr_t)args->allowed_iovas, gaps.ranges,
			  capacity * sizeof(gaps.ranges[0]));
	if (!rc)
		rc = command_reply(command, sizeof(*args));
	if (!rc && gaps.n > capacity)
		rc = -EMSGSIZE;
	mem_free(gaps.ranges);
	return rc;
}

int ioas_allow_iovas_ioctl(struct command *command)
{
	const struct iommu_ioas_allow_iovas *args = command->args;
	struct interval_tree list = { NULL };
	struct ioas *ioas;
	int rc;

	if (args->__reserved)
		return -EOPNOTSUPP;
	ioas = ioas_get(command->ctx, args->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = allowed_read(&list, args->allowed_iovas, args->num_iovas);
	if (!rc) {
		lock_acquire(&ioas->lock);
		rc = allowed_replace_locked(ioas, &list);
		lock_release(&ioas->lock);
	}
	/* The new list when it was refused, else the one it replaced. */
	allowed_free(&list);
	ioas_put(ioas);
	return rc;
}
