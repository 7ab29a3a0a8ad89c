/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeping a controller busy: a number of commands is in flight, and each that
 * completes makes room for the next. What the next one is, and what is done
 * with the data, is the difference between the kinds of work.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum {
	MIB = 1 << 20,
	TRANSFER_LEN = 128 << 10,
	RANDOM_LEN = 4 << 10,
	PRP_LIST_LEN = TRANSFER_LEN / 4096 * sizeof(uint64_t),
	MAX_SAMPLES = 1 << 22,
};

/*
 * What is in flight. Slot n has the n-th piece of the buffer, the n-th PRP
 * list, and n as the command's identifier.
 */
struct slot {
	uint64_t off;
	uint64_t started_ns;
};

struct run {
	struct nvme *nvme;
	unsigned int depth;
	struct dma_memory buffer;
	struct dma_memory lists;
	struct slot slots[WORKLOAD_MAX_DEPTH];
	size_t slot_len;
	uint64_t seed;

	/* the work at hand */
	uint8_t opcode;
	size_t len;
	uint64_t next_off;
	uint64_t total_len;

	/* of random reads */
	uint64_t random;
	uint64_t end_ns;
	uint32_t *samples;
	size_t n_samples;
};

/**
 * struct work - a kind of work
 * @next: choose what slot @n does next, and prepare its piece of the buffer;
 *	false: nothing is left to do
 * @finish: look at what slot @n has done; 0, or a negative errno, after a
 *	complaint
 */
struct work {
	bool (*next)(struct run *run, unsigned int n);
	int (*finish)(struct run *run, unsigned int n);
};

/* ---- the pattern ------------------------------------------------------- */

/* Every 8 bytes tell where they belong, and to which run. */
static uint64_t pattern(uint64_t seed, uint64_t off)
{
	uint64_t x = (seed ^ off) * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93;
	return x ^ x >> 32;
}

static uint64_t *run_piece(struct run *run, unsigned int n)
{
	return (uint64_t *)((char *)run->buffer.va + n * run->slot_len);
}

static void run_fill(struct run *run, unsigned int n, size_t len)
{
	uint64_t *words = run_piece(run, n);

	for (size_t i = 0; i < len / sizeof(*words); i++)
		words[i] = pattern(run->seed, run->slots[n].off + i * 8);
}

static int run_verify(struct run *run, unsigned int n)
{
	const uint64_t *words = run_piece(run, n);
	uint64_t off = run->slots[n].off;

	for (size_t i = 0; i < run->len / sizeof(*words); i++) {
		if (words[i] == pattern(run->seed, off + i * 8))
			continue;
		return complain(EIO, "the device does not keep data",
				"byte %" PRIu64 ": read %016" PRIx64
				", wrote %016" PRIx64,
				off + i * 8, words[i],
				pattern(run->seed, off + i * 8));
	}
	return 0;
}

/* ---- commands in flight ------------------------------------------------ */

/*
 * A command names its memory by pages: the first, and the second or, if there
 * are more, a list of all but the first.
 */
static void run_set_pages(struct run *run, size_t n, size_t len,
			  struct nvme_command *command)
{
	size_t page_len = run->nvme->page_len;
	uint64_t iova = run->buffer.iova + n * run->slot_len;
	uint64_t *list = (uint64_t *)((char *)run->lists.va + n * PRP_LIST_LEN);

	command->prp1 = iova;
	if (len <= page_len)
		return;
	if (len <= 2 * page_len) {
		command->prp2 = iova + page_len;
		return;
	}
	for (size_t i = 1; i * page_len < len; i++)
		list[i - 1] = iova + i * page_len;
	command->prp2 = run->lists.iova + n * PRP_LIST_LEN;
}

static void run_submit(struct run *run, unsigned int n)
{
	struct nvme *nvme = run->nvme;
	uint64_t block = run->slots[n].off / nvme->block_len;
	struct nvme_command command = {
		.opcode = run->opcode,
		.id = (uint16_t)n,
		.nsid = NVME_NSID,
		.cdw10 = (uint32_t)block,
		.cdw11 = (uint32_t)(block >> 32),
		.cdw12 = (uint32_t)(run->len / nvme->block_len) - 1,
	};

	run_set_pages(run, n, run->len, &command);
	run->slots[n].started_ns = now_ns();
	nvme_submit(&nvme->io, &command);
}

/* Look at one completion, and give its slot the next thing to do. */
static int run_complete(struct run *run, const struct work *work,
			const struct nvme_completion *completion,
			unsigned int *n_in_flight)
{
	unsigned int n = completion->id;
	int rc;

	if (n >= run->depth)
		return complain(EPROTO, "the device is broken",
				"completion of command %u", n);
	if (nvme_status(completion) != NVME_STATUS_SUCCESS)
		return complain(EIO, "look for reports of refused DMA",
				"command %#x at byte %" PRIu64 ", status %#x",
				run->opcode, run->slots[n].off,
				nvme_status(completion));
	rc = work->finish(run, n);
	if (rc)
		return rc;
	if (work->next(run, n))
		run_submit(run, n);
	else
		--*n_in_flight;
	return 0;
}

/* Keep all slots busy until the work is done. */
static int run_work(struct run *run, const struct work *work)
{
	struct nvme_queue *io = &run->nvme->io;
	struct nvme_completion completion;
	unsigned int n_in_flight = 0;
	int rc;

	while (n_in_flight < run->depth && work->next(run, n_in_flight))
		run_submit(run, n_in_flight++);
	nvme_ring(run->nvme, io);
	while (n_in_flight) {
		rc = nvme_wait(run->nvme, io);
		if (rc)
			return rc;
		while (nvme_reap(io, &completion)) {
			rc = run_complete(run, work, &completion, &n_in_flight);
			if (rc)
				return rc;
		}
		nvme_release(run->nvme, io);
		nvme_ring(run->nvme, io);
	}
	return 0;
}

/* ---- write, read back -------------------------------------------------- */

static bool next_in_order(struct run *run, unsigned int n)
{
	if (run->next_off == run->total_len)
		return false;
	run->slots[n].off = run->next_off;
	run->next_off += run->len;
	return true;
}

static bool write_next(struct run *run, unsigned int n)
{
	if (!next_in_order(run, n))
		return false;
	run_fill(run, n, run->len);
	return true;
}

static int write_finish(struct run *run, unsigned int n)
{
	(void)run;
	(void)n;
	return 0;
}

/* What was there before must not pass for what was read. */
static bool verify_next(struct run *run, unsigned int n)
{
	if (!next_in_order(run, n))
		return false;
	memset(run_piece(run, n), 0, run->len);
	return true;
}

static const struct work write_work = { write_next, write_finish };
static const struct work verify_work = { verify_next, run_verify };

static int run_flush(struct run *run)
{
	const struct nvme_command command = {
		.opcode = NVME_IO_FLUSH,
		.nsid = NVME_NSID,
	};
	int rc;

	rc = nvme_io(run->nvme, &command);
	if (rc > 0)
		return complain(EIO, "the device is broken",
				"Flush, status %#x", rc);
	return rc;
}

static double mib_per_second(uint64_t len, uint64_t ns)
{
	return (double)len / MIB / ((double)ns / 1e9);
}

static int run_write(struct run *run)
{
	uint64_t started_ns = now_ns();
	int rc;

	run->opcode = NVME_IO_WRITE;
	run->next_off = 0;
	rc = run_work(run, &write_work);
	if (!rc)
		rc = run_flush(run);
	if (rc)
		return rc;
	printf("wrote %" PRIu64 " MiB in commands of %zu KiB: %.0f MiB/s\n",
	       run->total_len / MIB, run->len / 1024,
	       mib_per_second(run->total_len, now_ns() - started_ns));
	return 0;
}

static int run_read_back(struct run *run)
{
	uint64_t started_ns = now_ns();
	int rc;

	run->opcode = NVME_IO_READ;
	run->next_off = 0;
	rc = run_work(run, &verify_work);
	if (rc)
		return rc;
	printf("read back and verified %" PRIu64 " MiB: %.0f MiB/s\n",
	       run->total_len / MIB,
	       mib_per_second(run->total_len, now_ns() - started_ns));
	return 0;
}

/* ---- random reads ------------------------------------------------------ */

static bool random_next(struct run *run, unsigned int n)
{
	if (now_ns() >= run->end_ns || run->n_samples == MAX_SAMPLES)
		return false;
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	run->slots[n].off =
		run->random % (run->total_len / run->len) * run->len;
	return true;
}

static int random_finish(struct run *run, unsigned int n)
{
	uint64_t ns = now_ns() - run->slots[n].started_ns;

	if (run->n_samples < MAX_SAMPLES)
		run->samples[run->n_samples++] = ns > UINT32_MAX ? UINT32_MAX
								 : (uint32_t)ns;
	return 0;
}

static const struct work random_work = { random_next, random_finish };

static int compare_samples(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double sample_us(const struct run *run, double share)
{
	size_t i = (size_t)((double)(run->n_samples - 1) * share);

	return run->samples[i] / 1e3;
}

static int run_random(struct run *run, unsigned long seconds)
{
	uint64_t started_ns = now_ns();
	double elapsed;
	int rc;

	run->samples = malloc(MAX_SAMPLES * sizeof(*run->samples));
	if (!run->samples)
		return complain(ENOMEM, "close some programs", "malloc()");
	run->opcode = NVME_IO_READ;
	run->len = RANDOM_LEN;
	run->random = run->seed | 1;
	run->end_ns = started_ns + seconds * 1000000000;
	rc = run_work(run, &random_work);
	if (rc)
		goto out_free;

	elapsed = (double)(now_ns() - started_ns) / 1e9;
	qsort(run->samples, run->n_samples, sizeof(*run->samples),
	      compare_samples);
	printf("random reads %d KiB, depth %u: %.0f IOPS, latency us "
	       "p50 %.1f p90 %.1f p99 %.1f p99.9 %.1f max %.1f\n",
	       RANDOM_LEN / 1024, run->depth, (double)run->n_samples / elapsed,
	       sample_us(run, 0.5), sample_us(run, 0.9), sample_us(run, 0.99),
	       sample_us(run, 0.999), sample_us(run, 1));

out_free:
	free(run->samples);
	return rc;
}

/* ---- all of it --------------------------------------------------------- */

static int run_init(struct run *run, struct nvme *nvme,
		    const struct workload *workload)
{
	uint64_t namespace_len = nvme->n_blocks * nvme->block_len;
	size_t lists_len = workload->depth * PRP_LIST_LEN;
	int rc;

	*run = (struct run){
		.nvme = nvme,
		.depth = (unsigned int)workload->depth,
		.seed = now_ns(),
		.len = TRANSFER_LEN,
		.slot_len = TRANSFER_LEN,
		.total_len = workload->mib * MIB,
	};
	if (nvme->max_transfer && nvme->max_transfer < run->len)
		run->len = nvme->max_transfer;
	if (run->total_len > namespace_len)
		return complain(ENOSPC, "use less with --mib",
				"the namespace has %" PRIu64 " MiB",
				namespace_len / MIB);

	lists_len += -lists_len & (nvme->page_len - 1);
	rc = pci_device_alloc_dma(nvme->pci, &run->buffer,
				  run->depth * run->slot_len, nvme->page_len);
	if (rc)
		return rc;
	rc = pci_device_alloc_dma(nvme->pci, &run->lists, lists_len,
				  nvme->page_len);
	if (rc)
		pci_device_free_dma(nvme->pci, &run->buffer);
	return rc;
}

int workload_run(struct nvme *nvme, const struct workload *workload)
{
	struct run run;
	int rc;

	rc = run_init(&run, nvme, workload);
	if (rc)
		return rc;
	rc = run_write(&run);
	if (!rc)
		rc = run_read_back(&run);
	if (!rc)
		rc = run_random(&run, workload->seconds);

	/*
	 * After an error commands may be in flight still. Unmapping makes sure
	 * that none of them reaches the memory when it is used for something
	 * else: that is what the IOMMU is for.
	 */
	pci_device_free_dma(nvme->pci, &run.lists);
	pci_device_free_dma(nvme->pci, &run.buffer);
	return rc;
}
