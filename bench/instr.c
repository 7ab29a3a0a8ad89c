/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A1, A2, A4, A5, A7 in instructions: run by bench/run under callgrind, which
 * counts inside iommufd_ioctl() alone. Counting is off while mappings are made
 * that only have to be there.
 *
 * usage: bench/instr N
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "client.h"
#include "count.h"

#define N_OPS 512u
#define RESERVED_LEN (64ull << 40)

static struct client client;
static char *page;

/* Tell bench/run what was counted, for which n, and how often it was done. */
static void count_end_of(const char *what, uint64_t n, uint64_t n_ops)
{
	char name[2 * BENCH_NAME_LEN];

	snprintf(name, sizeof(name), "count %s %lu %lu", what, n, n_ops);
	count_end(name);
}

static void map_at(uint64_t iova)
{
	bench_check(!client_map(&client, iova, page, BENCH_PAGE_LEN),
		    "a mapping failed");
}

static void unmap_at(uint64_t iova)
{
	bench_check(!client_unmap(&client, iova, BENCH_PAGE_LEN),
		    "an unmap failed");
}

/* A1, A2: at addresses that the program chose. */
static void count_fixed(enum layout layout, uint64_t n)
{
	static const char *const names[N_LAYOUTS] = { "dense", "stride",
						      "random" };
	char what[BENCH_NAME_LEN];
	uint64_t step = n / N_OPS ? n / N_OPS : 1;
	uint64_t i;

	/* Spread over all of them; dense ones have to be made with holes. */
	for (i = 0; i < n; i++)
		if (i % step || i / step >= N_OPS)
			map_at(layout_iova(layout, i));
	snprintf(what, sizeof(what), "map-%s", names[layout]);
	count_start();
	for (i = 0; i < N_OPS && i * step < n; i++)
		map_at(layout_iova(layout, (i * 77 % N_OPS) * step));
	count_end_of(what, n, i);
	snprintf(what, sizeof(what), "unmap-%s", names[layout]);
	count_start();
	for (i = 0; i < N_OPS && i * step < n; i++)
		unmap_at(layout_iova(layout, (i * 45 % N_OPS) * step));
	count_end_of(what, n, i);
	bench_check(client_unmap(&client, layout_iova(layout, 0),
				 BENCH_PAGE_LEN) == -ENOENT,
		    "what was unmapped is still there");
	bench_check(!client_unmap(&client, layout_iova(layout, n - 1),
				  BENCH_PAGE_LEN),
		    "what was mapped is not there");
	client_unmap_all(&client);
}

/* A4: at addresses that the library chooses, every other one was freed. */
static void count_chosen(uint64_t n)
{
	uint64_t *iovas = bench_alloc(n * sizeof(*iovas));
	uint64_t i;

	for (i = 0; i < n; i++)
		iovas[i] = client_map_anywhere(&client, page, BENCH_PAGE_LEN);
	for (i = 0; i < n; i += 2)
		unmap_at(iovas[i]);
	count_start();
	for (i = 0; i < N_OPS && i < n / 2; i++)
		client_map_anywhere(&client, page, BENCH_PAGE_LEN);
	count_end_of("map-chosen", n, i);
	munmap(iovas, n * sizeof(*iovas));
	client_unmap_all(&client);
}

/* A5: the length does not matter. */
static void count_lengths(void)
{
	static const uint64_t lens[] = { BENCH_PAGE_LEN, 1ull << 30, 1ull << 40,
					 RESERVED_LEN };
	void *reserved = mmap(NULL, RESERVED_LEN, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			      0);

	/* Without a domain the address is only a name. */
	if (reserved == MAP_FAILED)
		reserved = page;
	for (unsigned int i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		count_start();
		for (unsigned int k = 0; k < N_OPS; k++) {
			bench_check(!client_map(&client, LAYOUT_BASE, reserved,
						lens[i]),
				    "a big mapping failed");
			bench_check(!client_unmap(&client, LAYOUT_BASE,
						  lens[i]),
				    "a big unmap failed");
		}
		count_end_of("pair", lens[i], N_OPS);
	}
	if (reserved != page)
		munmap(reserved, RESERVED_LEN);
}

/* A7: one at a time, then all at once. */
static void count_copies(uint64_t n)
{
	uint32_t to = client_ioas_alloc(&client);
	struct client other = client;
	uint64_t i;

	other.ioas_id = to;
	for (i = 0; i < n; i++)
		map_at(layout_iova(LAYOUT_DENSE, i));
	count_start();
	for (i = 0; i < N_OPS && i < n; i++)
		bench_check(!client_copy(&client, to,
					 layout_iova(LAYOUT_DENSE, i * 77 % n),
					 BENCH_PAGE_LEN),
			    "a copy failed");
	count_end_of("copy-one", n, i);
	client_unmap_all(&other);
	count_start();
	bench_check(!client_copy(&client, to, LAYOUT_BASE, n * BENCH_PAGE_LEN),
		    "a copy of everything failed");
	count_end_of("copy-all", n, n);
	client_unmap_all(&other);
	client_destroy(&client, to);
	client_unmap_all(&client);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? (uint64_t)strtod(argv[1], NULL) : 1000;

	bench_check(n >= 1000 && n <= 10000000, "usage: bench/instr N");
	page = bench_alloc(BENCH_PAGE_LEN);
	client_start(&client, NULL);
	/* What is done for the first time only is not counted. */
	map_at(LAYOUT_BASE);
	unmap_at(LAYOUT_BASE);
	/* Of 10 million, only those that need most: callgrind takes long. */
	if (n < 10000000) {
		count_fixed(LAYOUT_DENSE, n);
		count_fixed(LAYOUT_STRIDE, n);
	}
	count_fixed(LAYOUT_RANDOM, n);
	count_chosen(n);
	if (n == 1000)
		count_lengths();
	if (n <= 1000000)
		count_copies(n);
	client_stop(&client);
	return 0;
}
