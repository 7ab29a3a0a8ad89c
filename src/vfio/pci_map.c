/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mappings of BARs in the program, and the doorbells.
 *
 * A mapping shares the backing memory of the BAR; what it may do to each area
 * is a matter of protection, and what it may not do traps. A mapping holds the
 * file that made it, so the device stays open until it is gone.
 *
 * Protections are set from two sides: by threads that hold the lock of the
 * list (arm, disarm, memory decoding), and by a fault handler, which holds
 * nothing. Two rules make that safe without a lock in the handler:
 *
 * - a handler that made a doorbell writable wakes the model afterwards. So an
 *   arm that it undid by coming late is followed by a wake, and the model
 *   looks at the doorbells and arms again.
 * - a handler that gave access looks at memory decoding once more, and takes
 *   the access back if it went off meanwhile. If that was late in turn, the
 *   next access traps and is given what it should have.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/err.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/trace.h"
#include "base/trap.h"
#include "vfio/pci_device.h"

#define PAGE_LEN 4096u

/**
 * struct pci_map - one mapping, or what is left of one
 * @link: in pci->maps.list
 * @range: where it is; @range.offset is in the BAR
 * @pci: the function
 * @file: held
 * @bar: which BAR
 * @prot: what the program asked for; it never gets more
 *
 * Does not change while it is in the list.
 */
struct pci_map {
	struct list_head link;
	struct trap_range range;
	struct vfio_pci_device *pci;
	struct file *file;
	unsigned int bar;
	int prot;
};

static atomic_bool offers_trapping = true;

void vfio_offer_no_trapping_mmap(void)
{
	atomic_store(&offers_trapping, false);
}

bool pci_map_area_is_offered(const struct vfio_pci_area *area)
{
	return area->kind == VFIO_PCI_AREA_MEMORY ||
	       atomic_load(&offers_trapping);
}

bool pci_map_is_offered(const struct vfio_pci_device *pci, unsigned int bar)
{
	const struct vfio_pci_bar *described = &pci->description.bars[bar];

	if (!described->len || pci->mmio == VFIO_PCI_MMIO_NONE)
		return false;
	for (unsigned int i = 0; i < described->n_areas; i++)
		if (pci_map_area_is_offered(&described->areas[i]))
			return true;
	return false;
}

/* ---- protection ------------------------------------------------------- */

static bool doorbells_always_trap(const struct vfio_pci_device *pci)
{
	return pci->mmio == VFIO_PCI_MMIO_TRAP || vfio_pci_is_synchronous(pci);
}

/* What an area lets the CPU do when memory decoding is on. */
static int area_prot(const struct vfio_pci_device *pci,
		     enum vfio_pci_area_kind kind, bool is_armed)
{
	switch (kind) {
	case VFIO_PCI_AREA_MEMORY:
		return PROT_READ | PROT_WRITE;
	case VFIO_PCI_AREA_STORES_TRAP:
		return PROT_READ;
	case VFIO_PCI_AREA_DOORBELL:
		if (is_armed || doorbells_always_trap(pci))
			return PROT_READ;
		return PROT_READ | PROT_WRITE;
	case VFIO_PCI_AREA_TRAP:
	default:
		return PROT_NONE;
	}
}

/* Protect the part of an area that the mapping shows. 0 or -errno. */
static int map_protect_area(const struct pci_map *map,
			    const struct vfio_pci_area *area, int prot)
{
	__u64 start = area->offset;
	__u64 end = start + area->len;
	__u64 map_end = map->range.offset + map->range.len;

	if (start < map->range.offset)
		start = map->range.offset;
	if (end > map_end)
		end = map_end;
	if (start >= end)
		return 0;
	if (mprotect((char *)map->range.start + (start - map->range.offset),
		     end - start, prot & map->prot))
		return -errno;
	return 0;
}

enum map_which {
	MAP_DOORBELLS,
	MAP_ALL
};

static int map_protect(const struct pci_map *map, enum map_which which)
{
	const struct vfio_pci_device *pci = map->pci;
	const struct vfio_pci_bar *bar = &pci->description.bars[map->bar];
	bool is_armed = atomic_load(&pci->maps.is_armed);
	bool is_on = vfio_pci_memory_enabled(pci);
	const struct vfio_pci_area *area;
	int prot, err = 0;

	for (unsigned int i = 0; i < bar->n_areas && !err; i++) {
		area = &bar->areas[i];
		if (which == MAP_DOORBELLS &&
		    area->kind != VFIO_PCI_AREA_DOORBELL)
			continue;
		prot = is_on ? area_prot(pci, area->kind, is_armed) : PROT_NONE;
		err = map_protect_area(map, area, prot);
	}
	return err;
}

static void maps_protect_locked(struct vfio_pci_device *pci,
				enum map_which which)
{
	struct pci_map *map;

	lock_assert_held(&pci->maps.lock);
	/* No split of a mapping is new here, so this cannot want memory. */
	list_for_each_entry(map, &pci->maps.list, link)
		warn_on(map_protect(map, which));
}

void pci_maps_protect(struct vfio_pci_device *pci)
{
	lock_acquire(&pci->maps.lock);
	maps_protect_locked(pci, MAP_ALL);
	lock_release(&pci->maps.lock);
}

/* ---- doorbells -------------------------------------------------------- */

static bool has_maps_locked(const struct vfio_pci_device *pci)
{
	lock_assert_held(&pci->maps.lock);
	return !list_is_empty(&pci->maps.list);
}

bool vfio_pci_doorbell_arm(struct vfio_pci_device *device)
{
	struct pci_maps *maps = &device->maps;
	bool can_arm = true;

	if (doorbells_always_trap(device))
		return true;
	lock_acquire(&maps->lock);
	/* Without a mapping there is only pwrite, and that always rings. */
	if (device->mmio == VFIO_PCI_MMIO_POLL)
		can_arm = !has_maps_locked(device);
	if (can_arm) {
		atomic_store(&maps->is_armed, true);
		maps_protect_locked(device, MAP_DOORBELLS);
	}
	lock_release(&maps->lock);
	return can_arm;
}

void vfio_pci_doorbell_disarm(struct vfio_pci_device *device)
{
	struct pci_maps *maps = &device->maps;

	if (!atomic_exchange(&maps->is_armed, false))
		return;
	lock_acquire(&maps->lock);
	maps_protect_locked(device, MAP_DOORBELLS);
	lock_release(&maps->lock);
}

/* ---- traps ------------------------------------------------------------ */

static struct pci_map *to_map(struct trap_range *range)
{
	return container_of(range, struct pci_map, range);
}

/* The CPU can make the access once the page has the protection it should. */
static bool map_open(struct trap_range *range, __u64 offset, bool is_store)
{
	struct pci_map *map = to_map(range);
	struct vfio_pci_device *pci = map->pci;
	const struct vfio_pci_area *area =
		pci_bar_area(pci, map->bar, range->offset + offset);
	/* x86 has no pages that can be written and not read. */
	int needed = is_store ? PROT_WRITE : PROT_READ | PROT_WRITE;
	int prot = area_prot(pci, area->kind, false);

	if (!vfio_pci_memory_enabled(pci) || !(prot & map->prot & needed))
		return false;
	if (map_protect_area(map, area, prot))
		return false;
	if (area->kind == VFIO_PCI_AREA_DOORBELL) {
		atomic_store(&pci->maps.is_armed, false);
		pci->ops->doorbell(pci, map->bar);
	}
	if (vfio_pci_memory_enabled(pci))
		return true;
	map_protect_area(map, area, PROT_NONE);
	return false;
}

static bool map_is_decoded(struct pci_map *map, __u64 offset, const char *what)
{
	struct vfio_pci_device *pci = map->pci;

	if (vfio_pci_memory_enabled(pci))
		return true;
	if (!atomic_exchange(&pci->maps.is_error_told, true))
		trace_device_error(
			vfio_device_name(&pci->device),
			"%s BAR%u offset 0x%llx while memory space is off (Linux sends SIGBUS): set bit 1 of the PCI command register first",
			what, map->bar, (unsigned long long)offset);
	return false;
}

static __u64 map_load(struct trap_range *range, __u64 offset,
		      unsigned int width)
{
	struct pci_map *map = to_map(range);

	offset += range->offset;
	if (!map_is_decoded(map, offset, "load from"))
		return UINT64_MAX; /* nobody answers on the bus */
	return pci_bar_load(map->pci, map->bar, offset, width);
}

static void map_store(struct trap_range *range, __u64 offset,
		      unsigned int width, __u64 value)
{
	struct pci_map *map = to_map(range);

	offset += range->offset;
	if (map_is_decoded(map, offset, "store to"))
		pci_bar_store(map->pci, map->bar, offset, width, value);
}

/* x86 has no pages that can be written and not read. */
static bool map_permits(struct trap_range *range, bool is_store)
{
	int prot = to_map(range)->prot;

	return is_store ? prot & PROT_WRITE : prot;
}

static void map_unmapped(struct trap_range *range, uintptr_t start, size_t len);
static int map_protected(struct trap_range *range, uintptr_t start, size_t len,
			 int prot);

static const struct trap_ops map_trap_ops = {
	.open = map_open,
	.load = map_load,
	.store = map_store,
	.permits = map_permits,
	.unmapped = map_unmapped,
	.protected = map_protected,
};

/* ---- the life of a mapping -------------------------------------------- */

/* Return: a mapping like @model, of @len bytes from @start on; or NULL. */
static struct pci_map *map_alloc(const struct pci_map *model, uintptr_t start,
				 size_t len)
{
	struct pci_map *map = mem_alloc(sizeof(*map));

	if (!map)
		return NULL;
	*map = *model;
	list_init(&map->link);
	map->range.start = start;
	map->range.len = len;
	map->range.offset += start - model->range.start;
	return map;
}

/* Make it known to the fault handler and to arm. */
static int map_publish(struct pci_map *map)
{
	struct pci_maps *maps = &map->pci->maps;
	int err;

	err = trap_add(&map->range);
	if (err)
		return err;
	lock_acquire(&maps->lock);
	err = map_protect(map, MAP_ALL);
	if (!err) {
		file_get(map->file);
		list_add_tail(&map->link, &maps->list);
	}
	lock_release(&maps->lock);
	if (err)
		trap_remove(&map->range);
	return err;
}

/* The file may be the last thing that keeps the device open. */
static void map_retire(struct pci_map *map)
{
	struct pci_maps *maps = &map->pci->maps;
	struct file *file = map->file;
	bool is_ours = maps->owner == getpid();

	lock_acquire(&maps->lock);
	list_remove(&map->link);
	lock_release(&maps->lock);
	trap_remove(&map->range);
	mem_free(map);
	/* After fork the model's threads are in the other process. */
	if (is_ours)
		file_put(file);
}

/*
 * What is left of a mapping becomes a mapping of its own, before the old one
 * goes. Without memory for that it traps no more: any access to it is then an
 * ordinary fault of the program.
 */
static void map_keep_part(const struct pci_map *map, uintptr_t start,
			  size_t len)
{
	struct pci_map *part;

	if (!len)
		return;
	part = map_alloc(map, start, len);
	if (part && !map_publish(part))
		return;
	trace_device_error(vfio_device_name(&map->pci->device),
			   "no memory to keep the rest of a mapping of BAR%u",
			   map->bar);
	mprotect((void *)start, len, PROT_NONE);
	mem_free(part);
}

static void map_unmapped(struct trap_range *range, uintptr_t start, size_t len)
{
	struct pci_map *map = to_map(range);
	uintptr_t end = align_up(start + len, PAGE_LEN);
	uintptr_t map_end = range->start + range->len;

	if (start > range->start)
		map_keep_part(map, range->start, start - range->start);
	if (end < map_end)
		map_keep_part(map, end, map_end - end);
	map_retire(map);
}

/* Which accesses a protection gives: x86 reads whatever it executes. */
static int prot_of_accesses(int prot)
{
	return (prot & PROT_EXEC ? PROT_READ : 0) |
	       (prot & (PROT_READ | PROT_WRITE));
}

/* The part becomes a mapping of its own, like one that was made so. */
static int map_protected(struct trap_range *range, uintptr_t start, size_t len,
			 int prot)
{
	struct pci_map *map = to_map(range);
	uintptr_t end = start + len;
	struct pci_map *part;
	int err;

	if (start < range->start)
		start = range->start;
	if (end > range->start + range->len)
		end = range->start + range->len;
	part = map_alloc(map, start, end - start);
	if (!part)
		return -ENOMEM;
	part->prot = prot_of_accesses(prot);
	err = map_publish(part);
	if (err) {
		mem_free(part);
		return err;
	}
	map_unmapped(range, start, end - start);
	return 0;
}

void pci_maps_init(struct vfio_pci_device *pci)
{
	lock_init(&pci->maps.lock, LOCK_RANK_IRQ);
	list_init(&pci->maps.list);
}

void pci_maps_open(struct vfio_pci_device *pci)
{
	atomic_store(&pci->maps.is_armed, false);
	atomic_store(&pci->maps.is_error_told, false);
	pci->maps.owner = getpid();
}

void pci_maps_close(struct vfio_pci_device *pci)
{
	struct pci_map *map, *after;

	list_for_each_entry_safe(map, after, &pci->maps.list, link) {
		list_remove(&map->link);
		trap_remove(&map->range);
		mem_free(map);
	}
}

/* ---- mmap ------------------------------------------------------------- */

static int check_areas(const struct vfio_pci_device *pci, unsigned int bar,
		       __u64 offset, __u64 len)
{
	const struct vfio_pci_area *area;
	__u64 at;

	for (at = offset; at < offset + len;
	     at = (__u64)area->offset + area->len) {
		area = pci_bar_area(pci, bar, at);
		if (!pci_map_area_is_offered(area))
			return -EINVAL;
	}
	return 0;
}

/* Fill in which part of which BAR is asked for. */
static int check_request(const struct vfio_pci_device *pci,
			 const struct file_mmap *request, struct pci_map *map)
{
	__u64 index = (__u64)request->offset >> PCI_REGION_SHIFT;
	__u64 offset = (__u64)request->offset & PCI_REGION_MASK;
	int type = request->flags & MAP_TYPE;
	__u64 bar_len;

	if (request->offset < 0 || !is_aligned(offset, PAGE_LEN) ||
	    (type != MAP_SHARED && type != MAP_SHARED_VALIDATE) ||
	    index >= VFIO_PCI_N_BARS ||
	    !pci_map_is_offered(pci, (unsigned int)index))
		return -EINVAL;
	bar_len = pci->description.bars[index].len;
	if (!request->len || offset >= bar_len ||
	    request->len > bar_len - offset)
		return -EINVAL;
	map->bar = (unsigned int)index;
	map->range.offset = offset;
	map->range.len = align_up(request->len, PAGE_LEN);
	return check_areas(pci, map->bar, offset, map->range.len);
}

/* Map the backing memory where the program wants it, without any access. */
static int map_backing(struct pci_map *map, const struct file_mmap *request)
{
	int flags = MAP_SHARED |
		    (request->flags &
		     (MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT));
	void *address;

	if (request->flags & MAP_FIXED &&
	    is_aligned((uintptr_t)request->addr, PAGE_LEN))
		trap_unmapped((uintptr_t)request->addr, map->range.len);
	address = mmap(request->addr, map->range.len, PROT_NONE, flags,
		       map->pci->bars[map->bar].fd, (off_t)map->range.offset);
	if (address == MAP_FAILED)
		return -errno;
	map->range.start = (uintptr_t)address;
	return 0;
}

void *pci_mmap(struct vfio_device *device, struct file *file,
	       const struct file_mmap *request)
{
	struct vfio_pci_device *pci = to_pci(device);
	struct pci_map *map;
	void *address;
	int err;

	map = mem_alloc(sizeof(*map));
	if (!map)
		return err_ptr(-ENOMEM);
	map->pci = pci;
	map->file = file;
	map->prot = prot_of_accesses(request->prot);
	map->range.ops = &map_trap_ops;
	map->range.name = vfio_device_name(device);
	list_init(&map->link);
	err = check_request(pci, request, map);
	if (err)
		goto err_free;
	err = map_backing(map, request);
	if (err)
		goto err_free;
	address = (void *)map->range.start;
	err = map_publish(map);
	if (err)
		goto err_unmap;
	/* A model that sleeps without having armed must know of it. */
	if (pci->mmio == VFIO_PCI_MMIO_POLL)
		pci->ops->doorbell(pci, map->bar);
	return address;

err_unmap:
	munmap(address, map->range.len);
err_free:
	mem_free(map);
	return err_ptr(err);
}
