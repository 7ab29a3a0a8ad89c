/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's address space: mappings of served files, and calls that take
 * memory away while devices may still use it. The core is asked first, which
 * moves the pages aside; then the call is made.
 *
 * Calls of the core itself, and all calls before it is loaded, pass with one
 * branch.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "shim/preload/core.h"
#include "shim/preload/export.h"
#include "shim/preload/fds.h"
#include "shim/preload/io.h"
#include "shim/preload/memory.h"
#include "shim/preload/real.h"
#include "shim/preload/result.h"
#include "shim/preload/sys.h"

#define MEMORY_PAGE_LEN 4096ul

/* libc gives blocks from here on back to the system when they are freed. */
#define MEMORY_BLOCK_MIN (128ul * 1024)

/* In kernels from 5.18 on; glibc 2.36 has the name, older headers not. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* The core, when the program is calling; else NULL. */
static always_inline const struct shim_core *memory_core(void)
{
	const struct shim_core *core = core_get();

	if (likely(!core))
		return NULL;
	return self.core_depth ? NULL : core;
}

/* @tell: how the core is told of it. Return: 0, or -1 with errno. */
static no_inline int memory_tell(const struct shim_core *core, void *start,
				 size_t len,
				 int (*tell)(void *start, size_t len))
{
	uintptr_t end;
	int err;

	if ((uintptr_t)start % MEMORY_PAGE_LEN || !len ||
	    __builtin_add_overflow((uintptr_t)start, len + MEMORY_PAGE_LEN - 1,
				   &end))
		return 0;
	len = (end & ~(MEMORY_PAGE_LEN - 1)) - (uintptr_t)start;
	if (!core->memory_is_mapped(start, len))
		return 0;
	core_enter();
	err = tell(start, len);
	core_leave();
	return result_int(err);
}

static int memory_leave(const struct shim_core *core, void *start, size_t len)
{
	return memory_tell(core, start, len, core->memory_leaving);
}

EXPORT int munmap(void *start, size_t len)
{
	const struct shim_core *core = memory_core();

	if (unlikely(core) && memory_leave(core, start, len))
		return -1;
	return REAL(munmap)(start, len);
}

/* Mappings of served files */

static int memory_check_map(struct fd_entry *entry,
			    const struct file_mmap *request)
{
	int how = atomic_load(&entry->flags) & O_ACCMODE;

	if (!entry->file)
		return io_refuse(entry);
	if (!request->len || request->offset % (off_t)MEMORY_PAGE_LEN)
		return -EINVAL;
	if (how == O_WRONLY ||
	    (how == O_RDONLY && (request->prot & PROT_WRITE) &&
	     (request->flags & MAP_TYPE) != MAP_PRIVATE))
		return -EACCES;
	return entry->file->ops->mmap ? 0 : -ENODEV;
}

static void *memory_map_file(struct fd_entry *entry,
			     const struct file_mmap *request)
{
	int err = memory_check_map(entry, request);
	void *address;

	if (err)
		return err_ptr(err);
	core_enter();
	address = entry->file->ops->mmap(entry->file, request);
	core_leave();
	return address;
}

/* Return: false when the number is not a served one. */
static no_inline bool memory_try_map(int fd, const struct file_mmap *request,
				     void **address)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	bool is_served;

	entry = fd_hold(fd, &hold);
	if (!entry)
		return false;
	is_served = io_is_served(entry);
	if (is_served) {
		*address = memory_map_file(entry, request);
		if (is_err(*address)) {
			errno = -ptr_err(*address);
			*address = MAP_FAILED;
		}
	}
	fd_drop(&hold);
	return is_served;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t offset)
{
	const struct shim_core *core = memory_core();
	void *address;

	if (unlikely(core) && (flags & MAP_FIXED) &&
	    memory_leave(core, addr, len))
		return MAP_FAILED;
	if (unlikely(fd_peek(fd)) && !(flags & MAP_ANONYMOUS) &&
	    memory_try_map(
		    fd, &(struct file_mmap){ addr, len, prot, flags, offset },
		    &address))
		return address;
	return REAL(mmap)(addr, len, prot, flags, fd, offset);
}

EXPORT_ALIAS("mmap")
void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t offset);

/* Moving and discarding */

static void *memory_remap(const struct shim_core *core, void *old,
			  const size_t lens[2], int flags, void *new_address)
{
	void *address;

	core_enter();
	address = core->memory_remap(old, lens[0], lens[1], flags, new_address);
	core_leave();
	if (!is_err(address))
		return address;
	errno = -ptr_err(address);
	return MAP_FAILED;
}

EXPORT void *mremap(void *old, size_t old_len, size_t new_len, int flags, ...)
{
	const struct shim_core *core = memory_core();
	const size_t lens[2] = { old_len, new_len };
	void *new_address;
	va_list args;

	va_start(args, flags);
	new_address = va_arg(args, void *);
	va_end(args);
	if (!(flags & MREMAP_FIXED))
		new_address = NULL;
	if (unlikely(core)) {
		if ((flags & MREMAP_FIXED) &&
		    memory_leave(core, new_address, new_len))
			return MAP_FAILED;
		if (core->memory_is_mapped(old, old_len))
			return memory_remap(core, old, lens, flags,
					    new_address);
	}
	return REAL(mremap)(old, old_len, new_len, flags, new_address);
}

EXPORT int madvise(void *start, size_t len, int advice)
{
	const struct shim_core *core = memory_core();

	if (unlikely(core) &&
	    (advice == MADV_DONTNEED || advice == MADV_FREE ||
	     advice == MADV_REMOVE || advice == MADV_DONTNEED_LOCKED) &&
	    memory_tell(core, start, len, core->memory_discarding))
		return -1;
	return REAL(madvise)(start, len, advice);
}

EXPORT int mprotect(void *start, size_t len, int prot)
{
	const struct shim_core *core = memory_core();
	int err;

	if (likely(!core))
		return REAL(mprotect)(start, len, prot);
	core_enter();
	err = core->memory_protect(start, len, prot);
	core_leave();
	return result_int(err);
}

/* The end of the data segment, as the kernel has it. */
static char *memory_break(void)
{
	return (char *)sys_call1(SYS_brk, 0);
}

static int memory_shrink(const struct shim_core *core, char *to)
{
	char *end = memory_break();
	char *start = (char *)(((uintptr_t)to + MEMORY_PAGE_LEN - 1) &
			       ~(MEMORY_PAGE_LEN - 1));

	if (start >= end)
		return 0;
	return memory_leave(core, start, (size_t)(end - start));
}

EXPORT int brk(void *end)
{
	const struct shim_core *core = memory_core();

	if (unlikely(core) && end && memory_shrink(core, end))
		return -1;
	return REAL(brk)(end);
}

EXPORT void *sbrk(intptr_t more)
{
	const struct shim_core *core = memory_core();

	if (unlikely(core) && more < 0 &&
	    memory_shrink(core, memory_break() + more))
		return (void *)-1;
	return REAL(sbrk)(more);
}

/* How long the mapping is that starts at @start: a shared memory segment is
 * detached by its address alone. 0: none. */
static size_t memory_mapping_len(const void *start)
{
	unsigned long first, end = 0;
	FILE *maps = REAL(fopen)("/proc/self/maps", "re");
	char line[512];

	if (!maps)
		return 0;
	while (fgets(line, sizeof(line), maps)) {
		/* The kernel's text. NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line, "%lx-%lx", &first, &end) == 2 &&
		    first == (unsigned long)start)
			break;
		end = 0;
	}
	REAL(fclose)(maps);
	return end ? end - (unsigned long)start : 0;
}

EXPORT int shmdt(const void *start)
{
	const struct shim_core *core = memory_core();

	if (unlikely(core) && memory_leave(core, (void *)(uintptr_t)start,
					   memory_mapping_len(start)))
		return -1;
	return REAL(shmdt)(start);
}

/* The heap */

/* Does the block hold memory that devices use, and may it leave the heap? */
static no_inline size_t memory_block_len(const struct shim_core *core,
					 void *block)
{
	size_t len = block ? REAL(malloc_usable_size)(block) : 0;

	if (len < MEMORY_BLOCK_MIN || !core->memory_is_mapped(block, len))
		return 0;
	return len;
}

static no_inline bool memory_hold(const struct shim_core *core, void *block)
{
	size_t len = memory_block_len(core, block);
	bool is_held;

	if (likely(!len))
		return false;
	core_enter();
	is_held = core->memory_hold(block, len);
	core_leave();
	return is_held;
}

EXPORT void free(void *block)
{
	const struct shim_core *core = memory_core();

	if (unlikely(core) && memory_hold(core, block))
		return;
	REAL(free)(block);
}

/* What libc would move is copied instead: the devices' pages stay. */
static void *memory_realloc_mapped(void *block, size_t old_len, size_t new_len)
{
	void *copy;

	if (!new_len) {
		free(block);
		return NULL;
	}
	copy = malloc(new_len);
	if (!copy)
		return NULL;
	memcpy(copy, block, old_len < new_len ? old_len : new_len);
	free(block);
	return copy;
}

EXPORT void *realloc(void *block, size_t new_len)
{
	const struct shim_core *core = memory_core();
	size_t old_len;

	if (unlikely(core)) {
		old_len = memory_block_len(core, block);
		if (old_len)
			return memory_realloc_mapped(block, old_len, new_len);
	}
	return REAL(realloc)(block, new_len);
}

/* Limits */

static atomic_bool memory_limit_was_set;

void memory_tell_limit(const struct shim_core *core)
{
	if (atomic_load(&memory_limit_was_set))
		core->memlock_limit_set();
}

static void memory_note_limit(void)
{
	const struct shim_core *core = memory_core();

	atomic_store(&memory_limit_was_set, true);
	if (!core)
		return;
	core_enter();
	core->memlock_limit_set();
	core_leave();
}

EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	int ret = REAL(setrlimit)(resource, limit);

	if (!ret && resource == RLIMIT_MEMLOCK)
		memory_note_limit();
	return ret;
}

EXPORT_ALIAS("setrlimit")
int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit);

EXPORT int prlimit(pid_t pid, enum __rlimit_resource resource,
		   const struct rlimit *limit, struct rlimit *old)
{
	int ret = REAL(prlimit)(pid, resource, limit, old);

	if (!ret && limit && resource == RLIMIT_MEMLOCK &&
	    (!pid || pid == getpid()))
		memory_note_limit();
	return ret;
}

EXPORT_ALIAS("prlimit")
int prlimit64(pid_t pid, enum __rlimit_resource resource,
	      const struct rlimit64 *limit, struct rlimit64 *old);
