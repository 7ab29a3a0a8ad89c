/* SPDX-License-Identifier: BSD-3-Clause */
/* A small NVMe driver, for the fake framework. */
#ifndef DEVICES_NVME_DRIVER_H
#define DEVICES_NVME_DRIVER_H

#include "harness/harness.h"
#include "devices/nvme/nvme.h"
#include "devices/nvme/spec.h"
#include "fake_vfio.h"

#define DRIVER_N_QUEUES 4u

/* Fixed places in program memory. */
#define DRIVER_RINGS FAKE_IOVA
#define DRIVER_SHADOWS (FAKE_IOVA + 0x80000)
#define DRIVER_EVENTS (FAKE_IOVA + 0x81000)
#define DRIVER_ADMIN_DATA (FAKE_IOVA + 0x82000)
#define DRIVER_LISTS (FAKE_IOVA + 0x90000)
#define DRIVER_DATA (FAKE_IOVA + 0x100000)

/* A command that did not complete within the time given. */
#define DRIVER_NO_ANSWER 0xfffeu

struct driver_queue {
	iova_t sq;
	iova_t cq;
	__u32 n_entries;
	__u32 tail;
	__u32 head;
	__u16 phase;
	unsigned int id;
};

/**
 * struct driver - a device, opened
 * @fake: it
 * @queues: 0 is the admin queue
 * @has_shadows: doorbells go by shadow first
 * @next_cid: identifier of the next command
 */
struct driver {
	struct vfio_pci_device *fake;
	struct driver_queue queues[DRIVER_N_QUEUES];
	bool has_shadows;
	_Atomic __u16 next_cid;
};

/**
 * driver_create() - make, open and enable a device, with one I/O queue
 * @text: "size=1M,queues=2"
 */
struct driver *driver_create(const char *text,
			     const struct fake_options *options);
struct driver *driver_create_closed(const char *text,
				    const struct fake_options *options);
void driver_destroy(struct driver *driver);

/* Return: the error of nvme_model.create(), "" when it succeeds. */
const char *driver_try_options(const char *text);

/* Set up the admin queue and enable. Return: CSTS. */
__u32 driver_enable(struct driver *driver);

/* Wait until (CSTS & mask) == value. Return: false when it does not. */
bool driver_wait_csts(struct driver *driver, __u32 mask, __u32 value);

/* Create I/O queue pair @id with @n_entries. Return: the first bad status. */
__u16 driver_create_queues(struct driver *driver, unsigned int id,
			   __u32 n_entries);

/* Put a command in the ring. Return: its identifier. */
__u16 driver_push(struct driver *driver, unsigned int queue,
		  const struct nvme_sqe *sqe);
void driver_ring(struct driver *driver, unsigned int queue);

/* Take the next completion, if one comes. Return: false: none. */
bool driver_pop(struct driver *driver, unsigned int queue,
		struct nvme_cqe *cqe);
bool driver_pop_now(struct driver *driver, unsigned int queue,
		    struct nvme_cqe *cqe);

/* Status without DNR and More. */
__u16 driver_status(const struct nvme_cqe *cqe);

/* One command, to its end. Return: its status or DRIVER_NO_ANSWER. */
__u16 driver_run(struct driver *driver, unsigned int queue,
		 const struct nvme_sqe *sqe, __u32 *result);

/* By opcode and dwords; data at DRIVER_ADMIN_DATA. */
__u16 driver_admin(struct driver *driver, __u8 opcode, __u32 cdw10, __u32 cdw11,
		   __u32 *result);

/* Blocks at DRIVER_DATA + @offset, contiguous, by a list if needed. */
struct nvme_sqe driver_transfer(__u8 opcode, __u64 slba, __u32 n_blocks,
				__u64 offset);
__u16 driver_io(struct driver *driver, __u8 opcode, __u64 slba, __u32 n_blocks,
		__u64 offset);

/* A pattern of data that tells seeds apart. */
void driver_fill(__u64 offset, size_t len, __u32 seed);
void driver_expect(__u64 offset, size_t len, __u32 seed);
void driver_expect_zeroes(__u64 offset, size_t len);

#endif /* DEVICES_NVME_DRIVER_H */
