/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap's count, and slabs against a table of what is alive. */
#include <string.h>
#include <sys/mman.h>
#include "base/fault.h"
#include "base/mem.h"
#include "harness/harness.h"

static bool is_zero(const void *ptr, size_t len)
{
	const char *bytes = ptr;

	while (len--) {
		if (bytes[len])
			return false;
	}
	return true;
}

static void test_alloc_zeroes_and_counts(void **state)
{
	size_t before = mem_n_blocks();
	char *block = mem_alloc(1000);
	char *aligned = mem_alloc_aligned(100, 4096);
	char *text = mem_strdup("a text");

	(void)state;
	assert_true(is_zero(block, 1000));
	assert_true(is_zero(aligned, 100));
	assert_true(is_aligned((uintptr_t)aligned, 4096));
	assert_string_equal(text, "a text");
	assert_int_equal(mem_n_blocks(), before + 3);
	mem_free(block);
	mem_free(aligned);
	mem_free(text);
	mem_free(NULL);
	assert_int_equal(mem_n_blocks(), before);
}

static void test_alloc_refuses(void **state)
{
	(void)state;
	assert_null(mem_alloc(0));
	assert_null(mem_alloc(array_size(SIZE_MAX, 2)));
	assert_null(mem_alloc_aligned(0, 64));
	assert_null(mem_alloc_aligned(SIZE_MAX, 64));
}

static int alloc_all_kinds(void *arg)
{
	struct slab *slab = slab_create(32, 8);
	void *block = mem_alloc(10);
	void *aligned = mem_alloc_aligned(10, 64);
	char *text = mem_strdup("x");
	void *object = slab ? slab_alloc(slab) : NULL;
	bool is_whole = block && aligned && text && object;

	(void)arg;
	if (object)
		slab_free(slab, object);
	slab_destroy(slab);
	mem_free(block);
	mem_free(aligned);
	mem_free(text);
	return is_whole ? 0 : -1;
}

static void test_every_allocation_is_a_fault_point(void **state)
{
	(void)state;
	assert_int_equal(fail_nth_sweep(alloc_all_kinds, NULL), 5);
}

static void test_slab_refuses(void **state)
{
	(void)state;
	assert_null(slab_create(7, 1));
	assert_null(slab_create(1025, 8));
	assert_null(slab_create(64, 0));
	assert_null(slab_create(64, 24));
	assert_null(slab_create(64, 128));
	slab_destroy(NULL);
}

struct kind {
	size_t len;
	size_t alignment;
};

static const struct kind kinds[] = {
	{ 8, 8 },   { 12, 4 },	{ 13, 1 },    { 32, 8 },
	{ 40, 64 }, { 64, 64 }, { 1000, 16 }, { 1024, 64 },
};

#define N_OBJECTS 3000

static char *slab_alloc_filled(struct slab *slab, const struct kind *kind,
			       unsigned char fill)
{
	char *object = slab_alloc(slab);

	assert_non_null(object);
	assert_true(is_aligned((uintptr_t)object, kind->alignment));
	assert_true(is_zero(object, kind->len));
	memset(object, fill, kind->len);
	return object;
}

static void assert_filled(const char *object, size_t len, unsigned char fill)
{
	while (len--)
		assert_int_equal((unsigned char)object[len], fill);
}

/* Random allocation and freeing; every object keeps its own bytes. */
static void churn(const struct kind *kind, struct harness_random *random)
{
	struct slab *slab = slab_create(kind->len, kind->alignment);
	size_t before = mem_n_blocks();
	static char *objects[N_OBJECTS];
	size_t i, n_alive = 0;
	int step;

	memset(objects, 0, sizeof(objects));
	for (step = 0; step < 4 * N_OBJECTS; step++) {
		i = harness_random_below(random, N_OBJECTS);
		if (objects[i]) {
			assert_filled(objects[i], kind->len,
				      (unsigned char)(i % 251 + 1));
			slab_free(slab, objects[i]);
			objects[i] = NULL;
			n_alive--;
		} else {
			objects[i] = slab_alloc_filled(
				slab, kind, (unsigned char)(i % 251 + 1));
			n_alive++;
		}
		assert_int_equal(mem_n_blocks(), before + n_alive);
	}
	for (i = 0; i < N_OBJECTS; i++) {
		if (!objects[i])
			continue;
		assert_filled(objects[i], kind->len,
			      (unsigned char)(i % 251 + 1));
		slab_free(slab, objects[i]);
	}
	assert_int_equal(mem_n_blocks(), before);
	slab_destroy(slab);
}

static void test_slab_churn(void **state)
{
	struct harness_random random;
	size_t i;

	(void)state;
	harness_random_init(&random);
	for (i = 0; i < array_len(kinds); i++)
		churn(&kinds[i], &random);
}

static void test_slab_reuses_freed_first(void **state)
{
	struct slab *slab = slab_create(64, 64);
	void *first = slab_alloc(slab);
	void *second = slab_alloc(slab);

	(void)state;
	assert_ptr_equal((char *)first + 64, second);
	slab_free(slab, first);
	assert_ptr_equal(slab_alloc(slab), first);
	/* Destroyed with both objects alive: the fixture sees no leak. */
	slab_destroy(slab);
}

#define CHUNK_LEN ((size_t)64 << 10)
#define N_BIG (8 * CHUNK_LEN / 1024)

/* Return: the chunks of these objects that are still mapped. */
static size_t n_chunks_mapped(void **big)
{
	uintptr_t chunk, previous = 0;
	size_t i, n = 0;

	for (i = 0; i < N_BIG; i++) {
		chunk = align_down((uintptr_t)big[i], CHUNK_LEN);
		if (chunk != previous)
			n += !msync((void *)chunk, 4096, MS_ASYNC);
		previous = chunk;
	}
	return n;
}

static void test_slab_gives_chunks_back(void **state)
{
	struct slab *slab = slab_create(1024, 64);
	static void *big[N_BIG];
	size_t i;

	(void)state;
	for (i = 0; i < N_BIG; i++)
		big[i] = slab_alloc(slab);
	assert_in_range(n_chunks_mapped(big), 8, 10);
	for (i = 0; i < N_BIG; i++)
		slab_free(slab, big[i]);
	/* One is kept, and used again before a new one is made. */
	assert_int_equal(n_chunks_mapped(big), 1);
	assert_non_null(slab_alloc(slab));
	assert_int_equal(n_chunks_mapped(big), 1);
	slab_destroy(slab);
	assert_int_equal(n_chunks_mapped(big), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_alloc_zeroes_and_counts),
		harness_test(test_alloc_refuses),
		harness_test(test_every_allocation_is_a_fault_point),
		harness_test(test_slab_refuses),
		harness_test(test_slab_churn),
		harness_test(test_slab_reuses_freed_first),
		harness_test(test_slab_gives_chunks_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
