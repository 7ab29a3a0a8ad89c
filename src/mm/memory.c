/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory providers.
 *
 * This process is one object that is always there; an offset in it is an
 * address. A file is one object however often it is named: its windows are
 * mappings of ours that reach from its start to its end, or to the end of
 * what was asked, so the number of mappings is that of the files and not that
 * of the ranges. A window lives until the last reference of its file is gone.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "mm/internal.h"
#include "mm/memory.h"

/* linux/magic.h */
#define TMPFS_TYPE 0x01021994
#define HUGETLBFS_TYPE 0x958458f6

/* A file is mapped in steps, so that one that grows needs few windows. */
#define WINDOW_STEP (1ULL << 30)

/**
 * struct window - a mapping of the first bytes of a file
 * @entry: of struct mm_memory
 * @start: its address
 * @len: its bytes
 */
struct window {
	struct list_head entry;
	char *start;
	size_t len;
};

static struct mm_memory process_memory = { .fd = -1 };

struct mm_memory *mm_process(void)
{
	return &process_memory;
}

bool mm_memory_is_file(const struct mm_memory *memory)
{
	return memory->fd >= 0;
}

static struct mm_memory *memory_find_file(const struct stat *st,
					  bool is_writable)
{
	struct mm_memory *memory;

	list_for_each_entry(memory, &mm_state.files, entry)
		if (memory->dev == st->st_dev && memory->inode == st->st_ino &&
		    memory->is_writable == is_writable)
			return memory;
	return NULL;
}

static struct mm_memory *memory_create_file(int fd, const struct stat *st,
					    bool is_writable)
{
	struct mm_memory *memory = mem_alloc(sizeof(*memory));

	if (!memory)
		return err_ptr(-ENOMEM);
	fd = fd_claim_dup(fd);
	if (fd < 0) {
		mem_free(memory);
		return err_ptr(fd);
	}
	memory->fd = fd;
	memory->dev = st->st_dev;
	memory->inode = st->st_ino;
	memory->is_writable = is_writable;
	list_init(&memory->windows);
	list_add_tail(&memory->entry, &mm_state.files);
	return memory;
}

struct mm_memory *mm_file_get(int fd)
{
	struct mm_memory *memory;
	struct stat st;
	bool is_writable;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st))
		return err_ptr(-EBADF);
	is_writable = (flags & O_ACCMODE) == O_RDWR;
	mm_lock();
	memory = memory_find_file(&st, is_writable);
	if (!memory)
		memory = memory_create_file(fd, &st, is_writable);
	if (!is_err(memory))
		memory->n_refs++;
	mm_unlock();
	return memory;
}

static void memory_destroy_file(struct mm_memory *memory)
{
	struct window *window;
	struct window *after;

	list_for_each_entry_safe(window, after, &memory->windows, entry) {
		munmap(window->start, window->len);
		mem_free(window);
	}
	list_remove(&memory->entry);
	fd_release(memory->fd);
	mem_free(memory);
}

void mm_memory_put(struct mm_memory *memory)
{
	if (!mm_memory_is_file(memory))
		return;
	mm_lock();
	if (--memory->n_refs == 0)
		memory_destroy_file(memory);
	mm_unlock();
}

static int memory_add_window(struct mm_memory *memory, size_t len)
{
	struct window *window = mem_alloc(sizeof(*window));
	int prot = PROT_READ | (memory->is_writable ? PROT_WRITE : 0);

	if (!window)
		return -ENOMEM;
	window->len = len;
	window->start = mmap(NULL, len, prot, MAP_SHARED | MAP_NORESERVE,
			     memory->fd, 0);
	if (window->start == MAP_FAILED) {
		mem_free(window);
		return -ENOMEM;
	}
	list_add_tail(&window->entry, &memory->windows);
	return 0;
}

/*
 * The file is one whose pages stay, and is as long as the range.
 *
 * @window_len receives the longest useful window. Mapping hugetlbfs writable
 * beyond its end makes the file longer, so there it is the file's length.
 */
static int memory_check_file(const struct mm_memory *memory, __u64 end,
			     __u64 *window_len)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(memory->fd, &fs) || fstat(memory->fd, &st))
		return -EINVAL;
	if (fs.f_type != TMPFS_TYPE && fs.f_type != HUGETLBFS_TYPE)
		return -EINVAL;
	if (end > (__u64)st.st_size)
		return -EINVAL;
	*window_len = fs.f_type == HUGETLBFS_TYPE ? (__u64)st.st_size
						  : align_up(end, WINDOW_STEP);
	return 0;
}

int memory_file_address(struct mm_memory *memory, __u64 offset, __u64 len,
			bool is_writable, uintptr_t *address)
{
	struct window *window;
	__u64 end;
	__u64 window_len;
	int err;

	if (add_overflow(offset, len, &end) || end > INT64_MAX - WINDOW_STEP)
		return -EINVAL;
	err = memory_check_file(memory, end, &window_len);
	if (err)
		return err;
	if (is_writable && !memory->is_writable)
		return -EFAULT;
	list_for_each_entry(window, &memory->windows, entry)
		if (end <= window->len)
			goto found;
	err = memory_add_window(memory, window_len);
	/* Too little address space: just what it needs. */
	if (err && window_len > end)
		err = memory_add_window(memory, end);
	if (err)
		return err;
	window = list_entry(memory->windows.prev, struct window, entry);
found:
	*address = (uintptr_t)window->start + offset;
	return 0;
}
