/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_BIND_IOMMUFD, and what a device does not do before it. */
#include "vfio.h"

enum {
	MIN_LEN = 16,
};

static struct vfio_device_bind_iommufd bind_args(int iommufd)
{
	return (struct vfio_device_bind_iommufd){
		.argsz = sizeof(struct vfio_device_bind_iommufd),
		.iommufd = iommufd,
	};
}

/* Every command but BIND, every access: EINVAL, whatever the arguments. */
static void test_before_bind(void)
{
	static const unsigned long commands[] = {
		VFIO_DEVICE_GET_INFO,
		VFIO_DEVICE_GET_REGION_INFO,
		VFIO_DEVICE_GET_IRQ_INFO,
		VFIO_DEVICE_SET_IRQS,
		VFIO_DEVICE_RESET,
		VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		VFIO_DEVICE_PCI_HOT_RESET,
		VFIO_DEVICE_IOEVENTFD,
		VFIO_DEVICE_FEATURE,
		VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		VFIO_DEVICE_DETACH_IOMMUFD_PT,
		VFIO_GET_API_VERSION,
	};
	char args[256] = { 0 };
	int fd = vfio_open();

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		EXPECT_ERRNO(EINVAL, ioctl(fd, commands[i], args));
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_GET_INFO, NULL));
	EXPECT_ERRNO(EINVAL, pread(fd, args, 4, 0));
	EXPECT_ERRNO(EINVAL, pwrite(fd, args, 4, 0));
	EXPECT_ERRNO(EINVAL, read(fd, args, 4));
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	close(fd);
}

static void test_lengths(int iommufd)
{
	struct vfio_device_bind_iommufd args;
	char tail[sizeof(args) + PAGE] = { 0 };
	int fd = vfio_open();

	for (uint32_t argsz = 0; argsz < MIN_LEN; argsz++) {
		args = bind_args(iommufd);
		args.argsz = argsz;
		EXPECT_ERRNO(EINVAL,
			     ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &args));
	}
	args = bind_args(iommufd);
	args.argsz = sizeof(tail);
	memcpy(tail, &args, sizeof(args));
	tail[sizeof(tail) - 1] = 1;
	EXPECT_ERRNO(E2BIG, ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, tail));
	tail[sizeof(tail) - 1] = 0;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, tail));
	close(fd);

	/* The first version, at the very end of memory. */
	fd = vfio_open();
	args.argsz = MIN_LEN;
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD,
			memcpy(vfio_edge(MIN_LEN), &args, MIN_LEN)));
	close(fd);
}

static void test_errors(int iommufd)
{
	struct vfio_device_bind_iommufd args = bind_args(-1);
	int closed = dup(iommufd);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = vfio_open();
	char uuid[16] = { 0 };

	EXPECT_ERRNO(EFAULT,
		     ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, abi_bad_address()));
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &args));
	args = bind_args(iommufd);
	args.flags = VFIO_DEVICE_BIND_FLAG_TOKEN << 1;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &args));
	/* A token is for virtual functions. */
	args.flags = VFIO_DEVICE_BIND_FLAG_TOKEN;
	args.token_uuid_ptr = (uintptr_t)uuid;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &args));

	close(closed);
	EXPECT_ERRNO(EBADF, vfio_bind(fd, closed));
	EXPECT_ERRNO(EBADFD, vfio_bind(fd, null));
	EXPECT_ERRNO(EBADFD, vfio_bind(fd, fd));
	/* A number that is wrong comes before the descriptor that is. */
	args = bind_args(null);
	args.argsz = MIN_LEN - 1;
	EXPECT_ERRNO(EINVAL, ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &args));
	close(null);
	close(fd);
}

/* One file has the device; the others have to wait for its close. */
static void test_exclusion(int iommufd)
{
	struct vfio_device_bind_iommufd args = bind_args(iommufd);
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int second = vfio_open();
	int fd = vfio_open();

	EXPECT_OK(ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &args));
	EXPECT_EQ(args.argsz, sizeof(args));
	EXPECT_ERRNO(EINVAL, vfio_bind(fd, iommufd));
	/* That comes before what may be wrong with the descriptor. */
	EXPECT_ERRNO(EINVAL, vfio_bind(fd, 0));
	EXPECT_ERRNO(EINVAL, vfio_bind(second, iommufd));
	EXPECT_ERRNO(EBADFD, vfio_bind(second, 0));
	EXPECT_ERRNO(EINVAL, ioctl(second, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_OK(ioctl(fd, VFIO_DEVICE_GET_INFO, &info));

	/* The program cannot destroy the object; the close does. */
	EXPECT_ERRNO(EBUSY, abi_destroy(iommufd, args.out_devid));
	close(fd);
	EXPECT_ERRNO(ENOENT, abi_destroy(iommufd, args.out_devid));
	EXPECT_OK(vfio_bind(second, iommufd));
	close(second);
}

/* The device keeps the context that it is bound to. */
static void test_context_outlives_its_file(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int iommufd = abi_iommufd();
	struct abi_device device = abi_device(iommufd);
	uint32_t ioas = abi_ioas(iommufd);

	close(iommufd);
	EXPECT_OK(ioctl(device.fd, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_OK(abi_attach(device, ioas, NULL));
	EXPECT_OK(abi_detach(device));
	close(device.fd);
}

/* A reply that cannot be written leaves the device free. */
static void test_reply(int iommufd)
{
	struct vfio_device_bind_iommufd args = bind_args(iommufd);
	void *page = abi_memory(PAGE);
	int fd = vfio_open();

	memcpy(page, &args, sizeof(args));
	REQUIRE(!mprotect(page, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, page));
	EXPECT_OK(vfio_bind(fd, iommufd));
	close(fd);
}

int main(void)
{
	int iommufd = abi_iommufd();

	test_before_bind();
	test_lengths(iommufd);
	test_errors(iommufd);
	test_exclusion(iommufd);
	test_context_outlives_its_file();
	test_reply(iommufd);
	EXPECT_OK(close(iommufd));
	return abi_result();
}
