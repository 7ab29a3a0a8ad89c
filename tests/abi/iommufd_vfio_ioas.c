/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_VFIO_IOAS: get, set and clear. */
#include "abi.h"

static int vfio_ioas(int fd, uint16_t op, uint32_t *ioas)
{
	struct iommu_vfio_ioas args = {
		.size = sizeof(args),
		.ioas_id = *ioas,
		.op = op,
	};
	int rc = ioctl(fd, IOMMU_VFIO_IOAS, &args);

	*ioas = args.ioas_id;
	return rc;
}

static int set(int fd, uint32_t ioas)
{
	return vfio_ioas(fd, IOMMU_VFIO_IOAS_SET, &ioas);
}

int main(void)
{
	int fd = abi_iommufd();
	uint32_t first = abi_ioas(fd);
	uint32_t second = abi_ioas(fd);
	uint32_t ioas = 0;

	EXPECT_ERRNO(ENODEV, vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, &ioas));
	EXPECT_ERRNO(ENOENT, set(fd, 0));
	EXPECT_ERRNO(ENOENT, set(fd, second + 1));
	EXPECT_ERRNO(ENODEV, vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, &ioas));

	EXPECT_OK(set(fd, first));
	EXPECT_OK(set(fd, second));
	EXPECT_OK(vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, &ioas));
	EXPECT_EQ(ioas, second);

	/* The ID is not looked at. */
	ioas = 12345;
	EXPECT_OK(vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &ioas));
	EXPECT_ERRNO(ENODEV, vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, &ioas));
	EXPECT_OK(vfio_ioas(fd, IOMMU_VFIO_IOAS_CLEAR, &ioas));

	/* It keeps nothing alive; the end of the object clears it. */
	EXPECT_OK(set(fd, first));
	EXPECT_OK(abi_destroy(fd, first));
	EXPECT_ERRNO(ENODEV, vfio_ioas(fd, IOMMU_VFIO_IOAS_GET, &ioas));

	EXPECT_ERRNO(EOPNOTSUPP, vfio_ioas(fd, 3, &ioas));
	close(fd);
	return abi_result();
}
