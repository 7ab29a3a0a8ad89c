/* SPDX-License-Identifier: BSD-3-Clause */
/* A namespace in an image file: both backends, and what can go wrong. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/fault.h"
#include "driver.h"

#define IMAGE_LEN (4u << 20)

/**
 * struct variant - each test runs in all of them
 * @keys: appended to the options
 * @fake: how the framework behaves
 */
struct variant {
	const char *keys;
	struct fake_options fake;
};

static const struct variant variants[] = {
	{ "io=uring", { .is_sync = false } },
	{ "io=threads", { .is_sync = false } },
	{ "io=uring", { .is_sync = true } },
	{ "io=threads", { .is_sync = true } },
};

static char image[] = "/tmp/nvme-image-XXXXXX";
static bool has_uring;

static bool uring_is_there(void)
{
	/* No parameters: refused, or EFAULT. */
	return syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EFAULT;
}

static void image_make(void)
{
	int fd = open(image, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, IMAGE_LEN), 0);
	close(fd);
}

static struct driver *create(const struct variant *variant, const char *keys)
{
	char text[256];

	snprintf(text, sizeof(text), "image=%s,queues=3,%s%s", image,
		 variant->keys, keys);
	return driver_create(text, &variant->fake);
}

/* The system may refuse io_uring, then half of the variants cannot run. */
static const struct variant *variant_next(const struct variant *variant)
{
	do {
		variant = variant ? variant + 1 : variants;
		if (variant == variants + array_len(variants))
			return NULL;
	} while (!has_uring && !strcmp(variant->keys, "io=uring"));
	return variant;
}

#define for_each_variant(pos) \
	for ((pos) = variant_next(NULL); (pos); (pos) = variant_next(pos))

static void image_pread(void *buf, size_t len, off_t at)
{
	int fd = open(image, O_RDONLY);

	assert_int_equal(pread(fd, buf, len, at), len);
	close(fd);
}

static void test_data_goes_to_the_file(void **state)
{
	const struct variant *variant;
	struct driver *driver;
	static __u8 buf[1 << 20];

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		driver_fill(512, sizeof(buf), 11);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 3, 2048, 512),
				 0);
		image_pread(buf, sizeof(buf), 3 * 512);
		assert_memory_equal(buf, fake_memory(DRIVER_DATA + 512),
				    sizeof(buf));
		driver_fill(512, sizeof(buf), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 3, 2048, 512),
				 0);
		driver_expect(512, sizeof(buf), 11);
		assert_int_equal(driver_io(driver, NVME_IO_FLUSH, 0, 1, 0), 0);
		assert_int_equal(fake_n_held(), 0);
		driver_destroy(driver);
	}
}

static void test_identify_write_cache(void **state)
{
	const struct variant *variant;
	struct driver *driver;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.cdw10 = 1,
		.prp1 = DRIVER_ADMIN_DATA,
	};
	__u32 value;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		assert_int_equal(driver_run(driver, 0, &sqe, NULL), 0);
		assert_int_equal(((__u8 *)fake_memory(DRIVER_ADMIN_DATA))[525],
				 1);
		assert_int_equal(driver_admin(driver, 10, 6, 0, &value), 0);
		assert_int_equal(value, 1);
		/* Off, and with FUA: writes go through to stable storage. */
		assert_int_equal(driver_admin(driver, 9, 6, 0, NULL), 0);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 8, 0), 0);
		assert_int_equal(
			driver_io(driver, NVME_IO_WRITE_ZEROES, 0, 8, 0), 0);
		driver_destroy(driver);
	}
}

static void test_fua(void **state)
{
	const struct variant *variant;
	struct driver *driver;
	struct nvme_sqe sqe;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		driver_fill(0, 4096, 8);
		sqe = driver_transfer(NVME_IO_WRITE, 16, 8, 0);
		sqe.cdw12 |= NVME_CDW12_FUA;
		assert_int_equal(driver_run(driver, 1, &sqe, NULL), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 16, 8, 4096),
				 0);
		driver_expect(4096, 4096, 8);
		driver_destroy(driver);
	}
}

/* Many commands at once, each to its own place. */
static void test_deep_queue(void **state)
{
	const struct variant *variant;
	struct driver *driver;
	struct nvme_sqe sqe;
	struct nvme_cqe cqe;
	unsigned int i, round;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		assert_int_equal(driver_create_queues(driver, 2, 256), 0);
		for (round = 0; round < 2; round++) {
			for (i = 0; i < 250; i++) {
				if (!round)
					driver_fill(i * 4096, 4096, i);
				sqe = driver_transfer(round ? NVME_IO_READ
							    : NVME_IO_WRITE,
						      i * 8, 8, i * 4096);
				driver_push(driver, 2, &sqe);
			}
			driver_ring(driver, 2);
			for (i = 0; i < 250; i++) {
				assert_true(driver_pop(driver, 2, &cqe));
				assert_int_equal(driver_status(&cqe), 0);
			}
			if (!round)
				memset(fake_memory(DRIVER_DATA), 0, 250 * 4096);
		}
		for (i = 0; i < 250; i++)
			driver_expect(i * 4096, 4096, i);
		assert_int_equal(fake_n_held(), 0);
		driver_destroy(driver);
	}
}

/* Short counts: memory in more pieces than a step takes, or that moves. */
static void test_steps(void **state)
{
	const struct variant *variant;
	struct driver *driver;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		fake_limit_pieces(1000);
		driver_fill(0, 1 << 20, 21);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 2048, 0),
				 0);
		fake_limit_pieces(0);
		fake_break_pieces(3);
		memset(fake_memory(DRIVER_DATA), 0, 1 << 20);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 2048, 0),
				 0);
		driver_expect(0, 1 << 20, 21);
		/* Memory that never comes back is given up. */
		fake_break_pieces(1000);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0),
				 NVME_DATA_TRANSFER_ERROR);
		fake_break_pieces(0);
		fake_fail_dma(DRIVER_DATA + 8192, 1);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 64, 0),
				 NVME_DATA_TRANSFER_ERROR);
		fake_fail_dma(0, 0);
		assert_int_equal(fake_n_held(), 0);
		driver_destroy(driver);
	}
}

static void test_zero_and_deallocate(void **state)
{
	const struct variant *variant;
	struct nvme_dsm_range *range;
	struct driver *driver;
	struct nvme_sqe sqe;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		driver_fill(0, 65536, 31);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 128, 0),
				 0);
		sqe = driver_transfer(NVME_IO_WRITE_ZEROES, 3, 20, 0);
		sqe.cdw12 |= NVME_CDW12_FUA;
		assert_int_equal(driver_run(driver, 1, &sqe, NULL), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 3, 20, 65536),
				 0);
		driver_expect_zeroes(65536, 20 * 512);
		range = fake_memory(DRIVER_DATA + 65536);
		*range = (struct nvme_dsm_range){ .n_blocks = 9, .slba = 50 };
		sqe = driver_transfer(NVME_IO_DATASET_MANAGEMENT, 0, 1, 65536);
		sqe.cdw11 = NVME_DSM_DEALLOCATE;
		assert_int_equal(driver_run(driver, 1, &sqe, NULL), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 50, 9, 65536),
				 0);
		driver_expect_zeroes(65536, 9 * 512);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 3, 65536),
				 0);
		driver_expect(65536, 3 * 512, 31);
		driver_destroy(driver);
	}
}

static void test_read_only(void **state)
{
	static const __u8 writes[] = { NVME_IO_WRITE, NVME_IO_WRITE_ZEROES,
				       NVME_IO_DATASET_MANAGEMENT };
	const struct variant *variant;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = 1,
		.prp1 = DRIVER_ADMIN_DATA,
	};
	struct driver *driver;
	unsigned int i;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, ",ro");
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 8, 0), 0);
		for (i = 0; i < array_len(writes); i++)
			assert_int_equal(driver_io(driver, writes[i], 0, 8, 0),
					 NVME_READ_ONLY_RANGE);
		assert_int_equal(driver_io(driver, NVME_IO_FLUSH, 0, 1, 0), 0);
		assert_int_equal(driver_run(driver, 0, &sqe, NULL), 0);
		assert_int_equal(((__u8 *)fake_memory(DRIVER_ADMIN_DATA))[99],
				 1);
		driver_destroy(driver);
	}
}

static void test_truncated(void **state)
{
	const struct variant *variant;
	struct driver *driver;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		assert_int_equal(truncate(image, 4096), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 8, 0), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 9, 0),
				 NVME_UNRECOVERED_READ_ERROR);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 100, 8, 0),
				 NVME_UNRECOVERED_READ_ERROR);
		assert_int_equal(fake_n_errors(), 2);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 100, 8, 0),
				 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 100, 8, 0), 0);
		driver_destroy(driver);
	}
}

/* No room: here, the most that this process may make a file. */
static void test_no_space(void **state)
{
	const struct variant *variant;
	struct rlimit before, limit;
	struct driver *driver;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	for_each_variant(variant)
	{
		image_make();
		driver = create(variant, "");
		assert_int_equal(truncate(image, 8192), 0);
		limit = before;
		limit.rlim_cur = 16384;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 8, 0), 0);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 16, 32, 0),
				 NVME_CAPACITY_EXCEEDED);
		assert_int_equal(fake_n_errors(), 1);
		setrlimit(RLIMIT_FSIZE, &before);
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, 16, 32, 0),
				 0);
		driver_destroy(driver);
	}
	signal(SIGXFSZ, SIG_DFL);
}

/* Until a step holds memory; where steps end at once none may be seen. */
static void wait_in_flight(void)
{
	unsigned int i;

	for (i = 0; i < 1000000 && !fake_n_held(); i++)
		__builtin_ia32_pause();
}

/* Delete, reset, shutdown and close wait for what is in flight. */
static void test_in_flight(void **state)
{
	const struct variant *variant;
	struct nvme_sqe sqe;
	struct driver *driver;
	struct nvme_cqe cqe;
	unsigned int how, i;

	(void)state;
	for_each_variant(variant) for (how = 0; how < 4; how++)
	{
		image_make();
		driver = create(variant, "");
		sqe = driver_transfer(NVME_IO_WRITE, 0, 2048, 0);
		for (i = 0; i < 20; i++)
			driver_push(driver, 1, &sqe);
		driver_ring(driver, 1);
		wait_in_flight();
		if (how == 0) {
			assert_int_equal(driver_admin(driver, 0, 1, 0, NULL),
					 0);
			assert_int_equal(fake_n_held(), 0);
		} else if (how == 1) {
			fake_store32(driver->fake, NVME_REG_CC, 0);
			assert_true(driver_wait_csts(driver, 1, 0));
			assert_int_equal(fake_n_held(), 0);
		} else if (how == 2) {
			fake_store32(driver->fake, NVME_REG_CC,
				     fake_load32(driver->fake, NVME_REG_CC) |
					     1 << 14);
			assert_true(driver_wait_csts(driver, 12, 8));
			for (i = 0; i < 20; i++)
				assert_true(driver_pop(driver, 1, &cqe));
		} else {
			fake_reset(driver->fake);
		}
		driver_destroy(driver);
	}
}

static void test_lock(void **state)
{
	const struct variant *variant = &variants[1];
	struct driver *driver;
	char text[256];
	int fd;

	(void)state;
	image_make();
	driver = create(variant, "");
	snprintf(text, sizeof(text), "image=%s", image);
	assert_non_null(
		strstr(driver_try_options(text), "in use by another process"));
	snprintf(text, sizeof(text), "image=%s,ro", image);
	assert_non_null(strstr(driver_try_options(text), "in use"));
	fake_close(driver->fake);
	/* From close on it is free, and open takes it again. */
	fd = open(image, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(fake_open(driver->fake), -EBUSY);
	close(fd);
	assert_int_equal(fake_open(driver->fake), 0);
	driver_destroy(driver);

	driver = create(variant, ",ro");
	assert_string_equal(driver_try_options(text), "");
	driver_destroy(driver);
}

static void test_failing_steps_of_open(void **state)
{
	const struct variant *variant;
	struct driver *driver;
	unsigned int nth;
	char text[256];
	int err;

	(void)state;
	for_each_variant(variant)
	{
		image_make();
		snprintf(text, sizeof(text), "image=%s,%s", image,
			 variant->keys);
		driver = driver_create_closed(text, &variant->fake);
		for (nth = 1;; nth++) {
			fault_arm(nth);
			err = fake_open(driver->fake);
			if (!fault_was_hit())
				break;
			assert_true(err < 0);
		}
		fault_arm(0);
		assert_true(nth >= 4);
		assert_int_equal(err, 0);
		fake_close(driver->fake);
		fake_destroy(driver->fake);
		free(driver);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_data_goes_to_the_file),
		harness_test(test_identify_write_cache),
		harness_test(test_fua),
		harness_test(test_deep_queue),
		harness_test(test_steps),
		harness_test(test_zero_and_deallocate),
		harness_test(test_read_only),
		harness_test(test_truncated),
		harness_test(test_no_space),
		harness_test(test_in_flight),
		harness_test(test_lock),
		harness_test(test_failing_steps_of_open),
	};
	int result;
	int fd = mkstemp(image);

	if (fd < 0)
		return 1;
	close(fd);
	has_uring = uring_is_there();
	result = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(image);
	return result;
}
