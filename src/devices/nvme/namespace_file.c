/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A namespace in an image file or a block device.
 *
 * Data moves straight between the image and the program's memory, which is
 * held (vfio_dma_map) for one step of the request. A step may end early, at
 * memory that the program unmapped meanwhile, or at a piece that was one too
 * many: the next one holds the rest anew and goes on.
 *
 * Completed writes are in the page cache and so survive this process; flush
 * and writes with FUA reach stable storage.
 */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/overflow.h"
#include "base/trace.h"
#include "devices/nvme/backend.h"
#include "devices/nvme/controller.h"
#include "devices/nvme/event.h"
#include "devices/nvme/namespace.h"

#define WAIT_NS 100000u
/* A program that moves its buffers faster than this has no use for them. */
#define FAULTS_MAX 16u
#define ZEROES_LEN 65536u

/**
 * struct namespace_file - an image
 * @fd: claimed, locked
 * @backend: who performs steps
 * @free: requests
 * @queued: requests whose next step was not given to the backend yet
 * @requests: all of them
 */
struct namespace_file {
	struct nvme_namespace common;
	int fd;
	struct nvme_backend *backend;
	struct nvme_request_list free;
	struct nvme_request_list queued;
	struct nvme_request *requests;
};

static __u8 zeroes[ZEROES_LEN];

static struct namespace_file *to_file(struct nvme_namespace *ns)
{
	return container_of(ns, struct namespace_file, common);
}

/* ---- requests --------------------------------------------------------- */

static struct nvme_request *request_take(struct nvme *nvme,
					 const struct nvme_io_command *command,
					 enum nvme_request_kind kind)
{
	struct namespace_file *file = to_file(nvme->ns);
	struct nvme_request *request = nvme_request_pop(&file->free);

	request->sq = command->sq;
	request->cid = command->sqe->cid;
	request->kind = kind;
	request->is_durable = false;
	request->offset = command->offset;
	request->len = command->len;
	request->done = 0;
	request->n_faults = 0;
	request->n_pieces = 0;
	request->n_iov = 0;
	file->common.n_free--;
	return request;
}

static void request_give(struct namespace_file *file,
			 struct nvme_request *request)
{
	nvme_request_push(&file->free, request);
	file->common.n_free++;
}

static void request_start(struct namespace_file *file,
			  struct nvme_request *request)
{
	nvme_request_push(&file->queued, request);
	file->common.n_in_flight++;
}

static void request_complete(struct nvme *nvme, struct nvme_request *request,
			     __u16 status)
{
	__u64 slba = request->offset >> NVME_BLOCK_LG2;
	struct namespace_file *file = to_file(nvme->ns);
	const struct nvme_sqe sqe = {
		.cid = request->cid,
		.nsid = NVME_NSID,
		.cdw10 = (__u32)slba,
		.cdw11 = (__u32)(slba >> 32),
	};

	if (unlikely(status))
		nvme_error_log(nvme, request->sq->id, &sqe, status);
	nvme_sq_complete(nvme, request->sq, request->cid, status, 0);
	file->common.n_in_flight--;
	request_give(file, request);
}

/* ---- memory of a step ------------------------------------------------- */

static void request_unmap(struct nvme_request *request)
{
	while (request->n_pieces)
		vfio_dma_unmap(&request->pieces[--request->n_pieces]);
	request->n_iov = 0;
}

/* Hold memory from @iova on. Return: false when it is refused, or no room. */
static bool request_map_segment(struct nvme *nvme, struct nvme_request *request,
				iova_t iova, size_t len)
{
	bool is_write = request->kind == NVME_REQUEST_READ;
	struct iommu_dma_piece *piece;

	for (; len; len -= piece->len, iova += piece->len) {
		if (request->n_pieces == NVME_PIECES_MAX)
			return false;
		piece = &request->pieces[request->n_pieces];
		if (vfio_dma_map(nvme->device, iova, len, is_write, piece))
			return false;
		request->n_pieces++;
		request->iov[request->n_iov++] = (struct iovec){
			.iov_base = piece->address,
			.iov_len = piece->len,
		};
	}
	return true;
}

/* Hold what is left to do. Return: false when not even a byte is there. */
static bool request_map(struct nvme *nvme, struct nvme_request *request)
{
	const struct nvme_segments *segments = &request->segments;
	__u64 skip = request->done;
	unsigned int i;

	for (i = 0; i < segments->n; i++) {
		if (skip >= segments->array[i].len) {
			skip -= segments->array[i].len;
			continue;
		}
		if (!request_map_segment(nvme, request,
					 segments->array[i].iova + skip,
					 segments->array[i].len - skip))
			break;
		skip = 0;
	}
	return request->n_iov;
}

/* Zeroes for what is left; the same ones again and again. */
static void request_map_zeroes(struct nvme_request *request)
{
	__u64 left = request->len - request->done;

	for (request->n_iov = 0; left && request->n_iov < NVME_PIECES_MAX;
	     request->n_iov++) {
		request->iov[request->n_iov].iov_base = zeroes;
		request->iov[request->n_iov].iov_len =
			left < ZEROES_LEN ? left : ZEROES_LEN;
		left -= request->iov[request->n_iov].iov_len;
	}
}

/* Return: 0: the step can be taken. */
static __u16 request_prepare(struct nvme *nvme, struct nvme_request *request)
{
	switch (request->kind) {
	case NVME_REQUEST_READ:
	case NVME_REQUEST_WRITE:
		return request_map(nvme, request) ? NVME_SUCCESS
						  : NVME_DATA_TRANSFER_ERROR;
	case NVME_REQUEST_WRITE_ZEROES:
		request_map_zeroes(request);
		return NVME_SUCCESS;
	default:
		return NVME_SUCCESS;
	}
}

/* ---- the end of a step ------------------------------------------------ */

static __u16 request_status_of(struct nvme *nvme,
			       const struct nvme_request *request, int err)
{
	const char *what = request->kind == NVME_REQUEST_READ	 ? "read"
			   : request->kind == NVME_REQUEST_FLUSH ? "flush"
								 : "write";

	trace_device_error(nvme->name, "image %s: %s at byte %llu: errno %d",
			   nvme->options.image, what,
			   request->offset + request->done, -err);
	switch (err) {
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
		return NVME_CAPACITY_EXCEEDED;
	case -EFAULT:
		return NVME_DATA_TRANSFER_ERROR;
	case -ENOMEM:
		return NVME_INTERNAL_ERROR;
	default:
		return request->kind == NVME_REQUEST_READ
			       ? NVME_UNRECOVERED_READ_ERROR
			       : NVME_WRITE_FAULT;
	}
}

static __u16 request_end_of_file(struct nvme *nvme,
				 const struct nvme_request *request)
{
	trace_device_error(
		nvme->name,
		"image %s: it ends before byte %llu; it was truncated",
		nvme->options.image, request->offset + request->done);
	return NVME_UNRECOVERED_READ_ERROR;
}

/* What the file system cannot do is tried in the next simpler way. */
static __u16 request_zeroed(struct nvme *nvme, struct nvme_request *request,
			    int err)
{
	if (err == -EOPNOTSUPP || err == -ENOSYS || err == -ENODEV ||
	    err == -EINVAL) {
		request->kind = request->kind == NVME_REQUEST_ZERO_RANGE
					? NVME_REQUEST_PUNCH_HOLE
					: NVME_REQUEST_WRITE_ZEROES;
		return NVME_PENDING;
	}
	if (err)
		return request_status_of(nvme, request, err);
	if (!request->is_durable)
		return NVME_SUCCESS;
	request->kind = NVME_REQUEST_FLUSH;
	return NVME_PENDING;
}

static __u16 request_moved(struct nvme *nvme, struct nvme_request *request,
			   __s64 result)
{
	if (result > 0) {
		request->n_faults = 0;
		request->done += (__u64)result;
		return request->done < request->len ? NVME_PENDING
						    : NVME_SUCCESS;
	}
	if (!result)
		return request->kind == NVME_REQUEST_READ
			       ? request_end_of_file(nvme, request)
			       : request_status_of(nvme, request, -ENOSPC);
	if (result == -EINTR || result == -EAGAIN ||
	    (result == -EFAULT && ++request->n_faults < FAULTS_MAX))
		return NVME_PENDING;
	return request_status_of(nvme, request, (int)result);
}

/* Return: its status, or NVME_PENDING: there is another step. */
static __u16 request_step_done(struct nvme *nvme, struct nvme_request *request)
{
	__s64 result = request->result;

	request_unmap(request);
	switch (request->kind) {
	case NVME_REQUEST_ZERO_RANGE:
	case NVME_REQUEST_PUNCH_HOLE:
		return result == -EINTR || result == -EAGAIN
			       ? NVME_PENDING
			       : request_zeroed(nvme, request, (int)result);
	case NVME_REQUEST_FLUSH:
		if (result == -EINTR || result == -EAGAIN)
			return NVME_PENDING;
		return result ? request_status_of(nvme, request, (int)result)
			      : NVME_SUCCESS;
	default:
		return request_moved(nvme, request, result);
	}
}

/* ---- commands --------------------------------------------------------- */

static __u16 file_transfer(struct nvme *nvme,
			   const struct nvme_io_command *command,
			   enum nvme_request_kind kind)
{
	struct namespace_file *file = to_file(nvme->ns);
	struct nvme_request *request = request_take(nvme, command, kind);
	__u16 status;

	status = nvme_prp_walk(nvme, command->sqe, command->len,
			       &request->segments);
	if (status) {
		request_give(file, request);
		return status;
	}
	/* Without a volatile cache every write is as with FUA. */
	request->is_durable = command->sqe->cdw12 & NVME_CDW12_FUA ||
			      !nvme->features.values[NVME_FEAT_WRITE_CACHE];
	request_start(file, request);
	return NVME_PENDING;
}

static __u16 file_read(struct nvme *nvme, const struct nvme_io_command *command)
{
	return file_transfer(nvme, command, NVME_REQUEST_READ);
}

static __u16 file_write(struct nvme *nvme,
			const struct nvme_io_command *command)
{
	return file_transfer(nvme, command, NVME_REQUEST_WRITE);
}

static __u16 file_flush(struct nvme *nvme,
			const struct nvme_io_command *command)
{
	request_start(to_file(nvme->ns),
		      request_take(nvme, command, NVME_REQUEST_FLUSH));
	return NVME_PENDING;
}

static __u16 file_zero(struct nvme *nvme, const struct nvme_io_command *command)
{
	struct nvme_request *request =
		request_take(nvme, command, NVME_REQUEST_ZERO_RANGE);

	request->is_durable = command->sqe->cdw12 & NVME_CDW12_FUA ||
			      !nvme->features.values[NVME_FEAT_WRITE_CACHE];
	request_start(to_file(nvme->ns), request);
	return NVME_PENDING;
}

static void file_deallocate(struct nvme *nvme, __u64 offset, __u64 len)
{
	/* A hint: where holes cannot be punched nothing is lost. */
	fallocate(to_file(nvme->ns)->fd,
		  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
		  (off_t)len);
}

static unsigned int file_submit(struct nvme *nvme)
{
	struct namespace_file *file = to_file(nvme->ns);
	struct nvme_request *request;
	unsigned int n = 0;
	__u16 status;

	while ((request = nvme_request_pop(&file->queued))) {
		status = request_prepare(nvme, request);
		if (!status) {
			file->backend->ops->queue(file->backend, request);
			continue;
		}
		request_complete(nvme, request, status);
		n++;
	}
	file->backend->ops->submit(file->backend);
	return n;
}

static unsigned int file_reap_finished(struct nvme *nvme)
{
	struct namespace_file *file = to_file(nvme->ns);
	struct nvme_request *request;
	unsigned int n = 0;
	__u16 status;

	while ((request = file->backend->ops->finished(file->backend))) {
		status = request_step_done(nvme, request);
		if (status == NVME_PENDING)
			nvme_request_push(&file->queued, request);
		else
			request_complete(nvme, request, status);
		n++;
	}
	return n;
}

static unsigned int file_reap(struct nvme *nvme, bool is_waiting)
{
	struct namespace_file *file = to_file(nvme->ns);
	unsigned int n = file_reap_finished(nvme);

	if (n || !is_waiting || !file->common.n_in_flight)
		return n;
	file->backend->ops->wait(file->backend, WAIT_NS);
	return file_reap_finished(nvme);
}

static void file_sync(struct nvme *nvme)
{
	if (!nvme->ns->is_read_only && fdatasync(to_file(nvme->ns)->fd))
		trace_device_error(nvme->name, "image %s: flush: errno %d",
				   nvme->options.image, errno);
}

static void file_destroy(struct nvme_namespace *ns)
{
	struct namespace_file *file = to_file(ns);

	file->backend->ops->destroy(file->backend);
	/* A child that the program forked shares the lock: end it for both. */
	flock(file->fd, LOCK_UN);
	fd_release(file->fd);
	mem_free(file->requests);
	mem_free(file);
}

static const struct nvme_namespace_ops namespace_file_ops = {
	.read = file_read,
	.write = file_write,
	.flush = file_flush,
	.zero = file_zero,
	.deallocate = file_deallocate,
	.submit = file_submit,
	.reap = file_reap,
	.sync = file_sync,
	.destroy = file_destroy,
};

/* ---- open ------------------------------------------------------------- */

static struct nvme_backend *file_backend_create(struct nvme *nvme, int fd)
{
	struct nvme_backend *backend;

	if (nvme->options.io == NVME_IO_THREADS)
		return nvme_backend_threads_create(nvme, fd);
	backend = nvme_backend_uring_create(fd);
	if (!is_err(backend))
		return backend;
	if (nvme->options.io == NVME_IO_URING) {
		trace_device_error(
			nvme->name,
			"io_uring is refused (errno %d); use io=threads",
			-ptr_err(backend));
		return backend;
	}
	if (ptr_err(backend) == -ENOMEM)
		return backend;
	return nvme_backend_threads_create(nvme, fd);
}

/* Return: 0, or -ENOMEM. */
static int file_make_requests(struct namespace_file *file)
{
	unsigned int i;

	file->requests = mem_alloc(
		array_size(NVME_REQUESTS_MAX, sizeof(struct nvme_request)));
	if (!file->requests)
		return -ENOMEM;
	for (i = 0; i < NVME_REQUESTS_MAX; i++)
		nvme_request_push(&file->free, &file->requests[i]);
	file->common.n_free = NVME_REQUESTS_MAX;
	return 0;
}

struct nvme_namespace *nvme_namespace_file_create(struct nvme *nvme)
{
	const struct nvme_options *options = &nvme->options;
	struct namespace_file *file;
	__u64 image_len = 0;
	int err;

	file = mem_alloc(sizeof(*file));
	if (!file)
		return err_ptr(-ENOMEM);
	file->common.ops = &namespace_file_ops;
	file->common.len = options->len;
	file->common.is_read_only = options->is_read_only;
	file->common.has_write_cache = true;
	err = file_make_requests(file);
	if (err)
		goto err_free;
	err = nvme_image_open(options->image, options->is_read_only,
			      &image_len);
	if (err < 0)
		goto err_free_requests;
	err = fd_claim(err);
	if (err < 0)
		goto err_free_requests;
	file->fd = err;
	file->backend = file_backend_create(nvme, file->fd);
	if (!is_err(file->backend))
		return &file->common;
	err = ptr_err(file->backend);
	fd_release(file->fd);
err_free_requests:
	mem_free(file->requests);
err_free:
	mem_free(file);
	return err_ptr(err);
}
