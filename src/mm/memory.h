/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory providers: this process, and files. */
#ifndef MM_MEMORY_H
#define MM_MEMORY_H

#include <sys/types.h>
#include "base/list.h"
#include "mm/mm.h"

/**
 * struct mm_memory - whose memory
 * @entry: list of files; of this process: unused
 * @n_refs: for a file; guarded by the mm lock
 * @fd: our descriptor of the file, -1 for this process
 * @dev, @inode: which file
 * @is_writable: @fd was opened for writing
 * @windows: mappings of the file in this process
 */
struct mm_memory {
	struct list_head entry;
	unsigned int n_refs;
	int fd;
	dev_t dev;
	ino_t inode;
	bool is_writable;
	struct list_head windows;
};

/**
 * memory_file_address() - where a range of a file is in this process
 *
 * Maps it when no window covers it. Context: mm lock held.
 * Return: 0, -EINVAL (not a kind of file that can be pinned, or beyond its
 * end), -EFAULT (not writable), -ENOMEM.
 */
int memory_file_address(struct mm_memory *memory, __u64 offset, __u64 len,
			bool is_writable, uintptr_t *address);

#endif /* MM_MEMORY_H */
