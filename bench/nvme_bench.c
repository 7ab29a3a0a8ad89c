/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * E2, E3, E4: an NVMe controller with a namespace in memory, driven by one
 * thread that polls, against the bare ring between two processes. And what the
 * controller costs when nobody uses it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "nvme_driver.h"

#define MIB (1ull << 20)
#define NAMESPACE_LEN (256 * MIB)

/* The controller goes to sleep after 0.2 ms without work. */
#define SLEEP_US 2000

static struct ring_memory *memory;
static struct ring *bare;
static struct ring *nvme;
static const char *namespace_copy;

static double bare_side(void *arg)
{
	double ns;

	usleep(SLEEP_US);
	ring_device_resume(memory);
	ns = ring_run(bare, memory, arg);
	ring_device_pause(memory);
	return ns;
}

static double nvme_side(void *arg)
{
	return ring_run(nvme, memory, arg);
}

/* The same blocks to the same places, by nobody but this thread. */
static double memcpy_side(void *arg)
{
	const struct ring_work *work = arg;
	uint64_t seed = 88172645463325252ull;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < work->n; i++) {
		uint64_t place = bench_random(&seed) % (work->span / work->len);

		memcpy(memory->data[i % work->depth],
		       namespace_copy + place * work->len, work->len);
		bench_consume((uintptr_t)memory);
	}
	return (double)(bench_now() - start) / (double)work->n;
}

/**
 * struct row - one comparison
 * @name: what
 * @work: the commands
 * @limit: of the speed of the yardstick, at least; 0: none
 * @aim: a stricter one, or 0
 */
struct row {
	const char *name;
	struct ring_work work;
	double limit;
	double aim;
};

static void measure(struct row *row, double (*yardstick)(void *),
		    const char *peer)
{
	struct bench_side sides[2] = {
		{ .run = yardstick, .arg = &row->work, .is_yardstick = true },
		{ .run = nvme_side, .arg = &row->work },
	};
	bool is_noisy = bench_rounds(sides, 2);
	struct bench_row ratio =
		bench_row("x", bench_ratio(&sides[0], &sides[1]), is_noisy);

	bench_info(bench_row("ns", bench_figure(&sides[0]), is_noisy), "%s: %s",
		   row->name, peer);
	bench_info(bench_row("ns", bench_figure(&sides[1]), is_noisy),
		   "%s: nvme", row->name);
	if (row->limit > 0)
		bench_at_least(ratio, row->limit, "%s: speed of %s", row->name,
			       peer);
	if (row->aim > 0)
		bench_at_least(ratio, row->aim, "%s: speed of %s (aim)",
			       row->name, peer);
}

static void measure_all(void)
{
	uint64_t scale = bench_pick(8, 2, 0);
	struct row rows[] = {
		{ "E2 no data, depth 1",
		  { .opcode = RING_FLUSH, .depth = 1, .n = 25000 * scale },
		  0.5,
		  0.65 },
		{ "E3 no data, depth 128",
		  { .opcode = RING_FLUSH, .depth = 128, .n = 250000 * scale },
		  0,
		  0.4 },
		{ "E4 read 4 KiB of 256 MiB, depth 32",
		  { RING_READ, 32, 4096, 256 * MIB, 25000 * scale, false },
		  0.7,
		  0 },
		{ "E4 read 4 KiB of 256 MiB, depth 128",
		  { RING_READ, 128, 4096, 256 * MIB, 25000 * scale, false },
		  0,
		  0.88 },
		{ "E4 read 512 B of 64 MiB, depth 128",
		  { RING_READ, 128, 512, 64 * MIB, 100000 * scale, false },
		  0,
		  0.55 },
	};
	struct row big = { "E4 read 128 KiB of 256 MiB, depth 32",
			   { RING_READ, 32, RING_DATA_MAX, 256 * MIB,
			     1000 * scale, false },
			   0,
			   0.95 };

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rows[i].work.n += 1000;
		measure(&rows[i], bare_side, "bare ring");
	}
	big.work.n += 64;
	measure(&big, memcpy_side, "memcpy");
}

/* CPU time of all threads while nothing is asked of the device. */
static void measure_idle(void)
{
	unsigned int ms = (unsigned int)bench_pick(10000, 3000, 200);
	uint64_t used;

	usleep(300000);
	used = bench_cpu_time();
	usleep(ms * 1000);
	used = bench_cpu_time() - used;
	bench_at_most(bench_row("ms",
				bench_exact((double)used / 1e6 * 10000 / ms),
				false),
		      20, "idle device: CPU time in 10 s");
}

int main(void)
{
	struct ring_work fill = { RING_WRITE,	 1, RING_DATA_MAX,
				  NAMESPACE_LEN, 1, true };
	struct client client;

	memory = ring_memory_create();
	namespace_copy = bench_alloc(NAMESPACE_LEN);
	bare = ring_device_start(memory, bench_n_cpus() > 1 ? 1 : 0,
				 NAMESPACE_LEN);
	client_start(&client, "nvme,size=256M");
	bench_pin_cpu(0);
	nvme = nvme_start(&client, memory);
	ring_run(nvme, memory, &fill);
	measure_all();
	measure_idle();
	nvme_stop(&client);
	client_stop(&client);
	ring_device_stop();
	return 0;
}
