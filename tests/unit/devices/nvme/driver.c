/* SPDX-License-Identifier: BSD-3-Clause */
/* A small NVMe driver, for the fake framework. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/overflow.h"
#include "base/thread.h"
#include "driver.h"

#define ADMIN_ENTRIES 16u
#define TIMEOUT_NS 5000000000ull
#define OPTIONS_MAX 8

static char create_error[512];

static void *create_priv(const char *text,
			 struct vfio_pci_description *description)
{
	struct model_option options[OPTIONS_MAX];
	struct model_config config = {
		.options = options,
		.error = create_error,
		.error_len = sizeof(create_error),
	};
	char copy[512];
	char *save;
	char *value;
	char *key;

	create_error[0] = '\0';
	strncpy(copy, text, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = '\0';
	for (key = strtok_r(copy, ",", &save); key;
	     key = strtok_r(NULL, ",", &save)) {
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		options[config.n_options].key = key;
		options[config.n_options++].value = value;
	}
	return nvme_model.create(&config, description);
}

const char *driver_try_options(const char *text)
{
	struct vfio_pci_description description;
	void *priv = create_priv(text, &description);

	if (priv)
		nvme_model.ops->destroy(priv);
	return create_error;
}

struct driver *driver_create_closed(const char *text,
				    const struct fake_options *options)
{
	static const struct fake_options none;
	struct vfio_pci_description description;
	struct driver *driver = calloc(1, sizeof(*driver));
	void *priv = create_priv(text, &description);

	if (!priv)
		print_error("%s\n", create_error);
	assert_non_null(driver);
	assert_non_null(priv);
	driver->fake = fake_create(&nvme_model, priv, &description,
				   options ? options : &none);
	return driver;
}

struct driver *driver_create(const char *text,
			     const struct fake_options *options)
{
	struct driver *driver = driver_create_closed(text, options);

	assert_int_equal(fake_open(driver->fake), 0);
	fake_set_bus_master(driver->fake, true);
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	return driver;
}

void driver_destroy(struct driver *driver)
{
	fake_close(driver->fake);
	fake_destroy(driver->fake);
	free(driver);
}

static void queue_init(struct driver_queue *queue, unsigned int id,
		       __u32 n_entries)
{
	queue->id = id;
	queue->n_entries = n_entries;
	queue->tail = 0;
	queue->head = 0;
	queue->phase = 1;
	queue->sq = DRIVER_RINGS + id * 0x20000;
	queue->cq = queue->sq + 0x10000;
	memset(fake_memory(queue->sq), 0, 0x20000);
}

bool driver_wait_csts(struct driver *driver, __u32 mask, __u32 value)
{
	__u64 end = time_now_ns() + TIMEOUT_NS;

	while ((fake_load32(driver->fake, NVME_REG_CSTS) & mask) != value)
		if (time_now_ns() > end)
			return false;
	return true;
}

__u32 driver_enable(struct driver *driver)
{
	struct driver_queue *admin = &driver->queues[0];
	__u64 end = time_now_ns() + TIMEOUT_NS;
	__u32 csts = 0;

	queue_init(admin, 0, ADMIN_ENTRIES);
	driver->has_shadows = false;
	fake_store32(driver->fake, NVME_REG_AQA,
		     (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1));
	fake_store64(driver->fake, NVME_REG_ASQ, admin->sq);
	/* As libvfn does it: two halves, the high one first. */
	fake_store32(driver->fake, NVME_REG_ACQ + 4, (__u32)(admin->cq >> 32));
	fake_store32(driver->fake, NVME_REG_ACQ, (__u32)admin->cq);
	fake_store32(driver->fake, NVME_REG_CC,
		     NVME_CC_EN | NVME_SQE_LG2 << 16 | NVME_CQE_LG2 << 20);
	while (!csts && time_now_ns() < end)
		csts = fake_load32(driver->fake, NVME_REG_CSTS);
	return csts;
}

__u16 driver_create_queues(struct driver *driver, unsigned int id,
			   __u32 n_entries)
{
	struct driver_queue *queue = &driver->queues[id];
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.cdw10 = (n_entries - 1) << 16 | id,
	};
	__u16 status;

	queue_init(queue, id, n_entries);
	sqe.prp1 = queue->cq;
	sqe.cdw11 = id << 16 | 3;
	status = driver_run(driver, 0, &sqe, NULL);
	if (status)
		return status;
	sqe.opcode = NVME_ADMIN_CREATE_SQ;
	sqe.prp1 = queue->sq;
	sqe.cdw11 = id << 16 | 1;
	return driver_run(driver, 0, &sqe, NULL);
}

__u16 driver_push(struct driver *driver, unsigned int queue_id,
		  const struct nvme_sqe *sqe)
{
	struct driver_queue *queue = &driver->queues[queue_id];
	struct nvme_sqe copy = *sqe;
	__u64 words[8];
	__u64 *to;
	unsigned int i;

	copy.cid = (__u16)(atomic_fetch_add(&driver->next_cid, 1) + 1);
	memcpy(words, &copy, sizeof(words));
	to = fake_memory(queue->sq + 64 * queue->tail);
	for (i = 0; i < 8; i++)
		__atomic_store_n(&to[i], words[i], __ATOMIC_RELEASE);
	queue->tail = (queue->tail + 1) % queue->n_entries;
	return copy.cid;
}

/* Doorbell @index: by shadow and event index when there are any. */
static void driver_write_doorbell(struct driver *driver, unsigned int index,
				  __u32 value)
{
	__u32 *shadow = fake_memory(DRIVER_SHADOWS + 4 * index);
	__u32 *event = fake_memory(DRIVER_EVENTS + 4 * index);
	__u16 old, at;

	if (driver->has_shadows) {
		old = (__u16)__atomic_load_n(shadow, __ATOMIC_RELAXED);
		__atomic_store_n(shadow, value, __ATOMIC_SEQ_CST);
		at = (__u16)__atomic_load_n(event, __ATOMIC_SEQ_CST);
		if ((__u16)((__u16)value - at - 1) >=
		    (__u16)((__u16)value - old))
			return;
	}
	fake_store32(driver->fake, NVME_REG_DOORBELLS + 4 * index, value);
}

void driver_ring(struct driver *driver, unsigned int queue)
{
	driver_write_doorbell(driver, 2 * queue, driver->queues[queue].tail);
}

bool driver_pop_now(struct driver *driver, unsigned int queue_id,
		    struct nvme_cqe *cqe)
{
	struct driver_queue *queue = &driver->queues[queue_id];
	__u64 *at = fake_memory(queue->cq + 16 * queue->head);
	__u64 words[2];

	words[1] = __atomic_load_n(&at[1], __ATOMIC_ACQUIRE);
	if ((words[1] >> 48 & 1) != queue->phase)
		return false;
	words[0] = __atomic_load_n(&at[0], __ATOMIC_ACQUIRE);
	memcpy(cqe, words, sizeof(*cqe));
	if (++queue->head == queue->n_entries) {
		queue->head = 0;
		queue->phase ^= 1;
	}
	driver_write_doorbell(driver, 2 * queue_id + 1, queue->head);
	return true;
}

bool driver_pop(struct driver *driver, unsigned int queue, struct nvme_cqe *cqe)
{
	__u64 end = time_now_ns() + TIMEOUT_NS;

	while (!driver_pop_now(driver, queue, cqe))
		if (time_now_ns() > end)
			return false;
	return true;
}

__u16 driver_status(const struct nvme_cqe *cqe)
{
	return cqe->status >> 1 & 0x7ff;
}

__u16 driver_run(struct driver *driver, unsigned int queue,
		 const struct nvme_sqe *sqe, __u32 *result)
{
	struct nvme_cqe cqe;
	__u16 cid;

	cid = driver_push(driver, queue, sqe);
	driver_ring(driver, queue);
	if (!driver_pop(driver, queue, &cqe))
		return DRIVER_NO_ANSWER;
	assert_int_equal(cqe.cid, cid);
	assert_int_equal(cqe.sq_id, queue);
	assert_int_equal(cqe.sq_head, driver->queues[queue].tail);
	if (result)
		*result = cqe.result;
	return driver_status(&cqe);
}

__u16 driver_admin(struct driver *driver, __u8 opcode, __u32 cdw10, __u32 cdw11,
		   __u32 *result)
{
	struct nvme_sqe sqe = {
		.opcode = opcode,
		.prp1 = DRIVER_ADMIN_DATA,
		.cdw10 = cdw10,
		.cdw11 = cdw11,
	};

	return driver_run(driver, 0, &sqe, result);
}

/* The pages of a contiguous buffer, as a list at DRIVER_LISTS. */
static __u64 list_make(iova_t first, __u64 n_pages)
{
	__u64 *list = fake_memory(DRIVER_LISTS);
	__u64 i;

	for (i = 0; i < n_pages; i++)
		list[i] = first + 4096 * i;
	return DRIVER_LISTS;
}

struct nvme_sqe driver_transfer(__u8 opcode, __u64 slba, __u32 n_blocks,
				__u64 offset)
{
	iova_t start = DRIVER_DATA + offset;
	iova_t second = align_down(start, 4096) + 4096;
	iova_t end = start + 512ull * n_blocks;
	struct nvme_sqe sqe = {
		.opcode = opcode,
		.nsid = 1,
		.prp1 = start,
		.cdw10 = (__u32)slba,
		.cdw11 = (__u32)(slba >> 32),
		.cdw12 = n_blocks - 1,
	};

	if (end > second + 4096)
		sqe.prp2 = list_make(second, (end - second + 4095) / 4096);
	else if (end > second)
		sqe.prp2 = second;
	return sqe;
}

__u16 driver_io(struct driver *driver, __u8 opcode, __u64 slba, __u32 n_blocks,
		__u64 offset)
{
	struct nvme_sqe sqe = driver_transfer(opcode, slba, n_blocks, offset);

	return driver_run(driver, 1, &sqe, NULL);
}

void driver_fill(__u64 offset, size_t len, __u32 seed)
{
	__u32 *words = fake_memory(DRIVER_DATA + offset);
	size_t i;

	for (i = 0; i < len / 4; i++)
		__atomic_store_n(&words[i], seed + (__u32)i * 2654435761u,
				 __ATOMIC_RELAXED);
}

void driver_expect(__u64 offset, size_t len, __u32 seed)
{
	const __u32 *words = fake_memory(DRIVER_DATA + offset);
	size_t i;

	for (i = 0; i < len / 4; i++)
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) !=
		    seed + (__u32)i * 2654435761u)
			fail_msg("word %zu of %zu differs", i, len / 4);
}

void driver_expect_zeroes(__u64 offset, size_t len)
{
	const __u32 *words = fake_memory(DRIVER_DATA + offset);
	size_t i;

	for (i = 0; i < len / 4; i++)
		if (__atomic_load_n(&words[i], __ATOMIC_RELAXED))
			fail_msg("word %zu of %zu is not zero", i, len / 4);
}
