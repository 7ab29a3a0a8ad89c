/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usage: under_load unmap|detach|close|bus-master READS
 *
 * Takes memory away from a controller that has reads into it in flight. When
 * the call that takes it away has returned, the memory is filled anew, and
 * never again may a byte of it change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "harness/nvme_client.h"

#define N_READS 48u
#define LEN ((size_t)N_READS * CLIENT_PAGE)
#define IOVA 0x200000ull
#define DATA 'd'
#define FRESH 'f'
#define PAUSE_MIN 1000
#define PAUSE_MAX 5000000

/**
 * struct load - a controller under load
 * @client: the controller
 * @buffer: LEN bytes, at IOVA
 * @n_done: reads that succeeded
 * @n_refused: reads whose DMA was refused
 * @random: for how long to wait
 * @pause: at most, in nanoseconds
 */
struct load {
	struct client client;
	uint8_t *buffer;
	unsigned long n_done;
	unsigned long n_refused;
	unsigned int random;
	long pause;
};

static void pause_ns(long ns)
{
	struct timespec start;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec -
			 start.tv_nsec <
		 ns);
}

static void load_start(struct load *load)
{
	check(!client_open(&load->client, 0, -1));
	client_start(&load->client);
	check(!client_map(&load->client, load->buffer, LEN, IOVA, true));
	memset(load->buffer, DATA, LEN);
	check(!client_io(&load->client, CLIENT_WRITE, 0, 16, IOVA));
}

/*
 * Reads of 4 KiB into every page; then let a random part of them pass. What
 * that takes depends on the machine and on how busy it is: it is learned.
 */
static void load_submit(struct load *load)
{
	unsigned int i;

	for (i = 0; i < N_READS; i++)
		client_submit(&load->client, CLIENT_READ, 0, 8,
			      IOVA + i * CLIENT_PAGE);
	client_ring(&load->client);
	pause_ns(rand_r(&load->random) % load->pause);
}

static void load_count(struct load *load, unsigned int status)
{
	check(!status || status == CLIENT_DATA_TRANSFER_ERROR);
	if (status) {
		load->n_refused++;
		if (load->pause < PAUSE_MAX)
			load->pause += load->pause / 64;
	} else {
		load->n_done++;
		if (load->pause > PAUSE_MIN)
			load->pause -= load->pause / 64;
	}
}

static void load_drain(struct load *load)
{
	time_t end = time(NULL) + 20;
	unsigned int status;

	while (load->client.n_inflight) {
		if (client_reap(&load->client, &status))
			load_count(load, status);
		else
			check(time(NULL) < end);
	}
}

/* The memory is the program's again. */
static void load_take(struct load *load)
{
	memset(load->buffer, FRESH, LEN);
}

static void load_verify(struct load *load)
{
	check(client_is_all(load->buffer, LEN, FRESH));
}

/* The queues stay mapped, so every read has an end. */
static void round_unmap(struct load *load)
{
	load_submit(load);
	check(!client_unmap(&load->client, IOVA, LEN));
	load_take(load);
	load_drain(load);
	load_verify(load);
	check(!client_map(&load->client, load->buffer, LEN, IOVA, true));
}

/* Nothing can complete: wait long enough for what would be in flight. */
static void round_detach(struct load *load)
{
	load_submit(load);
	check(!client_detach(&load->client));
	load_take(load);
	pause_ns(300000);
	load_verify(load);
	check(!client_attach(&load->client));
	client_start(&load->client);
}

static void round_bus_master(struct load *load)
{
	load_submit(load);
	client_set_bus_master(&load->client, false);
	load_take(load);
	pause_ns(300000);
	load_verify(load);
	client_set_bus_master(&load->client, true);
	client_start(&load->client);
}

static void round_close(struct load *load)
{
	load_submit(load);
	client_close(&load->client);
	load_take(load);
	pause_ns(300000);
	load_verify(load);
	load_start(load);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*round)(struct load *load);
	} kinds[] = {
		{ "unmap", round_unmap },
		{ "detach", round_detach },
		{ "close", round_close },
		{ "bus-master", round_bus_master },
	};
	struct load load = { .random = (unsigned int)time(NULL),
			     .pause = 30000 };
	unsigned long n_reads = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long n;
	unsigned int i = 0;

	check(argc == 3 && n_reads);
	while (strcmp(kinds[i].name, argv[1]) != 0)
		check(++i < sizeof(kinds) / sizeof(kinds[0]));
	printf("seed %u\n", load.random);
	load.buffer = client_alloc(LEN, 0);
	load_start(&load);
	for (n = 0; n < n_reads; n += N_READS)
		kinds[i].round(&load);
	client_close(&load.client);
	printf("%lu reads, %lu done, %lu refused\n", n, load.n_done,
	       load.n_refused);
	/* Only a mix of both shows that reads were in flight. */
	if (kinds[i].round == round_unmap)
		check(load.n_done && load.n_refused);
	return 0;
}
