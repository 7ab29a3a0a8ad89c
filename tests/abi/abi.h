/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs of this folder share. Each is written against the Linux
 * ABI alone, goes through all its expectations, prints those that fail, and
 * exits with abi_result(). They want one device that VFIO offers, which they
 * find at /dev/vfio/devices/vfio0 or where ABI_TEST_DEVICE says.
 */
#ifndef TESTS_ABI_ABI_H
#define TESTS_ABI_ABI_H

#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE = 4096
};

#define ABI_LAST UINT64_MAX

static unsigned int abi_n_checks;
static unsigned int abi_n_failed;

static inline void abi_fail(const char *file, int line)
{
	abi_n_failed++;
	printf("%s:%d: ", file, line);
}

/* @rc is what the call gave; @want is an errno, or 0 for success. */
static inline bool abi_expect(long rc, int want, const char *what,
			      const char *file, int line)
{
	int got = rc < 0 ? errno : 0;

	abi_n_checks++;
	if (got == want)
		return true;
	abi_fail(file, line);
	printf("%s: %s, expected %s\n", what,
	       got ? strerrorname_np(got) : "success",
	       want ? strerrorname_np(want) : "success");
	return false;
}

static inline bool abi_expect_equal(uint64_t got, uint64_t want,
				    const char *what, const char *file,
				    int line)
{
	abi_n_checks++;
	if (got == want)
		return true;
	abi_fail(file, line);
	printf("%s: %#llx, expected %#llx\n", what, (unsigned long long)got,
	       (unsigned long long)want);
	return false;
}

/* The call fails with that errno. */
#define EXPECT_ERRNO(want, call) \
	abi_expect((long)(call), want, #call, __FILE__, __LINE__)

/* The call succeeds. */
#define EXPECT_OK(call) abi_expect((long)(call), 0, #call, __FILE__, __LINE__)

#define EXPECT_EQ(got, want)                                                \
	abi_expect_equal((uint64_t)(got), (uint64_t)(want), #got, __FILE__, \
			 __LINE__)

#define EXPECT(condition) \
	abi_expect_equal(!!(condition), 1, #condition, __FILE__, __LINE__)

/* What cannot be done without; not an expectation of its own. */
#define REQUIRE(condition)                                                 \
	do {                                                               \
		if (!(condition)) {                                        \
			printf("%s:%d: cannot go on: %s (%s)\n", __FILE__, \
			       __LINE__, #condition, strerror(errno));     \
			exit(1);                                           \
		}                                                          \
	} while (0)

/* Return: the exit status. A program without expectations has failed. */
static inline int abi_result(void)
{
	printf("%u of %u expectations hold\n", abi_n_checks - abi_n_failed,
	       abi_n_checks);
	return abi_n_failed || !abi_n_checks ? 1 : 0;
}

/* ---- memory ------------------------------------------------------------ */

/* @len bytes of memory that can be written. */
static inline void *abi_memory(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(memory != MAP_FAILED);
	return memory;
}

/* An address where there is no memory, a page behind one where there is. */
static inline void *abi_bad_address(void)
{
	char *memory = abi_memory(2 * PAGE);

	REQUIRE(!mprotect(memory + PAGE, PAGE, PROT_NONE));
	return memory + PAGE;
}

/* ---- iommufd ----------------------------------------------------------- */

static inline int abi_iommufd(void)
{
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

static inline int abi_destroy(int fd, uint32_t id)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

	return ioctl(fd, IOMMU_DESTROY, &destroy);
}

static inline uint32_t abi_ioas(int fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	REQUIRE(!ioctl(fd, IOMMU_IOAS_ALLOC, &alloc));
	return alloc.out_ioas_id;
}

enum {
	ABI_RW = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
	ABI_FIXED_RW = ABI_RW | IOMMU_IOAS_MAP_FIXED_IOVA,
};

/* Map at a fixed address, readable and writable. */
static inline int abi_map(int fd, uint32_t ioas, const void *memory,
			  uint64_t len, uint64_t iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_FIXED_RW,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = len,
		.iova = iova,
	};

	return ioctl(fd, IOMMU_IOAS_MAP, &map);
}

/* @len: on return what was unmapped; NULL to ignore that. */
static inline int abi_unmap(int fd, uint32_t ioas, uint64_t iova, uint64_t len,
			    uint64_t *unmapped)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.iova = iova,
		.length = len,
	};
	int rc = ioctl(fd, IOMMU_IOAS_UNMAP, &unmap);

	if (unmapped)
		*unmapped = unmap.length;
	return rc;
}

/* ---- a device ---------------------------------------------------------- */

/**
 * struct abi_device - a device bound to a context
 * @fd: its file
 * @id: of the DEVICE object
 */
struct abi_device {
	int fd;
	uint32_t id;
};

static inline struct abi_device abi_device(int iommufd)
{
	const char *path = getenv("ABI_TEST_DEVICE");
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};
	struct abi_device device;

	device.fd = open(path ? path : "/dev/vfio/devices/vfio0",
			 O_RDWR | O_CLOEXEC);
	REQUIRE(device.fd >= 0);
	REQUIRE(!ioctl(device.fd, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	device.id = bind.out_devid;
	return device;
}

/* @hwpt: on return the page table attached to; NULL to ignore that. */
static inline int abi_attach(struct abi_device device, uint32_t pt_id,
			     uint32_t *hwpt)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = pt_id,
	};
	int rc = ioctl(device.fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);

	if (hwpt)
		*hwpt = attach.pt_id;
	return rc;
}

static inline int abi_detach(struct abi_device device)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	return ioctl(device.fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach);
}

#endif /* TESTS_ABI_ABI_H */
