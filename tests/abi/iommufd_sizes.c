/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules that hold for all commands, over one table: how long a struct may
 * be, and what reserved fields hold.
 */
#include "abi.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct row {
	const char *name;
	unsigned int command;
	uint32_t min_len;
	uint32_t len;
};

#define ROW(command, type, last)                                     \
	{                                                            \
#command, command,                                   \
			offsetof(struct type, last) +                \
				sizeof(((struct type *)NULL)->last), \
			sizeof(struct type)                          \
	}

static const struct row rows[] = {
	ROW(IOMMU_DESTROY, iommu_destroy, id),
	ROW(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id),
	ROW(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, allowed_iovas),
	ROW(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process, __reserved),
	ROW(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova),
	ROW(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges, out_iova_alignment),
	ROW(IOMMU_IOAS_MAP, iommu_ioas_map, iova),
	ROW(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, iova),
	ROW(IOMMU_IOAS_NOIOMMU_GET_PA, iommu_ioas_noiommu_get_pa, out_phys),
	ROW(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length),
	ROW(IOMMU_OPTION, iommu_option, val64),
	ROW(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved),
	ROW(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved),
	ROW(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved),
};

/* A field of all ones is EOPNOTSUPP, whatever the others are. */
struct reserved {
	const char *name;
	unsigned int command;
	uint32_t len;
	uint32_t off;
	uint32_t field_len;
};

#define RESERVED(command, type, field)                             \
	{                                                          \
#command " " #field, command, sizeof(struct type), \
			offsetof(struct type, field),              \
			sizeof(((struct type *)NULL)->field)       \
	}

static const struct reserved reserved_fields[] = {
	RESERVED(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, flags),
	RESERVED(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas, __reserved),
	RESERVED(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process,
		 __reserved),
	RESERVED(IOMMU_IOAS_COPY, iommu_ioas_copy, flags),
	RESERVED(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges, __reserved),
	RESERVED(IOMMU_IOAS_MAP, iommu_ioas_map, flags),
	RESERVED(IOMMU_IOAS_MAP, iommu_ioas_map, __reserved),
	RESERVED(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, flags),
	RESERVED(IOMMU_OPTION, iommu_option, __reserved),
	RESERVED(IOMMU_OPTION, iommu_option, option_id),
	RESERVED(IOMMU_OPTION, iommu_option, op),
	RESERVED(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved),
	RESERVED(IOMMU_VFIO_IOAS, iommu_vfio_ioas, op),
	RESERVED(IOMMU_HWPT_ALLOC, iommu_hwpt_alloc, __reserved),
	RESERVED(IOMMU_GET_HW_INFO, iommu_hw_info, flags),
	RESERVED(IOMMU_GET_HW_INFO, iommu_hw_info, __reserved),
};

/* All zero but the size, and the last byte of a longer struct. */
static int run_sized(int fd, const struct row *row, uint32_t size,
		     unsigned char last_byte)
{
	_Alignas(uint64_t) unsigned char args[256] = { 0 };
	int rc;

	memcpy(args, &size, sizeof(size));
	if (size > sizeof(size))
		args[size - 1] = last_byte;
	rc = ioctl(fd, row->command, args);
	return rc < 0 ? errno : 0;
}

static void expect_result(const struct row *row, const char *what, int got,
			  int want)
{
	char text[128];

	snprintf(text, sizeof(text), "%s, %s", row->name, what);
	errno = got;
	abi_expect(got ? -1 : 0, want, text, __FILE__, __LINE__);
}

static void test_lengths(int fd, const struct row *row)
{
	int exact = run_sized(fd, row, row->len, 0);

	expect_result(row, "size 0", run_sized(fd, row, 0, 0), EINVAL);
	expect_result(row, "one byte short",
		      run_sized(fd, row, row->min_len - 1, 0), EINVAL);
	expect_result(row, "the shortest", run_sized(fd, row, row->min_len, 0),
		      exact);
	expect_result(row, "one zero byte more",
		      run_sized(fd, row, row->len + 1, 0), exact);
	expect_result(row, "many zero bytes more", run_sized(fd, row, 200, 0),
		      exact);
	expect_result(row, "one byte more", run_sized(fd, row, row->len + 1, 1),
		      E2BIG);
	expect_result(row, "a byte far behind", run_sized(fd, row, 200, 1),
		      E2BIG);
}

/* The memory ends in the size, in the struct, or in the tail. */
static void test_addresses(int fd, const struct row *row)
{
	char *end = abi_bad_address();
	uint32_t size = row->len;
	char *args;

	EXPECT_ERRNO(EFAULT, ioctl(fd, row->command, NULL));
	EXPECT_ERRNO(EFAULT, ioctl(fd, row->command, end));
	EXPECT_ERRNO(EFAULT, ioctl(fd, row->command, end - 2));

	args = end - sizeof(size);
	memcpy(args, &size, sizeof(size));
	EXPECT_ERRNO(EFAULT, ioctl(fd, row->command, args));

	args = end - row->len;
	size = row->len + 8;
	memcpy(args, &size, sizeof(size));
	EXPECT_ERRNO(EFAULT, ioctl(fd, row->command, args));
}

static void test_reserved(int fd, const struct reserved *reserved)
{
	_Alignas(uint64_t) unsigned char args[256] = { 0 };

	memcpy(args, &reserved->len, sizeof(reserved->len));
	memset(args + reserved->off, 0xff, reserved->field_len);
	abi_expect(ioctl(fd, reserved->command, args), EOPNOTSUPP,
		   reserved->name, __FILE__, __LINE__);
}

int main(void)
{
	int fd = abi_iommufd();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		test_lengths(fd, &rows[i]);
		test_addresses(fd, &rows[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(reserved_fields); i++)
		test_reserved(fd, &reserved_fields[i]);
	close(fd);
	return abi_result();
}
