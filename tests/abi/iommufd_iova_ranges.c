/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_IOVA_RANGES, without and with a device. */
#include "abi.h"

enum {
	MAX_RANGES = 64,
	MSI_START = 0xfee00000U,
	MSI_LAST = 0xfeefffffU,
};

static int get(int fd, uint32_t ioas, struct iommu_iova_range *ranges,
	       struct iommu_ioas_iova_ranges *query, uint32_t capacity)
{
	*query = (struct iommu_ioas_iova_ranges){
		.size = sizeof(*query),
		.ioas_id = ioas,
		.num_iovas = capacity,
		.allowed_iovas = (uintptr_t)ranges,
	};
	return ioctl(fd, IOMMU_IOAS_IOVA_RANGES, query);
}

static void expect_fresh(int fd, uint32_t ioas)
{
	struct iommu_iova_range range = { 1, 2 };
	struct iommu_ioas_iova_ranges query;

	EXPECT_OK(get(fd, ioas, &range, &query, 1));
	EXPECT_EQ(query.num_iovas, 1);
	EXPECT_EQ(query.out_iova_alignment, 1);
	EXPECT_EQ(range.start, 0);
	EXPECT_EQ(range.last, ABI_LAST);
}

static void test_fresh(int fd)
{
	struct iommu_iova_range range = { 1, 2 };
	struct iommu_ioas_iova_ranges query;
	uint32_t ioas = abi_ioas(fd);

	expect_fresh(fd, ioas);

	/* The number is told even if there is no room for anything. */
	EXPECT_ERRNO(EMSGSIZE, get(fd, ioas, NULL, &query, 0));
	EXPECT_EQ(query.num_iovas, 1);
	EXPECT_EQ(query.out_iova_alignment, 1);

	EXPECT_ERRNO(ENOENT, get(fd, ioas + 1, &range, &query, 1));
	EXPECT_ERRNO(ENOENT, get(fd, 0, &range, &query, 1));
	EXPECT_ERRNO(EFAULT, get(fd, ioas, abi_bad_address(), &query, 1));

	/* What is mapped makes no difference. */
	EXPECT_OK(abi_map(fd, ioas, abi_memory(PAGE), PAGE, 0x100000));
	expect_fresh(fd, ioas);
	EXPECT_OK(abi_destroy(fd, ioas));
}

static void expect_sorted(const struct iommu_iova_range *ranges, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		EXPECT(ranges[i].start < ranges[i].last);
		if (i)
			EXPECT(ranges[i].start > ranges[i - 1].last + 1);
		EXPECT(ranges[i].last < MSI_START ||
		       ranges[i].start > MSI_LAST);
	}
}

/* The IOMMU's aperture and the window of interrupts are cut out. */
static void test_device(int fd)
{
	struct iommu_iova_range ranges[MAX_RANGES];
	struct iommu_iova_range first[2] = { { 1, 2 }, { 3, 4 } };
	struct iommu_ioas_iova_ranges query;
	struct abi_device device = abi_device(fd);
	uint32_t ioas = abi_ioas(fd);

	expect_fresh(fd, ioas);
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_OK(get(fd, ioas, ranges, &query, MAX_RANGES));
	EXPECT(query.num_iovas >= 2);
	EXPECT_EQ(query.out_iova_alignment, PAGE);
	expect_sorted(ranges, query.num_iovas);

	/* Room for some: these are written, and no more. */
	EXPECT_ERRNO(EMSGSIZE, get(fd, ioas, first, &query, 1));
	EXPECT(query.num_iovas >= 2);
	EXPECT_EQ(query.out_iova_alignment, PAGE);
	EXPECT_EQ(first[0].start, ranges[0].start);
	EXPECT_EQ(first[0].last, ranges[0].last);
	EXPECT_EQ(first[1].start, 3);
	EXPECT_EQ(first[1].last, 4);

	EXPECT_OK(abi_detach(device));
	expect_fresh(fd, ioas);
	close(device.fd);
}

int main(void)
{
	int fd = abi_iommufd();

	test_fresh(fd);
	test_device(fd);
	close(fd);
	return abi_result();
}
