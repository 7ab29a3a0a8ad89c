/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers, states, interrupts, and queue memory that goes away. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/fault.h"
#include "driver.h"

static const struct fake_options in_sync = { .is_sync = true };

static struct driver *create(void)
{
	return driver_create("size=1M,queues=3", &in_sync);
}

static void test_registers(void **state)
{
	struct driver *driver = driver_create_closed("size=1M", &in_sync);
	__u64 cap;

	(void)state;
	assert_int_equal(fake_open(driver->fake), 0);
	cap = fake_load64(driver->fake, NVME_REG_CAP);
	assert_true((cap & 0xffff) >= 1023);
	assert_int_equal(cap >> 16 & 1, 1);
	assert_int_equal(cap >> 32 & 15, 0);
	assert_int_equal(cap >> 37 & 0xff, 1);
	assert_int_equal(cap >> 48 & 0xff, 0x40);
	assert_int_equal(fake_load32(driver->fake, 4), cap >> 32);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_VS), 0x10400);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CC), 0);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	/* Read-only, reserved, narrow and unaligned: no effect. */
	fake_store32(driver->fake, NVME_REG_CAP, 0);
	fake_store32(driver->fake, NVME_REG_CSTS, 0xffffffff);
	fake_store32(driver->fake, 0x20, 0x4e564d65);
	fake_store32(driver->fake, 0x38, 0xffffffff);
	nvme_model.ops->bar_store(driver->fake, 0, NVME_REG_ASQ, 2, 0xffff);
	assert_int_equal(fake_load64(driver->fake, NVME_REG_CAP), cap);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	assert_int_equal(fake_load32(driver->fake, 0x20), 0);
	assert_int_equal(fake_load32(driver->fake, 0x38), 0);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_ASQ), 0);
	fake_store64(driver->fake, NVME_REG_ASQ, 0x123456789abcdef0ull);
	assert_true(fake_load64(driver->fake, NVME_REG_ASQ) ==
		    0x123456789abcd000ull);
	/* One store over reserved bytes and AQA. */
	fake_store64(driver->fake, 0x20, 0x003f001full << 32);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_AQA), 0x003f001f);
	assert_true(nvme_model.ops->bar_load(driver->fake, 0, 0x3ffd, 4) ==
		    ~0ull);
	driver_destroy(driver);
}

struct enable_case {
	__u32 cc;
	__u32 aqa;
	__u64 asq;
	__u64 acq;
};

static void test_enable_refuses(void **state)
{
	static const struct enable_case cases[] = {
		{ 1 | 1 << 4, 0x0f000f, 0x10000000, 0x10010000 },
		{ 1 | 6 << 4, 0x0f000f, 0x10000000, 0x10010000 },
		{ 1 | 5 << 7, 0x0f000f, 0x10000000, 0x10010000 },
		{ 1 | 1 << 11, 0x0f000f, 0x10000000, 0x10010000 },
		{ 1 | 5 << 16, 0x0f000f, 0x10000000, 0x10010000 },
		{ 1 | 5 << 20, 0x0f000f, 0x10000000, 0x10010000 },
		{ 1, 0x0f0000, 0x10000000, 0x10010000 },
		{ 1, 0x00000f, 0x10000000, 0x10010000 },
		{ 1 | 4 << 7, 0x0f000f, 0x10001000, 0x10010000 },
		{ 1 | 4 << 7, 0x0f000f, 0x10000000, 0x10011000 },
	};
	struct driver *driver = driver_create_closed("size=1M", &in_sync);
	unsigned int i;

	(void)state;
	assert_int_equal(fake_open(driver->fake), 0);
	fake_set_bus_master(driver->fake, true);
	for (i = 0; i < array_len(cases); i++) {
		fake_store32(driver->fake, NVME_REG_AQA, cases[i].aqa);
		fake_store64(driver->fake, NVME_REG_ASQ, cases[i].asq);
		fake_store64(driver->fake, NVME_REG_ACQ, cases[i].acq);
		fake_store32(driver->fake, NVME_REG_CC, cases[i].cc);
		if (fake_load32(driver->fake, NVME_REG_CSTS) != NVME_CSTS_CFS)
			fail_msg("case %u", i);
		assert_int_equal(fake_n_errors(), 1);
		fake_store32(driver->fake, NVME_REG_CC, 0);
		assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	}
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	driver_destroy(driver);
}

static void test_large_pages(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 128, 0);
	__u32 cc = fake_load32(driver->fake, NVME_REG_CC);

	(void)state;
	fake_store32(driver->fake, NVME_REG_CC, 0);
	fake_store32(driver->fake, NVME_REG_CC, cc | 4 << 7);
	assert_true(driver_wait_csts(driver, 3, 1));
	memset(fake_memory(DRIVER_RINGS), 0, 0x80000);
	driver->queues[0].tail = 0;
	driver->queues[0].head = 0;
	driver->queues[0].phase = 1;
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	driver_fill(0, 65536, 3);
	sqe.prp1 = DRIVER_DATA;
	sqe.prp2 = 1; /* one page is enough, so nobody looks */
	assert_int_equal(driver_run(driver, 1, &sqe, NULL), 0);
	driver_expect_zeroes(0, 65536);
	driver_destroy(driver);
}

static void test_controller_reset(void **state)
{
	struct driver *driver = create();
	__u32 cc = fake_load32(driver->fake, NVME_REG_CC);
	struct nvme_sqe event = { .opcode = NVME_ADMIN_ASYNC_EVENT };
	struct nvme_cqe cqe;

	(void)state;
	driver_fill(0, 512, 77);
	assert_int_equal(driver_io(driver, NVME_IO_WRITE, 5, 1, 0), 0);
	assert_int_equal(driver_admin(driver, 9, 1, 3, NULL), 0);
	driver_push(driver, 0, &event);
	driver_ring(driver, 0);
	fake_store32(driver->fake, NVME_REG_CC, cc & ~NVME_CC_EN);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	assert_true(fake_load64(driver->fake, NVME_REG_ASQ) == DRIVER_RINGS);
	assert_int_equal(fake_load32(driver->fake, 0x1000), 0);
	assert_int_equal(fake_load32(driver->fake, 0x1008), 0);
	/* Disabled: a doorbell is nothing but a stray. */
	fake_store32(driver->fake, 0x1008, 1);

	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	assert_false(driver_pop_now(driver, 0, &cqe));
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	assert_int_equal(driver_admin(driver, 9, 7, 1 << 16 | 1, NULL),
			 NVME_COMMAND_SEQUENCE_ERROR);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 5, 1, 512), 0);
	driver_expect(512, 512, 77);
	driver_destroy(driver);
}

static void test_function_reset(void **state)
{
	struct driver *driver = create();

	(void)state;
	driver_fill(0, 512, 78);
	assert_int_equal(driver_io(driver, NVME_IO_WRITE, 5, 1, 0), 0);
	fake_reset(driver->fake);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CC), 0);
	assert_true(fake_load64(driver->fake, NVME_REG_ASQ) == 0);
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 5, 1, 512), 0);
	driver_expect(512, 512, 78);
	driver_destroy(driver);
}

static void test_shutdown(void **state)
{
	struct driver *driver = create();
	__u32 cc = fake_load32(driver->fake, NVME_REG_CC);

	(void)state;
	fake_store32(driver->fake, NVME_REG_CC, cc | 1 << 14);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 1 | 2 << 2);
	fake_store32(driver->fake, NVME_REG_CC, 0);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	/* Abrupt. */
	fake_store32(driver->fake, NVME_REG_CC, cc | 2 << 14);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 1 | 2 << 2);
	driver_destroy(driver);
}

/* ---- fatal ------------------------------------------------------------ */

static void expect_fatal_and_recovery(struct driver *driver)
{
	struct nvme_cqe cqe;

	assert_true(driver_wait_csts(driver, 3, 3));
	assert_int_equal(fake_n_errors(), 1);
	fake_fail_dma(0, 0);
	/* It has stopped: also what would work now is not done. */
	driver_ring(driver, 1);
	driver_ring(driver, 0);
	assert_false(driver_pop_now(driver, 0, &cqe));
	assert_false(driver_pop_now(driver, 1, &cqe));
	fake_store32(driver->fake, NVME_REG_CC, 0);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
}

static void test_fetch_fails(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);

	(void)state;
	fake_fail_dma(driver->queues[1].sq, 64);
	driver_push(driver, 1, &sqe);
	driver_ring(driver, 1);
	expect_fatal_and_recovery(driver);
	driver_destroy(driver);
}

static void test_completion_fails(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);

	(void)state;
	fake_fail_dma(driver->queues[1].cq, 16);
	driver_push(driver, 1, &sqe);
	driver_push(driver, 1, &sqe);
	driver_ring(driver, 1);
	expect_fatal_and_recovery(driver);
	driver_destroy(driver);
}

static void test_bus_master_off(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);

	(void)state;
	fake_set_bus_master(driver->fake, false);
	driver_push(driver, 1, &sqe);
	driver_ring(driver, 1);
	fake_set_bus_master(driver->fake, true);
	expect_fatal_and_recovery(driver);
	driver_destroy(driver);
}

/* ---- interrupts ------------------------------------------------------- */

static void test_vectors(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);
	unsigned int before[2];
	unsigned int i;

	(void)state;
	before[0] = fake_n_interrupts(driver->fake, 0);
	before[1] = fake_n_interrupts(driver->fake, 1);
	assert_int_equal(before[0], 2); /* two Create commands */
	for (i = 0; i < 20; i++)
		driver_push(driver, 1, &sqe);
	driver_ring(driver, 1);
	/* A batch, an interrupt. */
	assert_int_equal(fake_n_interrupts(driver->fake, 1), before[1] + 1);
	assert_int_equal(fake_n_interrupts(driver->fake, 0), before[0]);
	assert_false(fake_intx(driver->fake));
	driver_destroy(driver);
}

static void test_pin(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = 1 };
	struct nvme_cqe cqe;

	(void)state;
	fake_use_msi(driver->fake, false);
	assert_false(fake_intx(driver->fake));
	driver_push(driver, 0, &sqe);
	driver_push(driver, 0, &sqe);
	driver_ring(driver, 0);
	assert_true(fake_intx(driver->fake));
	/* The level stays until the head caught up. */
	assert_true(driver_pop(driver, 0, &cqe));
	assert_true(fake_intx(driver->fake));
	assert_true(driver_pop(driver, 0, &cqe));
	assert_false(fake_intx(driver->fake));

	fake_store32(driver->fake, NVME_REG_INTMS, 1);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_INTMC), 1);
	driver_push(driver, 0, &sqe);
	driver_ring(driver, 0);
	assert_false(fake_intx(driver->fake));
	fake_store32(driver->fake, NVME_REG_INTMC, 1);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_INTMS), 0);
	assert_true(fake_intx(driver->fake));
	fake_store32(driver->fake, NVME_REG_CC, 0);
	assert_false(fake_intx(driver->fake));
	driver_destroy(driver);
}

/* ---- failures --------------------------------------------------------- */

static int open_and_close(void *arg)
{
	struct driver *driver = arg;
	int err = fake_open(driver->fake);

	if (!err)
		fake_close(driver->fake);
	return err;
}

static int create_and_destroy(void *arg)
{
	struct vfio_pci_description description;
	struct model_option option = { "size", "1M" };
	char error[128] = "";
	struct model_config config = {
		.options = &option,
		.n_options = 1,
		.error = error,
		.error_len = sizeof(error),
	};
	void *priv = nvme_model.create(&config, &description);

	(void)arg;
	if (!priv)
		return error[0] ? -ENOMEM : 0;
	nvme_model.ops->destroy(priv);
	return 0;
}

static void test_failing_allocations(void **state)
{
	struct driver *driver = driver_create_closed("size=1M", &in_sync);
	unsigned int nth;
	int err;

	(void)state;
	assert_int_equal(fail_nth_sweep(create_and_destroy, NULL), 1);
	for (nth = 1;; nth++) {
		fault_arm(nth);
		err = open_and_close(driver);
		if (!fault_was_hit())
			break;
		assert_int_equal(err, -ENOMEM);
	}
	fault_arm(0);
	assert_int_equal(err, 0);
	assert_int_equal(nth, 2);
	fake_destroy(driver->fake);
	free(driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_registers),
		harness_test(test_enable_refuses),
		harness_test(test_large_pages),
		harness_test(test_controller_reset),
		harness_test(test_function_reset),
		harness_test(test_shutdown),
		harness_test(test_fetch_fails),
		harness_test(test_completion_fails),
		harness_test(test_bus_master_off),
		harness_test(test_vectors),
		harness_test(test_pin),
		harness_test(test_failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
