/* SPDX-License-Identifier: BSD-3-Clause */
/* What every command has in common: the order of the dispatcher's checks. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "fixture.h"

/* A command whose argument is longer than any structure. */
struct padded {
	__u32 size;
	char rest[252];
};

/* number, bytes, bytes of the first version, a flags or reserved field */
static const struct command_row {
	unsigned int cmd;
	__u32 len;
	__u32 min_len;
	unsigned int reserved_offset;
} rows[] = {
	{ IOMMU_DESTROY, 8, 8, 0 },
	{ IOMMU_IOAS_ALLOC, 12, 12, 4 },
	{ IOMMU_IOAS_ALLOW_IOVAS, 24, 24, 12 },
	{ IOMMU_IOAS_CHANGE_PROCESS, 8, 8, 4 },
	{ IOMMU_IOAS_COPY, 40, 40, 5 },
	{ IOMMU_IOAS_IOVA_RANGES, 32, 32, 12 },
	{ IOMMU_IOAS_MAP, 40, 40, 12 },
	{ IOMMU_IOAS_MAP, 40, 40, 5 },
	{ IOMMU_IOAS_MAP_FILE, 40, 40, 5 },
	{ IOMMU_IOAS_NOIOMMU_GET_PA, 40, 40, 4 },
	{ IOMMU_IOAS_UNMAP, 24, 24, 0 },
	{ IOMMU_OPTION, 24, 24, 10 },
	{ IOMMU_VFIO_IOAS, 12, 12, 10 },
	{ IOMMU_HWPT_ALLOC, 48, 24, 20 },
	{ IOMMU_GET_HW_INFO, 40, 32, 29 },
	{ IOMMU_GET_HW_INFO, 40, 32, 5 },
};

static long padded_ioctl(struct file *file, unsigned int cmd, __u32 size,
			 struct padded *args)
{
	args->size = size;
	return file_ioctl(file, cmd, args);
}

static void test_length(void **state)
{
	const struct fixture *fixture = *state;
	const struct command_row *row;
	struct padded args;

	for (row = rows; row < rows + array_len(rows); row++) {
		memset(&args, 0, sizeof(args));
		assert_int_equal(padded_ioctl(fixture->file, row->cmd,
					      row->min_len - 1, &args),
				 -EINVAL);
		assert_int_equal(padded_ioctl(fixture->file, row->cmd, 0,
					      &args),
				 -EINVAL);
		/* One byte of the tail is not zero. */
		args.rest[row->len - 4] = 1;
		assert_int_equal(padded_ioctl(fixture->file, row->cmd,
					      row->len + 1, &args),
				 -E2BIG);
		args.rest[row->len - 4] = 0;
		args.rest[251] = 1;
		assert_int_equal(padded_ioctl(fixture->file, row->cmd, 256,
					      &args),
				 -E2BIG);
		args.rest[251] = 0;
		/* All zero: whatever the command says, it is not that. */
		assert_int_not_equal(padded_ioctl(fixture->file, row->cmd, 256,
						  &args),
				     -E2BIG);
	}
}

/* A longer structure with a tail of zeroes works as the known one does. */
static void test_longer_works(void **state)
{
	const struct fixture *fixture = *state;
	struct padded args;
	struct iommu_ioas_alloc alloc;

	memset(&args, 0, sizeof(args));
	assert_int_equal(
		padded_ioctl(fixture->file, IOMMU_IOAS_ALLOC, 256, &args), 0);
	memcpy(&alloc, &args, sizeof(alloc));
	assert_int_equal(alloc.out_ioas_id, 1);
}

static void test_reserved(void **state)
{
	const struct fixture *fixture = *state;
	const struct command_row *row;
	struct padded args;

	for (row = rows; row < rows + array_len(rows); row++) {
		if (!row->reserved_offset)
			continue;
		memset(&args, 0, sizeof(args));
		args.rest[row->reserved_offset - 4] = 1;
		assert_int_equal(padded_ioctl(fixture->file, row->cmd, row->len,
					      &args),
				 -EOPNOTSUPP);
	}
}

static void test_unknown(void **state)
{
	const struct fixture *fixture = *state;
	__u32 size = 4;

	/* Outside the table nobody looks at the argument. */
	assert_int_equal(file_ioctl(fixture->file, 0x3b7f, NULL), -ENOTTY);
	assert_int_equal(file_ioctl(fixture->file, 0x3b96, NULL), -ENOTTY);
	assert_int_equal(file_ioctl(fixture->file, 0x3b00, NULL), -ENOTTY);
	assert_int_equal(file_ioctl(fixture->file, 0, NULL), -ENOTTY);
	/* Inside, the size is read before the number is compared. */
	assert_int_equal(file_ioctl(fixture->file, 0x3b8b, &size), -ENOTTY);
	assert_int_equal(file_ioctl(fixture->file, 0x3b8e, &size), -ENOTTY);
	assert_int_equal(file_ioctl(fixture->file, 0x1280, &size), -ENOTTY);
	assert_int_equal(file_ioctl(fixture->file,
				    IOMMU_DESTROY | 4u << 16 | 1u << 30, &size),
			 -ENOTTY);
}

static void test_bad_pointer(void **state)
{
	const struct fixture *fixture = *state;
	struct iommu_ioas_alloc *args;
	__u32 *size;
	char *map;

	harness_catch_faults();
	assert_int_equal(file_ioctl(fixture->file, IOMMU_DESTROY, NULL),
			 -EFAULT);
	assert_int_equal(file_ioctl(fixture->file, 0x3b8b, NULL), -EFAULT);
	assert_int_equal(file_ioctl(fixture->file, 0x1280, (void *)8), -EFAULT);

	map = harness_map_before_hole(PAGE);
	/* The size is there, the rest is not. */
	size = (__u32 *)(void *)(map + PAGE - 4);
	*size = 8;
	assert_int_equal(file_ioctl(fixture->file, IOMMU_DESTROY, size),
			 -EFAULT);
	/* The structure is there, its tail is not. */
	args = (struct iommu_ioas_alloc *)(void *)(map + PAGE - 12);
	args->size = 13;
	assert_int_equal(file_ioctl(fixture->file, IOMMU_IOAS_ALLOC, args),
			 -EFAULT);
	harness_unmap_before_hole(map, PAGE);
}

/* An object that the program cannot be told of is gone again. */
static void test_reply_fails(void **state)
{
	const struct fixture *fixture = *state;
	struct iommu_ioas_alloc *args = fixture_memory(PAGE);

	harness_catch_faults();
	args->size = sizeof(*args);
	assert_int_equal(mprotect(args, PAGE, PROT_READ), 0);
	assert_int_equal(file_ioctl(fixture->file, IOMMU_IOAS_ALLOC, args),
			 -EFAULT);
	assert_int_equal(do_destroy(fixture->file, 1), -ENOENT);
	assert_int_equal(ioas_alloc(fixture->file), 1);
	fixture_free(args, PAGE);
}

static void test_mmap(void **state)
{
	const struct fixture *fixture = *state;
	struct file_mmap request = {
		.len = PAGE,
		.prot = PROT_READ,
		.flags = MAP_SHARED,
	};

	assert_int_equal(ptr_err(file_mmap(fixture->file, &request)), -ENXIO);
	request.prot |= PROT_EXEC;
	assert_int_equal(ptr_err(file_mmap(fixture->file, &request)), -EPERM);
	request.flags = MAP_PRIVATE;
	assert_int_equal(ptr_err(file_mmap(fixture->file, &request)), -EINVAL);
	request.flags = MAP_SHARED;
	request.len = PAGE + 1;
	assert_int_equal(ptr_err(file_mmap(fixture->file, &request)), -EINVAL);
}

static void test_read_write(void **state)
{
	const struct fixture *fixture = *state;
	char byte = 0;

	assert_int_equal(file_pread(fixture->file, &byte, 1, 0), -EINVAL);
	assert_int_equal(file_pwrite(fixture->file, &byte, 1, 0), -EINVAL);
}

static void test_node(void **state)
{
	const struct fixture *fixture = *state;

	assert_string_equal(fixture->node.path, "/dev/iommu");
	assert_int_equal(fixture->node.mode, S_IFCHR | 0660);
}

/* Each open has its own numbers. */
static void test_contexts_are_apart(void **state)
{
	const struct fixture *fixture = *state;
	struct file *second = fixture_open();

	assert_int_equal(ioas_alloc(fixture->file), 1);
	assert_int_equal(ioas_alloc(fixture->file), 2);
	assert_int_equal(ioas_alloc(second), 1);
	assert_int_equal(do_destroy(second, 2), -ENOENT);
	file_put(second);
	destroy(fixture->file, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_length),
		fixture_test(test_longer_works),
		fixture_test(test_reserved),
		fixture_test(test_unknown),
		fixture_test(test_bad_pointer),
		fixture_test(test_reply_fails),
		fixture_test(test_mmap),
		fixture_test(test_read_write),
		fixture_test(test_node),
		fixture_test(test_contexts_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
