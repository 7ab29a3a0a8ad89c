/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public library: a machine in a program of its own, without the preload
 * library. Thin: every call is one of the machine's or of a file's.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/uaccess.h"
#include "iommufd-user/iommufd.h"
#include "machine/machine.h"
#include "shim/mmio.h"

#define PUBLIC __attribute__((visibility("default")))

/**
 * struct iommufd_machine - the public handle
 * @machine: what it stands for
 */
struct iommufd_machine {
	struct machine *machine;
};

PUBLIC struct iommufd_machine *
iommufd_machine_create(const char *const *options, unsigned int n_options,
		       char *error, size_t error_len)
{
	struct iommufd_machine *handle = mem_alloc(sizeof(*handle));
	struct machine_error why = { "out of memory" };

	if (handle)
		handle->machine = machine_create(options, n_options, &why);
	if (!handle || !handle->machine) {
		if (error)
			snprintf(error, error_len, "%s", why.text);
		mem_free(handle);
		return NULL;
	}
	mmio_init();
	uaccess_install_handlers(mmio_fault);
	machine_start(handle->machine);
	return handle;
}

PUBLIC void iommufd_machine_destroy(struct iommufd_machine *machine)
{
	if (!machine)
		return;
	machine_destroy(machine->machine);
	mem_free(machine);
}

PUBLIC int iommufd_open(struct iommufd_machine *machine, const char *path,
			int flags)
{
	struct file *file = machine_open(machine->machine, path, flags);
	int fd;

	if (is_err(file))
		return ptr_err(file);
	fd = file_install(file, flags);
	if (fd < 0)
		file_put(file);
	return fd;
}

PUBLIC long iommufd_ioctl(int fd, unsigned int cmd, void *arg)
{
	struct file *file = file_from_fd(fd);
	long result;

	if (!file)
		return -EBADF;
	result = file_ioctl(file, cmd, arg);
	file_put(file);
	return result;
}

PUBLIC ssize_t iommufd_pread(int fd, void *buf, size_t count, off_t offset)
{
	struct file *file = file_from_fd(fd);
	ssize_t result;

	if (!file)
		return -EBADF;
	result = file_pread(file, buf, count, offset);
	file_put(file);
	return result;
}

PUBLIC ssize_t iommufd_pwrite(int fd, const void *buf, size_t count,
			      off_t offset)
{
	struct file *file = file_from_fd(fd);
	ssize_t result;

	if (!file)
		return -EBADF;
	result = file_pwrite(file, buf, count, offset);
	file_put(file);
	return result;
}

PUBLIC void *iommufd_mmap(int fd, void *addr, size_t len, int prot, int flags,
			  off_t offset)
{
	struct file_mmap request = {
		.addr = addr,
		.len = len,
		.prot = prot,
		.flags = flags,
		.offset = offset,
	};
	struct file *file = file_from_fd(fd);
	void *address;

	if (!file) {
		errno = EBADF;
		return MAP_FAILED;
	}
	address = file_mmap(file, &request);
	file_put(file);
	if (!is_err(address))
		return address;
	errno = -ptr_err(address);
	return MAP_FAILED;
}

PUBLIC int iommufd_munmap(void *addr, size_t len)
{
	int err = machine_memory_leaving(addr, len);

	if (err)
		return err;
	return munmap(addr, len) ? -errno : 0;
}

PUBLIC int iommufd_close(int fd)
{
	return file_uninstall(fd);
}
