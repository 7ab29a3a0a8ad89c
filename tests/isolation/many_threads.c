/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hundred threads on one context and one device: every call ends, with 0 or
 * an errno that Linux gives, the controller works on meanwhile, and nothing is
 * left in the end.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include "harness/nvme_client.h"

#define N_THREADS 100u
#define N_ROUNDS 200u
#define SHARED_IOVA 0x10000000ull
#define IOVA 0x200000ull

static struct client client;
static uint8_t *shared;
static uint32_t shared_ioas;
static _Atomic bool is_over;

static void expect(int result, int first, int second)
{
	check(!result || errno == first || errno == second);
}

/* A space of its own, from start to end. */
static void own_space(uint8_t *page)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (uintptr_t)page,
		.length = CLIENT_PAGE,
	};
	struct iommu_destroy destroy = { .size = sizeof(destroy) };

	check(!ioctl(client.iommufd, IOMMU_IOAS_ALLOC, &alloc));
	map.ioas_id = alloc.out_ioas_id;
	check(!ioctl(client.iommufd, IOMMU_IOAS_MAP, &map));
	destroy.id = alloc.out_ioas_id;
	/* Whoever copies from it at this moment keeps it busy. */
	while (ioctl(client.iommufd, IOMMU_DESTROY, &destroy))
		check(errno == EBUSY);
}

/* Everyone maps and unmaps the same few pages of one space. */
static void shared_space(unsigned int *random)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = shared_ioas,
		.user_va = (uintptr_t)shared,
		.length = CLIENT_PAGE,
		.iova = SHARED_IOVA + rand_r(random) % 8 * CLIENT_PAGE,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = shared_ioas,
		.iova = SHARED_IOVA + rand_r(random) % 8 * CLIENT_PAGE,
		.length = CLIENT_PAGE,
	};

	expect(ioctl(client.iommufd, IOMMU_IOAS_MAP, &map), EEXIST, EEXIST);
	expect(ioctl(client.iommufd, IOMMU_IOAS_UNMAP, &unmap), ENOENT, ENOENT);
}

/* The device is attached; numbers of others are no objects or busy ones. */
static void device(unsigned int *random)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = client.iommufd,
	};
	struct iommu_destroy destroy = {
		.size = sizeof(destroy),
		.id = rand_r(random) % 2 ? client.device_id : 0x7fffffff,
	};

	check(!ioctl(client.device, VFIO_DEVICE_GET_INFO, &info));
	check(ioctl(client.device, VFIO_DEVICE_BIND_IOMMUFD, &bind) &&
	      errno == EINVAL);
	check(ioctl(client.iommufd, IOMMU_DESTROY, &destroy) &&
	      (errno == EBUSY || errno == ENOENT));
}

static void *worker(void *arg)
{
	unsigned int random = (unsigned int)(uintptr_t)arg;
	uint8_t *page = client_alloc(CLIENT_PAGE, 0);
	unsigned int i;

	for (i = 0; i < N_ROUNDS; i++) {
		own_space(page);
		shared_space(&random);
		device(&random);
	}
	return NULL;
}

/* The controller reads and writes on. */
static void *driver(void *arg)
{
	uint8_t *page = client_alloc(CLIENT_PAGE, 'x');
	unsigned int status;

	(void)arg;
	check(!client_map(&client, page, CLIENT_PAGE, IOVA, true));
	while (!is_over) {
		check(!client_io(&client, CLIENT_WRITE, 0, 8, IOVA));
		check(!client_io(&client, CLIENT_READ, 0, 8, IOVA));
		status = client_io(&client, CLIENT_READ, 0, 8, SHARED_IOVA);
		check(!status || status == CLIENT_DATA_TRANSFER_ERROR);
	}
	check(!client_unmap(&client, IOVA, CLIENT_PAGE));
	return NULL;
}

int main(void)
{
	pthread_t threads[N_THREADS];
	pthread_t driver_thread;
	struct iommu_ioas_unmap all = {
		.size = sizeof(all),
		.length = UINT64_MAX,
	};
	uintptr_t i;

	check(!client_open(&client, 0, -1));
	client_start(&client);
	shared = client_alloc(CLIENT_PAGE, 0);
	shared_ioas = client.ioas;
	check(!pthread_create(&driver_thread, NULL, driver, NULL));
	for (i = 0; i < N_THREADS; i++)
		check(!pthread_create(&threads[i], NULL, worker, (void *)i));
	for (i = 0; i < N_THREADS; i++)
		check(!pthread_join(threads[i], NULL));
	is_over = true;
	check(!pthread_join(driver_thread, NULL));
	all.ioas_id = client.ioas;
	check(!ioctl(client.iommufd, IOMMU_IOAS_UNMAP, &all));
	client_close(&client);
	return 0;
}
