/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which IOVAs of an address space may be used: reserved ranges, allowed
 * ranges, and the choice of a place that fits both.
 */
#ifndef IOMMUFD_RESERVED_H
#define IOMMUFD_RESERVED_H

#include "base/interval.h"
#include "base/list.h"

struct ioas;
struct iommu_iova_range;

/**
 * reserved_add_locked() - nobody can use these IOVAs
 * @owner: whom reserved_remove_locked() names
 *
 * Return: 0, -ENOMEM, or -EADDRINUSE when an area or an allowed range meets
 * the range.
 */
int reserved_add_locked(struct ioas *ioas, __u64 start, __u64 last,
			const void *owner);

/* Remove all ranges of an owner. */
void reserved_remove_locked(struct ioas *ioas, const void *owner);

/* The end of the address space: remove reserved and allowed ranges. */
void reserved_clear_locked(struct ioas *ioas);

/* Return: true when a reserved range meets the range. */
bool reserved_meets_locked(const struct ioas *ioas, __u64 start, __u64 last);

/**
 * struct reserved_gaps - what is not reserved
 * @ranges: ascending; to be freed by mem_free()
 * @n: their number
 */
struct reserved_gaps {
	struct iommu_iova_range *ranges;
	__u32 n;
};

/* Return: 0 or -ENOMEM. */
int reserved_get_gaps_locked(const struct ioas *ioas,
			     struct reserved_gaps *gaps);

/**
 * allowed_read() - copy a program's list of allowed ranges in
 * @list: empty; holds what was read so far on failure too
 * @ranges: address of the program's array, unchecked
 * @n: its length
 *
 * Return: 0, -EFAULT, -ENOMEM, or -EINVAL when a range has no two bytes or
 * meets an earlier one.
 */
int allowed_read(struct interval_tree *list, __u64 ranges, __u32 n);

/**
 * allowed_replace_locked() - exchange the allowed ranges with a list
 * Return: 0, or -EADDRINUSE when a reserved range meets it (nothing changed).
 */
int allowed_replace_locked(struct ioas *ioas, struct interval_tree *list);

void allowed_free(struct interval_tree *list);

/**
 * reserved_find_place_locked() - choose IOVAs for a mapping
 * @address: where its memory is: the place has the same offset in a page and,
 *	up to 2 MiB, as good an alignment
 * @len: bytes, at least 1
 * @iova: the lowest suitable place
 *
 * Return: 0, -EOVERFLOW for an absurd length, -EINVAL when the memory is less
 * aligned than the address space asks for, -ENOSPC.
 */
int reserved_find_place_locked(struct ioas *ioas, __u64 address, __u64 len,
			       __u64 *iova);

#endif /* IOMMUFD_RESERVED_H */
