/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A tiny NVMe driver for tests: the ABI of the kernel and libc alone. What
 * should never fail ends the program with a line that says what did.
 *
 * One thread a client; clients may share an iommufd context.
 */
#ifndef HARNESS_NVME_CLIENT_H
#define HARNESS_NVME_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_BLOCK 512u
#define CLIENT_PAGE 4096u
#define CLIENT_DEPTH 64u

/* Where a client's own queues are in its address space. */
#define CLIENT_QUEUES_IOVA 0x100000000ull

enum {
	CLIENT_FLUSH = 0,
	CLIENT_WRITE = 1,
	CLIENT_READ = 2,
};

/* Status type and code: what DMA that was refused gives. */
#define CLIENT_DATA_TRANSFER_ERROR 0x004u

/* What is not true ends the program. */
#define check(what) ((what) ? (void)0 : client_fail(__FILE__, __LINE__, #what))

_Noreturn void client_fail(const char *file, int line, const char *what);

/**
 * struct client_queue - a submission and a completion queue of CLIENT_DEPTH
 * @sq: entries of 64 bytes
 * @cq: entries of 16 bytes
 * @id: 0 is the admin queue
 * @tail: next entry of @sq
 * @head: next entry of @cq
 * @phase: of entries that are new
 */
struct client_queue {
	uint8_t *sq;
	volatile uint8_t *cq;
	unsigned int id;
	unsigned int tail;
	unsigned int head;
	unsigned int phase;
};

/**
 * struct client - a controller with one I/O queue
 * @iommufd: the context
 * @owns_iommufd: it is closed with the client
 * @device: the VFIO device
 * @device_id: of the context
 * @ioas: attached; destroyed with the client
 * @config: offset of the configuration space
 * @bar: BAR 0
 * @bar_len: bytes of @bar
 * @memory: of the queues
 * @admin: queue 0
 * @io: queue 1
 * @n_inflight: commands of @io without a completion
 */
struct client {
	int iommufd;
	bool owns_iommufd;
	int device;
	uint32_t device_id;
	uint32_t ioas;
	uint64_t config;
	volatile uint8_t *bar;
	size_t bar_len;
	uint8_t *memory;
	struct client_queue admin;
	struct client_queue io;
	unsigned int n_inflight;
};

/**
 * client_open() - bind, attach, enable
 * @client: filled in
 * @index: of /dev/vfio/devices/vfioN
 * @iommufd: a context to share, or -1: its own
 *
 * Return: 0, or -errno when the bind is refused; nothing is open then.
 */
int client_open(struct client *client, unsigned int index, int iommufd);
void client_close(struct client *client);

/* Reset the controller and make the queues. */
void client_start(struct client *client);

/* Return: 0 or -errno. */
int client_map(struct client *client, void *va, size_t len, uint64_t iova,
	       bool is_writable);
int client_unmap(struct client *client, uint64_t iova, size_t len);
int client_attach(struct client *client);
int client_detach(struct client *client);
void client_set_bus_master(struct client *client, bool is_on);

/* One command on up to two pages. The queue has room; not rung. */
void client_submit(struct client *client, unsigned int opcode, uint64_t lba,
		   unsigned int n_blocks, uint64_t iova);
void client_ring(struct client *client);

/* Return: true, with its status, when a command has completed. */
bool client_reap(struct client *client, unsigned int *status);

/* Return: the status of one command from start to end. */
unsigned int client_io(struct client *client, unsigned int opcode, uint64_t lba,
		       unsigned int n_blocks, uint64_t iova);

/* Anonymous memory of whole pages, of one byte. */
void *client_alloc(size_t len, int byte);
bool client_is_all(const void *memory, size_t len, int byte);

#endif /* HARNESS_NVME_CLIENT_H */
