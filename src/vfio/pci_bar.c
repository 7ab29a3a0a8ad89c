/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Access to BARs: by pread and pwrite, and by loads and stores that trapped.
 *
 * Each is cut into naturally aligned pieces of at most 8 bytes. A piece of a
 * MEMORY area is memory; any other piece is the model's. A doorbell is both:
 * the model finds it in memory, and is woken.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/uaccess.h"
#include "vfio/pci_device.h"

/* ---- backing memory --------------------------------------------------- */

static int bar_open(struct vfio_pci_device *pci, unsigned int index)
{
	struct pci_bar_backing *bar = &pci->bars[index];
	size_t len = pci->description.bars[index].len;
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "vfio-bar%u", index);
	fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	fd = fd_claim(fd);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)len))
		goto err_release_fd;
	bar->memory =
		mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar->memory == MAP_FAILED)
		goto err_release_fd;
	bar->fd = fd;
	return 0;

err_release_fd:
	bar->memory = NULL;
	fd_release(fd);
	return -ENOMEM;
}

static void bar_close(struct vfio_pci_device *pci, unsigned int index)
{
	struct pci_bar_backing *bar = &pci->bars[index];

	if (bar->fd < 0)
		return; /* absent */
	munmap(bar->memory, pci->description.bars[index].len);
	fd_release(bar->fd);
	bar->memory = NULL;
	bar->fd = -1;
}

void pci_bars_close(struct vfio_pci_device *pci)
{
	for (unsigned int i = 0; i < VFIO_PCI_N_BARS; i++)
		bar_close(pci, i);
}

int pci_bars_open(struct vfio_pci_device *pci)
{
	unsigned int i;
	int err;

	for (i = 0; i < VFIO_PCI_N_BARS; i++) {
		if (!pci->description.bars[i].len)
			continue;
		err = bar_open(pci, i);
		if (err)
			goto err_close;
	}
	return 0;

err_close:
	while (i--)
		bar_close(pci, i);
	return err;
}

void *vfio_pci_bar_memory(struct vfio_pci_device *device, unsigned int bar)
{
	return device->bars[bar].memory;
}

/* ---- one access ------------------------------------------------------- */

const struct vfio_pci_area *pci_bar_area(const struct vfio_pci_device *pci,
					 unsigned int bar, __u64 offset)
{
	const struct vfio_pci_bar *described = &pci->description.bars[bar];
	const struct vfio_pci_area *area = described->areas;
	const struct vfio_pci_area *last = area + described->n_areas - 1;

	while (area < last && offset >= (__u64)area->offset + area->len)
		area++;
	return area;
}

/*
 * The program may make the same access at the same time, and the model reads
 * what is stored: so each is one access of the processor.
 */
static __u64 memory_load(const void *at, unsigned int width)
{
	switch (width) {
	case 1:
		return __atomic_load_n((const __u8 *)at, __ATOMIC_ACQUIRE);
	case 2:
		return __atomic_load_n((const __u16 *)at, __ATOMIC_ACQUIRE);
	case 4:
		return __atomic_load_n((const __u32 *)at, __ATOMIC_ACQUIRE);
	default:
		return __atomic_load_n((const __u64 *)at, __ATOMIC_ACQUIRE);
	}
}

static void memory_store(void *at, unsigned int width, __u64 value)
{
	switch (width) {
	case 1:
		__atomic_store_n((__u8 *)at, (__u8)value, __ATOMIC_RELEASE);
		break;
	case 2:
		__atomic_store_n((__u16 *)at, (__u16)value, __ATOMIC_RELEASE);
		break;
	case 4:
		__atomic_store_n((__u32 *)at, (__u32)value, __ATOMIC_RELEASE);
		break;
	default:
		__atomic_store_n((__u64 *)at, value, __ATOMIC_RELEASE);
		break;
	}
}

__u64 pci_bar_load(struct vfio_pci_device *pci, unsigned int bar, __u64 offset,
		   unsigned int width)
{
	const struct vfio_pci_area *area = pci_bar_area(pci, bar, offset);

	if (area->kind == VFIO_PCI_AREA_MEMORY)
		return memory_load((char *)pci->bars[bar].memory + offset,
				   width);
	return pci->ops->bar_load(pci, bar, offset, width);
}

void pci_bar_store(struct vfio_pci_device *pci, unsigned int bar, __u64 offset,
		   unsigned int width, __u64 value)
{
	const struct vfio_pci_area *area = pci_bar_area(pci, bar, offset);

	if (area->kind == VFIO_PCI_AREA_MEMORY ||
	    area->kind == VFIO_PCI_AREA_DOORBELL)
		memory_store((char *)pci->bars[bar].memory + offset, width,
			     value);
	if (area->kind != VFIO_PCI_AREA_MEMORY)
		pci->ops->bar_store(pci, bar, offset, width, value);
	if (area->kind == VFIO_PCI_AREA_DOORBELL)
		pci->ops->doorbell(pci, bar);
}

/* ---- pread, pwrite ---------------------------------------------------- */

/**
 * struct bar_access - a read or a write that goes on
 * @pci: the function
 * @bar: which BAR
 * @offset: of the next byte
 * @count: bytes left
 * @hole_start: first byte that is not the program's: the MSI-X table
 * @hole_end: behind its last byte
 */
struct bar_access {
	struct vfio_pci_device *pci;
	unsigned int bar;
	__u64 offset;
	size_t count;
	__u64 hole_start;
	__u64 hole_end;
};

static __u64 msix_table_end(const struct vfio_pci_description *description)
{
	return description->msix_table_offset +
	       (__u64)description->n_msix * PCI_MSIX_ENTRY_LEN;
}

bool pci_bar_meets_msix_table(const struct vfio_pci_device *pci,
			      unsigned int bar, __u64 offset, __u64 len)
{
	const struct vfio_pci_description *description = &pci->description;

	return description->n_msix && bar == description->msix_bar &&
	       offset < msix_table_end(description) &&
	       offset + len > description->msix_table_offset;
}

static void access_init(struct bar_access *access, struct vfio_pci_device *pci,
			unsigned int bar, __u64 offset, size_t count)
{
	const struct vfio_pci_description *description = &pci->description;
	__u64 left = description->bars[bar].len - offset;

	access->pci = pci;
	access->bar = bar;
	access->offset = offset;
	access->count = count < left ? count : left;
	access->hole_start = 0;
	access->hole_end = 0;
	if (description->n_msix && bar == description->msix_bar) {
		access->hole_start = description->msix_table_offset;
		access->hole_end = msix_table_end(description);
	}
}

/* Return: bytes of the next piece that lie in the hole, or 0. */
static size_t access_in_hole(const struct bar_access *access)
{
	__u64 left;

	if (access->offset < access->hole_start ||
	    access->offset >= access->hole_end)
		return 0;
	left = access->hole_end - access->offset;
	return access->count < left ? access->count : left;
}

/* Return: the widest aligned piece that ends before the hole begins. */
static unsigned int access_width(const struct bar_access *access)
{
	__u64 count = access->count;
	unsigned int width = 8;

	if (access->offset < access->hole_start &&
	    count > access->hole_start - access->offset)
		count = access->hole_start - access->offset;
	while (width > count || access->offset & (width - 1))
		width /= 2;
	return width;
}

static int fill_user(char *buf, size_t len)
{
	char ones[64];
	size_t some;

	memset(ones, 0xff, sizeof(ones));
	for (; len; len -= some, buf = user_at(buf, some)) {
		some = len < sizeof(ones) ? len : sizeof(ones);
		if (copy_to_user(buf, ones, some))
			return -EFAULT;
	}
	return 0;
}

static ssize_t read_piece(struct bar_access *access, char *buf)
{
	size_t hole = access_in_hole(access);
	unsigned int width;
	__u64 value;

	if (hole)
		return fill_user(buf, hole) ? -EFAULT : (ssize_t)hole;
	if (!vfio_pci_memory_enabled(access->pci))
		return -EIO;
	width = access_width(access);
	value = pci_bar_load(access->pci, access->bar, access->offset, width);
	return copy_to_user(buf, &value, width) ? -EFAULT : (ssize_t)width;
}

static ssize_t write_piece(struct bar_access *access, const char *buf)
{
	size_t hole = access_in_hole(access);
	unsigned int width;
	__u64 value = 0;

	if (hole)
		return (ssize_t)hole;
	width = access_width(access);
	if (copy_from_user(&value, buf, width))
		return -EFAULT;
	if (!vfio_pci_memory_enabled(access->pci))
		return -EIO;
	pci_bar_store(access->pci, access->bar, access->offset, width, value);
	return (ssize_t)width;
}

ssize_t pci_bar_read(struct vfio_pci_device *pci, unsigned int bar, char *buf,
		     size_t count, __u64 offset)
{
	struct bar_access access;
	ssize_t piece;
	size_t done;

	if (offset >= pci->description.bars[bar].len)
		return -EINVAL;
	access_init(&access, pci, bar, offset, count);
	for (done = 0; access.count; done += (size_t)piece) {
		piece = read_piece(&access, user_at(buf, done));
		if (piece < 0)
			return piece;
		access.offset += (size_t)piece;
		access.count -= (size_t)piece;
	}
	return (ssize_t)done;
}

ssize_t pci_bar_write(struct vfio_pci_device *pci, unsigned int bar,
		      const char *buf, size_t count, __u64 offset)
{
	struct bar_access access;
	ssize_t piece;
	size_t done;

	if (offset >= pci->description.bars[bar].len)
		return -EINVAL;
	access_init(&access, pci, bar, offset, count);
	for (done = 0; access.count; done += (size_t)piece) {
		piece = write_piece(&access, user_at(buf, done));
		if (piece < 0)
			return piece;
		access.offset += (size_t)piece;
		access.count -= (size_t)piece;
	}
	return (ssize_t)done;
}
