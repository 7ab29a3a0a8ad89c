/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that moves just while it is mapped or unmapped: between the pin and
 * the index, in either direction, a move must not be missed.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "fixture.h"

#define IOVA 0x10000ull
#define N_MAPPERS 6u
#define RUN_SECONDS 1

static void pause_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

static __u64 moved_bytes(void)
{
	struct mm_stats stats;

	mm_stats(&stats);
	return stats.moved_bytes;
}

/* What a front end does when the program maps fresh memory over a page. */
static int replace_page(char *page)
{
	if (mm_leaving(page, PAGE))
		return -1;
	return mmap(page, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page
		       ? 0
		       : -1;
}

/**
 * struct limbo - a page, mapped for a device
 * @file: of the fixture
 * @ioas: its address space
 * @page: the page
 * @bound: the device
 * @is_over: threads end
 * @n_replaced: how often the page was replaced by a fresh one, which then
 *	begins with that number
 * @n_wrong: what went wrong
 * @n_done: how often a mapper went round, or another thread came to its end
 */
struct limbo {
	struct file *file;
	__u32 ioas;
	char *page;
	struct bound bound;
	atomic_bool is_over;
	_Atomic __u64 n_replaced;
	atomic_uint n_wrong;
	atomic_uint n_done;
};

static void limbo_init(struct limbo *limbo, void **state)
{
	__u32 pt;

	memset(limbo, 0, sizeof(*limbo));
	limbo->file = ((struct fixture *)*state)->file;
	limbo->ioas = ioas_alloc(limbo->file);
	limbo->page = fixture_memory(PAGE);
	bound_init(&limbo->bound, limbo->file, fixture_unit);
	pt = limbo->ioas;
	assert_int_equal(attach(&limbo->bound, &pt), 0);
}

/* Nothing is pinned any more, and what was moved aside is gone. */
static void limbo_deinit(struct limbo *limbo)
{
	struct mm_stats stats;

	mm_stats(&stats);
	assert_int_equal(stats.pinned_pages, 0);
	assert_int_equal(stats.n_extents, 0);
	assert_int_equal(stats.moved_bytes, 0);
	bound_deinit(&limbo->bound);
	fixture_free(limbo->page, PAGE);
}

static void *unmap_thread(void *arg)
{
	struct limbo *limbo = arg;
	__u64 len = PAGE;

	if (do_unmap(limbo->file, limbo->ioas, IOVA, &len))
		atomic_fetch_add(&limbo->n_wrong, 1);
	atomic_fetch_add(&limbo->n_done, 1);
	return NULL;
}

static void *replace_thread(void *arg)
{
	struct limbo *limbo = arg;

	if (replace_page(limbo->page))
		atomic_fetch_add(&limbo->n_wrong, 1);
	atomic_fetch_add(&limbo->n_done, 1);
	return NULL;
}

/* An unmap waits for DMA that is in flight; the page is replaced meanwhile. */
static void test_unmap_in_flight(void **state)
{
	pthread_t unmapper, replacer;
	struct limbo limbo;
	char byte;

	limbo_init(&limbo, state);
	map_fixed(limbo.file, limbo.ioas, limbo.page, PAGE, IOVA);
	iommu_dma_burst_begin();
	assert_int_equal(dma_get(&limbo.bound, IOVA, &byte), 0);
	assert_int_equal(pthread_create(&unmapper, NULL, unmap_thread, &limbo),
			 0);
	pause_ms(30);
	assert_int_equal(atomic_load(&limbo.n_done), 0);
	assert_int_equal(
		pthread_create(&replacer, NULL, replace_thread, &limbo), 0);
	pause_ms(30);
	iommu_dma_burst_end();
	pthread_join(unmapper, NULL);
	pthread_join(replacer, NULL);
	assert_int_equal(atomic_load(&limbo.n_wrong), 0);
	limbo_deinit(&limbo);
}

/*
 * Asynchronous DMA may last: the page moves without waiting for it, but its
 * address is not used again before.
 */
static void test_unmap_held(void **state)
{
	struct iommu_dma_piece piece;
	pthread_t unmapper, replacer;
	struct limbo limbo;

	limbo_init(&limbo, state);
	map_fixed(limbo.file, limbo.ioas, limbo.page, PAGE, IOVA);
	assert_int_equal(iommu_dma_map(limbo.bound.endpoint, IOMMU_NO_PASID,
				       IOVA, PAGE, IOMMU_READ, &piece),
			 0);
	assert_int_equal(pthread_create(&unmapper, NULL, unmap_thread, &limbo),
			 0);
	pause_ms(30);
	assert_int_equal(atomic_load(&limbo.n_done), 0);
	assert_int_equal(
		pthread_create(&replacer, NULL, replace_thread, &limbo), 0);
	while (!moved_bytes())
		sched_yield();
	pause_ms(30);
	assert_int_equal(moved_bytes(), PAGE);
	assert_int_equal(atomic_load(&limbo.n_done), 0);
	iommu_dma_unmap(&piece);
	pthread_join(unmapper, NULL);
	pthread_join(replacer, NULL);
	assert_int_equal(atomic_load(&limbo.n_wrong), 0);
	limbo_deinit(&limbo);
}

/* The page that a mapper pinned, whatever replaced it since. */
static bool mapper_sees_its_page(struct limbo *limbo, __u64 iova)
{
	__u64 n_before = atomic_load(&limbo->n_replaced);
	__u64 seen;

	/* What was there when it was mapped may get its number a bit later. */
	while (atomic_load(&limbo->n_replaced) < n_before + 2 &&
	       !atomic_load(&limbo->is_over))
		sched_yield();
	if (iommu_dma_read(limbo->bound.endpoint, IOMMU_NO_PASID, iova, &seen,
			   sizeof(seen)))
		return false;
	return seen <= n_before + 1;
}

static void *mapper_thread(void *arg)
{
	struct limbo *limbo = arg;
	static atomic_uint n_mappers;
	__u64 iova = IOVA + atomic_fetch_add(&n_mappers, 1) * PAGE;
	__u64 len = PAGE;
	unsigned int i;

	for (i = 0; !atomic_load(&limbo->is_over); i++) {
		if (do_map(limbo->file, limbo->ioas, FIXED | READ, limbo->page,
			   PAGE, &iova)) {
			atomic_fetch_add(&limbo->n_wrong, 1);
			break;
		}
		if (!(i % 8) && !mapper_sees_its_page(limbo, iova))
			atomic_fetch_add(&limbo->n_wrong, 1);
		if (do_unmap(limbo->file, limbo->ioas, iova, &len))
			atomic_fetch_add(&limbo->n_wrong, 1);
		atomic_fetch_add(&limbo->n_done, 1);
	}
	return NULL;
}

static void *replacer_thread(void *arg)
{
	struct limbo *limbo = arg;

	while (!atomic_load(&limbo->is_over)) {
		__u64 n = atomic_load(&limbo->n_replaced) + 1;

		if (replace_page(limbo->page))
			atomic_fetch_add(&limbo->n_wrong, 1);
		*(volatile __u64 *)(void *)limbo->page = n;
		atomic_store(&limbo->n_replaced, n);
	}
	return NULL;
}

/* All at once, and the device always sees the page that was mapped. */
static void test_everything_moves(void **state)
{
	pthread_t mappers[N_MAPPERS], replacer;
	struct limbo limbo;
	unsigned int i;

	limbo_init(&limbo, state);
	assert_int_equal(
		pthread_create(&replacer, NULL, replacer_thread, &limbo), 0);
	for (i = 0; i < N_MAPPERS; i++)
		assert_int_equal(pthread_create(&mappers[i], NULL,
						mapper_thread, &limbo),
				 0);
	pause_ms(RUN_SECONDS * 999);
	atomic_store(&limbo.is_over, true);
	for (i = 0; i < N_MAPPERS; i++)
		pthread_join(mappers[i], NULL);
	pthread_join(replacer, NULL);
	assert_int_equal(atomic_load(&limbo.n_wrong), 0);
	assert_true(atomic_load(&limbo.n_done) > N_MAPPERS);
	limbo_deinit(&limbo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_unmap_in_flight),
		fixture_test(test_unmap_held),
		fixture_test(test_everything_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
