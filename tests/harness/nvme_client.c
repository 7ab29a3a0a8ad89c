/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests' NVMe driver (NVM Express 1.4: section numbers in brackets). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

/* Registers [3.1] and the command register of PCI. */
enum {
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_DOORBELLS = 0x1000,
	PCI_COMMAND = 4,
	PCI_COMMAND_MEMORY = 2,
	PCI_COMMAND_MASTER = 4,
};

/* The four queues, a page each, and how long anything may take. */
#define N_QUEUE_PAGES 4u
#define TIMEOUT_S 20

void client_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s does not hold (%s)\n", file, line, what,
		strerror(errno));
	exit(1);
}

static uint32_t reg_read(struct client *client, size_t off)
{
	return *(volatile uint32_t *)(client->bar + off);
}

static void reg_write(struct client *client, size_t off, uint32_t value)
{
	*(volatile uint32_t *)(client->bar + off) = value;
}

static void reg_write64(struct client *client, size_t off, uint64_t value)
{
	reg_write(client, off, (uint32_t)value);
	reg_write(client, off + 4, (uint32_t)(value >> 32));
}

static void set_command(struct client *client, uint16_t bits, bool is_on)
{
	off_t at = (off_t)client->config + PCI_COMMAND;
	uint16_t command;

	check(pread(client->device, &command, 2, at) == 2);
	command = (uint16_t)(is_on ? command | bits : command & ~bits);
	check(pwrite(client->device, &command, 2, at) == 2);
}

void client_set_bus_master(struct client *client, bool is_on)
{
	set_command(client, PCI_COMMAND_MASTER, is_on);
}

int client_map(struct client *client, void *va, size_t len, uint64_t iova,
	       bool is_writable)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 (is_writable ? IOMMU_IOAS_MAP_WRITEABLE : 0u),
		.ioas_id = client->ioas,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = iova,
	};

	return ioctl(client->iommufd, IOMMU_IOAS_MAP, &map) ? -errno : 0;
}

int client_unmap(struct client *client, uint64_t iova, size_t len)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = client->ioas,
		.iova = iova,
		.length = len,
	};

	return ioctl(client->iommufd, IOMMU_IOAS_UNMAP, &unmap) ? -errno : 0;
}

int client_attach(struct client *client)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = client->ioas,
	};

	return ioctl(client->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach)
		       ? -errno
		       : 0;
}

int client_detach(struct client *client)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return ioctl(client->device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach)
		       ? -errno
		       : 0;
}

static struct vfio_region_info region_info(struct client *client,
					   unsigned int index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	check(!ioctl(client->device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

static int client_bind(struct client *client, unsigned int index)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = client->iommufd,
	};
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", index);
	client->device = open(path, O_RDWR | O_CLOEXEC);
	check(client->device >= 0);
	if (ioctl(client->device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		return -errno;
	client->device_id = bind.out_devid;
	return 0;
}

static void client_map_bar(struct client *client)
{
	struct vfio_region_info info =
		region_info(client, VFIO_PCI_BAR0_REGION_INDEX);
	void *bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 client->device, (off_t)info.offset);

	check(bar != MAP_FAILED);
	client->bar = bar;
	client->bar_len = info.size;
	info = region_info(client, VFIO_PCI_CONFIG_REGION_INDEX);
	client->config = info.offset;
}

int client_open(struct client *client, unsigned int index, int iommufd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int err;

	memset(client, 0, sizeof(*client));
	client->owns_iommufd = iommufd < 0;
	client->iommufd = iommufd;
	if (client->owns_iommufd)
		client->iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	check(client->iommufd >= 0);
	err = client_bind(client, index);
	if (err) {
		close(client->device);
		if (client->owns_iommufd)
			close(client->iommufd);
		return err;
	}
	check(!ioctl(client->iommufd, IOMMU_IOAS_ALLOC, &alloc));
	client->ioas = alloc.out_ioas_id;
	check(!client_attach(client));
	client_map_bar(client);
	client->memory = client_alloc(N_QUEUE_PAGES * CLIENT_PAGE, 0);
	check(!client_map(client, client->memory, N_QUEUE_PAGES * CLIENT_PAGE,
			  CLIENT_QUEUES_IOVA, true));
	set_command(client, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, true);
	return 0;
}

void client_close(struct client *client)
{
	struct iommu_destroy destroy = {
		.size = sizeof(destroy),
		.id = client->ioas,
	};

	munmap((void *)(uintptr_t)client->bar, client->bar_len);
	close(client->device);
	check(!ioctl(client->iommufd, IOMMU_DESTROY, &destroy));
	if (client->owns_iommufd)
		close(client->iommufd);
	munmap(client->memory, N_QUEUE_PAGES * CLIENT_PAGE);
}

static void wait_ready(struct client *client, uint32_t is_ready)
{
	time_t end = time(NULL) + TIMEOUT_S;

	while ((reg_read(client, REG_CSTS) & 1) != is_ready)
		check(time(NULL) < end);
}

static void queue_init(struct client *client, struct client_queue *queue,
		       unsigned int id)
{
	queue->id = id;
	queue->sq = client->memory + 2 * id * CLIENT_PAGE;
	queue->cq = queue->sq + CLIENT_PAGE;
	queue->tail = 0;
	queue->head = 0;
	queue->phase = 1;
}

static uint64_t queue_iova(const struct client *client, const void *queue)
{
	return CLIENT_QUEUES_IOVA +
	       (uint64_t)((const uint8_t *)queue - client->memory);
}

/* [4.2]: double words of a command. */
static uint32_t *queue_next(struct client_queue *queue, unsigned int opcode)
{
	uint32_t *command = (uint32_t *)(queue->sq + 64 * queue->tail);

	memset(command, 0, 64);
	command[0] = opcode | queue->tail << 16;
	queue->tail = (queue->tail + 1) % CLIENT_DEPTH;
	return command;
}

static void queue_ring(struct client *client, struct client_queue *queue)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	reg_write(client, REG_DOORBELLS + 8 * queue->id, queue->tail);
}

/* [4.6]: the phase and the status are the upper half of the last word. */
static bool queue_reap(struct client *client, struct client_queue *queue,
		       unsigned int *status)
{
	volatile uint32_t *last =
		(volatile uint32_t *)(queue->cq + 16 * queue->head + 12);
	uint32_t word = __atomic_load_n(last, __ATOMIC_ACQUIRE);

	if ((word >> 16 & 1) != queue->phase)
		return false;
	*status = word >> 17 & 0x7ff;
	queue->head = (queue->head + 1) % CLIENT_DEPTH;
	queue->phase ^= !queue->head;
	reg_write(client, REG_DOORBELLS + 8 * queue->id + 4, queue->head);
	return true;
}

static void queue_wait(struct client *client, struct client_queue *queue,
		       unsigned int *status)
{
	time_t end = time(NULL) + TIMEOUT_S;

	while (!queue_reap(client, queue, status))
		check(time(NULL) < end);
}

/* [5.3], [5.4] */
static void create_queue(struct client *client, unsigned int opcode,
			 const void *memory, uint32_t flags)
{
	uint32_t *command = queue_next(&client->admin, opcode);
	uint64_t iova = queue_iova(client, memory);
	unsigned int status;

	command[6] = (uint32_t)iova;
	command[7] = (uint32_t)(iova >> 32);
	command[10] = (CLIENT_DEPTH - 1) << 16 | client->io.id;
	command[11] = flags;
	queue_ring(client, &client->admin);
	queue_wait(client, &client->admin, &status);
	check(!status);
}

void client_start(struct client *client)
{
	reg_write(client, REG_CC, 0);
	wait_ready(client, 0);
	memset(client->memory, 0, N_QUEUE_PAGES * CLIENT_PAGE);
	queue_init(client, &client->admin, 0);
	queue_init(client, &client->io, 1);
	client->n_inflight = 0;
	reg_write(client, REG_AQA,
		  (CLIENT_DEPTH - 1) << 16 | (CLIENT_DEPTH - 1));
	reg_write64(client, REG_ASQ, queue_iova(client, client->admin.sq));
	reg_write64(client, REG_ACQ, CLIENT_QUEUES_IOVA + CLIENT_PAGE);
	reg_write(client, REG_CC, 1 | 6 << 16 | 4 << 20);
	wait_ready(client, 1);
	create_queue(client, 5, client->io.sq + CLIENT_PAGE, 1);
	create_queue(client, 1, client->io.sq, 1u << 16 | 1);
}

void client_submit(struct client *client, unsigned int opcode, uint64_t lba,
		   unsigned int n_blocks, uint64_t iova)
{
	uint32_t *command = queue_next(&client->io, opcode);
	uint64_t second = (iova | (CLIENT_PAGE - 1)) + 1;

	command[1] = 1;
	client->n_inflight++;
	if (opcode == CLIENT_FLUSH)
		return;
	command[6] = (uint32_t)iova;
	command[7] = (uint32_t)(iova >> 32);
	if (iova + n_blocks * CLIENT_BLOCK > second) {
		command[8] = (uint32_t)second;
		command[9] = (uint32_t)(second >> 32);
	}
	command[10] = (uint32_t)lba;
	command[11] = (uint32_t)(lba >> 32);
	command[12] = n_blocks - 1;
}

void client_ring(struct client *client)
{
	queue_ring(client, &client->io);
}

bool client_reap(struct client *client, unsigned int *status)
{
	if (!queue_reap(client, &client->io, status))
		return false;
	client->n_inflight--;
	return true;
}

unsigned int client_io(struct client *client, unsigned int opcode, uint64_t lba,
		       unsigned int n_blocks, uint64_t iova)
{
	unsigned int status;

	client_submit(client, opcode, lba, n_blocks, iova);
	client_ring(client);
	queue_wait(client, &client->io, &status);
	client->n_inflight--;
	return status;
}

void *client_alloc(size_t len, int byte)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(memory != MAP_FAILED);
	memset(memory, byte, len);
	return memory;
}

bool client_is_all(const void *memory, size_t len, int byte)
{
	const uint8_t *at = memory;

	return at[0] == (uint8_t)byte && !memcmp(at, at + 1, len - 1);
}
