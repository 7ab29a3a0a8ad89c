/* SPDX-License-Identifier: BSD-3-Clause */
/* MAP, MAP_FILE and UNMAP: every errno, and what is mapped afterwards. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fixture.h"

#define MAX (~0ull)

/* A mapping that must be refused, and with what. */
static const struct map_row {
	__u32 flags;
	int rc;
	__u64 va;
	__u64 len;
	__u64 iova;
} rows[] = {
	/* Flags, then the highest numbers, then permission. */
	{ 8, -EOPNOTSUPP, 0, MAX, MAX },
	{ FIXED, -EOVERFLOW, 0, MAX, 0 },
	{ FIXED, -EOVERFLOW, 0, 0, MAX },
	{ 0, -EOVERFLOW, 0, 0, MAX },
	{ FIXED, -EINVAL, 0, 0, 0 },
	/* The memory wraps, and only then is its length looked at. */
	{ FIXED | READ, -EOVERFLOW, MAX, 1, 0 },
	{ FIXED | READ, -EINVAL, 1, MAX - 1, 0 },
	{ FIXED | READ, -EINVAL, 0, MAX - 4095, 0 },
	{ FIXED | READ, -EINVAL, MAX, 0, 0 },
	{ READ, -EINVAL, 0, 0, 0 },
	/* The range wraps. */
	{ FIXED | READ, -EOVERFLOW, 0, PAGE, MAX - 4094 },
	/* Too long to be placed. */
	{ READ, -EOVERFLOW, 0, MAX / 2, 0 },
	{ READ, 0, 0, MAX / 2 - 1, 0 },
	{ READ, -ENOSPC, 0, MAX / 2 - 1, 0 },
};

static void test_map_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const struct map_row *row;
	__u32 id = ioas_alloc(file);
	__u64 iova;
	int rc;

	for (row = rows; row < rows + array_len(rows); row++) {
		iova = row->iova;
		rc = do_map(file, id, row->flags, (void *)row->va, row->len,
			    &iova);
		if (rc != row->rc)
			fail_msg("row %zu: %d, not %d", (size_t)(row - rows),
				 rc, row->rc);
		if (rc)
			assert_true(iova == row->iova);
	}
	iova = 0;
	/* An absent address space comes before the memory that wraps. */
	assert_int_equal(do_map(file, id + 1, READ, (void *)MAX, 1, &iova),
			 -ENOENT);
}

static void test_map_overlap(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	__u64 iova;

	map_fixed(file, id, (void *)0x10000, 0x1000, 0x10000);
	iova = 0x10fff;
	assert_int_equal(do_map(file, id, FIXED | READ, NULL, 1, &iova),
			 -EEXIST);
	iova = 0xf000;
	assert_int_equal(do_map(file, id, FIXED | READ, NULL, 0x1001, &iova),
			 -EEXIST);
	iova = 0x10800;
	assert_int_equal(do_map(file, id, FIXED | READ, NULL, 1, &iova),
			 -EEXIST);
	map_fixed(file, id, NULL, 0x1000, 0xf000);
	map_fixed(file, id, NULL, 1, 0x11000);
	/* The ends of the space. */
	map_fixed(file, id, NULL, 1, 0);
	map_fixed(file, id, NULL, 4, MAX - 4);
	iova = MAX - 1;
	assert_int_equal(do_map(file, id, FIXED | READ, NULL, 2, &iova),
			 -EEXIST);
}

/* With a domain everything is a matter of pages. */
static void test_map_alignment(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u32 pt = id;
	__u64 iova;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	iova = 0x10000;
	assert_int_equal(do_map(file, id, FIXED | READ, memory, 100, &iova),
			 -EINVAL);
	iova = 0x10001;
	assert_int_equal(do_map(file, id, FIXED | READ, memory, PAGE, &iova),
			 -EINVAL);
	/* Memory off a page: after an overlap, and not before. */
	iova = 0x10000;
	assert_int_equal(do_map(file, id, FIXED | READ, memory + 8, PAGE,
				&iova),
			 -EINVAL);
	map_fixed(file, id, memory, PAGE, 0x10000);
	assert_int_equal(do_map(file, id, FIXED | READ, memory + 8, PAGE,
				&iova),
			 -EEXIST);
	iova = 0;
	assert_int_equal(do_map(file, id, READ, memory + 8, PAGE, &iova),
			 -EINVAL);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

static void test_map_reserved(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u32 pt = id;
	__u64 iova;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	iova = UNIT_MSI_START;
	assert_int_equal(do_map(file, id, FIXED | READ, memory, PAGE, &iova),
			 -EINVAL);
	iova = UNIT_MSI_LAST + 1 - PAGE;
	assert_int_equal(do_map(file, id, FIXED | READ, memory, 2 * PAGE,
				&iova),
			 -EINVAL);
	iova = UNIT_MSI_START - PAGE;
	assert_int_equal(do_map(file, id, FIXED | READ, memory, 2 * PAGE,
				&iova),
			 -EINVAL);
	/* Beyond what the unit translates. */
	iova = UNIT_LAST + 1;
	assert_int_equal(do_map(file, id, FIXED | READ, memory, PAGE, &iova),
			 -EINVAL);
	map_fixed(file, id, memory, PAGE, UNIT_MSI_START - PAGE);
	map_fixed(file, id, memory, PAGE, UNIT_MSI_LAST + 1);
	map_fixed(file, id, memory, PAGE, UNIT_LAST + 1 - PAGE);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

/* Memory is looked at when something translates, and not before. */
static void test_pin_is_late(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u32 pt = id;
	__u64 iova;

	bound_init(&bound, file, fixture_unit);
	map_fixed(file, id, memory, PAGE, 0x20000);
	map_fixed(file, id, NULL, PAGE, 0x10000);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(attach(&bound, &pt), -EFAULT);
	assert_int_equal(fixture_pinned(), 0);
	unmap(file, id, 0x10000, PAGE);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(fixture_pinned(), 1);

	iova = 0x10000;
	assert_int_equal(do_map(file, id, FIXED | READ, NULL, PAGE, &iova),
			 -EFAULT);
	assert_int_equal(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
	assert_int_equal(do_map(file, id, FIXED | WRITE, memory + PAGE, PAGE,
				&iova),
			 -EFAULT);
	assert_int_equal(
		do_map(file, id, FIXED | READ, memory + PAGE, PAGE, &iova), 0);
	assert_int_equal(fixture_pinned(), 2);
	detach(&bound);
	assert_int_equal(fixture_pinned(), 0);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

static void test_dma(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(2 * PAGE);
	__u32 id = ioas_alloc(file);
	__u64 iova = 0x30000;
	struct bound bound;
	__u32 pt = id;
	char byte = 0;

	bound_init(&bound, file, fixture_unit);
	map_fixed(file, id, memory, PAGE, 0x20000);
	assert_int_equal(dma_put(&bound, 0x20000, 'x'), -EIO);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(dma_put(&bound, 0x20007, 'x'), 0);
	assert_int_equal(memory[7], 'x');
	assert_int_equal(dma_put(&bound, 0x21000, 'x'), -EIO);
	/* Mapped while translating. */
	memory[PAGE] = 'y';
	assert_int_equal(
		do_map(file, id, FIXED | READ, memory + PAGE, PAGE, &iova), 0);
	assert_int_equal(dma_get(&bound, iova, &byte), 0);
	assert_int_equal(byte, 'y');
	assert_int_equal(dma_put(&bound, iova, 'z'), -EIO);
	unmap(file, id, 0x20000, PAGE);
	assert_int_equal(dma_get(&bound, 0x20000, &byte), -EIO);
	detach(&bound);
	assert_int_equal(dma_get(&bound, iova, &byte), -EIO);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

/* A terabyte is one area and one pin: no part of the cost is per page. */
static void test_long_mapping(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	const size_t len = 1ul << 40;
	char *memory = fixture_memory(len);
	__u32 id = ioas_alloc(file);
	struct mm_stats stats;
	struct bound bound;
	__u64 n_extents;
	__u64 got = len;
	__u32 pt = id;
	size_t n_blocks;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	map_fixed(file, id, memory, PAGE, 0x80000000000ull);
	mm_stats(&stats);
	n_extents = stats.n_extents;
	n_blocks = mem_n_blocks();
	unmap(file, id, 0x80000000000ull, PAGE);
	map_fixed(file, id, memory, len, 0x10000000000ull);
	mm_stats(&stats);
	assert_int_equal(stats.n_extents, n_extents);
	assert_int_equal(mem_n_blocks(), n_blocks);
	assert_int_equal(fixture_pinned(), len / PAGE);
	assert_int_equal(dma_put(&bound, 0x10000000000ull + len - 1, 'x'), 0);
	assert_int_equal(memory[len - 1], 'x');
	assert_int_equal(do_unmap(file, id, 0x10000000000ull, &got), 0);
	bound_deinit(&bound);
	fixture_free(memory, len);
}

/* An area whose making the program cannot be told of is not there. */
static void test_map_reply_fails(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct iommu_ioas_map *args = fixture_memory(PAGE);
	__u32 id = ioas_alloc(file);
	__u64 len = MAX;

	harness_catch_faults();
	args->size = sizeof(*args);
	args->flags = READ;
	args->ioas_id = id;
	args->length = PAGE;
	assert_int_equal(mprotect(args, PAGE, PROT_READ), 0);
	assert_int_equal(file_ioctl(file, IOMMU_IOAS_MAP, args), -EFAULT);
	assert_int_equal(do_unmap(file, id, 0, &len), 0);
	assert_int_equal(len, 0);
	fixture_free(args, PAGE);
}

/* ---- files ------------------------------------------------------------ */

static int file_of(size_t len)
{
	int fd = memfd_create("map_test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	return fd;
}

static void test_map_file_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	int fd = file_of(PAGE);
	struct iommu_ioas_map_file args = {
		.flags = 8,
		.ioas_id = id,
		.fd = -1,
		.start = MAX,
		.length = MAX,
	};

	assert_int_equal(do_map_file(file, &args), -EOPNOTSUPP);
	args.flags = FIXED;
	assert_int_equal(do_map_file(file, &args), -EOVERFLOW);
	args.length = 0;
	assert_int_equal(do_map_file(file, &args), -EINVAL);
	args.flags = FIXED | READ;
	args.ioas_id = id + 1;
	assert_int_equal(do_map_file(file, &args), -ENOENT);
	args.ioas_id = id;
	assert_int_equal(do_map_file(file, &args), -EINVAL);
	args.length = 2;
	assert_int_equal(do_map_file(file, &args), -EOVERFLOW);
	args.start = 0;
	assert_int_equal(do_map_file(file, &args), -EBADF);
	args.fd = fd;
	args.iova = MAX - 1;
	args.length = 3;
	assert_int_equal(do_map_file(file, &args), -EOVERFLOW);
	args.iova = 0;
	assert_int_equal(do_map_file(file, &args), 0);
	assert_int_equal(do_map_file(file, &args), -EEXIST);
	close(fd);
}

static void test_map_file(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	int fd = file_of(4 * PAGE);
	struct iommu_ioas_map_file args = {
		.flags = FIXED | READ | WRITE,
		.ioas_id = id,
		.fd = fd,
		.start = PAGE,
		.length = 2 * PAGE,
		.iova = 0x10000,
	};
	struct bound bound;
	__u32 pt = id;
	char byte = 0;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(do_map_file(file, &args), 0);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(fixture_pinned(), 2);
	assert_int_equal(dma_put(&bound, 0x11002, 'f'), 0);
	assert_int_equal(pread(fd, &byte, 1, 2 * PAGE + 2), 1);
	assert_int_equal(byte, 'f');
	/* Longer than the file. */
	args.iova = 0x20000;
	args.length = 4 * PAGE;
	assert_int_equal(do_map_file(file, &args), -EINVAL);
	/* The descriptor is not needed any more. */
	close(fd);
	assert_int_equal(dma_get(&bound, 0x11002, &byte), 0);
	unmap(file, id, 0x10000, 2 * PAGE);
	bound_deinit(&bound);
}

/* Not shared memory: fine until something translates. */
static void test_map_file_of_other_kind(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	__u32 id = ioas_alloc(file);
	struct iommu_ioas_map_file args = {
		.flags = FIXED | READ,
		.ioas_id = id,
		.fd = fd,
		.length = PAGE,
	};
	struct bound bound;
	__u32 pt = id;

	assert_true(fd >= 0);
	bound_init(&bound, file, fixture_unit);
	assert_int_equal(do_map_file(file, &args), 0);
	assert_int_equal(attach(&bound, &pt), -EINVAL);
	unmap(file, id, 0, PAGE);
	assert_int_equal(attach(&bound, &pt), 0);
	assert_int_equal(do_map_file(file, &args), -EINVAL);
	bound_deinit(&bound);
	close(fd);
}

/* ---- unmap ------------------------------------------------------------ */

static void test_unmap_errors(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	__u64 len = PAGE;

	assert_int_equal(do_unmap(file, id + 1, 0, &len), -ENOENT);
	assert_int_equal(do_unmap(file, id, 0, &len), -ENOENT);
	assert_int_equal(do_unmap(file, id, MAX, &len), -EOVERFLOW);
	assert_int_equal(do_unmap(file, id, MAX - 5, &len), -EOVERFLOW);
	len = MAX;
	assert_int_equal(do_unmap(file, id, 1, &len), -EOVERFLOW);
	len = 0;
	assert_int_equal(do_unmap(file, id, 0, &len), -EINVAL);
	/* Everything, although there is nothing. */
	len = MAX;
	assert_int_equal(do_unmap(file, id, 0, &len), 0);
	assert_int_equal(len, 0);
}

static void test_unmap_range(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	__u32 id = ioas_alloc(file);
	__u64 len;

	map_fixed(file, id, NULL, 0x1000, 0x1000);
	map_fixed(file, id, NULL, 0x2000, 0x2000);
	map_fixed(file, id, NULL, 0x1000, 0x8000);
	/* An area that lies partly outside stays, and so does its tail. */
	len = 0x1000;
	assert_int_equal(do_unmap(file, id, 0x2000, &len), -ENOENT);
	assert_int_equal(len, 0x1000);
	assert_int_equal(do_unmap(file, id, 0x3000, &len), -ENOENT);
	/* Those before it are gone all the same, and nobody says so. */
	len = 0x2000;
	assert_int_equal(do_unmap(file, id, 0x1000, &len), -ENOENT);
	assert_int_equal(len, 0x2000);
	len = 0x1000;
	assert_int_equal(do_unmap(file, id, 0x1000, &len), -ENOENT);
	/* Gaps do not matter. */
	len = 0x10000;
	assert_int_equal(do_unmap(file, id, 0, &len), 0);
	assert_int_equal(len, 0x3000);
	assert_int_equal(do_unmap(file, id, 0, &len), -ENOENT);
}

static void test_unmap_all(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	char *memory = fixture_memory(PAGE);
	__u32 id = ioas_alloc(file);
	struct bound bound;
	__u64 len = MAX;
	__u32 pt = id;
	__u64 i;

	bound_init(&bound, file, fixture_unit);
	assert_int_equal(attach(&bound, &pt), 0);
	for (i = 0; i < 1000; i++)
		map_fixed(file, id, memory, PAGE, i * 0x10000);
	assert_int_equal(fixture_pinned(), 1000);
	assert_int_equal(do_unmap(file, id, 0, &len), 0);
	assert_int_equal(len, 1000 * PAGE);
	assert_int_equal(fixture_pinned(), 0);
	bound_deinit(&bound);
	fixture_free(memory, PAGE);
}

/* Destroying an address space, and closing, unmap what is there. */
static void test_destroy_unmaps(void **state)
{
	struct file *file = ((struct fixture *)*state)->file;
	struct file *second = fixture_open();
	__u32 id = ioas_alloc(file);
	int fd = file_of(PAGE);
	struct iommu_ioas_map_file args = {
		.flags = READ,
		.ioas_id = id,
		.fd = fd,
		.length = PAGE,
	};

	map_fixed(file, id, NULL, PAGE, 0x100000);
	assert_int_equal(do_map_file(file, &args), 0);
	destroy(file, id);
	map_fixed(second, ioas_alloc(second), NULL, PAGE, 0);
	file_put(second);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_map_errors),
		fixture_test(test_map_overlap),
		fixture_test(test_map_alignment),
		fixture_test(test_map_reserved),
		fixture_test(test_pin_is_late),
		fixture_test(test_dma),
		fixture_test(test_long_mapping),
		fixture_test(test_map_reply_fails),
		fixture_test(test_map_file_errors),
		fixture_test(test_map_file),
		fixture_test(test_map_file_of_other_kind),
		fixture_test(test_unmap_errors),
		fixture_test(test_unmap_range),
		fixture_test(test_unmap_all),
		fixture_test(test_destroy_unmaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
