/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random commands and random registers: every command is answered or the
 * controller says that it failed; nothing crashes, hangs, or stays held.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "driver.h"

static const struct fake_options in_sync = { .is_sync = true };

/* A number near what commands are made of. */
static __u64 number(struct harness_random *random)
{
	static const __u64 likely_ones[] = { 0,		 1,	   2,
					     3,		 7,	   8,
					     0xffff,	 0x10000,  0xffffffff,
					     0x7fffffff, 0x0f0001, 0x10001 };

	switch (harness_random_below(random, 4)) {
	case 0:
		return likely_ones[harness_random_below(
			random, array_len(likely_ones))];
	case 1:
		return harness_random_below(random, 64);
	case 2:
		return harness_random_below(random, 4096) << 16 |
		       harness_random_below(random, 5);
	default:
		return harness_random_next(random);
	}
}

static __u64 address(struct harness_random *random)
{
	__u64 at = DRIVER_LISTS + (harness_random_below(random, 64) << 12);

	switch (harness_random_below(random, 8)) {
	case 0:
		return number(random);
	case 1:
		return at + harness_random_below(random, 4096);
	case 2:
		return at + 4096 - 8;
	default:
		return at;
	}
}

static void lists_fill(struct harness_random *random)
{
	__u64 *list = fake_memory(DRIVER_LISTS);
	unsigned int i;

	for (i = 0; i < 64 * 512; i++)
		list[i] = address(random);
}

static struct nvme_sqe random_command(struct harness_random *random)
{
	struct nvme_sqe sqe = {
		.opcode = (__u8)number(random),
		.nsid = (__u32)harness_random_below(random, 8)
				? 1
				: (__u32)number(random),
		.prp1 = address(random),
		.prp2 = address(random),
		.cdw10 = (__u32)number(random),
		.cdw11 = harness_random_below(random, 2)
				 ? 0
				 : (__u32)number(random),
		.cdw12 = (__u32)number(random),
		.cdw13 = (__u32)number(random),
		.cdw14 = (__u32)number(random),
		.cdw15 = (__u32)number(random),
	};

	if (!harness_random_below(random, 16))
		sqe.flags = (__u8)harness_random_next(random);
	return sqe;
}

static void revive(struct driver *driver)
{
	fake_store32(driver->fake, NVME_REG_CC, 0);
	assert_int_equal(fake_load32(driver->fake, NVME_REG_CSTS), 0);
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
}

/*
 * One command. Shadow doorbells and queues at random places overwrite our
 * rings, so those are kept out, and tried as registers are below.
 */
static void command_once(struct driver *driver, struct harness_random *random)
{
	unsigned int queue = (unsigned int)harness_random_below(random, 2);
	struct nvme_sqe sqe = random_command(random);
	struct nvme_cqe cqe;

	if (!queue &&
	    (sqe.opcode == NVME_ADMIN_DOORBELL_BUFFER ||
	     (sqe.opcode == NVME_ADMIN_DELETE_SQ && (sqe.cdw10 & 0xffff) == 1)))
		return;
	if (!queue && sqe.opcode == NVME_ADMIN_ASYNC_EVENT)
		return;
	driver_push(driver, queue, &sqe);
	driver_ring(driver, queue);
	if (!driver_pop_now(driver, queue, &cqe))
		fail_msg("no answer to opcode %#x on queue %u", sqe.opcode,
			 queue);
	assert_int_equal(cqe.cid, driver->next_cid);
}

static void commands(const char *options)
{
	struct harness_random random;
	struct driver *driver;
	unsigned int i;

	harness_random_init(&random);
	driver = driver_create(options, &in_sync);
	for (i = 0; i < 20000; i++) {
		if (i % 500 == 0)
			lists_fill(&random);
		command_once(driver, &random);
	}
	revive(driver);
	assert_int_equal(fake_n_held(), 0);
	driver_destroy(driver);
}

static void test_commands_on_memory(void **state)
{
	(void)state;
	commands("size=4M,queues=3");
}

static void test_commands_on_image(void **state)
{
	char path[] = "/tmp/nvme-fuzz-XXXXXX";
	char text[128];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 << 20), 0);
	close(fd);
	snprintf(text, sizeof(text), "image=%s,queues=3,io=threads", path);
	commands(text);
	unlink(path);
}

/* Anything may be stored anywhere, also shadow doorbells over the rings. */
static void test_registers(void **state)
{
	static const __u32 places[] = {
		0x14,	0x24,	0x28,	0x2c,	0x30,	0x34,	0x0c,  0x10,
		0x1000, 0x1004, 0x1008, 0x100c, 0x1010, 0x1014, 0x1ffc
	};
	struct harness_random random;
	struct driver *driver;
	struct nvme_sqe sqe;
	unsigned int i, at;

	(void)state;
	harness_random_init(&random);
	driver = driver_create("size=4M,queues=3", &in_sync);
	for (i = 0; i < 20000; i++) {
		at = (unsigned int)harness_random_below(&random,
							array_len(places) + 8);
		if (at < array_len(places)) {
			fake_store32(driver->fake, places[at],
				     (__u32)number(&random));
		} else {
			sqe = random_command(&random);
			driver_push(driver, at & 1, &sqe);
			driver_ring(driver, at & 1);
		}
		if (!harness_random_below(&random, 100))
			revive(driver);
	}
	revive(driver);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	driver_destroy(driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_commands_on_memory),
		harness_test(test_commands_on_image),
		harness_test(test_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
