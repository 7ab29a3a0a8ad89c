/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pair of rings in shared memory, of the shape of NVMe's: a driver that polls
 * at one end, and at the other an NVMe controller of ours, or a bare process
 * that does no more than the data needs. The driver is the same for both.
 */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include "bench.h"

/* NVM Express Base 1.4, 4.2 and 4.6 */
struct ring_command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t id;
	uint32_t nsid;
	uint64_t reserved[2];
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint64_t unused;
};

struct ring_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t id;
	uint16_t status;
};

enum {
	RING_FLUSH = 0,
	RING_WRITE = 1,
	RING_READ = 2,

	RING_ENTRIES = 256,
	RING_DEPTH_MAX = 128,
	RING_BLOCK_LEN = 512,
	RING_DATA_MAX = 128 << 10,
};

/**
 * struct ring - the driver's end
 * @commands, @completions: the rings
 * @tail_doorbell, @head_doorbell: what the other end looks at
 * @n_entries: of each ring
 * @tail, @head, @phase: the driver's places
 */
struct ring {
	struct ring_command *commands;
	volatile struct ring_completion *completions;
	volatile uint32_t *tail_doorbell;
	volatile uint32_t *head_doorbell;
	uint32_t n_entries;
	uint32_t tail;
	uint32_t head;
	uint32_t phase;
};

/**
 * struct ring_memory - what driver and device share, the same for both devices
 * @commands, @completions: of the bare ring
 * @doorbells: of the bare ring
 * @is_paused: its device sleeps
 * @lists: a page of addresses for each slot, as PRP lists
 * @data: a buffer for each slot
 */
struct ring_memory {
	struct ring_command commands[RING_ENTRIES];
	struct ring_completion completions[RING_ENTRIES];
	struct {
		volatile uint32_t word;
		char pad[60];
	} doorbells[2];
	volatile uint32_t is_paused;
	char pad[4096 - 2 * 64 - 4];
	uint64_t lists[RING_DEPTH_MAX][512];
	char data[RING_DEPTH_MAX][RING_DATA_MAX];
};

/* The device sees struct ring_memory here. */
#define RING_IOVA (1ull << 32)

/* Return: shared memory, touched, lists filled in. */
struct ring_memory *ring_memory_create(void);

static inline uint64_t ring_iova(const struct ring_memory *memory,
				 const volatile void *va)
{
	return RING_IOVA + (uint64_t)((const volatile char *)va -
				      (const volatile char *)memory);
}

/**
 * struct ring_work - commands to run
 * @opcode: RING_FLUSH: no data
 * @depth: in flight
 * @len: bytes of each
 * @span: of the namespace that is used, at random
 * @n: their number
 * @is_in_order: block after block instead
 */
struct ring_work {
	uint8_t opcode;
	uint32_t depth;
	uint32_t len;
	uint64_t span;
	uint64_t n;
	bool is_in_order;
};

/* Return: nanoseconds for each; data read is checked afterwards. */
double ring_run(struct ring *ring, struct ring_memory *memory,
		const struct ring_work *work);

/* The first word of each block says which block it is. */
static inline uint64_t ring_tag(uint64_t block)
{
	return block + 0x1000;
}

/* ---- the bare device --------------------------------------------------- */

/**
 * ring_device_start() - a process that answers on @memory's rings
 * @cpu: where it runs
 * @len: bytes of its namespace
 *
 * Return: the driver's end. The device is paused.
 */
struct ring *ring_device_start(struct ring_memory *memory, unsigned int cpu,
			       uint64_t len);
void ring_device_resume(struct ring_memory *memory);
void ring_device_pause(struct ring_memory *memory);
void ring_device_stop(void);

#endif /* BENCH_RING_H */
