/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a mapping may go: the checks that MAP, MAP_FILE and COPY share. */
#include <errno.h>
#include "base/fault.h"
#include "base/overflow.h"
#include "iommufd/area.h"
#include "iommufd/mapping.h"
#include "iommufd/reserved.h"

/* The program's own choice, but for areas that are there. */
static int mapping_check_fixed(const struct ioas *ioas,
			       const struct mapping *mapping)
{
	__u64 last;

	if (!is_aligned(mapping->iova, ioas->alignment))
		return -EINVAL;
	if (range_last(mapping->iova, mapping->len, &last))
		return -EOVERFLOW;
	if (guard_holds(GUARD_RESERVED_IOVA) &&
	    reserved_meets_locked(ioas, mapping->iova, last))
		return -EINVAL;
	return 0;
}

int mapping_place_slowly_locked(struct ioas *ioas, __u32 flags,
				struct mapping *mapping)
{
	bool is_fixed = flags & IOMMU_IOAS_MAP_FIXED_IOVA;
	__u64 len = mapping->len;
	int rc;

	lock_assert_held(&ioas->lock);
	if (!len || len > MAPPING_NUMBER_MAX - MM_PAGE_LEN)
		return -EINVAL;
	if (!is_aligned(len, ioas->alignment))
		return -EINVAL;
	if (is_fixed)
		rc = mapping_check_fixed(ioas, mapping);
	else
		rc = reserved_find_place_locked(ioas, mapping->offset, len,
						&mapping->iova);
	if (rc || ioas->alignment == 1)
		return rc;
	/*
	 * Without a domain the insertion finds an overlap soon enough. Here
	 * it has to be found before what else may be wrong.
	 */
	if (is_fixed && iommu_space_first(ioas->space, mapping->iova,
					  mapping->iova + (len - 1)))
		return -EEXIST;
	if (!is_aligned(mapping->offset % MM_PAGE_LEN, ioas->alignment))
		return -EINVAL;
	return 0;
}

void mapping_undo(struct ioas *ioas, iova_t iova, __u64 len)
{
	__u64 n_bytes;

	area_unmap(ioas, iova, iova + (len - 1), &n_bytes);
}
