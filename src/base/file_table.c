/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The library's own descriptor table: numbers that no kernel gives, so that
 * an embedding program can pass them in ioctl structures, where descriptors
 * stand, without a descriptor of its own behind each.
 *
 * The lowest free number is given first, as with descriptors.
 */
#include <errno.h>
#include <limits.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/file_table.h"
#include "base/idtable.h"
#include "base/lock.h"

#define FILE_NUMBER_FIRST 0x40000000
/* IDs begin at 1. */
#define FILE_NUMBER_BASE (FILE_NUMBER_FIRST - 1)

/* files is guarded by file_table_lock. */
static struct lock file_table_lock = LOCK_INITIALIZER(LOCK_RANK_LEAF);
static struct id_table files;

struct file *file_table_get(int fd)
{
	struct file *file = NULL;

	if (fd < FILE_NUMBER_FIRST)
		return NULL;
	lock_acquire(&file_table_lock);
	file = id_table_find(&files, (__u32)(fd - FILE_NUMBER_BASE));
	if (file)
		file_get(file);
	lock_release(&file_table_lock);
	return file;
}

int file_table_install(struct file *file, int flags)
{
	__u32 id;
	int err;

	/* Nothing is ever executed with such a number: no O_CLOEXEC to keep. */
	(void)flags;
	if (fault_inject(FAULT_FD))
		return -EMFILE;
	lock_acquire(&file_table_lock);
	err = id_table_reserve(&files, &id);
	if (!err && id > INT_MAX - FILE_NUMBER_BASE) {
		id_table_remove(&files, id);
		err = -EMFILE;
	}
	if (!err)
		id_table_publish(&files, id, file);
	lock_release(&file_table_lock);
	return err ? err : FILE_NUMBER_BASE + (int)id;
}

int file_uninstall(int fd)
{
	struct file *file = NULL;
	__u32 id;

	if (fd < FILE_NUMBER_FIRST)
		return -EBADF;
	id = (__u32)(fd - FILE_NUMBER_BASE);
	lock_acquire(&file_table_lock);
	file = id_table_find(&files, id);
	if (file)
		id_table_remove(&files, id);
	lock_release(&file_table_lock);
	if (!file)
		return -EBADF;
	file_put(file);
	return 0;
}

lock_unchecked void file_table_fork_prepare(void)
{
	lock_acquire(&file_table_lock);
}

lock_unchecked void file_table_fork_parent(void)
{
	lock_release(&file_table_lock);
}

void file_table_fork_child(void)
{
	lock_after_fork_child(&file_table_lock);
}
