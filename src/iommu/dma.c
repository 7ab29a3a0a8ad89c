/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA: the only way from a device to a program's memory.
 *
 * The fast path is one read section, one entry of the thread's IOTLB, one
 * copy. It takes no lock and writes no line that others write. Whatever it
 * cannot do, from the first use of a page to a refusal, the slow path does,
 * which goes through the index, map by map.
 *
 * Memory may be moved while a copy runs. A copy that falls short waits until
 * no move is under way and looks again from where it stopped; if not a byte
 * more can be copied then, the memory is gone.
 */
#include <errno.h>
#include <string.h>
#include "base/fault.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/uaccess.h"
#include "iommu/hold.h"
#include "iommu/iotlb.h"
#include "iommu/refusal.h"
#include "iommu/unit.h"

/* First DMA of a thread. Return: 0 or -ENOMEM. */
static no_inline int dma_thread_start(void)
{
	int err = rcu_thread_register();

	/* Without a table it works as well. */
	if (!err && !iotlb_self)
		iotlb_thread_start();
	return err;
}

static inline bool dma_thread_is_new(void)
{
	return unlikely(!rcu_self) || unlikely(!iotlb_self);
}

static no_inline int dma_refuse_thread(struct iommu_endpoint *endpoint)
{
	trace_device_error(endpoint->name,
			   "no memory for a thread's first DMA");
	return -EIO;
}

static size_t dma_copy(void *buf, uintptr_t address, size_t len, bool is_write)
{
	if (is_write)
		return copy_may_fault((void *)address, buf, len);
	return copy_may_fault(buf, (const void *)address, len);
}

/**
 * struct dma_target - what an IOVA leads to
 * @view: the address space used
 * @stamp: of the IOVA, from before the look-up
 * @map: what holds it
 * @piece: the memory
 */
struct dma_target {
	struct space_view *view;
	__u64 stamp;
	struct iommu_map *map;
	struct map_piece_at piece;
};

/* Return: 0, or -EIO and reported. Inside a deep section. */
static int dma_translate(const struct dma_access *access, iova_t iova,
			 unsigned int prot, struct dma_target *target)
{
	struct iommu_space *space = target->view->space;
	struct iommu_map *map;
	unsigned int has;

	target->stamp = view_stamp(target->view, iova);
	view_use(target->view, iova);
	map = index_find(&space->index, iova);
	if (!map)
		return dma_refuse_unmapped(access, target->view, iova);
	has = atomic_load_explicit(&map->prot, memory_order_relaxed);
	if (guard_holds(GUARD_DMA_PERMISSION) && (has & prot) != prot)
		return dma_refuse_map(access,
				      prot & ~has & IOMMU_WRITE
					      ? DMA_FAULT_READ_ONLY
					      : DMA_FAULT_WRITE_ONLY,
				      iova, map);
	space_piece_at(space, map, iova, &target->piece);
	if (!target->piece.address)
		return dma_refuse_map(access, DMA_FAULT_MEMORY_GONE, iova, map);
	target->map = map;
	return 0;
}

/* How much of @len bytes at @iova the piece holds. */
static size_t piece_clip(const struct map_piece_at *piece, iova_t iova,
			 size_t len)
{
	if (guard_holds(GUARD_DMA_BOUNDS) && len - 1 > piece->last - iova)
		return piece->last - iova + 1;
	return len;
}

static int dma_through_index(const struct dma_access *access,
			     struct space_view *view, char *buf)
{
	unsigned int prot = access->is_write ? IOMMU_WRITE : IOMMU_READ;
	struct dma_target target = { .view = view };
	iova_t iova = access->iova;
	size_t left = access->len;
	bool is_retry = false;

	while (left) {
		size_t n, n_short;
		int err;

		/* Beyond the last address there is none. */
		if (iova < access->iova)
			return dma_refuse_unmapped(access, view, iova);
		err = dma_translate(access, iova, prot, &target);
		if (err)
			return err;
		n = piece_clip(&target.piece, iova, left);
		n_short = dma_copy(buf, target.piece.address, n,
				   access->is_write);
		if (n_short == n && is_retry)
			return dma_refuse_map(access, DMA_FAULT_MEMORY_GONE,
					      iova, target.map);
		is_retry = n_short;
		if (is_retry)
			mm_settle();
		else
			iotlb_fill(target.stamp, iova, &target.piece,
				   guard_holds(GUARD_DMA_PERMISSION)
					   /* NOLINTNEXTLINE: not refused */
					   ? target.map->prot
					   : IOMMU_READ | IOMMU_WRITE);
		n -= n_short;
		iova += n;
		buf += n;
		left -= n;
	}
	return 0;
}

static bool endpoint_is_unchecked(struct iommu_endpoint *endpoint)
{
	if (endpoint->unit)
		return false;
	if (guard_holds(GUARD_BUS_MASTER) &&
	    !atomic_load(&endpoint->is_enabled))
		return false;
	if (!atomic_exchange(&endpoint->is_reported, true))
		trace_device_error(endpoint->name,
				   "no IOMMU: its DMA is not checked");
	return true;
}

static int dma_unchecked(const struct dma_access *access, void *buf)
{
	struct iommu_map all = { .last = UINT64_MAX };
	size_t left =
		dma_copy(buf, access->iova, access->len, access->is_write);

	if (!left)
		return 0;
	return dma_refuse_map(access, DMA_FAULT_MEMORY_GONE,
			      access->iova + (access->len - left), &all);
}

static no_inline int dma_slow(const struct dma_access *access,
			      struct space_view *view, void *buf)
{
	if (!access->len)
		return 0;
	rcu_read_deepen();
	/* No endpoint has a PASID that leads anywhere yet. */
	if (access->pasid != IOMMU_NO_PASID)
		return dma_refuse_closed(access);
	if (view)
		return dma_through_index(access, view, buf);
	if (endpoint_is_unchecked(access->endpoint))
		return dma_unchecked(access, buf);
	return dma_refuse_closed(access);
}

/* Inside a section. */
static always_inline int dma_in_section(struct iommu_endpoint *endpoint,
					__u32 pasid, iova_t iova, void *buf,
					size_t len, bool is_write)
{
	struct iotlb_entry *table = iotlb_self;
	struct space_view *view;
	uintptr_t address = 0;

	view = atomic_load_explicit(&endpoint->view, memory_order_acquire);
	if (likely(view && table && pasid == IOMMU_NO_PASID))
		address = iotlb_find(table, view, iova, len,
				     is_write ? IOMMU_WRITE : IOMMU_READ);
	if (unlikely(!address) ||
	    unlikely(dma_copy(buf, address, len, is_write))) {
		struct dma_access access = {
			.endpoint = endpoint,
			.pasid = pasid,
			.is_write = is_write,
			.iova = iova,
			.len = len,
		};

		return dma_slow(&access, view, buf);
	}
	return 0;
}

static always_inline int dma_access(struct iommu_endpoint *endpoint,
				    __u32 pasid, iova_t iova, void *buf,
				    size_t len, bool is_write)
{
	int err;

	/* In a burst: nothing is written but where the data goes. */
	if (rcu_read_is_held())
		return dma_in_section(endpoint, pasid, iova, buf, len,
				      is_write);
	if (dma_thread_is_new() && dma_thread_start())
		return dma_refuse_thread(endpoint);
	rcu_read_lock();
	err = dma_in_section(endpoint, pasid, iova, buf, len, is_write);
	rcu_read_unlock();
	return err;
}

int iommu_dma_read(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		   void *buf, size_t len)
{
	return dma_access(endpoint, pasid, iova, buf, len, false);
}

int iommu_dma_write(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		    const void *buf, size_t len)
{
	/* Only read from, in this direction. */
	return dma_access(endpoint, pasid, iova, (void *)(uintptr_t)buf, len,
			  true);
}

/* Bursts without a section, for want of memory: each DMA has its own then. */
static __thread unsigned int n_bursts_missed
	__attribute__((tls_model("initial-exec")));

void iommu_dma_burst_begin(void)
{
	if (dma_thread_is_new() && dma_thread_start())
		n_bursts_missed++;
	else
		rcu_read_lock();
}

void iommu_dma_burst_end(void)
{
	if (unlikely(n_bursts_missed))
		n_bursts_missed--;
	else
		rcu_read_unlock();
}

/* ---- DMA that outlives its section ------------------------------------ */

/* @view and @map are NULL where nothing is translated. */
static void piece_hold(struct iommu_dma_piece *piece,
		       struct iommu_endpoint *endpoint, struct space_view *view,
		       struct iommu_map *map)
{
	piece->endpoint = endpoint;
	hold_get(&endpoint->n_held[piece->phase]);
	if (!map)
		return;
	piece->map = map;
	hold_get(&map->n_holders);
	piece->space = view->space;
	piece->space_phase = atomic_load(&piece->space->phase);
	hold_get(&piece->space->n_held[piece->space_phase]);
}

static int dma_hold(const struct dma_access *access, struct space_view *view,
		    unsigned int prot, struct iommu_dma_piece *piece)
{
	struct dma_target target = { .view = view };
	int err;

	err = dma_translate(access, access->iova, prot, &target);
	if (err)
		return err;
	piece_hold(piece, access->endpoint, view, target.map);
	/* Taken out meanwhile: nobody need wait for what has not begun. */
	if (atomic_load(&target.map->flags) & MAP_IS_DEAD) {
		iommu_dma_unmap(piece);
		return dma_refuse_unmapped(access, view, access->iova);
	}
	piece->address = (void *)target.piece.address;
	piece->len = piece_clip(&target.piece, access->iova, access->len);
	return 0;
}

int iommu_dma_map(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		  size_t len, enum iommu_prot prot,
		  struct iommu_dma_piece *piece)
{
	struct dma_access access = {
		.endpoint = endpoint,
		.pasid = pasid,
		.is_write = prot & IOMMU_WRITE,
		.iova = iova,
		.len = len,
	};
	struct space_view *view;
	int err = 0;

	memset(piece, 0, sizeof(*piece));
	if (!len)
		return 0;
	if (dma_thread_is_new() && dma_thread_start())
		return dma_refuse_thread(endpoint);
	rcu_read_lock();
	rcu_read_deepen();
	/*
	 * The phase before the view: the view goes before the phase turns, so
	 * whoever still finds it counts where he who took it away waits.
	 */
	piece->phase = atomic_load(&endpoint->phase);
	view = atomic_load(&endpoint->view);
	if (view && pasid == IOMMU_NO_PASID) {
		err = dma_hold(&access, view, prot, piece);
	} else if (pasid == IOMMU_NO_PASID && endpoint_is_unchecked(endpoint)) {
		piece_hold(piece, endpoint, NULL, NULL);
		piece->address = (void *)iova;
		piece->len = len;
	} else {
		err = dma_refuse_closed(&access);
	}
	rcu_read_unlock();
	return err;
}

void iommu_dma_unmap(struct iommu_dma_piece *piece)
{
	if (!piece->endpoint)
		return;
	/* The endpoint keeps the map, and that the space. */
	if (piece->map) {
		hold_put(&piece->space->n_held[piece->space_phase]);
		hold_put(&piece->map->n_holders);
	}
	hold_put(&piece->endpoint->n_held[piece->phase]);
	piece->endpoint = NULL;
	piece->map = NULL;
	piece->space = NULL;
}

void iommu_after_fork_child(void)
{
	struct rcu_reader *self = rcu_self;

	if (self)
		rcu_forget_sections(self);
}
