/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Slabs: objects of one length without a header each.
 *
 * A slab is a set of chunks. A chunk is aligned to its length, so masking an
 * object's address finds it, and starts with a header that holds the list of
 * freed objects and the mark below which objects were handed out at least
 * once: memory above the mark was never touched, so a slab with few objects
 * is a few resident pages. Links between freed objects are offsets in the
 * chunk, since an object may be less aligned than a pointer.
 *
 * A chunk is in one of four places: it is slab->current (has room; objects
 * come from there), on slab->partial (has room, too), on slab->full, or it is
 * slab->spare (has no object). A second empty chunk goes back to the system:
 * one spare is enough to keep a program that allocates and frees across a
 * boundary from calling the kernel each time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include "base/fault.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slab.h"

#define CHUNK_LEN ((size_t)64 << 10)
#define SLAB_OBJECT_MIN 8u
#define SLAB_OBJECT_MAX 1024u
#define SLAB_ALIGNMENT_MAX 64u

/**
 * struct chunk - header of one chunk; objects follow
 * @link: in slab->partial or slab->full
 * @slab: whose it is
 * @free_offset: the object freed last, or 0; its first bytes hold the next
 * @fresh_offset: the first object never handed out
 * @n_used: objects alive
 */
struct chunk {
	struct list_head link;
	struct slab *slab;
	__u32 free_offset;
	__u32 fresh_offset;
	__u32 n_used;
};

/* Where objects begin: as aligned as an object can ask to be. */
#define CHUNK_HEADER_LEN SLAB_ALIGNMENT_MAX

_Static_assert(sizeof(struct chunk) <= CHUNK_HEADER_LEN,
	       "the header ends where objects begin");

/**
 * struct slab - all objects of one kind
 * @current: a chunk with room, on no list, or NULL
 * @partial: chunks with objects, and room
 * @full: chunks without room
 * @spare: an empty chunk, or NULL
 * @stride: bytes from one object to the next
 * @n_chunks: all chunks, the spare one included
 * @n_objects: objects alive; written by the holder of the slab alone
 * @registry: in slab_registry, under slab_registry_mutex
 */
struct slab {
	struct chunk *current;
	struct list_head partial;
	struct list_head full;
	struct chunk *spare;
	__u32 stride;
	size_t n_chunks;
	atomic_size_t n_objects;
	struct list_head registry;
};

/* Not a struct lock: it is below all of them in the order. */
static pthread_mutex_t slab_registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct list_head slab_registry = { &slab_registry, &slab_registry };

void slab_fork_prepare(void)
{
	pthread_mutex_lock(&slab_registry_mutex);
}

void slab_fork_done(void)
{
	pthread_mutex_unlock(&slab_registry_mutex);
}

size_t slab_n_objects(void)
{
	struct slab *slab;
	size_t n = 0;

	pthread_mutex_lock(&slab_registry_mutex);
	list_for_each_entry(slab, &slab_registry, registry)
		n += atomic_load_explicit(&slab->n_objects,
					  memory_order_relaxed);
	pthread_mutex_unlock(&slab_registry_mutex);
	return n;
}

/*
 * Adjacent mappings of this kind come out aligned after the first, so the
 * plain call is nearly always enough.
 */
static void *chunk_map(int populate)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	uintptr_t start, aligned;
	void *map;

	map = mmap(NULL, CHUNK_LEN, PROT_READ | PROT_WRITE, flags | populate,
		   -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (is_aligned((uintptr_t)map, CHUNK_LEN))
		return map;
	munmap(map, CHUNK_LEN);

	map = mmap(NULL, 2 * CHUNK_LEN, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	start = (uintptr_t)map;
	aligned = align_up(start, CHUNK_LEN);
	if (aligned > start)
		munmap(map, aligned - start);
	munmap((char *)map + (aligned - start) + CHUNK_LEN,
	       CHUNK_LEN - (aligned - start));
	return (char *)map + (aligned - start);
}

/* A slab that has outgrown one chunk fills the next: fault it in at once. */
static struct chunk *chunk_create(struct slab *slab)
{
	struct chunk *chunk = chunk_map(slab->n_chunks ? MAP_POPULATE : 0);

	if (!chunk)
		return NULL;
	list_init(&chunk->link);
	chunk->slab = slab;
	chunk->fresh_offset = CHUNK_HEADER_LEN;
	slab->n_chunks++;
	return chunk;
}

static void chunk_destroy(struct chunk *chunk)
{
	chunk->slab->n_chunks--;
	munmap(chunk, CHUNK_LEN);
}

static inline bool chunk_is_full(const struct chunk *chunk)
{
	return !chunk->free_offset &&
	       chunk->fresh_offset + chunk->slab->stride > CHUNK_LEN;
}

static inline void *chunk_take(struct chunk *chunk)
{
	__u32 offset = chunk->free_offset;
	char *object = (char *)chunk;

	if (offset) {
		object += offset;
		memcpy(&chunk->free_offset, object, sizeof(offset));
	} else {
		object += chunk->fresh_offset;
		chunk->fresh_offset += chunk->slab->stride;
	}
	chunk->n_used++;
	return object;
}

static inline void chunk_give(struct chunk *chunk, void *object)
{
	memcpy(object, &chunk->free_offset, sizeof(chunk->free_offset));
	chunk->free_offset = (__u32)((char *)object - (char *)chunk);
	chunk->n_used--;
}

struct slab *slab_create(size_t object_len, size_t alignment)
{
	struct slab *slab;

	if (object_len < SLAB_OBJECT_MIN || object_len > SLAB_OBJECT_MAX ||
	    !alignment || alignment > SLAB_ALIGNMENT_MAX ||
	    (alignment & (alignment - 1)))
		return NULL;
	slab = mem_alloc(sizeof(*slab));
	if (!slab)
		return NULL;
	list_init(&slab->partial);
	list_init(&slab->full);
	slab->stride = (__u32)align_up(object_len, alignment);

	pthread_mutex_lock(&slab_registry_mutex);
	list_add_tail(&slab->registry, &slab_registry);
	pthread_mutex_unlock(&slab_registry_mutex);
	return slab;
}

static void slab_destroy_chunks(struct list_head *chunks)
{
	struct chunk *chunk, *after;

	list_for_each_entry_safe(chunk, after, chunks, link)
		chunk_destroy(chunk);
}

void slab_destroy(struct slab *slab)
{
	if (!slab)
		return;
	pthread_mutex_lock(&slab_registry_mutex);
	list_remove(&slab->registry);
	pthread_mutex_unlock(&slab_registry_mutex);

	slab_destroy_chunks(&slab->partial);
	slab_destroy_chunks(&slab->full);
	if (slab->spare)
		chunk_destroy(slab->spare);
	if (slab->current)
		chunk_destroy(slab->current);
	mem_free(slab);
}

/* Find a chunk with room. Return: it, slab->current from now on, or NULL. */
static no_inline struct chunk *slab_find_room(struct slab *slab)
{
	struct chunk *chunk = slab->spare;

	if (!list_is_empty(&slab->partial)) {
		chunk = list_first_entry(&slab->partial, struct chunk, link);
		list_remove(&chunk->link);
	} else if (chunk) {
		slab->spare = NULL;
	} else {
		chunk = chunk_create(slab);
	}
	slab->current = chunk;
	return chunk;
}

static inline void slab_count(struct slab *slab, size_t difference)
{
	size_t n = atomic_load_explicit(&slab->n_objects, memory_order_relaxed);

	atomic_store_explicit(&slab->n_objects, n + difference,
			      memory_order_relaxed);
}

void *slab_alloc_raw(struct slab *slab)
{
	struct chunk *chunk = slab->current;
	void *object;

	if (fault_inject(FAULT_ALLOC))
		return NULL;
	if (unlikely(!chunk)) {
		chunk = slab_find_room(slab);
		if (!chunk)
			return NULL;
	}
	object = chunk_take(chunk);
	if (unlikely(chunk_is_full(chunk))) {
		list_add_tail(&chunk->link, &slab->full);
		slab->current = NULL;
	}
	slab_count(slab, 1);
	return object;
}

void *slab_alloc(struct slab *slab)
{
	void *object = slab_alloc_raw(slab);

	return object ? memset(object, 0, slab->stride) : NULL;
}

static bool slab_has_empty_chunk(const struct slab *slab)
{
	return slab->spare || (slab->current && !slab->current->n_used);
}

/* An object of @chunk was freed that was its last one, or made room in it. */
static no_inline void slab_move_chunk(struct slab *slab, struct chunk *chunk)
{
	if (chunk == slab->current) {
		/* The next object comes from it: it is the one to keep. */
		if (slab->spare)
			chunk_destroy(slab->spare);
		slab->spare = NULL;
		return;
	}
	list_remove(&chunk->link);
	if (chunk->n_used) {
		list_add_tail(&chunk->link, &slab->partial);
	} else if (slab_has_empty_chunk(slab)) {
		chunk_destroy(chunk);
	} else {
		/* Start over at the bottom: its upper pages stay untouched. */
		chunk->free_offset = 0;
		chunk->fresh_offset = CHUNK_HEADER_LEN;
		slab->spare = chunk;
	}
}

void slab_free(struct slab *slab, void *object)
{
	struct chunk *chunk =
		(struct chunk *)align_down((uintptr_t)object, CHUNK_LEN);
	bool was_full = chunk_is_full(chunk);

	if (warn_on(chunk->slab != slab))
		return;
	chunk_give(chunk, object);
	slab_count(slab, (size_t)-1);
	if (unlikely(!chunk->n_used || was_full))
		slab_move_chunk(slab, chunk);
}
