/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How an image is read and written: requests, and the two backends.
 *
 * A request is carried out in steps, each of which the file system may end
 * early. The namespace prepares a step, a backend performs it and leaves what
 * the system call returned in request->result.
 */
#ifndef DEVICES_NVME_BACKEND_H
#define DEVICES_NVME_BACKEND_H

#include <sys/uio.h>
#include "devices/nvme/prp.h"

/* Steps of one device in flight, at most. */
#define NVME_REQUESTS_MAX 128u
/* Pieces of memory in one step; a transfer in more has more steps. */
#define NVME_PIECES_MAX 256u

enum nvme_request_kind {
	NVME_REQUEST_READ,
	NVME_REQUEST_WRITE,
	NVME_REQUEST_FLUSH,
	NVME_REQUEST_ZERO_RANGE, /* fallocate() */
	NVME_REQUEST_PUNCH_HOLE, /* fallocate() */
	NVME_REQUEST_WRITE_ZEROES,
};

/**
 * struct nvme_request - a command on its way to the image
 * @next: in the list it is in: free, queued, or the backend's
 * @sq: where it came from
 * @cid: its identifier
 * @kind: what the next step is
 * @is_durable: on stable storage before it completes
 * @offset: in the image, of the whole
 * @len: bytes of the whole
 * @done: of these
 * @result: of the last step: bytes, 0 or -errno
 * @n_faults: steps in a row that met memory which had just moved
 * @segments: program memory
 * @n_pieces: memory held for this step
 * @pieces: it
 * @n_iov: vectors of this step
 * @iov: them
 */
struct nvme_request {
	struct nvme_request *next;
	struct nvme_sq *sq;
	__u16 cid;
	enum nvme_request_kind kind;
	bool is_durable;
	__u64 offset;
	__u64 len;
	__u64 done;
	__s64 result;
	unsigned int n_faults;
	struct nvme_segments segments;
	unsigned int n_pieces;
	struct iommu_dma_piece pieces[NVME_PIECES_MAX];
	unsigned int n_iov;
	struct iovec iov[NVME_PIECES_MAX];
};

/* A list, first in first out. */
struct nvme_request_list {
	struct nvme_request *first;
	struct nvme_request *last;
};

static inline void nvme_request_push(struct nvme_request_list *list,
				     struct nvme_request *request)
{
	request->next = NULL;
	if (list->first)
		list->last->next = request;
	else
		list->first = request;
	list->last = request;
}

static inline struct nvme_request *
nvme_request_pop(struct nvme_request_list *list)
{
	struct nvme_request *request = list->first;

	if (request)
		list->first = request->next;
	return request;
}

struct nvme_backend;

/**
 * struct nvme_backend_ops - a way to perform steps
 *
 * All are called by whoever runs the controller.
 *
 * @queue: take the next step of a request; at most NVME_REQUESTS_MAX at once
 * @submit: start what was queued
 * @finished: a request whose step ended, or NULL
 * @wait: sleep until there may be one, at most @nanoseconds
 * @destroy: nothing is queued
 */
struct nvme_backend_ops {
	void (*queue)(struct nvme_backend *backend,
		      struct nvme_request *request);
	void (*submit)(struct nvme_backend *backend);
	struct nvme_request *(*finished)(struct nvme_backend *backend);
	void (*wait)(struct nvme_backend *backend, __u64 nanoseconds);
	void (*destroy)(struct nvme_backend *backend);
};

struct nvme_backend {
	const struct nvme_backend_ops *ops;
};

/**
 * nvme_backend_uring_create() - io_uring
 * @fd: the image; stays the caller's
 *
 * Return: a backend, or err_ptr(): -EPERM or -ENOSYS where it is refused.
 */
struct nvme_backend *nvme_backend_uring_create(int fd);

/**
 * nvme_backend_threads_create() - a pool of threads
 * @nvme: its waiter is woken when a step ended
 *
 * The threads start with the first step. In synchronous mode, and where they
 * cannot start, steps are performed at once by who submits.
 *
 * Return: a backend, or err_ptr(-ENOMEM).
 */
struct nvme_backend *nvme_backend_threads_create(struct nvme *nvme, int fd);

#endif /* DEVICES_NVME_BACKEND_H */
