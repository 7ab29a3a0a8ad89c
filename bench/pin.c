/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A map and unmap for a working device, against what the kernel does to make
 * memory fit for DMA: io_uring pins the pages of registered buffers. An NVMe
 * controller is attached, enabled, and its thread is kept polling on the other
 * CPU, so each unmap has a thread to wait for. Memory is there, in pages of
 * 4 KiB.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "nvme_driver.h"

#define PAIR_IOVA (3ull << 32)
#define LEN_MAX (1ull << 30)
/* The controller's thread polls for 0.2 ms after its last command. */
#define KEEP_EVERY_NS 50000u

static struct client client;
static struct ring *nvme;
static char *memory;
static int uring = -1;
static const char *uring_absent;

static void uring_start(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct io_uring_params params = { 0 };
	static char why[80];

	setrlimit(RLIMIT_MEMLOCK, &all);
	uring = (int)syscall(SYS_io_uring_setup, 2, &params);
	if (uring >= 0)
		return;
	snprintf(why, sizeof(why), "io_uring is refused here: %s",
		 strerror(errno));
	uring_absent = why;
}

/**
 * struct pair - what is mapped and unmapped
 * @len: bytes
 * @n: how often, in a round
 * @n_uring: how often the kernel does it
 */
struct pair {
	uint64_t len;
	unsigned int n;
	unsigned int n_uring;
};

static double uring_side(void *arg)
{
	const struct pair *pair = arg;
	struct iovec buffer = { memory, pair->len };
	uint64_t start = bench_now();

	for (unsigned int i = 0; i < pair->n_uring; i++) {
		if (syscall(SYS_io_uring_register, uring,
			    IORING_REGISTER_BUFFERS, &buffer, 1) ||
		    syscall(SYS_io_uring_register, uring,
			    IORING_UNREGISTER_BUFFERS, NULL, 0)) {
			/* RLIMIT_MEMLOCK, most likely. */
			uring_absent = "io_uring does not register so much";
			return 0;
		}
	}
	return (double)(bench_now() - start) / pair->n_uring;
}

/* The pairs until the next command that keeps the controller's thread busy. */
static uint64_t pairs_run(const struct pair *pair, unsigned int *n_left)
{
	uint64_t start = bench_now();
	uint64_t now;

	do {
		bench_check(!client_map(&client, PAIR_IOVA, memory, pair->len),
			    "a mapping failed");
		bench_check(!client_unmap(&client, PAIR_IOVA, pair->len),
			    "an unmap failed");
		now = bench_now();
	} while (--*n_left && now - start < KEEP_EVERY_NS);
	return now - start;
}

static double ours_side(void *arg)
{
	const struct pair *pair = arg;
	unsigned int n_left = pair->n;
	uint64_t time = 0;

	while (n_left) {
		nvme_keep_polling(nvme);
		time += pairs_run(pair, &n_left);
	}
	return (double)time / pair->n;
}

/* DMA into a range that was just unmapped must fail. */
static void check_refused(void)
{
	volatile struct ring_completion *entry = &nvme->completions[nvme->head];

	nvme->commands[nvme->tail] = (struct ring_command){
		.opcode = RING_READ,
		.nsid = 1,
		.prp1 = PAIR_IOVA,
	};
	nvme->tail = (nvme->tail + 1) % nvme->n_entries;
	*nvme->tail_doorbell = nvme->tail;
	while ((entry->status & 1) != nvme->phase)
		;
	bench_check(entry->status >> 1,
		    "the device reached memory that was unmapped");
	nvme->head = (nvme->head + 1) % nvme->n_entries;
	nvme->phase ^= !nvme->head;
	*nvme->head_doorbell = nvme->head;
}

static void measure(struct pair *pair, const char *name, double target)
{
	struct bench_side sides[] = {
		{ .run = uring_side, .arg = pair, .is_yardstick = true },
		{ .run = ours_side, .arg = pair },
	};
	unsigned int skip = uring_absent ? 1 : 0;
	bool is_noisy = bench_rounds(sides + skip, 2 - skip);
	struct bench_row row =
		bench_row("ns", bench_figure(&sides[1]), is_noisy);

	check_refused();
	bench_info(row, "map and unmap %s: ours", name);
	row.figure = bench_exact(0);
	row.absent = uring_absent;
	if (!uring_absent)
		row.figure = bench_figure(&sides[0]);
	bench_info(row, "map and unmap %s: io_uring", name);
	row.unit = "x";
	if (!uring_absent)
		row.figure = bench_ratio(&sides[0], &sides[1]);
	bench_at_least(row, target, "map and unmap %s: faster than io_uring",
		       name);
}

int main(void)
{
	unsigned int n = (unsigned int)bench_pick(20000, 5000, 100);
	struct pair page = { BENCH_PAGE_LEN, n, n };
	struct pair huge = { 2ull << 20, n, n / 100 };
	struct pair giant = { LEN_MAX, n, 1 };
	struct ring_memory *rings = ring_memory_create();

	if (bench_scale() == BENCH_SMOKE)
		giant.len = LEN_MAX / 16;
	memory = bench_alloc(giant.len);
	client_start(&client, "nvme,size=16M");
	bench_pin_cpu(0);
	uring_start();
	nvme = nvme_start(&client, rings);
	measure(&page, "4 KiB", 0.3);
	measure(&huge, "2 MiB", 10);
	measure(&giant, "1 GiB", 5000);
	nvme_stop(&client);
	client_stop(&client);
	return 0;
}
