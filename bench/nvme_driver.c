/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The set-up of a controller, NVM Express Base 1.4, 7.6.1; the numbers in
 * brackets are its sections. The driver proper is in ring.c.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "nvme_driver.h"

enum {
	/* Registers [3.1]; doorbells are 4 bytes apart. */
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELLS = 0x1000,

	CC_ENABLE = 1 | 6 << 16 | 4 << 20,
	CSTS_READY = 1,

	/* Admin commands [5]. */
	ADMIN_CREATE_SQ = 1,
	ADMIN_CREATE_CQ = 5,
	QUEUE_CONTIGUOUS = 1,
	IO_QUEUE = 1,

	ADMIN_ENTRIES = 16,
	TIMEOUT_MS = 10000,
};

/* The controller sees struct queues here. */
#define QUEUES_IOVA (2ull << 32)

/**
 * struct queues - the rings of both queue pairs, each at a page of its own
 */
static struct queues {
	struct ring_command admin_commands[64];
	struct ring_completion admin_completions[256];
	struct ring_command commands[RING_ENTRIES];
	struct ring_completion completions[RING_ENTRIES];
} * queues;

static volatile uint32_t *reg(const struct client *client, unsigned int offset)
{
	return (volatile uint32_t *)(client->bar + offset);
}

static uint64_t queue_iova(const void *va)
{
	return QUEUES_IOVA +
	       (uint64_t)((const char *)va - (const char *)queues);
}

static struct ring ring_of(const struct client *client, unsigned int id,
			   struct ring_command *commands,
			   struct ring_completion *completions)
{
	return (struct ring){
		.commands = commands,
		.completions = completions,
		.tail_doorbell = reg(client, REG_DOORBELLS + 8 * id),
		.head_doorbell = reg(client, REG_DOORBELLS + 8 * id + 4),
		.n_entries = id ? RING_ENTRIES : ADMIN_ENTRIES,
		.phase = 1,
	};
}

static void wait_ready(const struct client *client, uint32_t value)
{
	uint64_t deadline = bench_now() + TIMEOUT_MS * 1000000ull;

	while ((*reg(client, REG_CSTS) & CSTS_READY) != value)
		bench_check(bench_now() < deadline,
			    "the controller does not become ready");
}

static void admin(struct ring *ring, const struct ring_command *command)
{
	volatile struct ring_completion *entry = &ring->completions[ring->head];
	uint64_t deadline = bench_now() + TIMEOUT_MS * 1000000ull;

	ring->commands[ring->tail++] = *command;
	__asm__ volatile("" : : : "memory");
	*ring->tail_doorbell = ring->tail;
	while ((entry->status & 1) != ring->phase)
		bench_check(bench_now() < deadline, "an admin command hangs");
	if (entry->status >> 1)
		bench_fail("admin command %#x failed: status %#x",
			   command->opcode, entry->status >> 1);
	*ring->head_doorbell = ++ring->head;
}

static void create_queues(const struct client *client)
{
	struct ring ring = ring_of(client, 0, queues->admin_commands,
				   queues->admin_completions);
	struct ring_command command = {
		.opcode = ADMIN_CREATE_CQ,
		.prp1 = queue_iova(queues->completions),
		.cdw10 = (RING_ENTRIES - 1) << 16 | IO_QUEUE,
		.cdw11 = QUEUE_CONTIGUOUS,
	};

	admin(&ring, &command);
	command.opcode = ADMIN_CREATE_SQ;
	command.prp1 = queue_iova(queues->commands);
	command.cdw11 |= IO_QUEUE << 16;
	admin(&ring, &command);
}

static void map_memory(const struct client *client, struct ring_memory *memory)
{
	queues = mmap(NULL, sizeof(*queues), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	bench_check(queues != MAP_FAILED, "out of memory");
	bench_check(!client_map(client, QUEUES_IOVA, queues, sizeof(*queues)) &&
			    !client_map(client, RING_IOVA, memory,
					sizeof(*memory)),
		    "the memory of the queues cannot be mapped");
}

/* The controller's thread is known by its name. */
static void pin_controller(unsigned int cpu)
{
	char path[300], name[32];
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	FILE *file;

	bench_check(dir, "/proc/self/task cannot be read");
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) &&
		    !strncmp(name, "nvme", 4) && strcmp(name, "nvme_bench\n"))
			bench_pin_thread(atoi(entry->d_name), cpu);
		fclose(file);
	}
	closedir(dir);
}

struct ring *nvme_start(struct client *client, struct ring_memory *memory)
{
	static struct ring ring;

	map_memory(client, memory);
	*reg(client, REG_AQA) = (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1);
	*reg(client, REG_ASQ) = (uint32_t)QUEUES_IOVA;
	*reg(client, REG_ASQ + 4) = (uint32_t)(QUEUES_IOVA >> 32);
	*reg(client, REG_ACQ) = (uint32_t)queue_iova(queues->admin_completions);
	*reg(client, REG_ACQ + 4) =
		(uint32_t)(queue_iova(queues->admin_completions) >> 32);
	*reg(client, REG_CC) = CC_ENABLE;
	wait_ready(client, CSTS_READY);
	if (bench_n_cpus() > 1)
		pin_controller(1);
	create_queues(client);
	ring = ring_of(client, IO_QUEUE, queues->commands, queues->completions);
	return &ring;
}

void nvme_stop(struct client *client)
{
	*reg(client, REG_CC) = 0;
	wait_ready(client, 0);
}

void nvme_keep_polling(struct ring *ring)
{
	volatile struct ring_completion *entry = &ring->completions[ring->head];
	struct ring_command *command = &ring->commands[ring->tail];

	*command = (struct ring_command){ .opcode = RING_FLUSH, .nsid = 1 };
	if (++ring->tail == ring->n_entries)
		ring->tail = 0;
	__asm__ volatile("" : : : "memory");
	*ring->tail_doorbell = ring->tail;
	while ((entry->status & 1) != ring->phase)
		;
	if (++ring->head == ring->n_entries) {
		ring->head = 0;
		ring->phase ^= 1;
	}
	*ring->head_doorbell = ring->head;
}
