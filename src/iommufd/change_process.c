/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOAS_CHANGE_PROCESS: the caller takes all mappings of a context over.
 *
 * A context serves the process that opened it and no other, so the caller has
 * them already. What is left of the command is its condition: memory that is
 * an address in a process cannot be taken over, only that of files can.
 */
#include <linux/iommufd.h>
#include <errno.h>
#include "iommufd/area.h"
#include "iommufd/command.h"
#include "iommufd/ioas.h"

static bool area_is_of_file(const struct area *area)
{
	return mm_memory_is_file(area_is_shared(area)
					 ? area_pages(area)->memory
					 : (struct mm_memory *)area->source);
}

static bool ioas_is_of_files(struct ioas *ioas)
{
	struct iommu_map *map;

	lock_acquire(&ioas->lock);
	map = iommu_space_first(ioas->space, 0, MAPPING_NUMBER_MAX);
	while (map && area_is_of_file(to_area(map)))
		map = iommu_space_next(ioas->space, map, MAPPING_NUMBER_MAX);
	lock_release(&ioas->lock);
	return !map;
}

int ioas_change_process_ioctl(struct command *command)
{
	const struct iommu_ioas_change_process *args = command->args;
	struct ioas *ioas;
	int rc = 0;

	if (args->__reserved)
		return -EOPNOTSUPP;
	for (__u32 id = 1; !rc && (ioas = ioas_next(command->ctx, &id)); id++) {
		if (!ioas_is_of_files(ioas))
			rc = -EINVAL;
		ioas_put(ioas);
	}
	return rc;
}
