/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A user-space NVMe driver against nothing but the Linux ABI: it writes a
 * pattern, reads it back and compares every byte, and measures random reads.
 * With --illegal it has the controller write to memory that was taken away
 * from it, and expects that this is refused.
 *
 * THE FIRST NAMESPACE IS OVERWRITTEN.
 *
 * pci_device.c is the way to a device, nvme_controller.c the driver, workload.c
 * what the driver is used for.
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
#include "workload.h"

enum {
	MIB = 1 << 20,
	MAX_MIB = 1 << 20,
	MAX_SECONDS = 3600,
};

struct options {
	const char *device;
	struct workload workload;
	bool is_illegal;
	bool has_irq;
};

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
			EPROTO, "the device is not isolated",
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
	rc = nvme_start(&nvme, &pci, (unsigned int)options->workload.depth,
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

	rc = options->is_illegal ? run_illegal(&nvme)
				 : workload_run(&nvme, &options->workload);
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
		MAX_MIB, WORKLOAD_MAX_DEPTH, MAX_SECONDS);
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

	*options = (struct options){
		.workload = { .mib = 64, .depth = 32, .seconds = 1 }
	};
	*status = 2;
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (name == 'd')
			options->device = optarg;
		else if (name == 'm')
			is_right &= parse_number(optarg, MAX_MIB,
						 &options->workload.mib);
		else if (name == 'q')
			is_right &= parse_number(optarg, WORKLOAD_MAX_DEPTH,
						 &options->workload.depth);
		else if (name == 's')
			is_right &= parse_number(optarg, MAX_SECONDS,
						 &options->workload.seconds);
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
