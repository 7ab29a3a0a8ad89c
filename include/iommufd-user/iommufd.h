/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommufd-user in a program of your own: a machine with an IOMMU and devices,
 * whose files are used by the same calls as Linux's, without the preload
 * library and without system calls.
 *
 * All functions return 0 or more, or a negative errno.
 */
#ifndef IOMMUFD_USER_IOMMUFD_H
#define IOMMUFD_USER_IOMMUFD_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iommufd_machine;

/**
 * iommufd_machine_create() - make a machine
 * @options: as the command line of "iommufd-user run": "-d nvme,size=1G",
 *	"--iommu=vtd"; copied
 * @n_options: their number
 * @error: receives one line when the options are refused; may be NULL
 * @error_len: bytes of @error
 *
 * Context: one machine at a time in a process; any thread.
 * Return: the machine, or NULL.
 */
struct iommufd_machine *iommufd_machine_create(const char *const *options,
					       unsigned int n_options,
					       char *error, size_t error_len);

/**
 * iommufd_machine_destroy() - the end of a machine
 * @machine: all its files are closed; NULL is allowed
 *
 * Context: no other thread uses the machine.
 */
void iommufd_machine_destroy(struct iommufd_machine *machine);

/**
 * iommufd_open() - open a node of the machine
 * @machine: which
 * @path: "/dev/iommu", "/dev/vfio/devices/vfio0"
 * @flags: as open(2)
 *
 * The number is the library's, no descriptor of the system, and what
 * VFIO_DEVICE_BIND_IOMMUFD and its like take.
 *
 * Context: any thread. Return: a number, or -ENOENT, -ENOMEM, -EMFILE.
 */
int iommufd_open(struct iommufd_machine *machine, const char *path, int flags);

/**
 * iommufd_ioctl() - ioctl(2) on a number of iommufd_open()
 * @fd: the number
 * @cmd: IOMMU_IOAS_MAP, VFIO_DEVICE_GET_INFO, ...
 * @arg: as Linux's; never trusted
 *
 * Context: any thread. Return: 0 or more, or -errno.
 */
long iommufd_ioctl(int fd, unsigned int cmd, void *arg);

/**
 * iommufd_pread() - pread(2) on a number of iommufd_open()
 * @fd: the number
 * @buf: where to
 * @count: bytes
 * @offset: from VFIO_DEVICE_GET_REGION_INFO
 *
 * Context: any thread. Return: bytes or -errno.
 */
ssize_t iommufd_pread(int fd, void *buf, size_t count, off_t offset);

/**
 * iommufd_pwrite() - pwrite(2) on a number of iommufd_open()
 * @fd: the number
 * @buf: where from
 * @count: bytes
 * @offset: from VFIO_DEVICE_GET_REGION_INFO
 *
 * Context: any thread. Return: bytes or -errno.
 */
ssize_t iommufd_pwrite(int fd, const void *buf, size_t count, off_t offset);

/**
 * iommufd_mmap() - mmap(2) of a region of a device
 * @fd: number of a device
 * @addr: hint, or place with MAP_FIXED
 * @len: bytes
 * @prot: PROT_READ, PROT_WRITE
 * @flags: MAP_SHARED, MAP_FIXED
 * @offset: from VFIO_DEVICE_GET_REGION_INFO
 *
 * Pages that trap need the library's handler of SIGSEGV, which is installed
 * by the first such mapping. Undone by iommufd_munmap().
 *
 * Context: any thread. Return: the address, or MAP_FAILED with errno set.
 */
void *iommufd_mmap(int fd, void *addr, size_t len, int prot, int flags,
		   off_t offset);

/**
 * iommufd_munmap() - unmap memory of a device, or memory mapped for DMA
 * @addr: its first byte, at the start of a page
 * @len: bytes
 *
 * A program without the preload library tells the library so when memory that
 * devices may use goes away.
 *
 * Context: any thread. Return: 0 or -errno.
 */
int iommufd_munmap(void *addr, size_t len);

/**
 * iommufd_close() - close a number
 * @fd: of iommufd_open()
 *
 * Context: any thread; no call on the number is under way.
 * Return: 0 or -EBADF.
 */
int iommufd_close(int fd);

#ifdef __cplusplus
}
#endif

#endif /* IOMMUFD_USER_IOMMUFD_H */
