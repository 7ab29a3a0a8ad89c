/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A user-space NVMe driver against nothing but the Linux ABI: it writes a
 * pattern, reads it back and compares every byte, and measures random reads.
 * With --illegal it has the controller write to memory that was taken away
 * from it, and expects that this is refused.
 *
 * THE FIRST NAMESPACE IS OVERWRITTEN.
 *
 * pci_device.c is the way to a device, nvme_controller.c the driver; this file
 * is what a program does with them.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme_controller.h"
#include "pci_device.h"

enum {
	MIB = 1 << 20,
	MAX_DEPTH = 1024,
	MAX_MIB = 1 << 20,
	MAX_SECONDS = 3600,
	TRANSFER_LEN = 128 << 10,
	RANDOM_LEN = 4 << 10,
	PRP_LIST_LEN = TRANSFER_LEN / 4096 * sizeof(uint64_t),
	MAX_SAMPLES = 1 << 22,
};

struct options {
	const char *device;
	unsigned long mib;
	unsigned long depth;
	unsigned long seconds;
	bool is_illegal;
	bool has_irq;
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
	struct slot slots[MAX_DEPTH];
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
static void run_set_pages(struct run *run, unsigned int n, size_t len,
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

/* ---- the ordinary run -------------------------------------------------- */

static int run_init(struct run *run, struct nvme *nvme,
		    const struct options *options)
{
	uint64_t namespace_len = nvme->n_blocks * nvme->block_len;
	size_t lists_len = options->depth * PRP_LIST_LEN;
	int rc;

	*run = (struct run){
		.nvme = nvme,
		.depth = (unsigned int)options->depth,
		.seed = now_ns(),
		.len = TRANSFER_LEN,
		.slot_len = TRANSFER_LEN,
		.total_len = options->mib * MIB,
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

static int run_all(struct nvme *nvme, const struct options *options)
{
	struct run run;
	int rc;

	rc = run_init(&run, nvme, options);
	if (rc)
		return rc;
	rc = run_write(&run);
	if (!rc)
		rc = run_read_back(&run);
	if (!rc)
		rc = run_random(&run, options->seconds);

	/*
	 * After an error commands may be in flight still. Unmapping makes sure
	 * that none of them reaches the memory when it is used for something
	 * else: that is what the IOMMU is for.
	 */
	pci_device_free_dma(nvme->pci, &run.lists);
	pci_device_free_dma(nvme->pci, &run.buffer);
	return rc;
}

/* ---- what must not work ------------------------------------------------ */

enum {
	CANARY = 0x5a
};

static bool canary_is_intact(const struct dma_memory *memory)
{
	const unsigned char *bytes = memory->va;

	for (size_t i = 0; i < memory->len; i++)
		if (bytes[i] != CANARY)
			return false;
	return true;
}

static int read_first_block(struct nvme *nvme, uint64_t iova)
{
	const struct nvme_command command = {
		.opcode = NVME_IO_READ,
		.nsid = NVME_NSID,
		.prp1 = iova,
	};

	return nvme_io(nvme, &command);
}

/* Have the controller read a block into @iova, and be refused. */
static int expect_refusal(struct nvme *nvme, const char *what, uint64_t iova)
{
	int status = read_first_block(nvme, iova);

	if (status < 0)
		return status;
	if (status != NVME_STATUS_DATA_TRANSFER_ERROR)
		return complain(EPROTO, "the device is not isolated",
				"a read into IOVA %#" PRIx64 ", %s: status %#x"
				" instead of %#x",
				iova, what, status,
				NVME_STATUS_DATA_TRANSFER_ERROR);
	printf("read into IOVA %#" PRIx64 ", %s: refused, "
	       "Data Transfer Error\n",
	       iova, what);
	return 0;
}

static int run_illegal_unmapped(struct nvme *nvme, struct dma_memory *memory)
{
	uint64_t iova = memory->iova;
	int rc;

	/* While it is mapped the same command works. */
	memset(memory->va, CANARY, memory->len);
	rc = read_first_block(nvme, iova);
	if (rc < 0)
		return rc;
	if (rc != NVME_STATUS_SUCCESS)
		return complain(EIO, "look for reports of refused DMA",
				"a read into mapped memory, status %#x", rc);

	memset(memory->va, CANARY, memory->len);
	rc = pci_device_unmap_dma(nvme->pci, memory);
	if (rc)
		return rc;
	rc = expect_refusal(nvme, "just unmapped", iova);
	if (rc)
		return rc;
	if (!canary_is_intact(memory))
		return complain(
			EACCES, "the device is not isolated",
			"the memory behind the old mapping has changed");
	printf("the memory behind the old mapping is untouched\n");
	return 0;
}

static int run_illegal(struct nvme *nvme)
{
	struct dma_memory memory;
	uint64_t iova;
	int rc;

	rc = pci_device_alloc_dma(nvme->pci, &memory, nvme->page_len,
				  nvme->page_len);
	if (rc)
		return rc;
	rc = run_illegal_unmapped(nvme, &memory);
	pci_device_free_dma(nvme->pci, &memory);
	if (rc)
		return rc;
	rc = pci_device_free_iova(nvme->pci, &iova);
	if (rc)
		return rc;
	return expect_refusal(nvme, "never mapped", iova);
}

/* ---- the program ------------------------------------------------------- */

static int run_device(const struct options *options)
{
	struct pci_device pci;
	struct nvme nvme;
	uint64_t len;
	int rc;

	rc = pci_device_open(&pci, options->device);
	if (rc)
		return rc;
	rc = nvme_start(&nvme, &pci, (unsigned int)options->depth,
			options->has_irq);
	if (rc)
		goto out_close;

	len = nvme.n_blocks * nvme.block_len;
	printf("controller %s (%s): vendor 0x%04x model \"%s\" serial \"%s\" "
	       "firmware %s\n",
	       pci.address, pci.name, nvme.vendor, nvme.model, nvme.serial,
	       nvme.firmware);
	printf("namespace %d: %" PRIu64 " blocks of %u bytes (%" PRIu64
	       " MiB)\n",
	       NVME_NSID, nvme.n_blocks, nvme.block_len, len / MIB);

	rc = options->is_illegal ? run_illegal(&nvme) : run_all(&nvme, options);
	nvme_stop(&nvme);

out_close:
	pci_device_close(&pci);
	return rc;
}

static void print_usage(FILE *file)
{
	fprintf(file,
		"usage: nvme [OPTION]...\n"
		"Write a pattern to the first namespace of an NVMe "
		"controller, read it back and\n"
		"compare, and measure random reads. What it held is lost.\n"
		"\n"
		"  --device DEVICE  vfio0, /dev/vfio/devices/vfio0, or a PCI "
		"address as\n"
		"                   0000:01:00.0; without: the first there is\n"
		"  --mib N          how much to write, 1 to %d (64)\n"
		"  --depth N        commands in flight, 1 to %d (32)\n"
		"  --seconds N      how long to read, 1 to %d (1)\n"
		"  --irq            wait for interrupts instead of polling\n"
		"  --illegal        instead: read into memory that is not "
		"mapped, and expect\n"
		"                   that the controller is refused\n"
		"  --help           show this\n",
		MAX_MIB, MAX_DEPTH, MAX_SECONDS);
}

static bool parse_number(const char *text, unsigned long max,
			 unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number > 0 &&
	       *number <= max;
}

/* Return: true when the options can be used; else *status is for exit(). */
static bool options_parse(struct options *options, int argc, char **argv,
			  int *status)
{
	static const struct option names[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "mib", required_argument, NULL, 'm' },
		{ "depth", required_argument, NULL, 'q' },
		{ "seconds", required_argument, NULL, 's' },
		{ "irq", no_argument, NULL, 'i' },
		{ "illegal", no_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool is_right = true;
	int name;

	*options = (struct options){ .mib = 64, .depth = 32, .seconds = 1 };
	*status = 2;
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (name == 'd')
			options->device = optarg;
		else if (name == 'm')
			is_right &=
				parse_number(optarg, MAX_MIB, &options->mib);
		else if (name == 'q')
			is_right &= parse_number(optarg, MAX_DEPTH,
						 &options->depth);
		else if (name == 's')
			is_right &= parse_number(optarg, MAX_SECONDS,
						 &options->seconds);
		else if (name == 'i')
			options->has_irq = true;
		else if (name == 'x')
			options->is_illegal = true;
		else if (name == 'h')
			*status = 0;
		else
			is_right = false;
		if (name == 'h')
			break;
	}
	if (*status == 0) {
		print_usage(stdout);
		return false;
	}
	if (!is_right || optind != argc) {
		print_usage(stderr);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (!options_parse(&options, argc, argv, &status))
		return status;
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run_device(&options) ? 1 : 0;
}
