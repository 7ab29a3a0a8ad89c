/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In the shape of the VFIO tests of Linux: every test is a child of its own
 * that opens everything itself, one fork further below a harness that waits by
 * pidfd; BARs are mapped over a reserved range, and threads open, initialise
 * and close devices in parallel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define DEVICES "/sys/bus/pci/devices"
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define TIMEOUT_MS 20000

/**
 * struct device - one device, bound and attached
 * @iommu: context
 * @fd: device
 * @ioas: attached
 * @first, @last: the last range of addresses that can be mapped
 */
struct device {
	int iommu;
	int fd;
	uint32_t ioas;
	uint64_t first;
	uint64_t last;
};

static int open_cdev(const char *address)
{
	char path[600];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), DEVICES "/%s/vfio-dev", address);
	dir = opendir(path);
	check(dir);
	while ((entry = readdir(dir)) && strncmp(entry->d_name, "vfio", 4))
		;
	check(entry);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
	return open(path, O_RDWR);
}

static int device_bind(int fd, int iommu)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu,
	};

	return ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind);
}

static int device_attach(int fd, uint32_t id)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = id,
	};

	return ioctl(fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

static int device_info(int fd, struct vfio_device_info *info)
{
	*info = (struct vfio_device_info){ .argsz = sizeof(*info) };
	return ioctl(fd, VFIO_DEVICE_GET_INFO, info);
}

static void read_ranges(struct device *device)
{
	struct iommu_iova_range list[16];
	struct iommu_ioas_iova_ranges ranges = {
		.size = sizeof(ranges),
		.ioas_id = device->ioas,
	};

	check(ioctl(device->iommu, IOMMU_IOAS_IOVA_RANGES, &ranges));
	check(errno == EMSGSIZE && ranges.num_iovas && ranges.num_iovas <= 16);
	ranges.allowed_iovas = (uintptr_t)list;
	check(!ioctl(device->iommu, IOMMU_IOAS_IOVA_RANGES, &ranges));
	device->first = list[ranges.num_iovas - 1].start;
	device->last = list[ranges.num_iovas - 1].last;
}

static void device_open(struct device *device, const char *address)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_info info;

	device->iommu = open("/dev/iommu", O_RDWR);
	device->fd = open_cdev(address);
	check(device->iommu >= 0 && device->fd >= 0);
	check(!device_bind(device->fd, device->iommu));
	check(!ioctl(device->iommu, IOMMU_IOAS_ALLOC, &alloc));
	device->ioas = alloc.out_ioas_id;
	check(!device_attach(device->fd, device->ioas));
	check(!device_info(device->fd, &info));
	check(info.flags & VFIO_DEVICE_FLAGS_PCI);
	read_ranges(device);
}

static void device_close(struct device *device)
{
	check(!close(device->fd));
	check(!close(device->iommu));
}

static struct vfio_region_info region(const struct device *device,
				      uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	check(!ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info;
}

/* ---- set-up ----------------------------------------------------------- */

static void setup_binds_once(const char *address)
{
	int iommu = open("/dev/iommu", O_RDWR);
	int fd = open_cdev(address);
	struct vfio_device_info info;
	struct vfio_device_detach_iommufd_pt detach = { .argsz = sizeof(
								detach) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	check(device_info(fd, &info) && errno == EINVAL);
	check(device_bind(fd, -2));
	check(!device_bind(fd, iommu));
	check(device_bind(fd, iommu));
	check(!device_info(fd, &info));
	check(device_attach(fd, UINT32_MAX));
	check(!ioctl(iommu, IOMMU_IOAS_ALLOC, &alloc));
	check(!device_attach(fd, alloc.out_ioas_id));
	check(!ioctl(fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	check(!device_attach(fd, alloc.out_ioas_id));
}

/* ---- mapping ---------------------------------------------------------- */

static int map(const struct device *device, const void *va, uint64_t len,
	       uint64_t iova)
{
	struct iommu_ioas_map request = {
		.size = sizeof(request),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = device->ioas,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = iova,
	};

	return ioctl(device->iommu, IOMMU_IOAS_MAP, &request) ? -errno : 0;
}

/* Return: 0 or -errno; @len becomes what was unmapped. */
static int unmap(const struct device *device, uint64_t iova, uint64_t *len)
{
	struct iommu_ioas_unmap request = {
		.size = sizeof(request),
		.ioas_id = device->ioas,
		.iova = iova,
		.length = *len,
	};

	if (ioctl(device->iommu, IOMMU_IOAS_UNMAP, &request))
		return -errno;
	*len = request.length;
	return 0;
}

static void mapping_at_the_edges(const char *address)
{
	struct device device;
	uint64_t len = CLIENT_PAGE;
	uint64_t all = UINT64_MAX;
	char *page = client_alloc(4 * CLIENT_PAGE, 0);

	device_open(&device, address);
	check(!map(&device, page, len, device.last - len + 1));
	check(!unmap(&device, device.last - len + 1, &len));
	check(len == CLIENT_PAGE);
	check(map(&device, page, len, ~(uint64_t)(CLIENT_PAGE - 1)));
	check(map(&device, page, 4 * CLIENT_PAGE,
		  ~(uint64_t)(CLIENT_PAGE - 1)) == -EOVERFLOW);
	len = 4 * CLIENT_PAGE;
	check(unmap(&device, ~(uint64_t)(CLIENT_PAGE - 1), &len) == -EOVERFLOW);
	check(!map(&device, page, CLIENT_PAGE, device.first));
	check(!map(&device, page, 2 * CLIENT_PAGE, device.first + 0x10000));
	check(!unmap(&device, 0, &all) && all == 3 * CLIENT_PAGE);
	device_close(&device);
}

/* A megabyte-wide window, reserved first, then filled by the BAR. */
static void mmio_is_no_memory(const char *address)
{
	struct device device;
	struct vfio_region_info bar;
	size_t window_len = 1 << 20;
	void *window = mmap(NULL, window_len, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	device_open(&device, address);
	check(!(region(&device, VFIO_PCI_CONFIG_REGION_INDEX).flags &
		VFIO_REGION_INFO_FLAG_MMAP));
	bar = region(&device, VFIO_PCI_BAR0_REGION_INDEX);
	check(bar.size && !(bar.size & (bar.size - 1)));
	check(mmap(window, bar.size, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, device.fd,
		   (off_t)bar.offset) == window);
	check(!madvise(window, bar.size, MADV_HUGEPAGE) || errno == EINVAL);
	check(map(&device, window, CLIENT_PAGE, device.first) == -EFAULT);
	check(map(&device, window, bar.size, device.first) == -EFAULT);
	check(map(&device, window, window_len, device.first) == -EFAULT);
	check(!munmap(window, window_len));
	device_close(&device);
}

/* ---- the device ------------------------------------------------------- */

static int set_irqs(const struct device *device, uint32_t flags, uint32_t count,
		    int fd)
{
	uint32_t space[6];
	struct vfio_irq_set *set = (struct vfio_irq_set *)space;
	bool has_data = flags & VFIO_IRQ_SET_DATA_EVENTFD;

	*set = (struct vfio_irq_set){
		.argsz = has_data ? 24 : 20,
		.flags = flags | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = MSIX,
		.count = count,
	};
	space[5] = (uint32_t)fd;
	return ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

static void interrupt_once(const struct device *device)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t count = 0;

	check(!set_irqs(device, VFIO_IRQ_SET_DATA_EVENTFD, 1, fd));
	check(!set_irqs(device, VFIO_IRQ_SET_DATA_NONE, 1, -1));
	check(read(fd, &count, 8) == 8 && count == 1);
	check(!set_irqs(device, VFIO_IRQ_SET_DATA_NONE, 0, -1));
	check(set_irqs(device, VFIO_IRQ_SET_DATA_NONE, 1, -1));
	check(read(fd, &count, 8) < 0 && errno == EAGAIN);
	close(fd);
}

static void device_basics(const char *address)
{
	struct device device;
	uint64_t config;
	uint16_t command;
	int err;

	device_open(&device, address);
	config = region(&device, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	check(pread(device.fd, &command, 2, (off_t)config + 4) == 2);
	check(!(command & 4));
	interrupt_once(&device);
	do
		err = ioctl(device.fd, VFIO_DEVICE_RESET) ? errno : 0;
	while (err == EAGAIN);
	check(!err);
	interrupt_once(&device);
	device_close(&device);
}

/* Drive it in earnest, after the parent had it open. */
static void io(const char *address)
{
	struct client client;
	char *page = client_alloc(CLIENT_PAGE, 1);

	(void)address;
	check(!client_open(&client, 0, -1));
	client_start(&client);
	check(!client_map(&client, page, CLIENT_PAGE, 0x10000, true));
	check(!client_io(&client, CLIENT_READ, 0, 8, 0x10000));
	check(client_is_all(page, CLIENT_PAGE, 0));
	client_close(&client);
}

/* ---- the harness ------------------------------------------------------ */

static void *open_and_close(void *address)
{
	struct device device;

	for (int i = 0; i < 50; i++) {
		device_open(&device, address);
		interrupt_once(&device);
		device_close(&device);
	}
	return NULL;
}

static void in_parallel(const char *address)
{
	static char addresses[2][16] = { "0000:01:00.0", "0000:02:00.0" };
	pthread_t threads[2];

	(void)address;
	for (int i = 0; i < 2; i++)
		check(!pthread_create(&threads[i], NULL, open_and_close,
				      addresses[i]));
	for (int i = 0; i < 2; i++)
		check(!pthread_join(threads[i], NULL));
}

static pid_t wait_by_pidfd(pid_t pid, int *status)
{
	struct pollfd poll_fd = {
		.fd = (int)syscall(SYS_pidfd_open, pid, 0),
		.events = POLLIN,
	};
	pid_t waited;

	check(poll_fd.fd >= 0);
	check(poll(&poll_fd, 1, TIMEOUT_MS) == 1);
	waited = waitpid(pid, status, 0);
	close(poll_fd.fd);
	return waited;
}

/* The test is a grandchild; the one between passes its end on. */
static void run(void (*test)(const char *address), const char *address)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		pid = fork();
		if (!pid) {
			test(address);
			_exit(0);
		}
		check(wait_by_pidfd(pid, &status) == pid);
		_exit(status ? 1 : 0);
	}
	check(wait_by_pidfd(pid, &status) == pid);
	check(!status);
}

int main(void)
{
	static void (*const tests[])(const char *address) = {
		setup_binds_once, mapping_at_the_edges, mmio_is_no_memory,
		device_basics,	  in_parallel,		io,
	};
	struct device device;

	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
			run(tests[i], "0000:01:00.0");
		device_open(&device, "0000:01:00.0");
		device_close(&device);
	}
	return 0;
}
