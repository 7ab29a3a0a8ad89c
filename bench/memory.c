/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory table: what a mapping, and an address space, make the process
 * grow by. Everything counts that becomes resident. Each kind has a
 * process of its own, since memory once used may be used again.
 *
 * usage: bench/memory N dense|stride|random|attached|big|ioas
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "bench/inside/inside.h"
#include "client.h"

#define MIB (1u << 20)

/**
 * struct growth - of the resident set, in bytes
 * @start: before the first object; without the benchmark's own arrays
 * @each: by each object
 * @end: when all objects are gone again, likewise
 */
struct growth {
	double start;
	double each;
	double end;
};

/**
 * struct subject - what is measured
 * @n: objects
 * @layout: of mappings
 * @is_attached: a device is, so memory is pinned; of as many pages as mappings
 * @fill: make all of them
 * @empty: take all away
 */
struct subject {
	uint64_t n;
	enum layout layout;
	bool is_attached;
	void (*fill)(const struct subject *subject, struct client *client);
	void (*empty)(const struct subject *subject, struct client *client);
};

/* Memory to map: never touched, so that it does not count. */
static char *arena;
static uint64_t arena_len;
static uint32_t *order;

static void fill_maps(const struct subject *subject, struct client *client)
{
	for (uint64_t i = 0; i < subject->n; i++)
		bench_check(
			!client_map(client,
				    layout_iova(subject->layout, order[i]),
				    arena + (uint64_t)order[i] * BENCH_PAGE_LEN,
				    BENCH_PAGE_LEN),
			"a mapping failed");
}

static void empty_maps(const struct subject *subject, struct client *client)
{
	(void)subject;
	client_unmap_all(client);
}

/* From just above 2 MiB to 1 TiB; each is one object. */
static void fill_big_maps(const struct subject *subject, struct client *client)
{
	uint64_t iova = LAYOUT_BASE;

	for (uint64_t i = 0; i < subject->n; i++) {
		uint64_t len = (2 * MIB + BENCH_PAGE_LEN) << i % 20;

		bench_check(!client_map(client, iova, arena, len),
			    "a big mapping failed");
		iova += len + BENCH_PAGE_LEN;
	}
}

static uint32_t *ioas_ids;

static void fill_ioas(const struct subject *subject, struct client *client)
{
	for (uint64_t i = 0; i < subject->n; i++)
		ioas_ids[i] = client_ioas_alloc(client);
}

static void empty_ioas(const struct subject *subject, struct client *client)
{
	for (uint64_t i = 0; i < subject->n; i++)
		client_destroy(client, ioas_ids[i]);
}

static void make_arena(const struct subject *subject)
{
	uint64_t n = subject->n;

	arena_len = n * BENCH_PAGE_LEN;
	if (subject->fill == fill_big_maps)
		arena_len = 2ull << 40;
	arena = mmap(NULL, arena_len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bench_check(arena != MAP_FAILED, "no room in the address space");
	order = bench_alloc(n * sizeof(*order));
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	if (subject->layout != LAYOUT_DENSE)
		bench_shuffle(order, (uint32_t)n, 1);
	ioas_ids = bench_alloc(n * sizeof(*ioas_ids));
}

static void measure(const struct subject *subject, struct growth *growth)
{
	struct inside_device *device = NULL;
	struct client client;
	double own = (double)(subject->n * 2 * sizeof(uint32_t));
	double filled;

	make_arena(subject);
	client_start(&client, NULL);
	if (subject->is_attached) {
		device = inside_attach(client.fd, client.ioas_id);
		bench_check(device, "the device cannot be attached");
	}
	/* What the first object of its kind needs is not one object's. */
	client_map(&client, layout_iova(subject->layout, 0), arena,
		   BENCH_PAGE_LEN);
	client_unmap_all(&client);
	client_destroy(&client, client_ioas_alloc(&client));
	bench_resident();
	growth->start = (double)bench_resident() - own;
	subject->fill(subject, &client);
	filled = (double)bench_resident() - own;
	growth->each = (filled - growth->start) / (double)subject->n;
	subject->empty(subject, &client);
	growth->end = (double)bench_resident() - own;
	if (device)
		inside_detach(device);
	client_stop(&client);
}

/**
 * report() - the rows of one subject
 * @limit: bytes each, 0: for information
 * @aim: a stricter one, or 0
 */
static void report(const struct subject *subject, const char *name,
		   double limit, double aim)
{
	struct growth growth;
	struct bench_row row;

	measure(subject, &growth);
	row = bench_row("B", bench_exact(growth.each), false);
	if (limit > 0)
		bench_at_most(row, limit, "memory: %s, n=%.0e", name,
			      (double)subject->n);
	if (aim > 0)
		bench_at_most(row, aim, "memory: %s, n=%.0e (aim)", name,
			      (double)subject->n);
	if (limit <= 0 && aim <= 0)
		bench_info(row, "memory: %s, n=%.0e", name, (double)subject->n);
	row = bench_row("x",
			bench_exact(growth.end / (growth.start * 1.1 + MIB)),
			false);
	bench_at_most(row, 1, "memory: %s, n=%.0e: left over", name,
		      (double)subject->n);
}

/* Bytes each that are aimed at, by layout; the limit holds for 10 million. */
static void report_maps(struct subject *subject, const char *name)
{
	static const double aims[N_LAYOUTS] = { 24, 64, 64 };
	bool is_most = subject->n == 10000000;

	subject->fill = fill_maps;
	subject->empty = empty_maps;
	report(subject, name, is_most ? 128 : 0,
	       is_most && !subject->is_attached ? aims[subject->layout] : 0);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 2 ? argv[2] : "";
	struct subject subject = {
		.n = argc > 1 ? (uint64_t)strtod(argv[1], NULL) : 0,
		.layout = LAYOUT_RANDOM,
		.empty = empty_maps,
	};

	if (subject.n < 100 || subject.n > 10000000)
		bench_fail("usage: bench/memory N KIND");
	if (!strcmp(kind, "dense")) {
		subject.layout = LAYOUT_DENSE;
		report_maps(&subject, "4 KiB, dense");
	} else if (!strcmp(kind, "stride")) {
		subject.layout = LAYOUT_STRIDE;
		report_maps(&subject, "4 KiB, 64 KiB apart");
	} else if (!strcmp(kind, "random")) {
		report_maps(&subject, "4 KiB, random 46 bits");
	} else if (!strcmp(kind, "attached")) {
		subject.is_attached = true;
		report_maps(&subject, "4 KiB, random 46 bits, attached");
	} else if (!strcmp(kind, "big")) {
		subject.fill = fill_big_maps;
		report(&subject, "above 2 MiB, up to 1 TiB", 256, 0);
	} else if (!strcmp(kind, "ioas")) {
		subject.fill = fill_ioas;
		subject.empty = empty_ioas;
		report(&subject, "IOAS", 512, 0);
	} else {
		bench_fail("usage: bench/memory N KIND");
	}
	return 0;
}
