/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In the shape of libvfn on iommufd: addresses that the kernel chooses, BAR 0
 * mapped twice (the doorbells write-only), 64-bit registers as two stores with
 * the high half first, events by Set Features, doorbell buffers on every
 * queue, eight commands in flight without interrupts.
 *
 * Numbers in brackets are sections of NVM Express 1.4.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define SYSFS "/sys/bus/pci/devices/0000:01:00.0"
#define N_ENTRIES 8u
#define N_ROUNDS 200u

/* Opcodes and features [5], [6]. */
enum {
	ADMIN_CREATE_SQ = 0x01,
	ADMIN_CREATE_CQ = 0x05,
	ADMIN_IDENTIFY = 0x06,
	ADMIN_SET_FEATURES = 0x09,
	ADMIN_ASYNC_EVENT = 0x0c,
	ADMIN_DOORBELL_BUFFER = 0x7c,
	FEATURE_TEMPERATURE = 0x04,
	FEATURE_QUEUES = 0x07,
	FEATURE_EVENTS = 0x0b,
};

/**
 * struct memory - pages that the device knows
 * @va: where the program has them
 * @iova: what the kernel chose
 */
struct memory {
	void *va;
	uint64_t iova;
};

/**
 * struct doorbell - one of the device's doorbells
 * @reg: the register
 * @shadow: or NULL: always ring
 * @event: the device wants the register rung when this value is passed
 */
struct doorbell {
	volatile uint32_t *reg;
	volatile uint32_t *shadow;
	volatile uint32_t *event;
};

/**
 * struct pair - a submission and a completion queue
 * @sq, @cq: entries
 * @sq_doorbell, @cq_doorbell: theirs
 * @tail, @head: next entry of each
 * @phase: of entries that are new
 * @n_inflight: commands without a completion
 */
struct pair {
	struct memory sq;
	struct memory cq;
	struct doorbell sq_doorbell;
	struct doorbell cq_doorbell;
	uint32_t tail;
	uint32_t head;
	uint32_t phase;
	uint32_t n_inflight;
};

static int iommu;
static int device;
static uint32_t ioas;
static uint32_t irq_index;
static volatile uint32_t *registers;
static volatile uint32_t *doorbells;
static struct pair admin;
static struct pair io;
static unsigned int n_doorbells_rung;

static struct vfio_region_info region(uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	check(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

static struct memory map_memory(size_t len)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.length = len,
	};
	struct memory memory = { .va = client_alloc(len, 0) };

	map.user_va = (uintptr_t)memory.va;
	check(!ioctl(iommu, IOMMU_IOAS_MAP, &map));
	memory.iova = map.iova;
	return memory;
}

/* ---- opening ---------------------------------------------------------- */

/* The one entry of the device's vfio-dev directory. */
static void open_device(void)
{
	DIR *dir = opendir(SYSFS "/vfio-dev");
	char path[300] = "";
	struct dirent *entry;

	check(dir);
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vfio", 4))
			snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
				 entry->d_name);
	closedir(dir);
	device = open(path, O_RDWR);
	check(device >= 0);
}

static void read_ranges(void)
{
	struct iommu_iova_range *list;
	struct iommu_ioas_iova_ranges ranges = {
		.size = sizeof(ranges),
		.ioas_id = ioas,
	};

	check(ioctl(iommu, IOMMU_IOAS_IOVA_RANGES, &ranges));
	check(errno == EMSGSIZE && ranges.num_iovas);
	list = calloc(ranges.num_iovas, sizeof(*list));
	check(list);
	ranges.allowed_iovas = (uintptr_t)list;
	check(!ioctl(iommu, IOMMU_IOAS_IOVA_RANGES, &ranges));
	for (uint32_t i = 0; i < ranges.num_iovas; i++) {
		check(list[i].start < list[i].last);
		check(!i || list[i - 1].last < list[i].start);
	}
	free(list);
}

static void bind_and_attach(void)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(
								attach) };

	iommu = open("/dev/iommu", O_RDWR);
	check(iommu >= 0);
	check(!ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc));
	ioas = alloc.out_ioas_id;
	open_device();
	bind.iommufd = iommu;
	check(!ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	attach.pt_id = ioas;
	check(!ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	read_ranges();
}

static void enable_bus_master(void)
{
	off_t command = (off_t)region(VFIO_PCI_CONFIG_REGION_INDEX).offset + 4;
	uint16_t value;

	check(pread(device, &value, 2, command) == 2);
	check(!(value & 4));
	value |= 6;
	check(pwrite(device, &value, 2, command) == 2);
}

/* From MSI-X down to the first kind that has vectors. */
static void find_irq(void)
{
	struct vfio_irq_info info = { .argsz = sizeof(info) };

	for (irq_index = VFIO_PCI_MSIX_IRQ_INDEX;; irq_index--) {
		info.index = irq_index;
		check(!ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &info));
		if (info.count || !irq_index)
			break;
	}
	check(irq_index == VFIO_PCI_MSIX_IRQ_INDEX && info.count >= 2);
}

static void *map_bar(size_t offset, size_t len, int prot)
{
	struct vfio_region_info bar = region(VFIO_PCI_BAR0_REGION_INDEX);
	void *map = mmap(NULL, len, prot, MAP_SHARED, device,
			 (off_t)(bar.offset + offset));

	check(map != MAP_FAILED);
	return map;
}

static void open_all(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct stat st;

	check(!stat("/dev/vfio/devices", &st) && S_ISDIR(st.st_mode));
	check(!stat("/dev/iommu", &st) && S_ISCHR(st.st_mode));
	bind_and_attach();
	check(!ioctl(device, VFIO_DEVICE_GET_INFO, &info));
	check(info.flags & VFIO_DEVICE_FLAGS_PCI);
	for (uint32_t i = 0; i < 6; i++)
		check(!region(i).size == (i != 0));
	find_irq();
	enable_bus_master();
	registers = map_bar(0, CLIENT_PAGE, PROT_READ | PROT_WRITE);
	doorbells =
		map_bar(CLIENT_PAGE,
			region(VFIO_PCI_BAR0_REGION_INDEX).size - CLIENT_PAGE,
			PROT_WRITE);
}

/* ---- queues ----------------------------------------------------------- */

static void doorbell_ring(struct doorbell *doorbell, uint32_t value)
{
	uint32_t old, event;

	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (doorbell->shadow) {
		old = *doorbell->shadow;
		*doorbell->shadow = value;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		event = *doorbell->event;
		if ((uint16_t)(value - event - 1) >= (uint16_t)(value - old))
			return;
	}
	n_doorbells_rung++;
	*doorbell->reg = value;
}

static void pair_init(struct pair *pair, unsigned int id)
{
	pair->sq = map_memory(CLIENT_PAGE);
	pair->cq = map_memory(CLIENT_PAGE);
	pair->sq_doorbell.reg = doorbells + 2 * id;
	pair->cq_doorbell.reg = doorbells + 2 * id + 1;
	pair->phase = 1;
}

/* Return: the next entry, zeroes but for opcode and identifier. */
static uint32_t *pair_next(struct pair *pair, uint32_t opcode)
{
	uint32_t *command = (uint32_t *)pair->sq.va + 16 * pair->tail;

	memset(command, 0, 64);
	command[0] = opcode | pair->tail << 16;
	pair->tail = (pair->tail + 1) % N_ENTRIES;
	pair->n_inflight++;
	return command;
}

static bool pair_reap(struct pair *pair, uint32_t *result)
{
	volatile uint32_t *entry =
		(volatile uint32_t *)pair->cq.va + 4 * pair->head;
	uint32_t last = __atomic_load_n(&entry[3], __ATOMIC_ACQUIRE);

	if ((last >> 16 & 1) != pair->phase)
		return false;
	check(!(last >> 17));
	if (result)
		*result = entry[0];
	pair->head = (pair->head + 1) % N_ENTRIES;
	pair->phase ^= !pair->head;
	pair->n_inflight--;
	doorbell_ring(&pair->cq_doorbell, pair->head);
	return true;
}

static void pair_wait(struct pair *pair, uint32_t *result)
{
	time_t end = time(NULL) + 20;

	while (!pair_reap(pair, result))
		check(time(NULL) < end);
}

/* One command, alone on the admin queue. */
static uint32_t admin_run(const uint32_t command[16])
{
	uint32_t *entry = pair_next(&admin, command[0]);
	uint32_t result;

	memcpy(entry + 1, command + 1, 60);
	doorbell_ring(&admin.sq_doorbell, admin.tail);
	pair_wait(&admin, &result);
	return result;
}

#define LOW(iova) ((uint32_t)(iova))
#define HIGH(iova) ((uint32_t)((iova) >> 32))

/* ---- the controller --------------------------------------------------- */

static void write64(unsigned int at, uint64_t value)
{
	registers[at / 4 + 1] = HIGH(value);
	registers[at / 4] = LOW(value);
}

/* [7.6.1] */
static void enable(void)
{
	check(!(registers[0x1c / 4] & 1));
	pair_init(&admin, 0);
	registers[0x24 / 4] = (N_ENTRIES - 1) << 16 | (N_ENTRIES - 1);
	write64(0x28, admin.sq.iova);
	write64(0x30, admin.cq.iova);
	check(registers[0x28 / 4] == LOW(admin.sq.iova));
	check(registers[0x2c / 4] == HIGH(admin.sq.iova));
	registers[0x14 / 4] = 1 | 6 << 16 | 4 << 20;
	while (!(registers[0x1c / 4] & 1))
		usleep(100);
}

static void identify(void)
{
	struct memory memory = map_memory(CLIENT_PAGE);

	admin_run((uint32_t[16]){
		[0] = ADMIN_IDENTIFY,
		[6] = LOW(memory.iova),
		[7] = HIGH(memory.iova),
		[10] = 1,
	});
	check(((uint8_t *)memory.va)[257] & 1); /* OACS, doorbell buffers */
	admin_run((uint32_t[16]){
		[0] = ADMIN_SET_FEATURES,
		[10] = FEATURE_QUEUES,
		[11] = 0x00000000,
	});
}

/* [5.2]: a threshold below the temperature makes an event within a second. */
static void temperature_event(void)
{
	struct timespec now, end;
	uint32_t result = 0;

	pair_next(&admin, ADMIN_ASYNC_EVENT);
	doorbell_ring(&admin.sq_doorbell, admin.tail);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	admin_run((uint32_t[16]){
		[0] = ADMIN_SET_FEATURES,
		[10] = FEATURE_EVENTS,
		[11] = 0xff,
	});
	check(admin.n_inflight == 1);
	admin_run((uint32_t[16]){
		[0] = ADMIN_SET_FEATURES,
		[10] = FEATURE_TEMPERATURE,
		[11] = 200,
	});
	while (admin.n_inflight && !pair_reap(&admin, &result)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		check(now.tv_sec < end.tv_sec || now.tv_nsec < end.tv_nsec);
	}
	check((result & 7) == 1 && (result >> 16 & 0xff) == 2);
}

static void use_shadow(struct pair *pair, unsigned int id,
		       const struct memory *shadows,
		       const struct memory *events)
{
	volatile uint32_t *shadow = shadows->va;
	volatile uint32_t *event = events->va;

	pair->sq_doorbell.shadow = shadow + 2 * id;
	pair->sq_doorbell.event = event + 2 * id;
	pair->cq_doorbell.shadow = shadow + 2 * id + 1;
	pair->cq_doorbell.event = event + 2 * id + 1;
}

/* [5.7], the admin queue included. */
static void doorbell_buffers(void)
{
	struct memory shadows = map_memory(CLIENT_PAGE);
	struct memory events = map_memory(CLIENT_PAGE);

	admin_run((uint32_t[16]){
		[0] = ADMIN_DOORBELL_BUFFER,
		[6] = LOW(shadows.iova),
		[7] = HIGH(shadows.iova),
		[8] = LOW(events.iova),
		[9] = HIGH(events.iova),
	});
	use_shadow(&admin, 0, &shadows, &events);
	use_shadow(&io, 1, &shadows, &events);
	*admin.sq_doorbell.shadow = admin.tail;
	*admin.cq_doorbell.shadow = admin.head;
}

static void create_io_queues(void)
{
	pair_init(&io, 1);
	admin_run((uint32_t[16]){
		[0] = ADMIN_CREATE_CQ,
		[6] = LOW(io.cq.iova),
		[7] = HIGH(io.cq.iova),
		[10] = (N_ENTRIES - 1) << 16 | 1,
		[11] = 1, /* no interrupts */
	});
	admin_run((uint32_t[16]){
		[0] = ADMIN_CREATE_SQ,
		[6] = LOW(io.sq.iova),
		[7] = HIGH(io.sq.iova),
		[10] = (N_ENTRIES - 1) << 16 | 1,
		[11] = 1u << 16 | 1,
	});
}

static void submit(uint32_t opcode, uint32_t block, uint64_t iova)
{
	uint32_t *command = pair_next(&io, opcode);

	command[1] = 1;
	command[6] = LOW(iova);
	command[7] = HIGH(iova);
	command[10] = block;
	doorbell_ring(&io.sq_doorbell, io.tail);
}

/* Each slot of a full queue writes its block, then reads it back. */
static void transfer(void)
{
	struct memory data = map_memory(2 * CLIENT_PAGE);
	uint8_t *bytes = data.va;

	for (uint32_t round = 0; round < N_ROUNDS; round++) {
		uint32_t opcode = round & 1 ? CLIENT_READ : CLIENT_WRITE;
		uint8_t *slots = bytes + (round & 1) * CLIENT_PAGE;

		memset(slots, (int)round, CLIENT_PAGE);
		for (uint32_t i = 0; i < N_ENTRIES - 1; i++)
			submit(opcode, i,
			       data.iova + (round & 1) * CLIENT_PAGE +
				       i * CLIENT_BLOCK);
		while (io.n_inflight)
			pair_wait(&io, NULL);
		if (round & 1)
			check(client_is_all(slots,
					    (N_ENTRIES - 1) * CLIENT_BLOCK,
					    (int)round - 1));
	}
	check(n_doorbells_rung);
}

/* [3.1.5]: every vector's eventfd, set and taken away again. */
static void irq_arrays(void)
{
	uint32_t space[5 + 2];
	struct vfio_irq_set *set = (struct vfio_irq_set *)space;
	int32_t *fds = (int32_t *)&space[5];
	int event = eventfd(0, EFD_CLOEXEC);

	*set = (struct vfio_irq_set){
		.argsz = sizeof(space),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq_index,
		.count = 2,
	};
	fds[0] = -1;
	fds[1] = event;
	check(!ioctl(device, VFIO_DEVICE_SET_IRQS, set));
	fds[1] = -1;
	check(!ioctl(device, VFIO_DEVICE_SET_IRQS, set));
	close(event);
}

/* What is mapped where the kernel chose goes in one call. */
static void unmap_all(void)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.length = UINT64_MAX,
	};

	registers[0x14 / 4] = 0;
	while (registers[0x1c / 4] & 1)
		usleep(100);
	check(!ioctl(iommu, IOMMU_IOAS_UNMAP, &unmap));
	check(unmap.length >= 9 * CLIENT_PAGE);
}

int main(void)
{
	open_all();
	irq_arrays();
	enable();
	identify();
	temperature_event();
	doorbell_buffers();
	create_io_queues();
	transfer();
	unmap_all();
	close(device);
	close(iommu);
	return 0;
}
