/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Image I/O by io_uring: one ring a device, submitted to and reaped by who
 * runs the controller. Completions are seen in the ring's memory without a
 * system call.
 */
#include <liburing.h>
#include <linux/falloc.h>
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "devices/nvme/backend.h"

#define IMAGE_INDEX 0 /* in the table of registered files */

struct backend_uring {
	struct nvme_backend common;
	struct io_uring ring;
	int ring_fd;
};

static struct backend_uring *to_uring(struct nvme_backend *backend)
{
	return container_of(backend, struct backend_uring, common);
}

static void uring_prepare(struct io_uring_sqe *sqe,
			  struct nvme_request *request)
{
	__u64 offset = request->offset + request->done;

	switch (request->kind) {
	case NVME_REQUEST_READ:
		io_uring_prep_readv(sqe, IMAGE_INDEX, request->iov,
				    request->n_iov, offset);
		break;
	case NVME_REQUEST_WRITE:
	case NVME_REQUEST_WRITE_ZEROES:
		io_uring_prep_writev2(sqe, IMAGE_INDEX, request->iov,
				      request->n_iov, offset,
				      request->is_durable ? RWF_DSYNC : 0);
		break;
	case NVME_REQUEST_FLUSH:
		io_uring_prep_fsync(sqe, IMAGE_INDEX, IORING_FSYNC_DATASYNC);
		break;
	case NVME_REQUEST_ZERO_RANGE:
		io_uring_prep_fallocate(sqe, IMAGE_INDEX, FALLOC_FL_ZERO_RANGE,
					(off_t)offset, (off_t)request->len);
		break;
	case NVME_REQUEST_PUNCH_HOLE:
		io_uring_prep_fallocate(sqe, IMAGE_INDEX,
					FALLOC_FL_PUNCH_HOLE |
						FALLOC_FL_KEEP_SIZE,
					(off_t)offset, (off_t)request->len);
		break;
	}
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, request);
}

static void uring_queue(struct nvme_backend *backend,
			struct nvme_request *request)
{
	struct backend_uring *uring = to_uring(backend);
	struct io_uring_sqe *sqe;

	/* The ring has an entry for each request, so this ends. */
	while (!(sqe = io_uring_get_sqe(&uring->ring)))
		io_uring_submit(&uring->ring);
	uring_prepare(sqe, request);
}

static void uring_submit(struct nvme_backend *backend)
{
	struct backend_uring *uring = to_uring(backend);

	/* What is refused for now stays in the ring until the next call. */
	if (io_uring_sq_ready(&uring->ring))
		io_uring_submit(&uring->ring);
}

static struct nvme_request *uring_finished(struct nvme_backend *backend)
{
	struct backend_uring *uring = to_uring(backend);
	struct nvme_request *request;
	struct io_uring_cqe *cqe;

	if (!io_uring_cq_ready(&uring->ring) ||
	    io_uring_peek_cqe(&uring->ring, &cqe))
		return NULL;
	request = io_uring_cqe_get_data(cqe);
	request->result = cqe->res;
	io_uring_cqe_seen(&uring->ring, cqe);
	return request;
}

static void uring_wait(struct nvme_backend *backend, __u64 nanoseconds)
{
	struct __kernel_timespec timeout = { .tv_nsec =
						     (long long)nanoseconds };
	struct backend_uring *uring = to_uring(backend);
	struct io_uring_cqe *cqe;

	io_uring_wait_cqe_timeout(&uring->ring, &cqe, &timeout);
}

static void uring_destroy(struct nvme_backend *backend)
{
	struct backend_uring *uring = to_uring(backend);

	/* The descriptor is closed by who claimed it. */
	uring->ring.ring_fd = -1;
	io_uring_queue_exit(&uring->ring);
	fd_release(uring->ring_fd);
	mem_free(uring);
}

static const struct nvme_backend_ops backend_uring_ops = {
	.queue = uring_queue,
	.submit = uring_submit,
	.finished = uring_finished,
	.wait = uring_wait,
	.destroy = uring_destroy,
};

/* Keep the ring's descriptor out of the program's sight. */
static int uring_claim(struct backend_uring *uring)
{
	uring->ring_fd = fd_claim(uring->ring.ring_fd);
	uring->ring.ring_fd = uring->ring_fd;
	uring->ring.enter_ring_fd = uring->ring_fd;
	if (uring->ring_fd >= 0)
		return 0;
	io_uring_queue_exit(&uring->ring);
	return uring->ring_fd;
}

struct nvme_backend *nvme_backend_uring_create(int fd)
{
	struct backend_uring *uring;
	int err;

	uring = mem_alloc(sizeof(*uring));
	if (!uring)
		return err_ptr(-ENOMEM);
	uring->common.ops = &backend_uring_ops;
	err = io_uring_queue_init(NVME_REQUESTS_MAX, &uring->ring, 0);
	if (err)
		goto err_free;
	err = uring_claim(uring);
	if (err)
		goto err_free;
	err = io_uring_register_files(&uring->ring, &fd, 1);
	if (err)
		goto err_destroy;
	return &uring->common;

err_destroy:
	uring_destroy(&uring->common);
	return err_ptr(err);
err_free:
	mem_free(uring);
	return err_ptr(err);
}
