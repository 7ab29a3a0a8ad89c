/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One process at a time has a device.
 *
 * All processes of a run share the run directory. A bound device is an
 * advisory lock (flock) on a file there: it goes with the process, however
 * that ends, and a fork does not double it, since the child closes its copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/file.h"
#include "machine/internal.h"

static int device_claim_take(void *arg)
{
	struct machine_device *device = arg;
	char path[512];
	int fd;

	if (!device->machine->run_dir)
		return 0;
	snprintf(path, sizeof(path), "%s/claim.%u", device->machine->run_dir,
		 device->index);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -EBUSY;
	}
	device->claim_fd = fd_claim(fd);
	return device->claim_fd < 0 ? device->claim_fd : 0;
}

static void device_claim_drop(void *arg)
{
	struct machine_device *device = arg;

	fd_release(device->claim_fd);
	device->claim_fd = -1;
}

void device_set_claim(struct machine_device *device)
{
	struct vfio_device_claim claim = {
		.take = device_claim_take,
		.drop = device_claim_drop,
		.arg = device,
	};

	vfio_device_set_claim(vfio_pci_to_device(device->pci), &claim);
}
