/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_IOAS_ALLOC, and how IDs are given. */
#include "abi.h"

int main(void)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int fd = abi_iommufd();

	for (uint32_t i = 1; i <= 100; i++)
		EXPECT_EQ(abi_ioas(fd), i);

	/* The lowest that is free, at once. */
	EXPECT_OK(abi_destroy(fd, 17));
	EXPECT_OK(abi_destroy(fd, 5));
	EXPECT_EQ(abi_ioas(fd), 5);
	EXPECT_EQ(abi_ioas(fd), 17);
	EXPECT_EQ(abi_ioas(fd), 101);

	/* No ID is lost to a call that fails. */
	for (unsigned int bit = 0; bit < 32; bit++) {
		alloc.flags = 1U << bit;
		EXPECT_ERRNO(EOPNOTSUPP, ioctl(fd, IOMMU_IOAS_ALLOC, &alloc));
	}
	EXPECT_EQ(abi_ioas(fd), 102);

	close(fd);
	return abi_result();
}
