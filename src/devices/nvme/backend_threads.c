/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Image I/O by threads, where io_uring is refused.
 *
 * The lock guards both lists, who is idle, and is_stopping. A thread with
 * nothing to do says so under the lock and sleeps on its own waiter; who
 * queues a step takes one idle thread out and wakes it.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/err.h"
#include "base/lock.h"
#include "base/mem.h"
#include "devices/nvme/backend.h"

#define N_THREADS 4u

struct backend_threads;

struct pool_thread {
	struct thread thread;
	struct waiter waiter;
	struct backend_threads *pool;
	bool is_idle;
};

/**
 * struct backend_threads - the pool
 * @lock: guards what the head comment says
 * @todo: steps to perform
 * @finished: steps performed
 * @n_finished: how many; read without the lock
 * @threads: those that run come first
 * @n_threads: those that run; of who runs the controller
 * @is_inline: there are no threads
 */
struct backend_threads {
	struct nvme_backend common;
	struct nvme *nvme;
	int fd;
	struct lock lock;
	struct nvme_request_list todo;
	struct nvme_request_list finished;
	atomic_uint n_finished;
	bool is_stopping;
	unsigned int n_threads;
	bool is_inline;
	struct pool_thread threads[N_THREADS];
};

static struct backend_threads *to_threads(struct nvme_backend *backend)
{
	return container_of(backend, struct backend_threads, common);
}

static __s64 result_of(__s64 returned)
{
	return returned < 0 ? -errno : returned;
}

static __s64 step_perform(int fd, const struct nvme_request *request)
{
	off_t offset = (off_t)(request->offset + request->done);
	int n = (int)request->n_iov;

	switch (request->kind) {
	case NVME_REQUEST_READ:
		return result_of(preadv(fd, request->iov, n, offset));
	case NVME_REQUEST_WRITE:
	case NVME_REQUEST_WRITE_ZEROES:
		return result_of(pwritev2(fd, request->iov, n, offset,
					  request->is_durable ? RWF_DSYNC : 0));
	case NVME_REQUEST_FLUSH:
		return result_of(fdatasync(fd));
	case NVME_REQUEST_ZERO_RANGE:
		return result_of(fallocate(fd, FALLOC_FL_ZERO_RANGE, offset,
					   (off_t)request->len));
	case NVME_REQUEST_PUNCH_HOLE:
		return result_of(fallocate(
			fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
			(off_t)request->len));
	default:
		return -EINVAL;
	}
}

static void threads_finish(struct backend_threads *pool,
			   struct nvme_request *request)
{
	lock_acquire(&pool->lock);
	nvme_request_push(&pool->finished, request);
	atomic_fetch_add(&pool->n_finished, 1);
	lock_release(&pool->lock);
}

static void pool_thread_run(void *arg)
{
	struct pool_thread *self = arg;
	struct backend_threads *pool = self->pool;
	struct nvme_request *request;
	bool is_stopping;

	for (;;) {
		lock_acquire(&pool->lock);
		request = nvme_request_pop(&pool->todo);
		is_stopping = pool->is_stopping;
		self->is_idle = !request;
		lock_release(&pool->lock);
		if (request) {
			request->result = step_perform(pool->fd, request);
			threads_finish(pool, request);
			waiter_wake(&pool->nvme->waiter);
		} else if (is_stopping) {
			return;
		} else {
			waiter_wait(&self->waiter);
		}
	}
}

static void threads_start(struct backend_threads *pool)
{
	struct pool_thread *thread;

	while (pool->n_threads < N_THREADS) {
		thread = &pool->threads[pool->n_threads];
		thread->pool = pool;
		if (thread_start(&thread->thread, "nvme-io", pool_thread_run,
				 thread))
			break;
		pool->n_threads++;
	}
	pool->is_inline = !pool->n_threads;
}

static void threads_queue(struct nvme_backend *backend,
			  struct nvme_request *request)
{
	struct backend_threads *pool = to_threads(backend);
	struct pool_thread *idle = NULL;
	unsigned int i;

	if (!pool->is_inline && !pool->n_threads)
		threads_start(pool);
	if (pool->is_inline) {
		request->result = step_perform(pool->fd, request);
		threads_finish(pool, request);
		return;
	}
	lock_acquire(&pool->lock);
	nvme_request_push(&pool->todo, request);
	for (i = 0; i < pool->n_threads && !idle; i++)
		if (pool->threads[i].is_idle)
			idle = &pool->threads[i];
	if (idle)
		idle->is_idle = false;
	lock_release(&pool->lock);
	if (idle)
		waiter_wake(&idle->waiter);
}

static void threads_submit(struct nvme_backend *backend)
{
	(void)backend;
}

static struct nvme_request *threads_finished(struct nvme_backend *backend)
{
	struct backend_threads *pool = to_threads(backend);
	struct nvme_request *request;

	if (!atomic_load_explicit(&pool->n_finished, memory_order_relaxed))
		return NULL;
	lock_acquire(&pool->lock);
	request = nvme_request_pop(&pool->finished);
	atomic_fetch_sub(&pool->n_finished, 1);
	lock_release(&pool->lock);
	return request;
}

static void threads_wait(struct nvme_backend *backend, __u64 nanoseconds)
{
	struct backend_threads *pool = to_threads(backend);

	if (!atomic_load(&pool->n_finished))
		waiter_wait_for(&pool->nvme->waiter, nanoseconds);
}

static void threads_destroy(struct nvme_backend *backend)
{
	struct backend_threads *pool = to_threads(backend);
	unsigned int i;

	lock_acquire(&pool->lock);
	pool->is_stopping = true;
	lock_release(&pool->lock);
	for (i = 0; i < pool->n_threads; i++) {
		waiter_wake(&pool->threads[i].waiter);
		thread_join(&pool->threads[i].thread);
	}
	lock_deinit(&pool->lock);
	mem_free(pool);
}

static const struct nvme_backend_ops backend_threads_ops = {
	.queue = threads_queue,
	.submit = threads_submit,
	.finished = threads_finished,
	.wait = threads_wait,
	.destroy = threads_destroy,
};

struct nvme_backend *nvme_backend_threads_create(struct nvme *nvme, int fd)
{
	struct backend_threads *pool;

	pool = mem_alloc(sizeof(*pool));
	if (!pool)
		return err_ptr(-ENOMEM);
	pool->common.ops = &backend_threads_ops;
	pool->nvme = nvme;
	pool->fd = fd;
	pool->is_inline = nvme->is_sync;
	lock_init(&pool->lock, LOCK_RANK_LEAF);
	return &pool->common;
}
