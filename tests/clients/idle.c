/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device costs that has nothing to do: no thread before it is enabled,
 * no processor time once it is idle, and little memory.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define IOVA 0x10000ull

static unsigned int n_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned int n = 0;

	check(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static long cpu_us(void)
{
	struct rusage usage;

	check(!getrusage(RUSAGE_SELF, &usage));
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static long resident_kib(void)
{
	struct rusage usage;

	check(!getrusage(RUSAGE_SELF, &usage));
	return usage.ru_maxrss;
}

static void bind_only(void)
{
	int iommufd = open("/dev/iommu", O_RDWR);
	int device = open("/dev/vfio/devices/vfio0", O_RDWR);
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommufd,
	};

	check(!ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind));
	check(n_threads() == 1);
	close(device);
	close(iommufd);
}

int main(void)
{
	struct client client;
	long before;

	before = resident_kib();
	bind_only();
	check(!client_open(&client, 0, -1));
	client_start(&client);
	check(!client_map(&client, client_alloc(CLIENT_PAGE, 0), CLIENT_PAGE,
			  IOVA, true));
	for (int i = 0; i < 1000; i++)
		check(!client_io(&client, CLIENT_READ, 0, 8, IOVA));
	check(resident_kib() < before + 4096);
	usleep(100000);
	before = cpu_us();
	sleep(2);
	check(cpu_us() - before <= 4000); /* 20 ms in 10 s */
	client_close(&client);
	check(n_threads() == 1);
	return 0;
}
