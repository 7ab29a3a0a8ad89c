/* SPDX-License-Identifier: BSD-3-Clause */
/* IOMMU_OPTION: both options, who may set them and when. */
#include <linux/capability.h>

#include "abi.h"

static int option(int fd, uint32_t id, uint16_t op, uint32_t object,
		  uint64_t *value)
{
	struct iommu_option args = {
		.size = sizeof(args),
		.option_id = id,
		.op = op,
		.object_id = object,
		.val64 = *value,
	};
	int rc = ioctl(fd, IOMMU_OPTION, &args);

	*value = args.val64;
	return rc;
}

static int set(int fd, uint32_t id, uint32_t object, uint64_t value)
{
	return option(fd, id, IOMMU_OPTION_OP_SET, object, &value);
}

static int get(int fd, uint32_t id, uint32_t object, uint64_t *value)
{
	return option(fd, id, IOMMU_OPTION_OP_GET, object, value);
}

static bool has_capability(unsigned int capability)
{
	unsigned long long effective = 0;
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	REQUIRE(status);
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	fclose(status);
	return effective >> capability & 1;
}

static void test_unknown(int fd)
{
	uint64_t value = 0;

	EXPECT_ERRNO(EOPNOTSUPP, set(fd, 2, 0, 0));
	EXPECT_ERRNO(EOPNOTSUPP, get(fd, 2, 0, &value));
	EXPECT_ERRNO(EOPNOTSUPP,
		     option(fd, IOMMU_OPTION_RLIMIT_MODE, 2, 0, &value));
}

/* Who may not set it is told so before anything else. */
static void test_rlimit_mode(int fd)
{
	bool may_set = has_capability(CAP_SYS_RESOURCE);
	uint64_t value = 5;

	EXPECT_OK(get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	EXPECT_EQ(value, 0);
	EXPECT_ERRNO(EOPNOTSUPP, set(fd, IOMMU_OPTION_RLIMIT_MODE, 1, 0));
	EXPECT_ERRNO(EOPNOTSUPP, get(fd, IOMMU_OPTION_RLIMIT_MODE, 1, &value));
	if (!may_set) {
		EXPECT_ERRNO(EPERM, set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
		EXPECT_ERRNO(EPERM, set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 2));
		return;
	}
	EXPECT_ERRNO(EINVAL, set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 2));
	EXPECT_OK(set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
	EXPECT_OK(get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	EXPECT_EQ(value, 1);
	EXPECT_OK(set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 0));

	/* Not once there are objects. */
	abi_ioas(fd);
	EXPECT_ERRNO(EBUSY, set(fd, IOMMU_OPTION_RLIMIT_MODE, 0, 1));
	EXPECT_OK(get(fd, IOMMU_OPTION_RLIMIT_MODE, 0, &value));
	EXPECT_EQ(value, 0);
}

static void test_huge_pages(int fd)
{
	uint32_t ioas = abi_ioas(fd);
	char *memory = abi_memory(PAGE);
	uint64_t value = 5;

	EXPECT_ERRNO(ENOENT, get(fd, IOMMU_OPTION_HUGE_PAGES, 0, &value));
	EXPECT_ERRNO(ENOENT, set(fd, IOMMU_OPTION_HUGE_PAGES, ioas + 100, 1));
	EXPECT_OK(get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	EXPECT_EQ(value, 1);
	EXPECT_ERRNO(EINVAL, set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 2));

	/* What is mapped must be made of pages. */
	EXPECT_OK(abi_map(fd, ioas, memory, 100, 0x10000));
	EXPECT_ERRNO(EADDRINUSE, set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	EXPECT_OK(get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	EXPECT_EQ(value, 1);
	EXPECT_OK(abi_unmap(fd, ioas, 0x10000, 100, NULL));

	/* And from then on it must be. */
	EXPECT_OK(set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	EXPECT_OK(set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	EXPECT_OK(get(fd, IOMMU_OPTION_HUGE_PAGES, ioas, &value));
	EXPECT_EQ(value, 0);
	EXPECT_ERRNO(EINVAL, abi_map(fd, ioas, memory, 100, 0x10000));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x10000));
	EXPECT_OK(set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	EXPECT_OK(abi_destroy(fd, ioas));
}

/* Mappings of a domain are not made anew. */
static void test_huge_pages_domain(int fd)
{
	struct abi_device device = abi_device(fd);
	uint32_t ioas = abi_ioas(fd);
	char *memory = abi_memory(PAGE);

	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_OK(set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	EXPECT_OK(set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 1));
	EXPECT_OK(abi_map(fd, ioas, memory, PAGE, 0x10000));
	EXPECT_ERRNO(EINVAL, set(fd, IOMMU_OPTION_HUGE_PAGES, ioas, 0));
	close(device.fd);
}

int main(void)
{
	int fd = abi_iommufd();

	test_unknown(fd);
	test_rlimit_mode(fd);
	test_huge_pages(fd);
	test_huge_pages_domain(fd);
	close(fd);
	return abi_result();
}
