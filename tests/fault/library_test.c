/* SPDX-License-Identifier: BSD-3-Clause */
/* The public library: its calls, and every failure on the way to DMA. */
#include <errno.h>
#include <fcntl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "harness/harness.h"
#include "iommufd-user/iommufd.h"

#define PAGE 4096u
#define IOVA 0x200000u

static const char *const options[] = { "-d nvme,size=1M", "--sync",
				       "--on-fault=ignore" };

/**
 * struct session - a device on its way to DMA and back
 * @machine: from setup to teardown
 * @iommufd: a context, or -1
 * @device: the device, or -1
 * @ioas: attached
 * @memory: two pages
 */
struct session {
	struct iommufd_machine *machine;
	int iommufd;
	int device;
	__u32 ioas;
	char *memory;
};

static struct session session;

/* The library's; cmocka takes its place before each test. */
static struct sigaction library_handler;

static int open_all(void)
{
	session.iommufd = iommufd_open(session.machine, "/dev/iommu", O_RDWR);
	if (session.iommufd < 0)
		return session.iommufd;
	session.device = iommufd_open(session.machine,
				      "/dev/vfio/devices/vfio0", O_RDWR);
	return session.device < 0 ? session.device : 0;
}

static void close_all(void)
{
	if (session.device >= 0)
		assert_int_equal(iommufd_close(session.device), 0);
	if (session.iommufd >= 0)
		assert_int_equal(iommufd_close(session.iommufd), 0);
	session.device = -1;
	session.iommufd = -1;
}

static int bind(void)
{
	struct vfio_device_bind_iommufd arg = {
		.argsz = sizeof(arg),
		.iommufd = session.iommufd,
	};

	return (int)iommufd_ioctl(session.device, VFIO_DEVICE_BIND_IOMMUFD,
				  &arg);
}

static int attach(void)
{
	struct vfio_device_attach_iommufd_pt arg = {
		.argsz = sizeof(arg),
		.pt_id = session.ioas,
	};

	return (int)iommufd_ioctl(session.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
				  &arg);
}

static int detach(void)
{
	struct vfio_device_detach_iommufd_pt arg = { .argsz = sizeof(arg) };

	return (int)iommufd_ioctl(session.device, VFIO_DEVICE_DETACH_IOMMUFD_PT,
				  &arg);
}

static int alloc_ioas(void)
{
	struct iommu_ioas_alloc arg = { .size = sizeof(arg) };
	int err = (int)iommufd_ioctl(session.iommufd, IOMMU_IOAS_ALLOC, &arg);

	session.ioas = arg.out_ioas_id;
	return err;
}

static int map(unsigned int page)
{
	struct iommu_ioas_map arg = {
		.size = sizeof(arg),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = session.ioas,
		.user_va = (uintptr_t)session.memory + page * PAGE,
		.length = PAGE,
		.iova = IOVA + page * PAGE,
	};

	return (int)iommufd_ioctl(session.iommufd, IOMMU_IOAS_MAP, &arg);
}

static int unmap(unsigned int page)
{
	struct iommu_ioas_unmap arg = {
		.size = sizeof(arg),
		.ioas_id = session.ioas,
		.iova = IOVA + page * PAGE,
		.length = PAGE,
	};

	return (int)iommufd_ioctl(session.iommufd, IOMMU_IOAS_UNMAP, &arg);
}

/* One page mapped before the device is attached, one after it. */
static int go_to_dma_and_back(void)
{
	int err = open_all();

	if (!err)
		err = bind();
	if (!err)
		err = alloc_ioas();
	if (!err)
		err = map(0);
	if (!err)
		err = attach();
	if (!err)
		err = map(1);
	if (!err)
		err = unmap(0);
	if (!err)
		err = detach();
	return err;
}

static int sweep_to_dma_and_back(void *arg)
{
	int err = go_to_dma_and_back();

	(void)arg;
	close_all();
	return err;
}

static void every_failure_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(sweep_to_dma_and_back(NULL), 0);
	assert_true(fail_nth_sweep(sweep_to_dma_and_back, NULL) > 10);
}

/* After a call that failed, the very same call works. */
static int retry_to_dma_and_back(void *arg)
{
	int (*const steps[])(void) = { bind, alloc_ioas, attach, detach };
	int result = 0;
	int err = open_all();
	unsigned int i;

	(void)arg;
	for (i = 0; !err && i < array_len(steps); i++) {
		if (steps[i]()) {
			result = -1;
			err = steps[i]();
		}
	}
	close_all();
	return err ? err : result;
}

static void what_failed_can_be_done_again(void **state)
{
	(void)state;
	assert_true(fail_nth_sweep(retry_to_dma_and_back, NULL) > 6);
}

static void numbers_that_are_none_are_refused(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(iommufd_open(session.machine, "/dev/null", O_RDWR),
			 -ENOENT);
	assert_int_equal(iommufd_ioctl(-1, IOMMU_IOAS_ALLOC, NULL), -EBADF);
	assert_int_equal(iommufd_ioctl(STDOUT_FILENO, IOMMU_IOAS_ALLOC, NULL),
			 -EBADF);
	assert_int_equal(iommufd_pread(1 << 20, &byte, 1, 0), -EBADF);
	assert_int_equal(iommufd_pwrite(1 << 20, &byte, 1, 0), -EBADF);
	assert_int_equal(iommufd_close(1 << 20), -EBADF);
	errno = 0;
	assert_ptr_equal(iommufd_mmap(1 << 20, NULL, PAGE, PROT_READ,
				      MAP_SHARED, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EBADF);
}

static void options_that_are_wrong_are_told(void **state)
{
	static const char *const wrong[] = { "-d floppy" };
	char error[64] = "";

	(void)state;
	assert_null(iommufd_machine_create(wrong, 1, error, sizeof(error)));
	assert_non_null(strstr(error, "floppy"));
	assert_null(iommufd_machine_create(wrong, 1, NULL, 0));
	iommufd_machine_destroy(NULL);
}

/* Registers by pread() and by a mapping that traps are the same. */
static void registers_are_reached_in_both_ways(void **state)
{
	struct vfio_region_info bar = { .argsz = sizeof(bar) };
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	volatile __u32 *registers;
	__u16 command = 2; /* memory space */
	__u32 version;

	(void)state;
	sigaction(SIGSEGV, &library_handler, NULL);
	assert_int_equal(open_all(), 0);
	assert_int_equal(bind(), 0);
	assert_int_equal(iommufd_ioctl(session.device,
				       VFIO_DEVICE_GET_REGION_INFO, &bar),
			 0);
	assert_int_equal(iommufd_ioctl(session.device,
				       VFIO_DEVICE_GET_REGION_INFO, &config),
			 0);
	assert_int_equal(iommufd_pwrite(session.device, &command, 2,
					(off_t)config.offset + 4),
			 2);
	assert_int_equal(iommufd_pread(session.device, &version, 4,
				       (off_t)bar.offset + 8),
			 4);
	registers = iommufd_mmap(session.device, NULL, bar.size,
				 PROT_READ | PROT_WRITE, MAP_SHARED,
				 (off_t)bar.offset);
	assert_ptr_not_equal(registers, MAP_FAILED);
	assert_int_equal(registers[2], version);
	assert_int_equal(version >> 16, 1); /* NVMe 1.x */
	registers[0x24 / 4] = 0x001f001f; /* admin queue attributes */
	assert_int_equal(iommufd_pread(session.device, &version, 4,
				       (off_t)bar.offset + 0x24),
			 4);
	assert_int_equal(version, 0x001f001f);
	assert_int_equal(iommufd_munmap((void *)(uintptr_t)registers, bar.size),
			 0);
	close_all();
}

static int create_machine(void **state)
{
	char error[256];

	(void)state;
	session.machine = iommufd_machine_create(options, array_len(options),
						 error, sizeof(error));
	if (!session.machine)
		print_error("%s\n", error);
	sigaction(SIGSEGV, NULL, &library_handler);
	session.memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	session.iommufd = -1;
	session.device = -1;
	/* What is made once and kept is made here. */
	return sweep_to_dma_and_back(NULL);
}

static int destroy_machine(void **state)
{
	(void)state;
	iommufd_machine_destroy(session.machine);
	return munmap(session.memory, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(every_failure_leaves_nothing),
		harness_test(what_failed_can_be_done_again),
		harness_test(numbers_that_are_none_are_refused),
		harness_test(options_that_are_wrong_are_told),
		harness_test(registers_are_reached_in_both_ways),
	};

	return cmocka_run_group_tests(tests, create_machine, destroy_machine);
}
