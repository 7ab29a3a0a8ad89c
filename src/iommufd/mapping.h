/* SPDX-License-Identifier: BSD-3-Clause */
/* A mapping that a program asks for, before it is an area. */
#ifndef IOMMUFD_MAPPING_H
#define IOMMUFD_MAPPING_H

#include <linux/iommufd.h>
#include "base/compiler.h"
#include "base/overflow.h"
#include "iommu/iommu.h"
#include "iommufd/ioas.h"
#include "mm/mm.h"

/* What MAP, MAP_FILE and COPY take. */
#define MAPPING_FLAGS                                                   \
	((__u32)(IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | \
		 IOMMU_IOAS_MAP_READABLE))

/* No address or length of a program may be the highest number. */
#define MAPPING_NUMBER_MAX (~(__u64)0)

/**
 * struct mapping - an area to be
 * @source: as in struct area; the reference passes over on success
 * @offset: of the first byte in the memory
 * @len: bytes
 * @iova: where
 * @prot: enum iommu_prot
 * @address: where the memory is, when the caller knows it to be pinned; or 0
 */
struct mapping {
	uintptr_t source;
	__u64 offset;
	__u64 len;
	iova_t iova;
	__u8 prot;
	uintptr_t address;
};

/* Return: enum iommu_prot of a command's flags; 0 is refused by its caller. */
static inline __u8 mapping_prot(__u32 flags)
{
	return (__u8)((flags & IOMMU_IOAS_MAP_READABLE ? IOMMU_READ : 0) |
		      (flags & IOMMU_IOAS_MAP_WRITEABLE ? IOMMU_WRITE : 0));
}

/* The rest of mapping_place_locked(), which is to be called. */
int mapping_place_slowly_locked(struct ioas *ioas, __u32 flags,
				struct mapping *mapping);

/**
 * mapping_place_locked() - settle where a mapping goes
 * @flags: the command's
 * @mapping: len and offset are set; iova is, if @flags fix it
 *
 * Overlap with an area may be left for the insertion to find.
 *
 * Return: 0, -EINVAL, -EOVERFLOW, -EEXIST, -ENOSPC.
 */
static always_inline int mapping_place_locked(struct ioas *ioas, __u32 flags,
					      struct mapping *mapping)
{
	__u64 last;

	/* Without devices an address that the program chose is nearly free. */
	if (flags & IOMMU_IOAS_MAP_FIXED_IOVA && ioas->alignment == 1 &&
	    !ioas->reserved.root &&
	    mapping->len - 1 < MAPPING_NUMBER_MAX - MM_PAGE_LEN &&
	    !range_last(mapping->iova, mapping->len, &last))
		return 0;
	return mapping_place_slowly_locked(ioas, flags, mapping);
}

/* Remove a mapping that the program cannot be told of. */
void mapping_undo(struct ioas *ioas, iova_t iova, __u64 len);

#endif /* IOMMUFD_MAPPING_H */
