/* SPDX-License-Identifier: BSD-3-Clause */
/* Each admin command, and each status it can end with. */
#include <string.h>
#include "driver.h"

static const struct fake_options in_sync = { .is_sync = true };

static struct driver *create(void)
{
	return driver_create("size=8M,queues=3,serial=SN-1", &in_sync);
}

static void *admin_data(void)
{
	return fake_memory(DRIVER_ADMIN_DATA);
}

static __u16 identify(struct driver *driver, __u32 cns, __u32 nsid)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = nsid,
		.prp1 = DRIVER_ADMIN_DATA,
		.cdw10 = cns,
	};

	memset(admin_data(), 0xee, 4096);
	return driver_run(driver, 0, &sqe, NULL);
}

static void test_identify_controller(void **state)
{
	struct driver *driver = create();
	const __u8 *data = admin_data();

	(void)state;
	assert_int_equal(identify(driver, 1, 0), 0);
	assert_memory_equal(data + 0, "\x36\x1b", 2);
	assert_memory_equal(data + 4, "SN-1                ", 20);
	assert_memory_equal(data + 24, "iommufd-user NVMe", 17);
	assert_int_equal(data[77], 8);
	assert_memory_equal(data + 80, "\x00\x04\x01\x00", 4);
	assert_memory_equal(data + 256, "\x00\x01", 2);
	assert_int_equal(data[259], 3);
	assert_int_equal(data[512], 0x66);
	assert_int_equal(data[513], 0x44);
	assert_int_equal(data[516], 1);
	assert_int_equal(data[520], 0x1c);
	assert_int_equal(data[525], 0);
	assert_int_equal(data[536], 0);
	assert_memory_equal(data + 768, "nqn.", 4);
	assert_int_equal(data[4095], 0);
	driver_destroy(driver);
}

static void test_identify_namespace(void **state)
{
	struct driver *driver = create();
	__u8 *data = admin_data();
	__u64 nsze;

	(void)state;
	assert_int_equal(identify(driver, 0, 1), 0);
	memcpy(&nsze, data, 8);
	assert_int_equal(nsze, 16384);
	assert_int_equal(data[25], 0);
	assert_int_equal(data[99], 0);
	assert_int_equal(data[130], 9);
	assert_int_equal(identify(driver, 0, 2), NVME_INVALID_NAMESPACE);
	assert_int_equal(identify(driver, 0, 0), NVME_INVALID_NAMESPACE);

	assert_int_equal(identify(driver, 2, 0), 0);
	assert_memory_equal(data, "\1\0\0\0\0\0\0\0", 8);
	assert_int_equal(identify(driver, 2, 1), 0);
	assert_memory_equal(data, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(identify(driver, 2, 0xfffffffe),
			 NVME_INVALID_NAMESPACE);

	assert_int_equal(identify(driver, 3, 1), 0);
	assert_memory_equal(data, "\3\x10\0\0", 4);
	assert_int_equal(data[10] >> 4, 8);
	assert_int_equal(data[12] >> 6, 2);
	assert_memory_equal(data + 20, "\0\0\0\0", 4);
	assert_int_equal(identify(driver, 3, 2), NVME_INVALID_NAMESPACE);
	driver_destroy(driver);
}

static void test_identify_refuses(void **state)
{
	static const __u32 unknown[] = { 5, 6, 0x10, 0x1c, 0xff };
	struct driver *driver = create();
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = 1 };
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(unknown); i++)
		assert_int_equal(identify(driver, unknown[i], 1),
				 NVME_INVALID_FIELD);
	sqe.prp1 = DRIVER_ADMIN_DATA + 2;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL),
			 NVME_INVALID_PRP_OFFSET);
	sqe.prp1 = DRIVER_ADMIN_DATA + 4;
	sqe.prp2 = DRIVER_ADMIN_DATA + 4100;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL),
			 NVME_INVALID_PRP_OFFSET);
	sqe.prp2 = DRIVER_ADMIN_DATA + 4096;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL), 0);
	sqe.prp1 = 0x1000;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL),
			 NVME_DATA_TRANSFER_ERROR);
	sqe.prp1 = DRIVER_ADMIN_DATA;
	sqe.flags = 0x40;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL), NVME_INVALID_FIELD);
	sqe.flags = 1;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL), NVME_INVALID_FIELD);
	driver_destroy(driver);
}

static void test_unknown_opcodes(void **state)
{
	struct driver *driver = create();
	unsigned int opcode;

	(void)state;
	for (opcode = 0; opcode < 256; opcode++) {
		if (opcode <= 2 || (opcode >= 4 && opcode <= 6) ||
		    (opcode >= 8 && opcode <= 10) || opcode == 12 ||
		    opcode == 0x7c)
			continue;
		assert_int_equal(driver_admin(driver, (__u8)opcode, 0, 0, NULL),
				 NVME_INVALID_OPCODE);
	}
	driver_destroy(driver);
}

/* ---- queues ----------------------------------------------------------- */

struct queue_case {
	__u8 opcode;
	__u32 cdw10;
	__u32 cdw11;
	__u64 prp1;
	__u16 status;
};

static void test_queue_statuses(void **state)
{
	static const struct queue_case cases[] = {
		{ 5, 15 << 16 | 0, 1, 0, NVME_INVALID_QUEUE_ID },
		{ 5, 15 << 16 | 1, 1, 0, NVME_INVALID_QUEUE_ID },
		{ 5, 15 << 16 | 4, 1, 0, NVME_INVALID_QUEUE_ID },
		{ 5, 0 << 16 | 2, 1, 0, NVME_INVALID_QUEUE_SIZE },
		{ 5, 4096u << 16 | 2, 1, 0, NVME_INVALID_QUEUE_SIZE },
		{ 5, 15 << 16 | 2, 0, 0, NVME_INVALID_FIELD },
		{ 5, 15 << 16 | 2, 1, 8, NVME_INVALID_PRP_OFFSET },
		{ 5, 15 << 16 | 2, 4 << 16 | 3, 0, NVME_INVALID_VECTOR },
		{ 5, 15 << 16 | 2, 3 << 16 | 3, 0, NVME_SUCCESS },
		{ 1, 15 << 16 | 0, 2 << 16 | 1, 0, NVME_INVALID_QUEUE_ID },
		{ 1, 15 << 16 | 1, 2 << 16 | 1, 0, NVME_INVALID_QUEUE_ID },
		{ 1, 15 << 16 | 4, 2 << 16 | 1, 0, NVME_INVALID_QUEUE_ID },
		{ 1, 15 << 16 | 2, 3 << 16 | 1, 0, NVME_INVALID_CQ },
		{ 1, 15 << 16 | 2, 0 << 16 | 1, 0, NVME_INVALID_CQ },
		{ 1, 0 << 16 | 2, 2 << 16 | 1, 0, NVME_INVALID_QUEUE_SIZE },
		{ 1, 15 << 16 | 2, 2 << 16 | 0, 0, NVME_INVALID_FIELD },
		{ 1, 15 << 16 | 2, 2 << 16 | 1, 4, NVME_INVALID_PRP_OFFSET },
		{ 1, 15 << 16 | 2, 2 << 16 | 1, 0, NVME_SUCCESS },
		{ 4, 2, 0, 0, NVME_INVALID_QUEUE_DELETION },
		{ 4, 0, 0, 0, NVME_INVALID_QUEUE_ID },
		{ 4, 3, 0, 0, NVME_INVALID_QUEUE_ID },
		{ 0, 0, 0, 0, NVME_INVALID_QUEUE_ID },
		{ 0, 3, 0, 0, NVME_INVALID_QUEUE_ID },
		{ 0, 0xffff, 0, 0, NVME_INVALID_QUEUE_ID },
		{ 0, 2, 0, 0, NVME_SUCCESS },
		{ 0, 2, 0, 0, NVME_INVALID_QUEUE_ID },
		{ 4, 2, 0, 0, NVME_SUCCESS },
		{ 4, 2, 0, 0, NVME_INVALID_QUEUE_ID },
	};
	struct driver *driver = create();
	struct nvme_sqe sqe = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(cases); i++) {
		sqe.opcode = cases[i].opcode;
		sqe.cdw10 = cases[i].cdw10;
		sqe.cdw11 = cases[i].cdw11;
		sqe.prp1 = DRIVER_RINGS + 0x60000 + cases[i].prp1;
		if (driver_run(driver, 0, &sqe, NULL) != cases[i].status)
			fail_msg("case %u", i);
	}
	driver_destroy(driver);
}

static void test_queue_made_again(void **state)
{
	struct driver *driver = create();
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		assert_int_equal(driver_create_queues(driver, 2, 8), 0);
		while (driver->queues[2].tail < 5)
			assert_int_equal(
				driver_run(driver, 2,
					   &(struct nvme_sqe){ .nsid = 1 },
					   NULL),
				0);
		assert_int_equal(driver_admin(driver, 0, 2, 0, NULL), 0);
		assert_int_equal(driver_admin(driver, 4, 2, 0, NULL), 0);
		/* The old tail must not be taken for that of the next queue. */
		assert_int_equal(fake_load32(driver->fake, 0x1010), 0);
		assert_int_equal(fake_load32(driver->fake, 0x1014), 0);
	}
	driver_destroy(driver);
}

static void test_pin_has_vector_0_alone(void **state)
{
	struct driver *driver = create();

	(void)state;
	fake_use_msi(driver->fake, false);
	assert_int_equal(driver_create_queues(driver, 2, 8),
			 NVME_INVALID_VECTOR);
	driver_destroy(driver);
}

/* ---- features --------------------------------------------------------- */

static __u32 get_feature(struct driver *driver, __u32 id, __u32 cdw11)
{
	__u32 value = 0xdead;

	assert_int_equal(driver_admin(driver, 0x0a, id, cdw11, &value), 0);
	return value;
}

static void test_features(void **state)
{
	static const __u32 ids[] = { 1, 2, 5, 8, 10, 11 };
	struct driver *driver = create();
	__u32 result;
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(ids); i++) {
		__u32 before = get_feature(driver, ids[i], 0);
		__u32 value = ids[i] == 2 ? 0 : 1;

		assert_int_equal(driver_admin(driver, 9, ids[i], value, NULL),
				 0);
		assert_int_equal(get_feature(driver, ids[i], 0), value);
		assert_int_equal(get_feature(driver, 1 << 8 | ids[i], 0),
				 before);
		assert_int_equal(get_feature(driver, 2 << 8 | ids[i], 0),
				 before);
		assert_int_equal(get_feature(driver, 3 << 8 | ids[i], 0), 4);
	}
	assert_int_equal(get_feature(driver, 4, 0), 343);
	assert_int_equal(get_feature(driver, 4, 1 << 20), 0);
	assert_int_equal(get_feature(driver, 7, 0), 2 << 16 | 2);
	assert_int_equal(driver_admin(driver, 9, 9, 1 << 16 | 2, NULL), 0);
	assert_int_equal(get_feature(driver, 9, 2), 1 << 16 | 2);
	assert_int_equal(get_feature(driver, 9, 1), 1);
	/* With I/O queues in place their number is settled. */
	assert_int_equal(driver_admin(driver, 9, 7, 0, &result),
			 NVME_COMMAND_SEQUENCE_ERROR);
	assert_int_equal(driver_admin(driver, 0, 1, 0, NULL), 0);
	assert_int_equal(driver_admin(driver, 4, 1, 0, NULL), 0);
	assert_int_equal(driver_admin(driver, 9, 7, 7 << 16 | 7, &result), 0);
	assert_int_equal(result, 2 << 16 | 2);
	assert_int_equal(driver_admin(driver, 9, 7, 0xffff, &result),
			 NVME_INVALID_FIELD);
	driver_destroy(driver);
}

static void test_features_refuse(void **state)
{
	/* No write cache, keep alive, host behaviour, host identifier, LBA
	   ranges: memory. */
	static const __u32 unknown[] = { 0, 3, 6, 0xc, 0xf, 0x16, 0x81, 0xff };
	struct driver *driver = create();
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(unknown); i++) {
		assert_int_equal(driver_admin(driver, 9, unknown[i], 1, NULL),
				 NVME_INVALID_FIELD);
		assert_int_equal(driver_admin(driver, 10, unknown[i], 0, NULL),
				 NVME_INVALID_FIELD);
	}
	assert_int_equal(driver_admin(driver, 9, 1u << 31 | 1, 1, NULL),
			 NVME_FEATURE_NOT_SAVEABLE);
	assert_int_equal(driver_admin(driver, 9, 2, 1, NULL),
			 NVME_INVALID_FIELD);
	assert_int_equal(driver_admin(driver, 9, 4, 1 << 16, NULL),
			 NVME_INVALID_FIELD);
	assert_int_equal(driver_admin(driver, 9, 4, 2 << 20, NULL),
			 NVME_INVALID_FIELD);
	assert_int_equal(driver_admin(driver, 9, 9, 4, NULL),
			 NVME_INVALID_FIELD);
	assert_int_equal(driver_admin(driver, 10, 9, 0xffff, NULL),
			 NVME_INVALID_FIELD);
	assert_int_equal(driver_admin(driver, 10, 4 << 8 | 1, 0, NULL),
			 NVME_INVALID_FIELD);
	driver_destroy(driver);
}

/* ---- log pages, events ------------------------------------------------ */

static __u16 get_log(struct driver *driver, __u32 id, __u32 len, __u64 offset)
{
	__u32 n = len / 4 - 1;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_GET_LOG_PAGE,
		.nsid = NVME_NSID_ALL,
		.prp1 = DRIVER_ADMIN_DATA,
		.prp2 = DRIVER_ADMIN_DATA + 4096,
		.cdw10 = n << 16 | id,
		.cdw11 = n >> 16,
		.cdw12 = (__u32)offset,
		.cdw13 = (__u32)(offset >> 32),
	};

	memset(admin_data(), 0xee, 8192);
	return driver_run(driver, 0, &sqe, NULL);
}

static void test_log_smart(void **state)
{
	struct driver *driver = create();
	__u8 *data = admin_data();

	(void)state;
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 8, 0), 0);
	assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 8, 0), 0);
	assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 8, 0), 0);
	assert_int_equal(get_log(driver, 2, 512, 0), 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(data[1] | data[2] << 8, 313);
	assert_int_equal(data[32], 1);
	assert_int_equal(data[64], 1);
	assert_int_equal(data[80], 2);
	assert_int_equal(data[512], 0xee);
	/* From an offset on, and past the end. */
	assert_int_equal(get_log(driver, 2, 8, 64), 0);
	assert_int_equal(data[0], 1);
	assert_int_equal(data[8], 0xee);
	assert_int_equal(get_log(driver, 2, 8192, 64), 0);
	assert_int_equal(data[0], 1);
	assert_int_equal(data[16], 2);
	assert_int_equal(data[4095], 0);
	assert_int_equal(data[8191], 0);
	driver_destroy(driver);
}

static void test_log_errors(void **state)
{
	struct nvme_error_entry entry;
	struct driver *driver = create();
	unsigned int i;

	(void)state;
	for (i = 0; i < 70; i++)
		assert_int_equal(driver_io(driver, NVME_IO_READ, 1u << 30, 1,
					   0),
				 NVME_LBA_OUT_OF_RANGE);
	assert_int_equal(get_log(driver, 1, 4096, 0), 0);
	memcpy(&entry, admin_data(), sizeof(entry));
	assert_int_equal(entry.count, 70);
	assert_int_equal(entry.sq_id, 1);
	assert_int_equal(entry.cid, driver->next_cid - 1);
	assert_int_equal(entry.status, NVME_LBA_OUT_OF_RANGE << 1);
	assert_int_equal(entry.lba, 1u << 30);
	assert_int_equal(entry.nsid, 1);
	memcpy(&entry, (char *)admin_data() + 63 * 64, sizeof(entry));
	assert_int_equal(entry.count, 7);
	driver_destroy(driver);
}

static void test_log_refuses(void **state)
{
	struct driver *driver = create();

	(void)state;
	assert_int_equal(get_log(driver, 3, 512, 0), 0);
	assert_memory_equal((char *)admin_data() + 8, "1.0     ", 8);
	assert_int_equal(get_log(driver, 0, 512, 0), NVME_INVALID_LOG_PAGE);
	assert_int_equal(get_log(driver, 5, 512, 0), NVME_INVALID_LOG_PAGE);
	assert_int_equal(get_log(driver, 0xca, 512, 0), NVME_INVALID_LOG_PAGE);
	assert_int_equal(get_log(driver, 2, 512, 2), NVME_INVALID_FIELD);
	assert_int_equal(get_log(driver, 2, 512, 516), NVME_INVALID_FIELD);
	assert_int_equal(get_log(driver, 2, 2u << 20, 0), NVME_INVALID_FIELD);
	driver_destroy(driver);
}

static __u16 push_event_request(struct driver *driver)
{
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_ASYNC_EVENT };
	__u16 cid;

	cid = driver_push(driver, 0, &sqe);
	driver_ring(driver, 0);
	return cid;
}

static void test_event_temperature(void **state)
{
	struct driver *driver = create();
	struct nvme_cqe cqe;
	__u16 cid;

	(void)state;
	cid = push_event_request(driver);
	assert_false(driver_pop_now(driver, 0, &cqe));
	assert_int_equal(driver_admin(driver, 9, 11, 2, NULL), 0);
	assert_int_equal(driver_admin(driver, 9, 4, 300, NULL), 0);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.cid, cid);
	assert_int_equal(driver_status(&cqe), 0);
	assert_int_equal(cqe.result, 0x00020101);
	/* Told once, until the log is read; then again, as it is still so. */
	cid = push_event_request(driver);
	assert_int_equal(driver_admin(driver, 9, 4, 301, NULL), 0);
	assert_false(driver_pop_now(driver, 0, &cqe));
	assert_int_equal(get_log(driver, 2, 512, 0), 0);
	assert_int_equal(*(__u8 *)admin_data(), 2);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.cid, cid);
	driver_destroy(driver);
}

static void test_event_requests_limit_and_abort(void **state)
{
	struct driver *driver = create();
	struct nvme_cqe cqe;
	__u16 cids[5];
	__u32 result;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		cids[i] = push_event_request(driver);
	assert_false(driver_pop_now(driver, 0, &cqe));
	cids[4] = push_event_request(driver);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.cid, cids[4]);
	assert_int_equal(driver_status(&cqe), NVME_AER_LIMIT_EXCEEDED);

	driver_push(driver, 0,
		    &(struct nvme_sqe){ .opcode = NVME_ADMIN_ABORT,
					.cdw10 = (__u32)cids[2] << 16 });
	driver_ring(driver, 0);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.cid, cids[2]);
	assert_int_equal(driver_status(&cqe), NVME_ABORT_REQUESTED);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.result & 1, 0);

	assert_int_equal(driver_admin(driver, NVME_ADMIN_ABORT, 77u << 16, 0,
				      &result),
			 0);
	assert_int_equal(result & 1, 1);
	assert_int_equal(driver_admin(driver, NVME_ADMIN_ABORT, 3, 0, &result),
			 NVME_INVALID_FIELD);
	driver_destroy(driver);
}

static void test_event_doorbells(void **state)
{
	struct driver *driver = create();
	struct nvme_cqe cqe;

	(void)state;
	push_event_request(driver);
	/* Beyond the queue. */
	fake_store32(driver->fake, 0x1008, 64);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.result, 0x00010100);
	assert_int_equal(fake_n_errors(), 1);
	fake_store32(driver->fake, 0x1008, 0);
	assert_int_equal(get_log(driver, 1, 64, 0), 0);

	/* Of a queue that does not exist. */
	push_event_request(driver);
	fake_store32(driver->fake, 0x1ff8, 1);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.result, 0x00010000);
	assert_int_equal(fake_n_errors(), 1);
	assert_int_equal(fake_load32(driver->fake, 0x1ff8), 0);
	assert_int_equal(get_log(driver, 1, 64, 0), 0);

	/* A head that frees entries which were never filled. */
	push_event_request(driver);
	fake_store32(driver->fake, 0x100c, 5);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.result, 0x00010100);
	fake_store32(driver->fake, 0x100c, 0);
	/* The queue works on. */
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	driver_destroy(driver);
}

/* ---- shadow doorbells ------------------------------------------------- */

static __u16 use_shadows(struct driver *driver)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_DOORBELL_BUFFER,
		.prp1 = DRIVER_SHADOWS,
		.prp2 = DRIVER_EVENTS,
	};

	return driver_run(driver, 0, &sqe, NULL);
}

static void test_shadows(void **state)
{
	struct driver *driver = create();
	unsigned int i;

	(void)state;
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	assert_int_equal(use_shadows(driver), 0);
	driver->has_shadows = true;
	assert_int_equal(driver_create_queues(driver, 2, 8), 0);
	for (i = 0; i < 200; i++) {
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
		assert_int_equal(driver_run(driver, 2,
					    &(struct nvme_sqe){ .nsid = 1 },
					    NULL),
				 0);
		assert_int_equal(driver_admin(driver, 10, 7, 0, NULL), 0);
	}
	driver_destroy(driver);
}

/* As Linux: the admin queue goes on by its slot. */
static void test_shadows_admin_by_slot(void **state)
{
	struct driver *driver = create();
	unsigned int i;

	(void)state;
	assert_int_equal(use_shadows(driver), 0);
	for (i = 0; i < 40; i++)
		assert_int_equal(driver_admin(driver, 10, 7, 0, NULL), 0);
	driver_destroy(driver);
}

static void test_shadows_refuse(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_DOORBELL_BUFFER,
		.prp1 = DRIVER_SHADOWS + 8,
		.prp2 = DRIVER_EVENTS,
	};

	(void)state;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL),
			 NVME_INVALID_PRP_OFFSET);
	sqe.prp1 = 0;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL), NVME_INVALID_FIELD);
	/* Gone later: fatal, as other queue memory. */
	assert_int_equal(use_shadows(driver), 0);
	driver->has_shadows = true;
	fake_fail_dma(DRIVER_SHADOWS, 4096);
	fake_store32(driver->fake, 0x1008, 1);
	assert_true(driver_wait_csts(driver, 3, 3));
	driver_destroy(driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_identify_controller),
		harness_test(test_identify_namespace),
		harness_test(test_identify_refuses),
		harness_test(test_unknown_opcodes),
		harness_test(test_queue_statuses),
		harness_test(test_queue_made_again),
		harness_test(test_pin_has_vector_0_alone),
		harness_test(test_features),
		harness_test(test_features_refuse),
		harness_test(test_log_smart),
		harness_test(test_log_errors),
		harness_test(test_log_refuses),
		harness_test(test_event_temperature),
		harness_test(test_event_requests_limit_and_abort),
		harness_test(test_event_doorbells),
		harness_test(test_shadows),
		harness_test(test_shadows_admin_by_slot),
		harness_test(test_shadows_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
