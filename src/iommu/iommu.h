/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The software IOMMUs, as the floors above see them.
 *
 * space: the index of one I/O address space, IOVA ranges to memory. Shared by
 *	all domains on it.
 * domain: the translation that an endpoint uses: a space, seen through the
 *	aperture and page sizes of one IOMMU unit.
 * endpoint: the DMA-visible identity of a device.
 * group: the endpoints that cannot be isolated from each other.
 * unit: one IOMMU, an instance of a driver (iommu/driver.h).
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include <stdatomic.h>
#include "base/compiler.h"
#include "base/list.h"
#include "base/lock.h"

/* ---- space ------------------------------------------------------------ */

enum iommu_prot {
	IOMMU_READ = 1, /* the device may read */
	IOMMU_WRITE = 2, /* the device may write */
};

/**
 * struct iommu_map - one mapped range, embedded first in its owner's area
 * @start: first IOVA
 * @last: last IOVA, inclusive
 * @address: where @start is in this process; valid once the owner pinned it
 * @prot: enum iommu_prot
 * @flags: of the space: split (its memory was moved in parts), dead
 * @n_holders: asynchronous DMA that holds the range
 * @next: the map behind it, or NULL; the index's, no reader's
 *
 * Readers look at it inside a read section. Written under the owner's lock;
 * @start and @last never change while it is in an index.
 */
struct iommu_map {
	iova_t start;
	iova_t last;
	_Atomic uintptr_t address;
	_Atomic __u8 prot;
	_Atomic __u8 flags;
	_Atomic __u32 n_holders;
	struct iommu_map *next;
};

/**
 * struct iommu_space - the index of one I/O address space
 *
 * A map of any length costs the same, and lookup takes no lock. Changes are
 * serialised by the owner (the IOAS lock). Definition in iommu/space.h; users
 * embed it by iommu_space_create().
 */
struct iommu_space;

/* Return: an empty space, or NULL. */
struct iommu_space *iommu_space_create(void);

/* The space is empty and no domain uses it. */
void iommu_space_destroy(struct iommu_space *space);

/**
 * iommu_space_insert() - add a range
 * @map: start and last are set; published to readers as it is
 *
 * Return: 0, -EEXIST when it meets a range, -ENOMEM. On failure nothing
 * changed.
 */
int iommu_space_insert(struct iommu_space *space, struct iommu_map *map);

/**
 * iommu_space_remove() - take a range out
 *
 * New DMA does not find it any more. DMA in flight may still use it until
 * iommu_space_sync(). Never fails.
 */
void iommu_space_remove(struct iommu_space *space, struct iommu_map *map);

/**
 * iommu_space_remove_all() - take every range out
 * @visit: called with each, in order of IOVA; it is out then. Context: under
 *	a lock of the space: no allocation, no other call of the space
 *
 * As iommu_space_remove() of each, for a fraction of its cost.
 */
void iommu_space_remove_all(struct iommu_space *space,
			    void (*visit)(void *arg, struct iommu_map *map),
			    void *arg);

/**
 * iommu_space_sync() - wait for DMA under what was removed
 *
 * When it returns, no DMA uses a removed range, and removed maps may be freed
 * and unpinned. Costs nothing when no endpoint was ever attached to the space.
 * The holders of each removed map are waited for by iommu_map_wait_holders().
 */
void iommu_space_sync(struct iommu_space *space);

/**
 * struct iommu_linger - removed maps whose memory is pinned yet
 * @entry: of the space
 * @first: the first map
 * @next: the map after @map, or NULL
 */
struct iommu_linger {
	struct list_head entry;
	struct iommu_map *first;
	struct iommu_map *(*next)(struct iommu_map *map);
};

/*
 * From add to remove, moves of memory are followed by those maps as well.
 * Context: as changes of the space.
 */
void iommu_space_linger_add(struct iommu_space *space,
			    struct iommu_linger *linger);
void iommu_space_linger_remove(struct iommu_space *space,
			       struct iommu_linger *linger);

/* Wait until nobody holds the removed @map by iommu_dma_map(). */
void iommu_map_wait_holders(struct iommu_map *map);

/* Return: the first map that meets [start, last], or NULL. Owner's lock. */
struct iommu_map *iommu_space_first(struct iommu_space *space, iova_t start,
				    iova_t last);

/* Return: the map after @map, if it begins at or below @last, or NULL. */
struct iommu_map *iommu_space_next(struct iommu_space *space,
				   const struct iommu_map *map, iova_t last);

/**
 * iommu_space_find_gap() - the lowest free place
 * @space: where; reserved ranges are the caller's business
 * @from: lowest address of the range searched
 * @last: highest
 * @len: bytes, at least 1
 * @alignment: power of two; the result plus @phase is a multiple of it...
 *	that is, result % @alignment == @phase
 * @phase: below @alignment
 * @iova: the result
 *
 * Finds the lowest @iova >= @from with @iova + @len - 1 <= @last and no map
 * in between. Cost is flat in the number of maps for lengths that are powers
 * of two.
 *
 * Return: 0 or -ENOSPC.
 */
struct iommu_gap {
	iova_t from;
	iova_t last;
	__u64 len;
	__u64 alignment;
	__u64 phase;
};
int iommu_space_find_gap(struct iommu_space *space, const struct iommu_gap *gap,
			 iova_t *iova);

__u64 iommu_space_n_maps(const struct iommu_space *space);

/**
 * iommu_space_move() - memory behind maps was moved: struct mm_owner's ops
 *
 * The owner registers these two with mm_owner_add() through
 * iommu_space_memory_owner(). Every map whose memory meets the old range
 * translates to the new one when moved returns; a map that is only partly
 * met is translated piecewise from then on.
 */
struct mm_owner;
struct mm_owner *iommu_space_memory_owner(struct iommu_space *space);

/**
 * iommu_space_forget_moves() - each map is one piece again
 *
 * Nothing is pinned: maps get new addresses before anything translates.
 * Context: the owner of the space is not among those who are told of moves.
 */
void iommu_space_forget_moves(struct iommu_space *space);

/**
 * iommu_map_for_each_piece() - the pieces of memory behind a map
 * @visit: called with each contiguous piece in order of IOVA
 *
 * One piece, unless memory behind it was moved in parts. For unpinning; the
 * pieces of a removed map are forgotten then.
 */
void iommu_map_for_each_piece(struct iommu_space *space, struct iommu_map *map,
			      void (*visit)(void *arg, uintptr_t address,
					    __u64 len),
			      void *arg);

/**
 * iommu_map_piece_at() - where the memory behind one IOVA of a map is
 * @map: in @space, or removed from it and its pieces not forgotten yet
 * @iova: in @map
 * @len: bytes from there to the end of the piece
 *
 * For somebody who does not change the space: its owner's lock is not needed.
 *
 * Context: in limbo; nobody frees @map. Return: the address, or 0 when there
 * is none.
 */
uintptr_t iommu_map_piece_at(struct iommu_space *space,
			     const struct iommu_map *map, iova_t iova,
			     __u64 *len);

/* ---- units, domains --------------------------------------------------- */

struct iommu_unit;
struct iommu_domain;
struct iommu_endpoint;

/**
 * struct iommu_geometry - what a domain can translate
 * @aperture_start: lowest IOVA
 * @aperture_last: highest
 * @pgsizes: page sizes, a bit each; the lowest is the alignment
 */
struct iommu_geometry {
	iova_t aperture_start;
	iova_t aperture_last;
	__u64 pgsizes;
};

enum iommu_resv_kind {
	IOMMU_RESV_DIRECT,
	IOMMU_RESV_DIRECT_RELAXABLE,
	IOMMU_RESV_RESERVED,
	IOMMU_RESV_MSI,
};

struct iommu_resv_region {
	iova_t start;
	iova_t last;
	enum iommu_resv_kind kind;
};

/**
 * struct iommu_unit_info - GET_HW_INFO of a unit
 * @type: IOMMU_HW_INFO_TYPE_*
 * @data: the type's structure
 * @len: its bytes
 * @capabilities: IOMMU_HW_CAP_*
 * @max_pasid_lg2: 0 when the endpoint has no PASID
 */
struct iommu_unit_info {
	__u32 type;
	__u8 data[64];
	__u32 len;
	__u64 capabilities;
	__u8 max_pasid_lg2;
};

/**
 * iommu_domain_alloc() - a paging domain for the unit of an endpoint
 * @endpoint: decides the unit
 * @space: the address space it translates; outlives the domain
 * @flags: IOMMU_HWPT_ALLOC_* without FAULT_ID_VALID
 *
 * Return: a domain, or err_ptr(-EOPNOTSUPP, -ENOMEM).
 */
struct iommu_domain *iommu_domain_alloc(struct iommu_endpoint *endpoint,
					struct iommu_space *space, __u32 flags);

/* Attached to nothing. */
void iommu_domain_free(struct iommu_domain *domain);

const struct iommu_geometry *
iommu_domain_geometry(const struct iommu_domain *domain);
struct iommu_space *iommu_domain_space(const struct iommu_domain *domain);

/* ---- endpoints, groups ------------------------------------------------ */

/**
 * struct iommu_group - the smallest set of devices that can be isolated
 * @id: what sysfs shows
 * @lock: guards owner, domain, endpoints' attachment; LOCK_RANK_IOMMU_ENDPOINT
 * @endpoints: all its members
 * @owner: who owns the DMA of the group, or NULL
 * @n_owned: claims of that owner
 */
struct iommu_group {
	__u32 id;
	struct lock lock;
	struct list_head endpoints;
	const void *owner;
	unsigned int n_owned;
};

struct iommu_group *iommu_group_create(__u32 id);
void iommu_group_destroy(struct iommu_group *group);

/**
 * iommu_group_claim() - own the DMA of a group
 * @owner: a context, or a VFIO container
 *
 * Return: 0 (again for the same owner), or -EPERM. While owned and not
 * attached the endpoints are blocked.
 */
int iommu_group_claim(struct iommu_group *group, const void *owner);
void iommu_group_unclaim(struct iommu_group *group, const void *owner);

/**
 * iommu_endpoint_create() - the identity of a device at its IOMMU
 * @unit: its IOMMU, or NULL for none (no-IOMMU: every DMA passes)
 * @group: its group
 * @requester_id: bus, device, function
 * @name: as programs know the device; copied
 *
 * Bus master is off, nothing attached. Return: an endpoint or NULL.
 */
struct iommu_endpoint *iommu_endpoint_create(struct iommu_unit *unit,
					     struct iommu_group *group,
					     __u16 requester_id,
					     const char *name);
void iommu_endpoint_destroy(struct iommu_endpoint *endpoint);

struct iommu_group *iommu_endpoint_group(const struct iommu_endpoint *endpoint);
const char *iommu_endpoint_name(const struct iommu_endpoint *endpoint);
struct iommu_unit *iommu_endpoint_unit(const struct iommu_endpoint *endpoint);

/* Return: the number of regions, at most @max written. */
unsigned int iommu_endpoint_resv_regions(const struct iommu_endpoint *endpoint,
					 struct iommu_resv_region *regions,
					 unsigned int max);

void iommu_endpoint_hw_info(const struct iommu_endpoint *endpoint,
			    struct iommu_unit_info *info);

/**
 * iommu_endpoint_set_domain() - attach, replace, or detach (NULL)
 *
 * From its return on, DMA of the endpoint goes through @domain only, and none
 * under the old one is in flight (holders of iommu_dma_map() of this endpoint
 * included). Detaching never fails.
 *
 * Return: 0, or -EINVAL when the domain is of another kind of unit.
 */
int iommu_endpoint_set_domain(struct iommu_endpoint *endpoint,
			      struct iommu_domain *domain);

/* Bus master enable. Off: returns when no DMA is in flight. */
void iommu_endpoint_set_enabled(struct iommu_endpoint *endpoint, bool enabled);

/* ---- DMA -------------------------------------------------------------- */

#define IOMMU_NO_PASID 0xffffffffu

/**
 * iommu_dma_read() - a device reads memory
 * @endpoint: who
 * @pasid: IOMMU_NO_PASID, or a PASID (-EIO: none is attached)
 * @iova: first byte
 * @buf: where to
 * @len: bytes; the range may span maps that adjoin
 *
 * A refusal is reported by trace_dma_fault(). Bytes before the refused one
 * may have been copied.
 *
 * Context: any thread that may take no signal inside; a read section is open
 * for the copy only, or the caller's own burst. Return: 0 or -EIO.
 */
int iommu_dma_read(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		   void *buf, size_t len);
int iommu_dma_write(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		    const void *buf, size_t len);

/**
 * iommu_dma_burst_begin() - many DMAs, one read section
 *
 * DMA between begin and end costs no fence. Unmaps wait for the end, so it is
 * kept short (some microseconds) and nothing in it blocks or takes a lock.
 */
void iommu_dma_burst_begin(void);
void iommu_dma_burst_end(void);

/**
 * struct iommu_dma_piece - memory held for asynchronous DMA
 * @address: where it is; may be read or written until released. Nothing else
 *	comes to stand there until then. If the program unmaps the memory
 *	meanwhile the address gives a fault, EFAULT or a short count: call
 *	iommu_dma_map() once more and go on
 * @len: contiguous bytes, at most what was asked
 * @map: held
 * @endpoint: held too, so that detach waits
 * @space: of @map; held, so that who moves its memory waits
 * @phase: of the endpoint, for iommu_dma_unmap()
 * @space_phase: likewise of @space
 */
struct iommu_dma_piece {
	void *address;
	size_t len;
	struct iommu_map *map;
	struct iommu_endpoint *endpoint;
	struct iommu_space *space;
	__u32 phase;
	__u32 space_phase;
};

/**
 * iommu_dma_map() - hold memory for DMA that outlives a read section
 * @prot: IOMMU_READ: the device reads memory; IOMMU_WRITE: it writes
 * @len: bytes wanted; the piece may be shorter (then ask for the rest)
 *
 * unmap of that range, and detach, wait until iommu_dma_unmap(). Refusals are
 * reported. Return: 0 or -EIO.
 */
int iommu_dma_map(struct iommu_endpoint *endpoint, __u32 pasid, iova_t iova,
		  size_t len, enum iommu_prot prot,
		  struct iommu_dma_piece *piece);
void iommu_dma_unmap(struct iommu_dma_piece *piece);

/* The child of a fork starts with no thread in a burst. */
void iommu_after_fork_child(void);

#endif /* IOMMU_IOMMU_H */
