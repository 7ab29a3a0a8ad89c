/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A framework for a model alone. Copies to program memory are atomic by the
 * word, as the test program polls it meanwhile.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "base/err.h"
#include "base/overflow.h"
#include "base/trace.h"
#include "harness/harness.h"
#include "fake_vfio.h"

#define BAR_LEN 0x4000u
#define N_VECTORS 65

struct vfio_device {
	char name[16];
};

struct vfio_pci_device {
	struct vfio_device common;
	const struct vfio_pci_ops *ops;
	struct vfio_pci_description description;
	void *priv;
	__u8 *bar;
	struct fake_options options;
	atomic_bool is_bus_master;
	atomic_bool is_armed;
	atomic_bool is_msi;
	atomic_bool intx;
	atomic_uint n_interrupts[N_VECTORS];
};

static __u8 *arena;
static void *broken_page;
static _Atomic __u64 fail_start;
static _Atomic __u64 fail_len;
static atomic_size_t piece_limit;
static atomic_uint n_broken;
static atomic_uint n_held;
static atomic_uint n_errors;
static __thread unsigned int burst_depth;

/* ---- memory ----------------------------------------------------------- */

void *fake_memory(iova_t iova)
{
	return arena + (iova - FAKE_IOVA);
}

static bool dma_is_refused(iova_t iova, size_t len)
{
	__u64 start = atomic_load(&fail_start);
	__u64 bad_len = atomic_load(&fail_len);

	if (iova < FAKE_IOVA || iova - FAKE_IOVA > FAKE_MEMORY_LEN ||
	    len > FAKE_MEMORY_LEN - (iova - FAKE_IOVA))
		return true;
	return bad_len && iova < start + bad_len && start < iova + len;
}

static bool device_is_refused(struct vfio_device *device)
{
	struct vfio_pci_device *fake =
		container_of(device, struct vfio_pci_device, common);

	return !atomic_load(&fake->is_bus_master);
}

int vfio_dma_read(struct vfio_device *device, iova_t iova, void *buf,
		  size_t len)
{
	const __u8 *from;
	__u8 *to = buf;
	__u64 word;

	if (device_is_refused(device) || dma_is_refused(iova, len))
		return -EIO;
	from = fake_memory(iova);
	for (; len >= 8 && is_aligned((uintptr_t)from, 8); len -= 8) {
		word = __atomic_load_n((const __u64 *)(const void *)from,
				       __ATOMIC_ACQUIRE);
		memcpy(to, &word, 8);
		from += 8;
		to += 8;
	}
	for (; len; len--)
		*to++ = __atomic_load_n(from++, __ATOMIC_ACQUIRE);
	return 0;
}

int vfio_dma_write(struct vfio_device *device, iova_t iova, const void *buf,
		   size_t len)
{
	const __u8 *from = buf;
	__u8 *to;
	__u64 word;

	if (device_is_refused(device) || dma_is_refused(iova, len))
		return -EIO;
	to = fake_memory(iova);
	for (; len >= 8 && is_aligned((uintptr_t)to, 8); len -= 8) {
		memcpy(&word, from, 8);
		__atomic_store_n((__u64 *)(void *)to, word, __ATOMIC_RELEASE);
		from += 8;
		to += 8;
	}
	for (; len; len--)
		__atomic_store_n(to++, *from++, __ATOMIC_RELEASE);
	return 0;
}

int vfio_dma_map(struct vfio_device *device, iova_t iova, size_t len,
		 bool is_write, struct iommu_dma_piece *piece)
{
	size_t limit = atomic_load(&piece_limit);
	unsigned int n = atomic_load(&n_broken);

	(void)is_write;
	/* What it may wait for must not wait for us. */
	assert_int_equal(burst_depth, 0);
	if (limit && len > limit)
		len = limit;
	if (device_is_refused(device) || dma_is_refused(iova, len))
		return -EIO;
	*piece = (struct iommu_dma_piece){
		.address = fake_memory(iova),
		.len = len,
	};
	if (n) {
		atomic_store(&n_broken, n - 1);
		piece->address = broken_page;
	}
	atomic_fetch_add(&n_held, 1);
	return 0;
}

void vfio_dma_unmap(struct iommu_dma_piece *piece)
{
	(void)piece;
	atomic_fetch_sub(&n_held, 1);
}

void vfio_dma_burst_begin(void)
{
	assert_int_equal(burst_depth++, 0);
}

void vfio_dma_burst_end(void)
{
	assert_int_equal(--burst_depth, 0);
}

void fake_fail_dma(iova_t start, __u64 len)
{
	atomic_store(&fail_start, start);
	atomic_store(&fail_len, len);
}

void fake_limit_pieces(size_t len)
{
	atomic_store(&piece_limit, len);
}

void fake_break_pieces(unsigned int n)
{
	atomic_store(&n_broken, n);
}

unsigned int fake_n_held(void)
{
	return atomic_load(&n_held);
}

/* ---- device ----------------------------------------------------------- */

static void count_error(const char *device, const char *what)
{
	(void)device;
	(void)what;
	atomic_fetch_add(&n_errors, 1);
}

static const struct trace_listener listener = {
	.device_error = count_error,
};

unsigned int fake_n_errors(void)
{
	return atomic_exchange(&n_errors, 0);
}

static void *map_pages(size_t len, int prot)
{
	void *map = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

struct vfio_pci_device *fake_create(const struct model *model, void *priv,
				    const struct vfio_pci_description *about,
				    const struct fake_options *options)
{
	struct vfio_pci_device *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	memcpy(fake->common.name, "0000:01:00.0", 13);
	fake->ops = model->ops;
	fake->description = *about;
	fake->priv = priv;
	fake->options = *options;
	fake->is_msi = true;
	fake->bar = map_pages(BAR_LEN, PROT_READ | PROT_WRITE);
	arena = map_pages(FAKE_MEMORY_LEN, PROT_READ | PROT_WRITE);
	broken_page = map_pages(4096, PROT_NONE);
	fake_fail_dma(0, 0);
	fake_limit_pieces(0);
	fake_break_pieces(0);
	fake_n_errors();
	trace_listen(&listener);
	return fake;
}

void fake_destroy(struct vfio_pci_device *fake)
{
	assert_int_equal(fake_n_held(), 0);
	fake->ops->destroy(fake->priv);
	trace_listen(NULL);
	munmap(fake->bar, BAR_LEN);
	munmap(arena, FAKE_MEMORY_LEN);
	munmap(broken_page, 4096);
	free(fake);
}

int fake_open(struct vfio_pci_device *fake)
{
	memset(fake->bar, 0, BAR_LEN);
	return fake->ops->open(fake, fake->priv);
}

void fake_close(struct vfio_pci_device *fake)
{
	fake->ops->close(fake, fake->priv);
	fake->is_bus_master = false;
	assert_int_equal(fake_n_held(), 0);
}

void fake_reset(struct vfio_pci_device *fake)
{
	fake->ops->reset(fake, fake->priv);
	assert_int_equal(fake_n_held(), 0);
}

void fake_set_bus_master(struct vfio_pci_device *fake, bool is_on)
{
	atomic_store(&fake->is_bus_master, is_on);
	fake->ops->enable_changed(fake);
}

__u32 fake_load32(struct vfio_pci_device *fake, __u32 offset)
{
	return (__u32)fake->ops->bar_load(fake, 0, offset, 4);
}

__u64 fake_load64(struct vfio_pci_device *fake, __u32 offset)
{
	return fake->ops->bar_load(fake, 0, offset, 8);
}

void fake_store32(struct vfio_pci_device *fake, __u32 offset, __u32 value)
{
	bool is_armed;

	if (offset < 0x1000 || offset >= 0x2000) {
		fake->ops->bar_store(fake, 0, offset, 4, value);
		return;
	}
	is_armed = atomic_exchange(&fake->is_armed, false);
	__atomic_store_n((__u32 *)(void *)(fake->bar + offset), value,
			 __ATOMIC_SEQ_CST);
	if (is_armed || atomic_load(&fake->is_armed) || fake->options.is_sync)
		fake->ops->doorbell(fake, 0);
}

void fake_store64(struct vfio_pci_device *fake, __u32 offset, __u64 value)
{
	fake->ops->bar_store(fake, 0, offset, 8, value);
}

void *vfio_pci_priv(const struct vfio_pci_device *device)
{
	return device->priv;
}

struct vfio_device *vfio_pci_to_device(struct vfio_pci_device *device)
{
	return &device->common;
}

void *vfio_pci_bar_memory(struct vfio_pci_device *device, unsigned int bar)
{
	assert_int_equal(bar, 0);
	return device->bar;
}

bool vfio_pci_bus_master(const struct vfio_pci_device *device)
{
	return atomic_load(&device->is_bus_master);
}

const char *vfio_device_name(const struct vfio_device *device)
{
	return device->name;
}

const struct vfio_pci_description *
vfio_pci_get_description(const struct vfio_pci_device *device)
{
	return &device->description;
}

bool vfio_pci_doorbell_arm(struct vfio_pci_device *device)
{
	if (device->options.cannot_arm)
		return false;
	atomic_store(&device->is_armed, true);
	return true;
}

void vfio_pci_doorbell_disarm(struct vfio_pci_device *device)
{
	atomic_store(&device->is_armed, false);
}

bool vfio_pci_is_synchronous(const struct vfio_pci_device *device)
{
	return device->options.is_sync;
}

/* ---- interrupts ------------------------------------------------------- */

bool vfio_pci_msi_active(const struct vfio_pci_device *device)
{
	return atomic_load(&device->is_msi);
}

void vfio_pci_msi_trigger(struct vfio_pci_device *device, unsigned int vector)
{
	assert_int_equal(burst_depth, 0);
	assert_in_range(vector, 0, N_VECTORS - 1);
	atomic_fetch_add(&device->n_interrupts[vector], 1);
}

void vfio_pci_intx_set(struct vfio_pci_device *device, bool is_asserted)
{
	atomic_store(&device->intx, is_asserted);
}

void fake_use_msi(struct vfio_pci_device *fake, bool is_on)
{
	atomic_store(&fake->is_msi, is_on);
}

unsigned int fake_n_interrupts(struct vfio_pci_device *fake,
			       unsigned int vector)
{
	return atomic_load(&fake->n_interrupts[vector]);
}

bool fake_intx(struct vfio_pci_device *fake)
{
	return atomic_load(&fake->intx);
}

bool fake_is_armed(struct vfio_pci_device *fake)
{
	return atomic_load(&fake->is_armed);
}
