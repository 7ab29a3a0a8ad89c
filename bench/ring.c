/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver's end of the rings: the loop that is measured. */
#include <string.h>
#include <sys/mman.h>
#include "ring.h"

#define PAGE 4096u

struct ring_memory *ring_memory_create(void)
{
	struct ring_memory *memory;

	memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bench_check(memory != MAP_FAILED, "out of memory");
	memset(memory, 0, sizeof(*memory));
	for (unsigned int slot = 0; slot < RING_DEPTH_MAX; slot++) {
		uint64_t data = ring_iova(memory, memory->data[slot]);

		/* PRP1 is the first page, so the list begins at the second. */
		for (unsigned int i = 0; i < RING_DATA_MAX / PAGE - 1; i++)
			memory->lists[slot][i] = data + (i + 1) * PAGE;
	}
	return memory;
}

/**
 * struct driver - commands in flight
 * @blocks: what each slot was last asked for
 * @free: slots that are not in flight
 * @n_free: their number
 * @n_sent: so far
 * @seed: for the next block
 */
struct driver {
	uint64_t blocks[RING_DEPTH_MAX];
	uint16_t free[RING_DEPTH_MAX];
	uint32_t n_free;
	uint64_t n_sent;
	uint64_t seed;
};

static inline uint64_t driver_next_block(struct driver *driver,
					 const struct ring_work *work)
{
	uint64_t n_places = work->span / work->len;
	uint64_t place = work->is_in_order ? driver->n_sent
					   : bench_random(&driver->seed);

	return place % n_places * (work->len / RING_BLOCK_LEN);
}

static inline void driver_fill(struct driver *driver,
			       struct ring_memory *memory,
			       const struct ring_work *work,
			       struct ring_command *command)
{
	uint16_t slot = driver->free[--driver->n_free];
	uint64_t block;

	command->opcode = work->opcode;
	command->id = slot;
	command->nsid = 1;
	if (!work->len)
		return;
	block = driver_next_block(driver, work);
	driver->blocks[slot] = block;
	command->prp1 = ring_iova(memory, memory->data[slot]);
	if (work->len > 2 * PAGE)
		command->prp2 = ring_iova(memory, memory->lists[slot]);
	else
		command->prp2 = command->prp1 + PAGE;
	command->cdw10 = (uint32_t)block;
	command->cdw11 = (uint32_t)(block >> 32);
	command->cdw12 = work->len / RING_BLOCK_LEN - 1;
}

static inline void driver_submit(struct driver *driver, struct ring *ring,
				 struct ring_memory *memory,
				 const struct ring_work *work)
{
	if (!driver->n_free || driver->n_sent == work->n)
		return;
	do {
		driver_fill(driver, memory, work, &ring->commands[ring->tail]);
		if (++ring->tail == ring->n_entries)
			ring->tail = 0;
		driver->n_sent++;
	} while (driver->n_free && driver->n_sent < work->n);
	__asm__ volatile("" : : : "memory");
	*ring->tail_doorbell = ring->tail;
}

/* Return: how many completed. */
static inline uint32_t driver_reap(struct driver *driver, struct ring *ring)
{
	uint32_t n = 0;

	for (;;) {
		volatile struct ring_completion *entry =
			&ring->completions[ring->head];
		uint16_t status = entry->status;

		if ((status & 1) != ring->phase)
			break;
		if (status >> 1)
			bench_fail("command failed: status %#x", status >> 1);
		driver->free[driver->n_free++] = entry->id;
		if (++ring->head == ring->n_entries) {
			ring->head = 0;
			ring->phase ^= 1;
		}
		n++;
	}
	if (n)
		*ring->head_doorbell = ring->head;
	return n;
}

static void driver_run(struct driver *driver, struct ring *ring,
		       struct ring_memory *memory, const struct ring_work *work)
{
	uint64_t n_done = 0;

	driver->n_free = 0;
	driver->n_sent = 0;
	for (uint32_t i = 0; i < work->depth; i++)
		driver->free[driver->n_free++] = (uint16_t)i;
	while (n_done < work->n) {
		driver_submit(driver, ring, memory, work);
		n_done += driver_reap(driver, ring);
	}
}

/* Each slot holds the blocks that it was last asked for. */
static void driver_check(const struct driver *driver,
			 const struct ring_memory *memory,
			 const struct ring_work *work)
{
	for (uint32_t slot = 0; slot < work->depth; slot++) {
		for (uint32_t i = 0; i < work->len; i += RING_BLOCK_LEN) {
			uint64_t tag;

			memcpy(&tag, memory->data[slot] + i, sizeof(tag));
			if (tag !=
			    ring_tag(driver->blocks[slot] + i / RING_BLOCK_LEN))
				bench_fail("slot %u byte %u: wrong data: %#lx",
					   slot, i, tag);
		}
	}
}

/* What is to be written must say where. Slots are used in turn. */
static void driver_write(struct driver *driver, struct ring *ring,
			 struct ring_memory *memory,
			 const struct ring_work *work)
{
	struct ring_work one = *work;

	one.depth = 1;
	one.n = 1;
	for (uint64_t i = 0; i < work->span / work->len; i++) {
		uint64_t block = i * work->len / RING_BLOCK_LEN;

		for (uint32_t k = 0; k < work->len; k += RING_BLOCK_LEN) {
			uint64_t tag = ring_tag(block + k / RING_BLOCK_LEN);

			memcpy(memory->data[0] + k, &tag, sizeof(tag));
		}
		driver->n_free = 1;
		driver->free[0] = 0;
		driver->n_sent = i;
		one.n = i + 1;
		driver_submit(driver, ring, memory, &one);
		while (!driver_reap(driver, ring))
			;
	}
}

double ring_run(struct ring *ring, struct ring_memory *memory,
		const struct ring_work *work)
{
	struct driver driver = { .seed = 88172645463325252ull };
	struct ring_work warm = *work;
	uint64_t start;

	if (work->opcode == RING_WRITE) {
		driver_write(&driver, ring, memory, work);
		return 0;
	}
	warm.n = work->n / 16 + 1;
	driver_run(&driver, ring, memory, &warm);
	start = bench_now();
	driver_run(&driver, ring, memory, work);
	start = bench_now() - start;
	if (work->len && work->n >= work->depth)
		driver_check(&driver, memory, work);
	return (double)start / (double)work->n;
}
