/* SPDX-License-Identifier: BSD-3-Clause */
/* What Linux says about the address space of this process. */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "base/compiler.h"

enum vma_flags {
	VMA_READ = 1,
	VMA_WRITE = 2,
	VMA_EXEC = 4,
	VMA_SHARED = 8,
};

/**
 * struct vma - one virtual memory area
 * @start: first address
 * @end: behind the last one
 * @flags: enum vma_flags
 */
struct vma {
	__u64 start;
	__u64 end;
	__u64 flags;
};

/**
 * vma_find() - the area that covers an address
 *
 * Return: 0, -ENOENT when nothing is mapped there, or -errno.
 */
int vma_find(__u64 address, struct vma *vma);

/**
 * vma_check() - may every byte of a range be used?
 *
 * Return: 0, or -EFAULT when a byte is not mapped or refuses the access.
 */
int vma_check(__u64 start, __u64 last, bool is_writable);

/* The child of a fork looks at its own address space. */
void vma_after_fork_child(void);

#endif /* MM_VMA_H */
