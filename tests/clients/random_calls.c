/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every ioctl of both files with arguments of every bad kind, for two seconds;
 * afterwards the device works. An argument: the seed, which is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define SECONDS 2
#define N_CALLS 3000u
#define N_FDS 8u
#define N_WORDS 64u
#define ARENA_LEN (1ul << 20)

static uint64_t state;
static int fds[N_FDS];
static uint32_t *words; /* arguments; behind them is no memory */
static uint8_t *arena; /* to be mapped for DMA */
static struct client client;

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t n)
{
	return random_next() % n;
}

/* Numbers at which checks go wrong. */
static uint64_t number(void)
{
	switch (below(9)) {
	case 0:
		return below(16);
	case 1:
		return CLIENT_PAGE * below(64);
	case 2:
		return (uintptr_t)arena + CLIENT_PAGE * below(8);
	case 3:
		return 1ull << below(64);
	case 4:
		return (uint64_t)fds[below(N_FDS)];
	case 5:
		return UINT64_MAX - below(5000);
	case 6:
		return 0xffff800000000000ull;
	default:
		return random_next();
	}
}

static void *argument(void)
{
	switch (below(8)) {
	case 0:
		return NULL;
	case 1: /* ends where memory does */
		return (char *)words + CLIENT_PAGE - below(100);
	case 2:
		return (void *)(uintptr_t)number();
	default:
		return words;
	}
}

static void fill_map(void)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = 7,
		.ioas_id = client.ioas,
		.user_va = (uintptr_t)arena + CLIENT_PAGE * below(200),
		.length = CLIENT_PAGE * below(50),
		.iova = CLIENT_PAGE * below(100),
	};

	memcpy(words, &map, sizeof(map));
}

static void fill_irqs(void)
{
	struct vfio_irq_set set = {
		.flags = 1u << below(3) | 8u << below(3),
		.index = (uint32_t)below(5),
		.start = (uint32_t)below(3),
		.count = (uint32_t)below(5),
	};

	set.argsz = 20 + 4 * set.count;
	memcpy(words, &set, 20);
	for (uint32_t i = 0; i < set.count; i++)
		words[5 + i] = (uint32_t)fds[below(N_FDS)];
}

static void fill_words(void)
{
	for (size_t i = 0; i < N_WORDS; i++)
		words[i] = below(3) ? 0 : (uint32_t)number();
	words[0] = (uint32_t)(4 * below(20));
	if (!below(3))
		words[1] = (uint32_t)below(8);
}

static void call(void)
{
	bool is_iommu = below(2);
	unsigned int first = is_iommu ? 0x80 : 0x64;
	unsigned int nr = first + (unsigned int)below(0x20);
	int fd = fds[is_iommu ? 2 * below(2) : 1 + 2 * below(2)];

	fill_words();
	if (nr == 0x85 && below(2))
		fill_map();
	if (nr == 0x6e && below(2))
		fill_irqs();
	ioctl(fd, below(20) ? 0x3b00 | nr : random_next(), argument());
	if (!below(8))
		pread(fds[1], words, below(CLIENT_PAGE),
		      (off_t)(below(10) << 40 | below(0x5000)));
	if (!below(8))
		pwrite(fds[1], words, below(64),
		       (off_t)(below(10) << 40 | below(0x5000)));
}

static void session(void)
{
	check(!client_open(&client, 0, -1));
	if (below(2))
		client_start(&client);
	fds[0] = client.iommufd;
	fds[1] = client.device;
	fds[2] = open("/dev/iommu", O_RDWR);
	fds[3] = open("/dev/vfio/devices/vfio0", O_RDWR);
	fds[4] = eventfd(0, EFD_NONBLOCK);
	fds[5] = open("/dev/null", O_RDWR);
	fds[6] = -1;
	fds[7] = 100000;
	for (unsigned int i = 0; i < N_CALLS; i++)
		call();
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	munmap((void *)(uintptr_t)client.bar, client.bar_len);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + SECONDS;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)end;
	printf("seed %llu\n", (unsigned long long)state);
	fflush(stdout);
	words = client_alloc(2 * CLIENT_PAGE, 0);
	munmap((char *)words + CLIENT_PAGE, CLIENT_PAGE);
	arena = client_alloc(ARENA_LEN, 0);
	while (time(NULL) < end)
		session();
	check(!client_open(&client, 0, -1));
	client_start(&client);
	client_close(&client);
	return 0;
}
