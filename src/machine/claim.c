/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One process at a time has a device.
 *
 * All processes of a run share the run directory. A bound device is a record
 * lock (fcntl) on a file there: it belongs to the process, not to the open
 * file, so it goes however the process ends, and no fork hands it on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "base/file.h"
#include "machine/internal.h"

static int device_claim_take(void *arg)
{
	struct machine_device *device = arg;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[512];
	int fd;

	if (!device->machine->run_dir)
		return 0;
	snprintf(path, sizeof(path), "%s/claim.%u", device->machine->run_dir,
		 device->index);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* First its number: a close of any other would end the lock. */
	fd = fd_claim(fd);
	if (fd < 0)
		return fd;
	if (fcntl(fd, F_SETLK, &lock)) {
		fd_release(fd);
		return -EBUSY;
	}
	device->claim_fd = fd;
	return 0;
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
