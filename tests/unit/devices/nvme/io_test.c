/* SPDX-License-Identifier: BSD-3-Clause */
/* I/O commands on a namespace in memory: data, PRPs, each status. */
#include <string.h>
#include "base/overflow.h"
#include "driver.h"

static const struct fake_options in_sync = { .is_sync = true };

#define N_BLOCKS 16384u /* of 8 MiB */

static struct driver *create(void)
{
	return driver_create("size=8M,queues=3", &in_sync);
}

static __u16 run_io(struct driver *driver, struct nvme_sqe sqe)
{
	return driver_run(driver, 1, &sqe, NULL);
}

static void test_new_namespace_is_zero(void **state)
{
	struct driver *driver = create();

	(void)state;
	driver_fill(0, 65536, 1);
	assert_int_equal(
		driver_io(driver, NVME_IO_READ, N_BLOCKS - 128, 128, 0), 0);
	driver_expect_zeroes(0, 65536);
	driver_destroy(driver);
}

/* Each length and offset in the page, so each form that PRPs can have. */
static void test_write_and_read_back(void **state)
{
	static const __u32 lengths[] = { 1,  7,	  8,	9,    15,  16,
					 17, 100, 1024, 2047, 2048 };
	static const __u32 offsets[] = { 0, 4, 512, 3584, 4092 };
	struct driver *driver = create();
	unsigned int i, j;
	size_t len;

	(void)state;
	for (i = 0; i < array_len(lengths); i++)
		for (j = 0; j < array_len(offsets); j++) {
			len = lengths[i] * 512;
			driver_fill(offsets[j], len, i * 16 + j);
			assert_int_equal(driver_io(driver, NVME_IO_WRITE,
						   37 * i, lengths[i],
						   offsets[j]),
					 0);
			driver_fill(offsets[j], len, 0);
			assert_int_equal(driver_io(driver, NVME_IO_READ, 37 * i,
						   lengths[i], offsets[j]),
					 0);
			driver_expect(offsets[j], len, i * 16 + j);
		}
	driver_destroy(driver);
}

/* Pages in no order, by a list that chains, also from its very last entry. */
static void test_list_chains(void **state)
{
	static const __u32 starts[] = { 0, 4096 - 8, 4096 - 16, 4096 - 64 };
	struct driver *driver = create();
	struct nvme_sqe sqe;
	__u64 *lists = fake_memory(DRIVER_LISTS);
	unsigned int i, j, entry;

	(void)state;
	driver_fill(0, 64 * 4096, 5);
	assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 512, 0), 0);
	for (i = 0; i < array_len(starts); i++) {
		memset(fake_memory(DRIVER_DATA), 0, 64 * 4096);
		sqe = driver_transfer(NVME_IO_READ, 0, 512, 0);
		entry = starts[i] / 8;
		sqe.prp2 = DRIVER_LISTS + starts[i];
		for (j = 1; j < 64; j++) {
			if (entry == 511) {
				lists[entry++] = DRIVER_LISTS + 4096;
			}
			/* From the back: no two pages adjoin. */
			lists[entry++] = DRIVER_DATA + 4096 * (64 - j);
		}
		assert_int_equal(run_io(driver, sqe), 0);
		for (j = 1; j < 64; j++) {
			__u32 want = 5 + j * 1024 * 2654435761u;
			__u32 *page =
				fake_memory(DRIVER_DATA + 4096 * (64 - j));

			assert_int_equal(page[0], want);
		}
	}
	driver_destroy(driver);
}

static void test_prp_statuses(void **state)
{
	struct driver *driver = create();
	__u64 *list = fake_memory(DRIVER_LISTS);
	struct nvme_sqe sqe;

	(void)state;
	sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);
	sqe.prp1 += 1;
	assert_int_equal(run_io(driver, sqe), NVME_INVALID_PRP_OFFSET);
	sqe = driver_transfer(NVME_IO_READ, 0, 16, 0);
	sqe.prp2 += 512;
	assert_int_equal(run_io(driver, sqe), NVME_INVALID_PRP_OFFSET);
	sqe = driver_transfer(NVME_IO_READ, 0, 64, 0);
	sqe.prp2 += 4;
	assert_int_equal(run_io(driver, sqe), NVME_INVALID_PRP_OFFSET);
	sqe = driver_transfer(NVME_IO_READ, 0, 64, 0);
	list[3] += 8;
	assert_int_equal(run_io(driver, sqe), NVME_INVALID_PRP_OFFSET);
	/* A chain to an address inside a page. */
	sqe = driver_transfer(NVME_IO_READ, 0, 64, 0);
	list[511] = DRIVER_LISTS + 4096 + 8;
	sqe.prp2 = DRIVER_LISTS + 4088;
	assert_int_equal(run_io(driver, sqe), NVME_INVALID_PRP_OFFSET);
	/* A chain that leads to itself: ends, as it brings entries. */
	list[511] = DRIVER_LISTS;
	assert_int_equal(run_io(driver, sqe), 0);
	driver_destroy(driver);
}

static void test_data_transfer_errors(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe;

	(void)state;
	sqe = driver_transfer(NVME_IO_READ, 0, 64, 0);
	fake_fail_dma(DRIVER_LISTS, 8);
	assert_int_equal(run_io(driver, sqe), NVME_DATA_TRANSFER_ERROR);
	fake_fail_dma(DRIVER_DATA + 5 * 4096, 1);
	assert_int_equal(run_io(driver, sqe), NVME_DATA_TRANSFER_ERROR);
	sqe.opcode = NVME_IO_WRITE;
	assert_int_equal(run_io(driver, sqe), NVME_DATA_TRANSFER_ERROR);
	fake_fail_dma(0, 0);
	assert_int_equal(run_io(driver, sqe), 0);
	assert_int_equal(driver_wait_csts(driver, 3, 1), true);
	driver_destroy(driver);
}

static void test_ranges(void **state)
{
	static const struct {
		__u64 slba;
		__u32 n;
		__u16 status;
	} cases[] = {
		{ N_BLOCKS - 1, 1, 0 },
		{ N_BLOCKS - 1, 2, NVME_LBA_OUT_OF_RANGE },
		{ N_BLOCKS, 1, NVME_LBA_OUT_OF_RANGE },
		{ ~0ull, 1, NVME_LBA_OUT_OF_RANGE },
		{ ~0ull - 7, 9, NVME_LBA_OUT_OF_RANGE },
		{ 1ull << 55, 1, NVME_LBA_OUT_OF_RANGE },
		{ 0, 2049, NVME_INVALID_FIELD },
		{ 0, 65536, NVME_LBA_OUT_OF_RANGE },
	};
	struct driver *driver = create();
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(cases); i++) {
		struct nvme_sqe sqe =
			driver_transfer(NVME_IO_READ, cases[i].slba, 1, 0);

		sqe.cdw12 = cases[i].n - 1;
		sqe.prp2 = DRIVER_DATA + 4096;
		if (run_io(driver, sqe) != cases[i].status)
			fail_msg("case %u", i);
	}
	driver_destroy(driver);
}

static void test_malformed(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe;
	unsigned int opcode;

	(void)state;
	for (opcode = 3; opcode < 256; opcode++) {
		if (opcode == NVME_IO_WRITE_ZEROES ||
		    opcode == NVME_IO_DATASET_MANAGEMENT)
			continue;
		assert_int_equal(driver_io(driver, (__u8)opcode, 0, 1, 0),
				 NVME_INVALID_OPCODE);
	}
	for (opcode = 0; opcode < 10; opcode++) {
		sqe = driver_transfer((__u8)opcode, 0, 1, 0);
		if (opcode >= 3 && opcode < 8)
			continue;
		sqe.nsid = 2;
		assert_int_equal(run_io(driver, sqe), NVME_INVALID_NAMESPACE);
		sqe.nsid = 0;
		assert_int_equal(run_io(driver, sqe), NVME_INVALID_NAMESPACE);
		sqe.nsid = 1;
		sqe.flags = 1;
		assert_int_equal(run_io(driver, sqe), NVME_INVALID_FIELD);
		sqe.flags = 0x40;
		assert_int_equal(run_io(driver, sqe), NVME_INVALID_FIELD);
	}
	sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);
	sqe.cdw12 |= 1u << 26;
	assert_int_equal(run_io(driver, sqe), NVME_INVALID_FIELD);
	sqe = driver_transfer(NVME_IO_FLUSH, 0, 1, 0);
	sqe.nsid = NVME_NSID_ALL;
	assert_int_equal(run_io(driver, sqe), 0);
	driver_destroy(driver);
}

/* Blocks [first, first + n) are zero, those around are not. */
static void expect_hole(struct driver *driver, __u64 first, __u32 n)
{
	__u64 at;
	__u32 part;

	for (at = first; at < first + n; at += part) {
		part = first + n - at < 1024 ? (__u32)(first + n - at) : 1024;
		assert_int_equal(driver_io(driver, NVME_IO_READ, at, part, 0),
				 0);
		driver_expect_zeroes(0, part * 512);
	}
	assert_int_equal(driver_io(driver, NVME_IO_READ, first - 1, 1, 0), 0);
	driver_expect(0, 512, 9);
	assert_int_equal(driver_io(driver, NVME_IO_READ, first + n, 1, 0), 0);
	driver_expect(0, 512, 9);
}

static void fill_namespace(struct driver *driver)
{
	__u64 at;
	unsigned int i;

	for (i = 0; i < 2048; i++)
		driver_fill(i * 512, 512, 9);
	for (at = 0; at < N_BLOCKS; at += 2048)
		assert_int_equal(driver_io(driver, NVME_IO_WRITE, at, 2048, 0),
				 0);
}

static void test_write_zeroes(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe;

	(void)state;
	fill_namespace(driver);
	sqe = driver_transfer(NVME_IO_WRITE_ZEROES, 3, 20, 0);
	assert_int_equal(run_io(driver, sqe), 0);
	expect_hole(driver, 3, 20);
	/* Longer than a transfer may be. */
	sqe = driver_transfer(NVME_IO_WRITE_ZEROES, 101, 9003, 0);
	assert_int_equal(run_io(driver, sqe), 0);
	expect_hole(driver, 101, 9003);
	sqe = driver_transfer(NVME_IO_WRITE_ZEROES, N_BLOCKS - 1, 2, 0);
	assert_int_equal(run_io(driver, sqe), NVME_LBA_OUT_OF_RANGE);
	driver_destroy(driver);
}

static void test_dataset_management(void **state)
{
	struct driver *driver = create();
	struct nvme_dsm_range *ranges = fake_memory(DRIVER_DATA);
	struct nvme_sqe sqe = {
		.opcode = NVME_IO_DATASET_MANAGEMENT,
		.nsid = 1,
		.prp1 = DRIVER_DATA,
		.cdw10 = 2,
		.cdw11 = NVME_DSM_DEALLOCATE,
	};

	(void)state;
	fill_namespace(driver);
	memset(ranges, 0, 3 * sizeof(*ranges));
	ranges[0] = (struct nvme_dsm_range){ .n_blocks = 10, .slba = 100 };
	ranges[1] = (struct nvme_dsm_range){ .n_blocks = 0, .slba = 0 };
	ranges[2] = (struct nvme_dsm_range){ .n_blocks = 2000, .slba = 777 };
	assert_int_equal(run_io(driver, sqe), 0);
	expect_hole(driver, 100, 10);
	expect_hole(driver, 777, 2000);
	/* One bad range, and nothing is done. */
	ranges[0] = (struct nvme_dsm_range){ .n_blocks = 10, .slba = 5000 };
	ranges[1] = (struct nvme_dsm_range){ .n_blocks = 10, .slba = ~0ull };
	sqe.cdw10 = 1;
	assert_int_equal(run_io(driver, sqe), NVME_LBA_OUT_OF_RANGE);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 5000, 1, 0), 0);
	driver_expect(0, 512, 9);
	/* A hint without "deallocate" changes nothing. */
	ranges[0] = (struct nvme_dsm_range){ .n_blocks = 10, .slba = 5000 };
	sqe.cdw10 = 0;
	sqe.cdw11 = 1;
	assert_int_equal(run_io(driver, sqe), 0);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 5000, 1, 0), 0);
	driver_expect(0, 512, 9);
	sqe.prp1 = 0x1000;
	assert_int_equal(run_io(driver, sqe), NVME_DATA_TRANSFER_ERROR);
	driver_destroy(driver);
}

/* A ring that wraps many times, pushed in runs of every length. */
static void test_rings_wrap(void **state)
{
	struct driver *driver = create();
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);
	struct nvme_cqe cqe;
	__u16 first;
	unsigned int run, i;

	(void)state;
	for (run = 1; run < 200; run++) {
		first = (__u16)(driver->next_cid + 1);
		for (i = 0; i < run % 63 + 1; i++)
			driver_push(driver, 1, &sqe);
		driver_ring(driver, 1);
		for (i = 0; i < run % 63 + 1; i++) {
			assert_true(driver_pop(driver, 1, &cqe));
			assert_int_equal(cqe.cid, (__u16)(first + i));
			assert_int_equal(driver_status(&cqe), 0);
		}
		assert_false(driver_pop_now(driver, 1, &cqe));
	}
	driver_destroy(driver);
}

/* A completion queue smaller than what is submitted: nothing is lost. */
static void test_completion_queue_full(void **state)
{
	struct driver *driver = create();
	struct driver_queue *queue = &driver->queues[2];
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);
	struct nvme_sqe create_sq = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.cdw10 = 63 << 16 | 3,
		.cdw11 = 2 << 16 | 1,
	};
	struct nvme_cqe cqe;
	__u16 first;
	unsigned int i;

	(void)state;
	assert_int_equal(driver_create_queues(driver, 2, 4), 0);
	driver->queues[3] = *queue;
	driver->queues[3].sq = DRIVER_RINGS + 0x60000;
	driver->queues[3].n_entries = 64;
	create_sq.prp1 = driver->queues[3].sq;
	assert_int_equal(driver_run(driver, 0, &create_sq, NULL), 0);
	first = (__u16)(driver->next_cid + 1);
	for (i = 0; i < 50; i++)
		driver_push(driver, 3, &sqe);
	driver_ring(driver, 3);
	for (i = 0; i < 50; i++) {
		assert_true(driver_pop(driver, 2, &cqe));
		assert_int_equal(cqe.cid, (__u16)(first + i));
		assert_int_equal(cqe.sq_id, 3);
	}
	assert_false(driver_pop_now(driver, 2, &cqe));
	driver_destroy(driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_new_namespace_is_zero),
		harness_test(test_write_and_read_back),
		harness_test(test_list_chains),
		harness_test(test_prp_statuses),
		harness_test(test_data_transfer_errors),
		harness_test(test_ranges),
		harness_test(test_malformed),
		harness_test(test_write_zeroes),
		harness_test(test_dataset_management),
		harness_test(test_rings_wrap),
		harness_test(test_completion_queue_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
