/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is taken away is not used any more: each way to take memory from a
 * device waits for its DMA, and DMA that begins later is refused.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "base/err.h"
#include "base/rcu.h"
#include "base/thread.h"
#include "fixture.h"
#include "iommu/space.h"

#define RW (IOMMU_READ | IOMMU_WRITE)
#define IOVA 0x40000000ull
/* A call that does not wait returns long before. */
#define LONG_ENOUGH_NS (20 * 1000 * 1000)
/* So often that a thread which still does not run never will. */
#define N_TRIES 500u

/**
 * struct taker - a thread that takes something away
 * @take: how
 * @is_done: it has returned
 */
struct taker {
	struct fixture *fixture;
	struct iommu_map *map;
	void (*take)(struct taker *taker);
	atomic_bool is_done;
	struct thread thread;
};

static void taker_run(void *arg)
{
	struct taker *taker = arg;

	taker->take(taker);
	atomic_store(&taker->is_done, true);
}

static void taker_start(struct taker *taker, struct fixture *fixture,
			struct iommu_map *map,
			void (*take)(struct taker *taker))
{
	taker->fixture = fixture;
	taker->map = map;
	taker->take = take;
	atomic_init(&taker->is_done, false);
	assert_int_equal(
		thread_start(&taker->thread, "taker", taker_run, taker), 0);
}

static void take_map(struct taker *taker)
{
	fixture_unmap(taker->fixture, taker->map);
}

static void take_attachment(struct taker *taker)
{
	iommu_endpoint_set_domain(taker->fixture->endpoint, NULL);
}

static void take_bus_master(struct taker *taker)
{
	iommu_endpoint_set_enabled(taker->fixture->endpoint, false);
}

static void sleep_long_enough(void)
{
	struct timespec time = { .tv_nsec = LONG_ENOUGH_NS };

	nanosleep(&time, NULL);
}

/* Taking waits until the burst that was open is over. */
static void check_waits_for_burst(void (*take)(struct taker *taker),
				  bool is_cached)
{
	struct fixture fixture;
	struct iommu_map map;
	struct taker taker;
	bool was_done;
	char buf[64];

	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	if (is_cached)
		assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_dma_burst_begin();
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	taker_start(&taker, &fixture, &map, take);
	sleep_long_enough();
	was_done = atomic_load(&taker.is_done);
	iommu_dma_burst_end();
	thread_join(&taker.thread);
	assert_false(was_done);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), -EIO);
	if (take != take_map)
		fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_unmap_waits_for_dma(void **state)
{
	(void)state;
	check_waits_for_burst(take_map, false);
	check_waits_for_burst(take_map, true);
}

/* A burst in other maps, of what it has used before, is not waited for. */
static void test_unmap_elsewhere_does_not_wait(void **state)
{
	struct iommu_map map, other;
	struct fixture fixture;
	struct taker taker;
	char buf[64];
	int i;

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_dma_burst_begin();
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	/* It would hang if it did wait. */
	for (i = 0; i < 3; i++) {
		fixture_map(&fixture, &other, IOVA + (64ull << 21), PAGE, PAGE,
			    RW);
		taker_start(&taker, &fixture, &other, take_map);
		thread_join(&taker.thread);
	}
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	iommu_dma_burst_end();
	/* It was looked at now. */
	fixture_map(&fixture, &other, IOVA + (64ull << 21), PAGE, PAGE, RW);
	assert_int_equal(fixture_read(&fixture, other.start, buf, 64), 0);
	fixture_unmap(&fixture, &other);
	assert_int_equal(fixture_read(&fixture, other.start, buf, 64), -EIO);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_detach_waits_for_dma(void **state)
{
	(void)state;
	check_waits_for_burst(take_attachment, false);
	check_waits_for_burst(take_attachment, true);
}

static void test_disable_waits_for_dma(void **state)
{
	(void)state;
	check_waits_for_burst(take_bus_master, false);
	check_waits_for_burst(take_bus_master, true);
}

/* Taking waits until the piece that was held is given back. */
static void check_waits_for_holder(void (*take)(struct taker *taker))
{
	struct iommu_dma_piece piece, refused;
	struct fixture fixture;
	struct iommu_map map;
	struct taker taker;
	unsigned int i;
	bool was_done;
	int err = 0;

	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, 4 * PAGE, RW);
	assert_int_equal(iommu_dma_map(fixture.endpoint, IOMMU_NO_PASID,
				       IOVA + PAGE, 8 * PAGE, RW, &piece),
			 0);
	assert_ptr_equal(piece.address, fixture.memory + PAGE);
	assert_int_equal(piece.len, 3 * PAGE);
	taker_start(&taker, &fixture, &map, take);
	/* The asynchronous DMA goes on; soon a new one does not begin. */
	for (i = 0; i < N_TRIES && !err; i++) {
		sleep_long_enough();
		memset(piece.address, 1, piece.len);
		err = iommu_dma_map(fixture.endpoint, IOMMU_NO_PASID, IOVA, 1,
				    IOMMU_READ, &refused);
		if (!err)
			iommu_dma_unmap(&refused);
	}
	assert_int_equal(err, -EIO);
	sleep_long_enough();
	was_done = atomic_load(&taker.is_done);
	iommu_dma_unmap(&piece);
	thread_join(&taker.thread);
	assert_false(was_done);
	if (take != take_map)
		fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_unmap_waits_for_holder(void **state)
{
	(void)state;
	check_waits_for_holder(take_map);
}

static void test_detach_waits_for_holder(void **state)
{
	(void)state;
	check_waits_for_holder(take_attachment);
}

static void test_disable_waits_for_holder(void **state)
{
	(void)state;
	check_waits_for_holder(take_bus_master);
}

/* A holder of one map does not keep another one. */
static void test_holders_are_of_one_map(void **state)
{
	struct iommu_dma_piece piece;
	struct iommu_map maps[2];
	struct fixture fixture;

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &maps[0], IOVA, 0, PAGE, IOMMU_READ);
	fixture_map(&fixture, &maps[1], IOVA + PAGE, PAGE, PAGE, RW);
	assert_int_equal(iommu_dma_map(fixture.endpoint, IOMMU_NO_PASID, IOVA,
				       PAGE, IOMMU_WRITE, &piece),
			 -EIO);
	assert_int_equal(fixture_fault.reason, DMA_FAULT_READ_ONLY);
	iommu_dma_unmap(&piece);
	assert_int_equal(iommu_dma_map(fixture.endpoint, IOMMU_NO_PASID, IOVA,
				       PAGE, IOMMU_READ, &piece),
			 0);
	fixture_unmap(&fixture, &maps[1]);
	iommu_dma_unmap(&piece);
	fixture_unmap(&fixture, &maps[0]);
	fixture_deinit(&fixture);
}

static void nothing(void *arg, struct iommu_map *map)
{
	(void)arg;
	(void)map;
}

/* What the IOTLB has cached dies with the map, of any length, at once. */
static void test_unmap_forgets_cached_pages(void **state)
{
	static const __u64 lens[] = { PAGE, 8ull << 20, 1ull << 40 };
	struct fixture fixture;
	struct iommu_map map;
	unsigned int i;
	char buf[64];

	(void)state;
	fixture_init(&fixture);
	for (i = 0; i < array_len(lens); i++) {
		fixture_map(&fixture, &map, IOVA, 0, lens[i], RW);
		assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
		assert_int_equal(fixture_read(&fixture,
					      IOVA + lens[i] / 2 % FIXTURE_LEN,
					      buf, 64),
				 0);
		fixture_unmap(&fixture, &map);
		assert_refused(fixture_read(&fixture, IOVA, buf, 64),
			       DMA_FAULT_UNMAPPED, IOVA);
		assert_int_equal(fixture_read(&fixture,
					      IOVA + lens[i] / 2 % FIXTURE_LEN,
					      buf, 64),
				 -EIO);
	}
	/* Mapped anew elsewhere, the new place is read. */
	fixture.memory[PAGE] = 5;
	fixture_map(&fixture, &map, IOVA, PAGE, PAGE, RW);
	assert_int_equal(fixture_read(&fixture, IOVA, buf, 64), 0);
	assert_int_equal(buf[0], 5);
	iommu_space_remove_all(fixture.space, nothing, NULL);
	iommu_space_sync(fixture.space);
	assert_refused(fixture_read(&fixture, IOVA, buf, 64),
		       DMA_FAULT_UNMAPPED, IOVA);
	fixture_deinit(&fixture);
}

/**
 * struct writer - a device that writes without a pause
 */
struct writer {
	struct fixture *fixture;
	atomic_bool is_over;
	atomic_ulong n_written;
	struct thread thread;
};

static void writer_run(void *arg)
{
	struct writer *writer = arg;
	char bytes[256];

	memset(bytes, 0x77, sizeof(bytes));
	while (!atomic_load(&writer->is_over)) {
		if (!fixture_write(writer->fixture, IOVA + 100, bytes,
				   sizeof(bytes)))
			atomic_fetch_add(&writer->n_written, 1);
	}
}

/* No byte arrives after an unmap or a detach has returned. */
static void check_under_load(bool is_detach)
{
	struct writer writer = { 0 };
	struct fixture fixture;
	struct iommu_map map;
	unsigned int i, k;

	fixture_init(&fixture);
	trace_listen(NULL);
	writer.fixture = &fixture;
	fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	assert_int_equal(
		thread_start(&writer.thread, "writer", writer_run, &writer), 0);
	for (i = 0; i < 200; i++) {
		unsigned long n = atomic_load(&writer.n_written);

		while (atomic_load(&writer.n_written) < n + 3)
			;
		if (is_detach)
			iommu_endpoint_set_domain(fixture.endpoint, NULL);
		else
			fixture_unmap(&fixture, &map);
		memset(fixture.memory, 0, PAGE);
		for (k = 0; k < 2000; k++)
			__builtin_ia32_pause();
		for (k = 0; k < PAGE; k++)
			assert_int_equal(fixture.memory[k], 0);
		if (is_detach)
			iommu_endpoint_set_domain(fixture.endpoint,
						  fixture.domain);
		else
			fixture_map(&fixture, &map, IOVA, 0, PAGE, RW);
	}
	atomic_store(&writer.is_over, true);
	thread_join(&writer.thread);
	fixture_unmap(&fixture, &map);
	fixture_deinit(&fixture);
}

static void test_no_byte_after_unmap(void **state)
{
	(void)state;
	check_under_load(false);
}

static void test_no_byte_after_detach(void **state)
{
	(void)state;
	check_under_load(true);
}

/* ---- readers of the index --------------------------------------------- */

#define N_STABLE 32u
#define N_MOVING 96u

/**
 * struct lookups - a reader beside a writer that changes all around
 * @stable: what the reader must always find, in every address of it
 * @n_lost: times it did not
 */
struct lookups {
	struct iommu_space *space;
	struct iommu_map stable[N_STABLE];
	struct iommu_map moving[N_MOVING];
	atomic_bool is_over;
	atomic_ulong n_found;
	atomic_ulong n_lost;
	struct thread thread;
};

static void lookups_run(void *arg)
{
	struct lookups *lookups = arg;
	unsigned int i = 0;

	while (!atomic_load(&lookups->is_over)) {
		struct iommu_map *map = &lookups->stable[i++ % N_STABLE];
		iova_t iova =
			map->start + i * 977ull % (map->last - map->start);

		iommu_dma_burst_begin();
		rcu_read_deepen();
		if (index_find(&lookups->space->index, iova) == map)
			atomic_fetch_add(&lookups->n_found, 1);
		else
			atomic_fetch_add(&lookups->n_lost, 1);
		iommu_dma_burst_end();
	}
}

/*
 * Stable ranges of a length that leaves room between them; moving ones come
 * and go in the room, in any order, so nodes between are made and collapse.
 */
static void test_stable_ranges_are_always_found(void **state)
{
	static struct lookups lookups;
	struct harness_random random;
	bool is_in[N_MOVING] = { false };
	struct fixture fixture;
	unsigned int i, k;

	(void)state;
	harness_random_init(&random);
	memset(&lookups, 0, sizeof(lookups));
	fixture_init(&fixture);
	lookups.space = fixture.space;
	for (i = 0; i < N_STABLE; i++) {
		lookups.stable[i].start = (iova_t)i * i * i << 14;
		lookups.stable[i].last = lookups.stable[i].start + 0x2fff;
		assert_int_equal(iommu_space_insert(lookups.space,
						    &lookups.stable[i]),
				 0);
	}
	assert_int_equal(thread_start(&lookups.thread, "lookups", lookups_run,
				      &lookups),
			 0);
	for (i = 0; i < 20000; i++) {
		struct iommu_map *map = &lookups.moving[i % N_MOVING];

		k = i % N_MOVING;
		if (is_in[k]) {
			fixture_unmap(&fixture, map);
			is_in[k] = false;
			continue;
		}
		map->start =
			(harness_random_below(&random, 32 * 32 * 32) << 14) +
			0x3000 + harness_random_below(&random, 4000);
		map->last = map->start + 15;
		is_in[k] = !iommu_space_insert(lookups.space, map);
	}
	while (!atomic_load(&lookups.n_found))
		;
	atomic_store(&lookups.is_over, true);
	thread_join(&lookups.thread);
	assert_int_equal(atomic_load(&lookups.n_lost), 0);
	for (i = 0; i < N_MOVING; i++)
		if (is_in[i])
			fixture_unmap(&fixture, &lookups.moving[i]);
	for (i = 0; i < N_STABLE; i++)
		fixture_unmap(&fixture, &lookups.stable[i]);
	fixture_deinit(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_unmap_waits_for_dma),
		harness_test(test_unmap_elsewhere_does_not_wait),
		harness_test(test_detach_waits_for_dma),
		harness_test(test_disable_waits_for_dma),
		harness_test(test_unmap_waits_for_holder),
		harness_test(test_detach_waits_for_holder),
		harness_test(test_disable_waits_for_holder),
		harness_test(test_holders_are_of_one_map),
		harness_test(test_unmap_forgets_cached_pages),
		harness_test(test_no_byte_after_unmap),
		harness_test(test_no_byte_after_detach),
		harness_test(test_stable_ranges_are_always_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
