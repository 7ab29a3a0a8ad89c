/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MAP, MAP_FILE and UNMAP: decode, then perform.
 *
 * The order of the checks is the ABI's: a program that does two things wrong
 * gets the errno that Linux gives. A mapping whose reply cannot be written
 * back is undone, since the program would not learn of it.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "base/err.h"
#include "base/overflow.h"
#include "iommufd/area.h"
#include "iommufd/command.h"
#include "iommufd/mapping.h"

/**
 * map_perform() - make one area, and say where
 * @iova: in the command's arguments
 *
 * Return: 0 and the reference of the mapping's source is taken; or -errno
 * and it is not.
 */
static always_inline int map_perform(struct ioas *ioas, __u32 flags,
				     struct mapping *mapping, __u64 *iova)
{
	int rc;

	lock_acquire(&ioas->lock);
	rc = mapping_place_locked(ioas, flags, mapping);
	if (likely(!rc)) {
		if (likely(!ioas->n_pinning)) {
			rc = area_insert_locked(ioas, mapping);
		} else {
			mm_limbo_enter();
			rc = area_insert_locked(ioas, mapping);
			mm_limbo_exit();
		}
	}
	lock_release(&ioas->lock);
	*iova = mapping->iova;
	return rc;
}

int ioas_map_ioctl(struct command *command)
{
	struct iommu_ioas_map *args = command->args;
	struct mapping mapping;
	struct ioas *ioas;
	__u64 end;
	int rc;

	if (args->flags & ~MAPPING_FLAGS || args->__reserved)
		return -EOPNOTSUPP;
	if (args->iova == MAPPING_NUMBER_MAX ||
	    args->length == MAPPING_NUMBER_MAX)
		return -EOVERFLOW;
	mapping.prot = mapping_prot(args->flags);
	if (!mapping.prot)
		return -EINVAL;
	ioas = ioas_get(command->ctx, args->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = -EOVERFLOW;
	if (add_overflow(args->user_va, args->length, &end))
		goto out_put;
	mapping.source = (uintptr_t)mm_process();
	mapping.address = 0;
	mapping.offset = args->user_va;
	mapping.len = args->length;
	mapping.iova = args->iova;
	rc = map_perform(ioas, args->flags, &mapping, &args->iova);
	if (rc)
		goto out_put;
	rc = command_reply(command, sizeof(*args));
	if (rc)
		mapping_undo(ioas, mapping.iova, mapping.len);
out_put:
	ioas_put(ioas);
	return rc;
}

/* The part of MAP_FILE that has the address space and good arguments. */
static int map_file(struct command *command, struct ioas *ioas)
{
	struct iommu_ioas_map_file *args = command->args;
	struct mapping mapping = {
		.offset = args->start,
		.len = args->length,
		.iova = args->iova,
		.prot = mapping_prot(args->flags),
	};
	struct mm_memory *memory;
	__u64 last;
	int rc;

	if (!args->length)
		return -EINVAL;
	if (range_last(args->start, args->length, &last))
		return -EOVERFLOW;
	memory = mm_file_get(args->fd);
	if (is_err(memory))
		return ptr_err(memory);
	mapping.source = (uintptr_t)memory;
	rc = map_perform(ioas, args->flags, &mapping, &args->iova);
	if (rc) {
		mm_memory_put(memory);
		return rc;
	}
	rc = command_reply(command, sizeof(*args));
	if (rc)
		mapping_undo(ioas, mapping.iova, mapping.len);
	return rc;
}

int ioas_map_file_ioctl(struct command *command)
{
	const struct iommu_ioas_map_file *args = command->args;
	struct ioas *ioas;
	int rc;

	if (args->flags & ~MAPPING_FLAGS)
		return -EOPNOTSUPP;
	if (args->iova == MAPPING_NUMBER_MAX ||
	    args->length == MAPPING_NUMBER_MAX)
		return -EOVERFLOW;
	if (!mapping_prot(args->flags))
		return -EINVAL;
	ioas = ioas_get(command->ctx, args->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = map_file(command, ioas);
	ioas_put(ioas);
	return rc;
}

/* What UNMAP takes as "everything". */
static bool unmap_is_all(const struct iommu_ioas_unmap *args)
{
	return !args->iova && args->length == MAPPING_NUMBER_MAX;
}

static int unmap_check(const struct iommu_ioas_unmap *args, __u64 *last)
{
	*last = MAPPING_NUMBER_MAX;
	if (unmap_is_all(args))
		return 0;
	if (args->iova == MAPPING_NUMBER_MAX ||
	    args->length == MAPPING_NUMBER_MAX)
		return -EOVERFLOW;
	if (!args->length)
		return -EINVAL;
	return range_last(args->iova, args->length, last) ? -EOVERFLOW : 0;
}

int ioas_unmap_ioctl(struct command *command)
{
	struct iommu_ioas_unmap *args = command->args;
	struct ioas *ioas;
	__u64 n_bytes;
	__u64 last;
	int rc;

	ioas = ioas_get(command->ctx, args->ioas_id);
	if (!ioas)
		return -ENOENT;
	rc = unmap_check(args, &last);
	if (rc)
		goto out_put;
	rc = area_unmap(ioas, args->iova, last, &n_bytes);
	if (rc)
		goto out_put;
	rc = -ENOENT;
	if (!n_bytes && !unmap_is_all(args))
		goto out_put;
	args->length = n_bytes;
	rc = command_reply(command, sizeof(*args));
out_put:
	ioas_put(ioas);
	return rc;
}
