/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap, and the number of blocks alive on it.
 *
 * Plain blocks are counted by one atomic counter. Slab objects are counted by
 * their slab (base/slab.c), which one thread at a time writes, so that an
 * object costs no locked instruction; mem_n_blocks() adds them up.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"
#include "base/mem.h"
#include "base/slab.h"

#define MEM_CACHED_MAX 1024u

static atomic_size_t mem_n_plain;

/*
 * Small blocks come from the thread's cache of malloc(), which calloc() passes
 * by: several times the instructions.
 */
static void *alloc_zeroed(size_t len)
{
	void *ptr;

	if (len > MEM_CACHED_MAX)
		return calloc(1, len);
	ptr = malloc(len);
	/* Hidden from the compiler, which would make it calloc() again. */
	__asm__("" : "+r"(ptr));
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the asm keeps it */
	return ptr ? memset(ptr, 0, len) : NULL;
}

void *mem_alloc(size_t len)
{
	void *ptr;

	if (!len || len == SIZE_MAX || fault_inject(FAULT_ALLOC))
		return NULL;
	ptr = alloc_zeroed(len);
	if (ptr)
		atomic_fetch_add_explicit(&mem_n_plain, 1,
					  memory_order_relaxed);
	return ptr;
}

void *mem_alloc_aligned(size_t len, size_t alignment)
{
	void *ptr;

	if (!len || len == SIZE_MAX || fault_inject(FAULT_ALLOC))
		return NULL;
	if (alignment < sizeof(void *))
		alignment = sizeof(void *);
	if (posix_memalign(&ptr, alignment, len))
		return NULL;
	atomic_fetch_add_explicit(&mem_n_plain, 1, memory_order_relaxed);
	return memset(ptr, 0, len);
}

void mem_free(void *ptr)
{
	if (!ptr)
		return;
	atomic_fetch_sub_explicit(&mem_n_plain, 1, memory_order_relaxed);
	free(ptr);
}

char *mem_strdup(const char *text)
{
	size_t len = strlen(text) + 1;
	char *copy = mem_alloc(len);

	return copy ? memcpy(copy, text, len) : NULL;
}

size_t mem_n_blocks(void)
{
	return atomic_load_explicit(&mem_n_plain, memory_order_relaxed) +
	       slab_n_objects();
}
