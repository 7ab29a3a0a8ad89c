/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything at once on one device: it is attached here and there, its
 * memory is mapped and unmapped, tables come and go, another context wants
 * it, and it does DMA all the time. Memory that was unmapped stays as its
 * owner left it, and at the end nothing is pinned or lost.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "fixture.h"

#define N_ROUNDS 3000u
#define N_MOVED_MIN 1000u
#define IOVA 0x10000ull

/**
 * struct churn - what the threads share
 * @file: the context
 * @other: another one
 * @ioas: two address spaces
 * @bound: the device
 * @memory: a page for each address space
 * @is_over: DMA stops
 * @n_moved: accesses that came through
 * @n_wrong: what must not happen
 */
struct churn {
	struct file *file;
	struct file *other;
	__u32 ioas[2];
	struct bound bound;
	char *memory;
	atomic_bool is_over;
	atomic_uint n_moved;
	atomic_uint n_wrong;
};

/* Those that let the device move data go on until it has. */
static bool goes_on(struct churn *churn, unsigned int round)
{
	return round < N_ROUNDS || atomic_load(&churn->n_moved) < N_MOVED_MIN;
}

static void expect(struct churn *churn, bool condition)
{
	if (!condition)
		atomic_fetch_add(&churn->n_wrong, 1);
}

static void *attach_all_the_time(void *arg)
{
	struct churn *churn = arg;

	for (unsigned int i = 0; goes_on(churn, i); i++) {
		__u32 pt = churn->ioas[i % 2];

		expect(churn, !attach(&churn->bound, &pt));
		pt = churn->ioas[(i + 1) % 2];
		expect(churn, !replace(&churn->bound, &pt));
		expect(churn, do_destroy(churn->file, pt) == -EBUSY);
		detach(&churn->bound);
	}
	return NULL;
}

/* After the unmap the page is the program's alone. */
static void *unmap_all_the_time(void *arg)
{
	struct churn *churn = arg;

	for (unsigned int i = 0; goes_on(churn, i); i++) {
		volatile char *page = churn->memory + i % 2 * PAGE;
		__u32 ioas = churn->ioas[i % 2];
		__u64 iova = IOVA;
		__u64 len = PAGE;

		expect(churn,
		       !do_map(churn->file, ioas, FIXED | READ | WRITE,
			       churn->memory + i % 2 * PAGE, PAGE, &iova));
		for (int j = 0; j < 200; j++)
			__builtin_ia32_pause();
		expect(churn, !do_unmap(churn->file, ioas, IOVA, &len));
		*page = 'p';
		for (int j = 0; j < 100; j++)
			if (*page != 'p') {
				expect(churn, false);
				break;
			}
	}
	return NULL;
}

/* Tables that nobody attaches keep the areas pinned for a while. */
static void *make_tables_all_the_time(void *arg)
{
	struct churn *churn = arg;
	__u32 id;

	for (unsigned int i = 0; i < N_ROUNDS; i++) {
		expect(churn, !do_hwpt_alloc(churn->file, 0, churn->bound.id,
					     churn->ioas[i % 2], &id));
		expect(churn,
		       do_destroy(churn->file, churn->ioas[i % 2]) == -EBUSY);
		expect(churn, !do_destroy(churn->file, id));
	}
	return NULL;
}

/* The group has an owner: another context never gets it. */
static void *steal_all_the_time(void *arg)
{
	struct churn *churn = arg;
	struct iommufd_ctx *ctx = fixture_ctx(churn->other);
	__u32 id;

	for (unsigned int i = 0; i < N_ROUNDS; i++) {
		void *device =
			iommufd_device_bind(ctx, churn->bound.endpoint, &id);

		expect(churn, is_err(device) && ptr_err(device) == -EPERM);
	}
	return NULL;
}

static void *move_all_the_time(void *arg)
{
	struct churn *churn = arg;
	struct iommu_dma_piece piece;

	while (!atomic_load(&churn->is_over)) {
		if (!dma_put(&churn->bound, IOVA, 'd'))
			atomic_fetch_add(&churn->n_moved, 1);
		if (iommu_dma_map(churn->bound.endpoint, IOMMU_NO_PASID, IOVA,
				  PAGE, IOMMU_WRITE, &piece))
			continue;
		*(volatile char *)piece.address = 'h';
		iommu_dma_unmap(&piece);
		atomic_fetch_add(&churn->n_moved, 1);
	}
	return NULL;
}

static void test_churn(void **state)
{
	static void *(*const runs[])(void *arg) = {
		attach_all_the_time,
		unmap_all_the_time,
		make_tables_all_the_time,
		steal_all_the_time,
	};
	struct churn churn = { .file = ((struct fixture *)*state)->file };
	pthread_t threads[array_len(runs)];
	pthread_t mover;
	unsigned int i;

	churn.other = fixture_open();
	churn.memory = fixture_memory(2 * PAGE);
	churn.ioas[0] = ioas_alloc(churn.file);
	churn.ioas[1] = ioas_alloc(churn.file);
	bound_init(&churn.bound, churn.file, fixture_unit);
	assert_int_equal(
		pthread_create(&mover, NULL, move_all_the_time, &churn), 0);
	for (i = 0; i < array_len(runs); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, runs[i], &churn), 0);
	for (i = 0; i < array_len(runs); i++)
		pthread_join(threads[i], NULL);
	atomic_store(&churn.is_over, true);
	pthread_join(mover, NULL);
	assert_int_equal(atomic_load(&churn.n_wrong), 0);
	assert_int_equal(fixture_pinned(), 0);
	/* Bound, not attached: all that was made on the way is gone. */
	assert_int_equal(ioas_alloc(churn.file), 4);
	bound_deinit(&churn.bound);
	file_put(churn.other);
	fixture_free(churn.memory, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_churn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
