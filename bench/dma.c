/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * B1, B6, E1: DMA whose translation is cached, measured inside the shared
 * library. Yardsticks: memcpy of the same bytes between the same places, a
 * direct-mapped table with tags in front of it, a lock in front of it.
 *
 * usage: bench/dma [count]
 *	count: run a few of each, for callgrind
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench/inside/inside.h"
#include "client.h"
#include "count.h"

enum {
	N_PAGES = 4096,
	N_IOVAS = 16384,
	BURST = 32,
	TABLE_LG2 = 13,
};

/* What the helper thread on the other CPU does. */
enum helper_mode {
	HELPER_SLEEPS,
	HELPER_MAPS,
	HELPER_READS,
	HELPER_LOCKS,
	HELPER_ENDS,
};

/* Where the helper maps: in no part of the address space that is read. */
#define HELPER_IOVA (LAYOUT_BASE + (1ull << 40) + (512ull << 21))

static struct client client;
static struct inside_device *device;
static char *pages;
static _Atomic int helper_mode;
static _Atomic int helper_is_at;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static uint64_t page_iova(uint32_t page)
{
	return layout_iova(LAYOUT_STRIDE, page);
}

/**
 * struct work - random accesses
 * @iovas: of each
 * @vas: the same in this process
 * @n_repeats: how often all of them, in a round
 * @len: bytes of each
 * @n_burst: DMAs in a read section; 0: each has its own
 * @is_dependent: each waits for the last
 * @mode: what the helper does meanwhile
 */
struct work {
	uint64_t iovas[N_IOVAS];
	const char *vas[N_IOVAS];
	uint32_t n_repeats;
	size_t len;
	unsigned int n_burst;
	bool is_dependent;
	enum helper_mode mode;
};

static void work_init(struct work *work, uint32_t n_pages, size_t len)
{
	uint64_t seed = 88172645463325252ull;

	for (uint32_t i = 0; i < N_IOVAS; i++) {
		uint32_t page = (uint32_t)(bench_random(&seed) % n_pages);
		uint64_t offset =
			bench_random(&seed) % (BENCH_PAGE_LEN / len) * len;

		work->iovas[i] = page_iova(page) + offset;
		work->vas[i] = pages + page * BENCH_PAGE_LEN + offset;
	}
	work->len = len;
	work->n_repeats = (uint32_t)bench_pick(32, 8, 1);
	work->n_burst = 0;
	work->is_dependent = false;
	work->mode = HELPER_SLEEPS;
}

/* ---- sides ------------------------------------------------------------- */

static void helper_set(enum helper_mode mode)
{
	atomic_store(&helper_mode, mode);
	while (atomic_load(&helper_is_at) != (int)mode)
		;
}

static double per_access(const struct work *work, uint64_t start)
{
	return (double)(bench_thread_time() - start) / N_IOVAS /
	       work->n_repeats;
}

static double dma_side(void *arg)
{
	static uint64_t buf[BENCH_PAGE_LEN / 8];
	const struct work *work = arg;
	struct inside_work inside = {
		.iovas = work->iovas,
		.n = N_IOVAS,
		.buf = buf,
		.len = work->len,
		.n_burst = work->n_burst,
		.is_dependent = work->is_dependent,
	};
	uint64_t start, sum = 0;
	double ns;

	helper_set(work->mode);
	start = bench_thread_time();
	for (uint32_t i = 0; i < work->n_repeats; i++)
		sum |= inside_run(device, &inside);
	ns = per_access(work, start);
	helper_set(HELPER_SLEEPS);
	bench_check(!sum, "DMA failed, or read the wrong place");
	return ns;
}

/* A length that the compiler knows would be copied by other code. */
static inline __attribute__((always_inline)) uint64_t
copy_all(const struct work *work,
	 const char *(*place)(const struct work *, uint32_t, uint64_t))
{
	static uint64_t buf[BENCH_PAGE_LEN / 8];
	size_t len = work->len;
	uint64_t sum = 0;

	bench_consume((uintptr_t)buf);
	for (uint32_t i = 0; i < N_IOVAS; i++) {
		uint64_t add = work->is_dependent ? buf[0] : 0;

		memcpy(buf, place(work, i, add), len);
		bench_consume((uintptr_t)buf);
		sum |= buf[0];
	}
	return sum;
}

static inline const char *place_known(const struct work *work, uint32_t i,
				      uint64_t add)
{
	return work->vas[i] + add;
}

static double memcpy_side(void *arg)
{
	const struct work *work = arg;
	uint64_t start, sum = 0;
	double ns;

	helper_set(work->mode);
	start = bench_thread_time();
	for (uint32_t i = 0; i < work->n_repeats; i++)
		sum |= copy_all(work, place_known);
	ns = per_access(work, start);
	helper_set(HELPER_SLEEPS);
	bench_check(!sum, "memcpy read the wrong place");
	return ns;
}

/* A table as simple as a table of translations can be. */
static struct {
	uint64_t tag;
	const char *address;
} table[1 << TABLE_LG2];

static __attribute__((noinline)) const char *table_find(uint64_t iova)
{
	uint64_t page = iova / BENCH_PAGE_LEN;
	/* Pages are 64 KiB apart. */
	uint64_t index = (page ^ page >> TABLE_LG2 ^ page >> 4) &
			 ((1 << TABLE_LG2) - 1);

	if (table[index].tag != page)
		return NULL;
	return table[index].address + iova % BENCH_PAGE_LEN;
}

static inline const char *place_in_table(const struct work *work, uint32_t i,
					 uint64_t add)
{
	const char *place = table_find(work->iovas[i] + add);

	return place ? place : work->vas[i];
}

static void table_fill(uint32_t n_pages)
{
	memset(table, 0, sizeof(table));
	for (uint32_t i = 0; i < n_pages; i++) {
		uint64_t page = page_iova(i) / BENCH_PAGE_LEN;
		uint64_t index = (page ^ page >> TABLE_LG2 ^ page >> 4) &
				 ((1 << TABLE_LG2) - 1);

		table[index].tag = page;
		table[index].address = pages + i * BENCH_PAGE_LEN;
	}
}

static double table_side(void *arg)
{
	const struct work *work = arg;
	uint64_t start = bench_thread_time();
	uint64_t sum = 0;

	for (uint32_t i = 0; i < work->n_repeats; i++)
		sum |= copy_all(work, place_in_table);
	bench_check(!sum, "the table led to the wrong place");
	return per_access(work, start);
}

static inline const char *place_locked(const struct work *work, uint32_t i,
				       uint64_t add)
{
	const char *place;

	pthread_rwlock_rdlock(&rwlock);
	place = table_find(work->iovas[i] + add);
	pthread_rwlock_unlock(&rwlock);
	return place ? place : work->vas[i];
}

static double rwlock_side(void *arg)
{
	const struct work *work = arg;
	uint64_t start, sum = 0;
	double ns;

	helper_set(HELPER_LOCKS);
	start = bench_thread_time();
	sum |= copy_all(work, place_locked);
	ns = (double)(bench_thread_time() - start) / N_IOVAS;
	helper_set(HELPER_SLEEPS);
	bench_check(!sum, "memcpy read the wrong place");
	return ns;
}

/* ---- the helper -------------------------------------------------------- */

static void helper_map(const char *page)
{
	bench_check(!client_map(&client, HELPER_IOVA, page, BENCH_PAGE_LEN),
		    "a mapping failed");
	bench_check(!client_unmap(&client, HELPER_IOVA, BENCH_PAGE_LEN),
		    "an unmap failed");
}

static void *helper_main(void *arg)
{
	struct timespec nap = { .tv_nsec = 20000 };
	char *page = bench_alloc(BENCH_PAGE_LEN);
	struct work *work = malloc(sizeof(*work));
	struct inside_work inside;
	uint64_t buf[8];

	(void)arg;
	bench_check(work, "out of memory");
	work_init(work, 64, 64);
	inside = (struct inside_work){
		.iovas = work->iovas,
		.n = 1024,
		.buf = buf,
		.len = sizeof(buf),
	};
	if (bench_n_cpus() > 1)
		bench_pin_cpu(1);
	for (;;) {
		int mode = atomic_load(&helper_mode);

		atomic_store(&helper_is_at, mode);
		if (mode == HELPER_ENDS)
			break;
		if (mode == HELPER_SLEEPS) {
			nanosleep(&nap, NULL);
		} else if (mode == HELPER_MAPS) {
			helper_map(page);
		} else if (mode == HELPER_READS) {
			inside_run(device, &inside);
		} else {
			pthread_rwlock_rdlock(&rwlock);
			pthread_rwlock_unlock(&rwlock);
		}
	}
	free(work);
	return NULL;
}

/* ---- rows -------------------------------------------------------------- */

static struct work works[3];

/* One DMA of 64 bytes at a hit, while others map and unmap. */
static void measure_hit(void)
{
	struct bench_side sides[] = {
		{ .run = memcpy_side, .arg = &works[0], .is_yardstick = true },
		{ .run = dma_side, .arg = &works[0] },
		{ .run = dma_side, .arg = &works[1] },
	};
	bool is_noisy;

	for (unsigned int i = 0; i < 2; i++) {
		work_init(&works[i], 64, 64);
		works[i].mode = HELPER_MAPS;
	}
	works[1].n_burst = BURST;
	is_noisy = bench_rounds(sides, 3);
	bench_info(bench_row("ns", bench_figure(&sides[0]), is_noisy),
		   "memcpy 64 B, 64 pages, other thread maps");
	bench_at_most(bench_row("ns", bench_excess(&sides[1], &sides[0]),
				is_noisy),
		      20, "DMA 64 B, 64 mappings, other maps: over memcpy");
	bench_at_most(bench_row("ns", bench_excess(&sides[2], &sides[0]),
				is_noisy),
		      10, "same, in a burst: over memcpy");
}

static void measure_table(uint32_t n_pages, bool is_dependent)
{
	struct bench_side sides[] = {
		{ .run = table_side, .arg = &works[0], .is_yardstick = true },
		{ .run = dma_side, .arg = &works[0] },
	};
	const char *kind = is_dependent ? ", dependent" : "";
	bool is_noisy;

	work_init(&works[0], n_pages, 64);
	works[0].n_burst = BURST;
	works[0].is_dependent = is_dependent;
	table_fill(n_pages);
	is_noisy = bench_rounds(sides, 2);
	bench_info(bench_row("ns", bench_figure(&sides[0]), is_noisy),
		   "B1 DMA 64 B, %u pages%s: table and memcpy", n_pages, kind);
	bench_info(bench_row("ns", bench_figure(&sides[1]), is_noisy),
		   "B1 DMA 64 B, %u pages%s: ours", n_pages, kind);
	bench_at_most(bench_row("x", bench_ratio(&sides[1], &sides[0]),
				is_noisy),
		      1.5, "B1 DMA 64 B, %u pages%s: time over table (aim)",
		      n_pages, kind);
}

static void measure_readers(void)
{
	struct bench_side sides[] = {
		{ .run = dma_side, .arg = &works[0], .is_yardstick = true },
		{ .run = dma_side, .arg = &works[1] },
		{ .run = dma_side, .arg = &works[2] },
		{ .run = rwlock_side, .arg = &works[0] },
	};
	struct bench_figure both;
	bool is_noisy;

	for (unsigned int i = 0; i < 3; i++)
		work_init(&works[i], 64, 64);
	table_fill(64);
	works[1].mode = HELPER_MAPS;
	works[2].mode = HELPER_READS;
	is_noisy = bench_rounds(sides, 4);
	bench_at_least(bench_row("x", bench_ratio(&sides[0], &sides[1]),
				 is_noisy),
		       0.9, "B6 reader while another maps: speed of alone");
	both = bench_ratio(&sides[0], &sides[2]);
	both.median *= 2;
	bench_at_least(bench_row("x", both, is_noisy), 1.95,
		       "B6 two readers: speed of one (aim)");
	bench_at_least(bench_row("x", bench_ratio(&sides[3], &sides[2]),
				 is_noisy),
		       50, "B6 two readers: over a read lock (aim)");
}

/* E1: with many mappings beside the few that are used. */
static void measure_lengths(void)
{
	static const struct {
		size_t len;
		double aim;
	} lens[] = { { 64, 2.2 }, { 512, 1.6 }, { 4096, 1.06 } };
	struct bench_side sides[] = {
		{ .run = memcpy_side, .arg = &works[0], .is_yardstick = true },
		{ .run = dma_side, .arg = &works[0] },
	};
	uint32_t n = (uint32_t)bench_pick(1000000, 100000, 5000);

	for (uint32_t i = N_PAGES; i < n; i++)
		bench_check(!client_map(&client, page_iova(i), pages,
					BENCH_PAGE_LEN),
			    "a mapping failed");
	for (unsigned int i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		bool is_noisy;

		work_init(&works[0], 4, lens[i].len);
		works[0].n_burst = BURST;
		is_noisy = bench_rounds(sides, 2);
		bench_info(bench_row("ns", bench_figure(&sides[0]), is_noisy),
			   "E1 memcpy %zu B, hot", lens[i].len);
		bench_at_most(bench_row("x", bench_ratio(&sides[1], &sides[0]),
					is_noisy),
			      lens[i].aim,
			      "E1 DMA %zu B, hot: time over memcpy (aim)",
			      lens[i].len);
	}
}

/* Callgrind counts inside of iommu_dma_read(). */
static void count(void)
{
	char name[BENCH_NAME_LEN];

	work_init(&works[0], 64, 64);
	works[0].n_repeats = 1;
	works[0].n_burst = BURST;
	dma_side(&works[0]);
	count_start();
	dma_side(&works[0]);
	snprintf(name, sizeof(name), "count dma 64 %u", N_IOVAS);
	count_end(name);
}

static void check_refused(void)
{
	char buf[64];

	bench_check(!client_unmap(&client, page_iova(0), BENCH_PAGE_LEN),
		    "an unmap failed");
	bench_check(inside_dma(device, page_iova(0), buf, 64, false) == -EIO,
		    "DMA to what was unmapped was not refused");
	bench_check(!inside_dma(device, page_iova(1), buf, 64, false),
		    "DMA to what is mapped was refused");
}

static void start(void)
{
	pages = bench_alloc(N_PAGES * BENCH_PAGE_LEN);
	client_start(&client, NULL);
	device = inside_attach(client.fd, client.ioas_id);
	bench_check(device, "the device cannot be attached");
	for (uint32_t i = 0; i < N_PAGES; i++)
		bench_check(!client_map(&client, page_iova(i),
					pages + i * BENCH_PAGE_LEN,
					BENCH_PAGE_LEN),
			    "a mapping failed");
}

int main(int argc, char **argv)
{
	static const uint32_t n_pages[] = { 1, 64, 4096 };
	pthread_t helper;

	start();
	bench_check(!pthread_create(&helper, NULL, helper_main, NULL),
		    "no thread");
	bench_pin_cpu(0);
	if (argc > 1 && !strcmp(argv[1], "count")) {
		count();
	} else {
		measure_hit();
		for (unsigned int i = 0; i < 3; i++) {
			measure_table(n_pages[i], false);
			measure_table(n_pages[i], true);
		}
		measure_readers();
		measure_lengths();
	}
	check_refused();
	helper_set(HELPER_ENDS);
	pthread_join(helper, NULL);
	inside_detach(device);
	client_stop(&client);
	return 0;
}
