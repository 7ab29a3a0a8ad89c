/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In the shape of VMMs on iommufd: the node is looked up by the numbers in
 * sysfs and checked by fstat(), the one vfio-dev entry is a directory, BARs
 * are sized by all ones, features are probed, INTx is unmasked by an eventfd,
 * and memory files are mapped, huge pages or not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define DEVICE "/sys/bus/pci/devices/0000:01:00.0"
#define TIMEOUT_MS 10000
#define HUGE_LEN (2ul << 20)

#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4u
#endif

static struct client client;

/* ---- finding it ------------------------------------------------------- */

/* The one entry of the directory. */
static void only_entry(const char *path, char name[256])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;

	check(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		strcpy(name, entry->d_name);
		n++;
		check(entry->d_type == DT_DIR);
	}
	closedir(dir);
	check(n == 1);
}

static void test_lookup(void)
{
	char name[256], path[600], link[256];
	unsigned int group, nr_major, nr_minor;
	struct stat st;
	FILE *file;
	ssize_t n;
	int fd;

	check(!stat(DEVICE, &st) && S_ISDIR(st.st_mode));
	only_entry(DEVICE "/vfio-dev", name);
	snprintf(path, sizeof(path), DEVICE "/vfio-dev/%s/dev", name);
	file = fopen(path, "r");
	check(file && fscanf(file, "%u:%u", &nr_major, &nr_minor) == 2);
	fclose(file);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	fd = open(path, O_RDWR);
	check(fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode));
	check(st.st_rdev == makedev(nr_major, nr_minor));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, link, sizeof(link));
	check(n == (ssize_t)strlen(path) && !memcmp(link, path, (size_t)n));
	close(fd);
	n = readlink(DEVICE "/iommu_group", link, sizeof(link) - 1);
	check(n > 0);
	link[n] = '\0';
	check(sscanf(strrchr(link, '/'), "/%u", &group) == 1);
	n = readlink(DEVICE "/driver", link, sizeof(link) - 1);
	check(n > 8 && !memcmp(link + n - 8, "vfio-pci", 8));
}

/* ---- configuration ---------------------------------------------------- */

static uint32_t config_read(unsigned int at)
{
	uint32_t value;

	check(pread(client.device, &value, 4, (off_t)(client.config + at)) ==
	      4);
	return value;
}

static void config_write(unsigned int at, uint32_t value)
{
	check(pwrite(client.device, &value, 4, (off_t)(client.config + at)) ==
	      4);
}

/* A BAR of 16 KiB and 64 bits answers all ones by its length and kind. */
static void test_sizing(void)
{
	uint32_t low = config_read(0x10), high = config_read(0x14);
	uint32_t low_mask, high_mask;

	config_write(0x10, UINT32_MAX);
	config_write(0x14, UINT32_MAX);
	low_mask = config_read(0x10);
	high_mask = config_read(0x14);
	config_write(0x10, low);
	config_write(0x14, high);
	check((low_mask & 0xf) == (low & 0xf) && (low & 6) == 4);
	check(-(((uint64_t)high_mask << 32) | (low_mask & ~0xfu)) ==
	      client.bar_len);
	check(config_read(0x10) == low && config_read(0x14) == high);
	config_write(0x18, UINT32_MAX);
	check(!config_read(0x18)); /* no such BAR */
	config_write(0x00, 0);
	check(config_read(0x00) != 0);
}

static int feature(uint32_t flags, size_t payload_len)
{
	uint64_t space[8] = { 0 };
	struct vfio_device_feature *request = (void *)space;

	request->argsz = (uint32_t)(sizeof(*request) + payload_len);
	request->flags = flags;
	return ioctl(client.device, VFIO_DEVICE_FEATURE, request) ? -errno : 0;
}

static void test_probes(void)
{
	uint64_t space[32] = { 0 };
	struct vfio_pci_hot_reset_info *reset = (void *)space;
	struct iommu_hw_info hw = { .size = sizeof(hw),
				    .dev_id = client.device_id };

	check(feature(VFIO_DEVICE_FEATURE_MIGRATION | VFIO_DEVICE_FEATURE_GET,
		      8) == -ENOTTY);
	check(feature(VFIO_DEVICE_FEATURE_PCI_VF_TOKEN |
			      VFIO_DEVICE_FEATURE_PROBE |
			      VFIO_DEVICE_FEATURE_SET,
		      16) == -ENOTTY);
	check(feature(VFIO_DEVICE_FEATURE_DMA_LOGGING_START |
			      VFIO_DEVICE_FEATURE_PROBE |
			      VFIO_DEVICE_FEATURE_SET,
		      24) == -ENOTTY);
	check(feature(0xffff | VFIO_DEVICE_FEATURE_GET, 8) == -ENOTTY);
	check(feature(1u << 20, 8) == -EINVAL);
	reset->argsz = sizeof(*reset);
	check(ioctl(client.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, reset));
	check(errno == ENOSPC && reset->count == 1);
	reset->argsz = sizeof(*reset) + 8;
	check(!ioctl(client.device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, reset));
	check(reset->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID);
	check(!ioctl(client.iommufd, IOMMU_GET_HW_INFO, &hw));
}

/* ---- interrupts ------------------------------------------------------- */

static int set_irqs(uint32_t index, uint32_t action, uint32_t start,
		    uint32_t count, const int *fds)
{
	uint32_t space[5 + 16];
	struct vfio_irq_set *set = (struct vfio_irq_set *)space;

	*set = (struct vfio_irq_set){
		.argsz = (uint32_t)(20 + (fds ? 4 * count : 0)),
		.flags = action | (fds ? VFIO_IRQ_SET_DATA_EVENTFD
				       : VFIO_IRQ_SET_DATA_NONE),
		.index = index,
		.start = start,
		.count = count,
	};
	if (fds)
		memcpy(&space[5], fds, 4 * count);
	return ioctl(client.device, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
}

/* Return: whether the eventfd fired before the time was up. */
static bool wait_event(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t count;

	if (poll(&poll_fd, 1, timeout_ms) != 1)
		return false;
	check(read(fd, &count, 8) == 8 && count);
	return true;
}

/* Level triggered: after each event masked, until the program unmasks. */
static void test_intx(void)
{
	int trigger = eventfd(0, EFD_NONBLOCK);
	int unmask = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;

	check(!set_irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			1, &trigger));
	check(!set_irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_UNMASK, 0,
			1, &unmask));
	check(set_irqs(VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
		       1, &trigger) == -EINVAL);
	client_start(&client); /* two completions on the admin queue */
	check(wait_event(trigger, TIMEOUT_MS));
	for (int i = 0; i < 3; i++) {
		check(!set_irqs(VFIO_PCI_INTX_IRQ_INDEX,
				VFIO_IRQ_SET_ACTION_TRIGGER, 0, 1, NULL));
		wait_event(trigger, 0);
		check(write(unmask, &one, 8) == 8);
	}
	check(!set_irqs(VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			0, NULL));
	close(trigger);
	close(unmask);
}

/* An event loop: eventfds in an epoll set, before they are connected. */
static void test_msix_epoll(void)
{
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	int fds[3];
	uint64_t count;

	for (int i = 0; i < 3; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		event.data.u32 = (uint32_t)i;
		check(!epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event));
	}
	event.data.u32 = 9;
	check(epoll_ctl(set, EPOLL_CTL_ADD, client.iommufd, &event));
	check(errno == EPERM);
	check(!set_irqs(VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			3, fds));
	for (uint32_t i = 0; i < 3; i++) {
		check(!set_irqs(VFIO_PCI_MSIX_IRQ_INDEX,
				VFIO_IRQ_SET_ACTION_TRIGGER, i, 1, NULL));
		check(epoll_wait(set, &event, 1, TIMEOUT_MS) == 1);
		check(event.data.u32 == i && read(fds[i], &count, 8) == 8);
	}
	client_start(&client);
	check(epoll_wait(set, &event, 1, TIMEOUT_MS) == 1);
	check(event.data.u32 == 0);
	/* Closed by the program, still the device's: nothing breaks. */
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	client_start(&client);
	check(!set_irqs(VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_SET_ACTION_TRIGGER, 0,
			0, NULL));
	close(set);
}

/* ---- memory files ----------------------------------------------------- */

static void check_io(uint64_t iova, const uint8_t *bytes)
{
	check(!client_io(&client, CLIENT_READ, 0, 8, iova));
	check(client_is_all(bytes, CLIENT_PAGE, 0));
}

static void test_map_file(unsigned int flags, size_t len)
{
	int fd = (int)syscall(SYS_memfd_create, "dma", flags);
	struct iommu_ioas_map_file map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = client.ioas,
		.fd = fd,
		.length = len,
	};
	uint8_t *bytes;

	check(fd >= 0 && !ftruncate(fd, (off_t)len));
	bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(bytes != MAP_FAILED);
	(void)!mlock(bytes, len);
	memset(bytes, 1, len);
	check(!ioctl(client.iommufd, IOMMU_IOAS_MAP_FILE, &map));
	check_io(map.iova, bytes);
	check_io(map.iova + len - CLIENT_PAGE, bytes + len - CLIENT_PAGE);
	close(fd);
	memset(bytes, 1, CLIENT_PAGE);
	check_io(map.iova, bytes);
	munmap(bytes, len);
	check(!client_io(&client, CLIENT_READ, 0, 8, map.iova));
	check(!client_unmap(&client, map.iova, len));
}

int main(void)
{
	test_lookup();
	check(!client_open(&client, 0, -1));
	test_sizing();
	test_probes();
	test_intx();
	test_msix_epoll();
	client_start(&client);
	test_map_file(0, HUGE_LEN);
	test_map_file(MFD_HUGETLB, HUGE_LEN);
	test_map_file(MFD_HUGETLB | 21u << 26, HUGE_LEN);
	client_close(&client);
	return 0;
}
