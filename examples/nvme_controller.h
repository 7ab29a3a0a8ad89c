/* SPDX-License-Identifier: BSD-3-Clause */
/* An NVMe controller with one I/O queue pair, driven by one thread. */
#ifndef EXAMPLES_NVME_CONTROLLER_H
#define EXAMPLES_NVME_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nvme_spec.h"
#include "pci_device.h"

/**
 * struct nvme_queue - a submission queue with a completion queue of its own
 * @id: 0 for the admin queue
 * @n_entries: of each; one of them is never used
 * @commands: the submission queue, written here
 * @completions: the completion queue, written by the controller
 * @memory: holds both
 * @completions_off: bytes from one to the other
 * @tail: the next entry of @commands to write
 * @rung: the tail that the controller was told
 * @head: the next entry of @completions to look at
 * @phase: what its phase bit will be when it is written
 */
struct nvme_queue {
	unsigned int id;
	unsigned int n_entries;
	struct nvme_command *commands;
	volatile struct nvme_completion *completions;
	struct dma_memory memory;
	size_t completions_off;
	unsigned int tail;
	unsigned int rung;
	unsigned int head;
	unsigned int phase;
};

/**
 * struct nvme - a controller and its first namespace
 * @pci: the device
 * @cap: its capabilities register
 * @page_len: bytes of its memory pages
 * @admin: the admin queue
 * @io: the I/O queue
 * @event_fd: signalled when @io has completions; -1: poll
 * @buffer: a page for what Identify tells
 * @vendor: PCI vendor
 * @serial: serial number
 * @model: model
 * @firmware: firmware revision
 * @max_transfer: bytes that a command may move at most; 0: any
 * @n_blocks: of the namespace
 * @block_len: bytes of a block
 */
struct nvme {
	struct pci_device *pci;
	uint64_t cap;
	size_t page_len;
	struct nvme_queue admin;
	struct nvme_queue io;
	int event_fd;
	struct dma_memory buffer;
	unsigned int vendor;
	char serial[NVME_ID_SERIAL_LEN + 1];
	char model[NVME_ID_MODEL_LEN + 1];
	char firmware[NVME_ID_FIRMWARE_LEN + 1];
	uint64_t max_transfer;
	uint64_t n_blocks;
	uint32_t block_len;
};

/* The namespace used. */
enum {
	NVME_NSID = 1
};

/**
 * nvme_start() - reset the controller and make it ready for I/O
 * @nvme: filled
 * @pci: its device
 * @depth: commands that can be in flight
 * @has_irq: wait for interrupts instead of polling
 *
 * Return: 0, or a negative errno, after a complaint.
 */
int nvme_start(struct nvme *nvme, struct pci_device *pci, unsigned int depth,
	       bool has_irq);

/* Shut the controller down in order. */
void nvme_stop(struct nvme *nvme);

/* Put a command into the queue; the caller knows that there is room. */
void nvme_submit(struct nvme_queue *queue, const struct nvme_command *command);

/* Tell the controller of all commands put there. */
void nvme_ring(struct nvme *nvme, struct nvme_queue *queue);

/**
 * nvme_wait() - wait until a command has completed
 *
 * Return: 0, or -ETIMEDOUT, -EIO, after a complaint.
 */
int nvme_wait(struct nvme *nvme, struct nvme_queue *queue);

/* Take one completion, if there is one. */
bool nvme_reap(struct nvme_queue *queue, struct nvme_completion *completion);

/* Tell the controller that all completions taken may be overwritten. */
void nvme_release(struct nvme *nvme, struct nvme_queue *queue);

/**
 * nvme_io() - one command on the I/O queue, which is empty, from start to end
 *
 * Return: its status, or a negative errno, after a complaint.
 */
int nvme_io(struct nvme *nvme, const struct nvme_command *command);

/* Status code type and code. */
static inline unsigned int nvme_status(const struct nvme_completion *completion)
{
	return completion->status >> 1 & NVME_STATUS_MASK;
}

/* Nanoseconds, counted from some time in the past. */
uint64_t now_ns(void);

#endif /* EXAMPLES_NVME_CONTROLLER_H */
