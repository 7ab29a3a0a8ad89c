/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_COPY: within one I/O address space and into another. */
#include "abi.h"

enum {
	SRC = 0x100000,
	DST = 0x200000,
	READABLE_FIXED = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_FIXED_IOVA,
};

static struct iommu_ioas_copy copy_args(uint32_t dst, uint32_t src)
{
	return (struct iommu_ioas_copy){
		.size = sizeof(struct iommu_ioas_copy),
		.flags = ABI_FIXED_RW,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = 4 * PAGE,
		.dst_iova = DST,
		.src_iova = SRC,
	};
}

static int copy(int fd, struct iommu_ioas_copy args)
{
	return ioctl(fd, IOMMU_IOAS_COPY, &args);
}

static void test_overflow(int fd, uint32_t dst, uint32_t src)
{
	struct iommu_ioas_copy args = copy_args(dst, src);

	args.length = ABI_LAST;
	EXPECT_ERRNO(EOVERFLOW, copy(fd, args));
	args = copy_args(dst, src);
	args.src_iova = ABI_LAST;
	EXPECT_ERRNO(EOVERFLOW, copy(fd, args));
	args = copy_args(dst, src);
	args.dst_iova = ABI_LAST;
	EXPECT_ERRNO(EOVERFLOW, copy(fd, args));
	args = copy_args(dst, src);
	args.src_iova = ABI_LAST - PAGE + 1;
	EXPECT_ERRNO(EOVERFLOW, copy(fd, args));
	args = copy_args(dst, src);
	args.dst_iova = ABI_LAST - PAGE + 1;
	EXPECT_ERRNO(EOVERFLOW, copy(fd, args));
}

static void test_errors(int fd, uint32_t dst, uint32_t src)
{
	struct iommu_ioas_copy args = copy_args(dst, src);

	args.flags = IOMMU_IOAS_MAP_FIXED_IOVA;
	EXPECT_ERRNO(EINVAL, copy(fd, args));
	EXPECT_ERRNO(ENOENT, copy(fd, copy_args(dst, 0)));

	/* The source is looked at before the target is looked for. */
	args = copy_args(0, src);
	args.length = 0;
	EXPECT_ERRNO(EINVAL, copy(fd, args));
	EXPECT_ERRNO(ENOENT, copy(fd, copy_args(0, src)));

	/* Any byte that is not mapped. */
	args = copy_args(dst, src);
	args.src_iova = SRC - 1;
	EXPECT_ERRNO(ENOENT, copy(fd, args));
	args.src_iova = SRC + 1;
	EXPECT_ERRNO(ENOENT, copy(fd, args));
	args.src_iova = 0;
	EXPECT_ERRNO(ENOENT, copy(fd, args));
}

static void test_copy(int fd, uint32_t dst, uint32_t src)
{
	struct iommu_ioas_copy args = copy_args(dst, src);
	uint64_t unmapped;

	EXPECT_OK(copy(fd, args));
	EXPECT_ERRNO(EEXIST, copy(fd, args));

	/* A part, of one mapping and over two. */
	args.dst_iova = DST + 0x10000;
	args.src_iova = SRC + PAGE;
	args.length = PAGE;
	EXPECT_OK(copy(fd, args));
	args.dst_iova = DST + 0x20000;
	args.src_iova = SRC + PAGE;
	args.length = 2 * PAGE;
	EXPECT_OK(copy(fd, args));
	EXPECT_OK(abi_unmap(fd, dst, DST, 0x30000, &unmapped));
	EXPECT_EQ(unmapped, 7 * PAGE);

	/* Where Linux likes, and told where. */
	args = copy_args(dst, src);
	args.flags = ABI_RW;
	args.dst_iova = 0;
	EXPECT_OK(ioctl(fd, IOMMU_IOAS_COPY, &args));
	EXPECT(args.dst_iova != 0);
	EXPECT_OK(abi_unmap(fd, dst, args.dst_iova, 4 * PAGE, NULL));
}

/* Permission to write cannot be won by copying, that to read can. */
static void test_permission(int fd, uint32_t dst, char *memory)
{
	uint32_t src = abi_ioas(fd);
	struct iommu_ioas_copy args = copy_args(dst, src);
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = READABLE_FIXED,
		.ioas_id = src,
		.user_va = (uintptr_t)memory,
		.length = 4 * PAGE,
		.iova = SRC,
	};

	EXPECT_OK(ioctl(fd, IOMMU_IOAS_MAP, &map));
	EXPECT_ERRNO(EPERM, copy(fd, args));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, dst, DST, 4 * PAGE, NULL));
	args.flags = READABLE_FIXED;
	EXPECT_OK(copy(fd, args));
	EXPECT_OK(abi_unmap(fd, dst, DST, 4 * PAGE, NULL));
	EXPECT_OK(abi_destroy(fd, src));
}

/* The copy lives on when the source has gone. */
static void test_lifetime(int fd, uint32_t dst, uint32_t src)
{
	struct abi_device device = abi_device(fd);

	EXPECT_OK(abi_attach(device, dst, NULL));
	EXPECT_OK(copy(fd, copy_args(dst, src)));
	EXPECT_OK(abi_unmap(fd, src, SRC, 4 * PAGE, NULL));
	EXPECT_OK(abi_destroy(fd, src));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(abi_attach(device, dst, NULL));
	EXPECT_OK(abi_unmap(fd, dst, DST, 4 * PAGE, NULL));
	close(device.fd);
}

/* Each area of the source has to suit the target, not only the first. */
static void test_alignment(int fd, char *memory)
{
	struct abi_device device = abi_device(fd);
	uint32_t src = abi_ioas(fd);
	uint32_t dst = abi_ioas(fd);
	struct iommu_ioas_copy args = copy_args(dst, src);

	EXPECT_OK(abi_attach(device, dst, NULL));
	EXPECT_OK(abi_map(fd, src, memory, PAGE / 2, SRC));
	EXPECT_OK(
		abi_map(fd, src, memory + PAGE / 2, PAGE / 2, SRC + PAGE / 2));
	args.length = PAGE / 2;
	EXPECT_ERRNO(EINVAL, copy(fd, args));
	args.length = PAGE;
	EXPECT_ERRNO(EINVAL, copy(fd, args));
	EXPECT_ERRNO(ENOENT, abi_unmap(fd, dst, DST, PAGE, NULL));
	EXPECT_OK(abi_detach(device));
	EXPECT_OK(copy(fd, args));
	EXPECT_ERRNO(EADDRINUSE, abi_attach(device, dst, NULL));
	EXPECT_OK(abi_destroy(fd, src));
	EXPECT_OK(abi_destroy(fd, dst));
	close(device.fd);
}

int main(void)
{
	int fd = abi_iommufd();
	uint32_t src = abi_ioas(fd);
	uint32_t dst = abi_ioas(fd);
	char *memory = abi_memory(4 * PAGE);

	/* Two mappings, one behind the other. */
	EXPECT_OK(abi_map(fd, src, memory, 2 * PAGE, SRC));
	EXPECT_OK(
		abi_map(fd, src, memory + 2 * PAGE, 2 * PAGE, SRC + 2 * PAGE));

	test_overflow(fd, dst, src);
	test_errors(fd, dst, src);
	test_copy(fd, dst, src);
	test_copy(fd, src, src);
	test_permission(fd, dst, memory);
	test_alignment(fd, memory);
	test_lifetime(fd, dst, src);
	close(fd);
	return abi_result();
}
