/* SPDX-License-Identifier: BSD-3-Clause */
/* Many threads on one context: what they do to each other is defined. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include "fixture.h"

#define N_THREADS 100u
#define N_ROUNDS 40u

/* What all threads share. */
struct crowd {
	struct file *file;
	__u32 ioas;
	__u32 shared;
	char *memory;
	atomic_uint n_wrong;
};

struct worker {
	struct crowd *crowd;
	unsigned int number;
	pthread_t thread;
};

#define expect(crowd, cond)                                     \
	do {                                                    \
		if (!(cond))                                    \
			atomic_fetch_add(&(crowd)->n_wrong, 1); \
	} while (0)

/* Areas of its own in a common address space, one of them placed by us. */
static void worker_map(struct worker *worker)
{
	struct crowd *crowd = worker->crowd;
	__u64 iova = 0x100000000ull + worker->number * 0x10000ull;
	__u64 len = PAGE;
	__u64 placed = 0;

	expect(crowd,
	       !do_map(crowd->file, crowd->ioas, FIXED | READ | WRITE,
		       crowd->memory + worker->number * PAGE, PAGE, &iova));
	expect(crowd, !do_map(crowd->file, crowd->ioas, READ, crowd->memory,
			      PAGE, &placed));
	expect(crowd, !do_unmap(crowd->file, crowd->ioas, placed, &len));
	expect(crowd, !do_unmap(crowd->file, crowd->ioas, iova, &len));
	expect(crowd,
	       do_unmap(crowd->file, crowd->ioas, iova, &len) == -ENOENT);
}

/* An address space of its own, with a copy from the common one, both ways. */
static void worker_copy(struct worker *worker)
{
	struct crowd *crowd = worker->crowd;
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.src_ioas_id = crowd->shared,
		.length = PAGE,
		.dst_iova = 0x5000,
		.src_iova = 0x10000,
	};
	__u64 len = PAGE;
	__u32 id;

	expect(crowd, !do_ioas_alloc(crowd->file, &id));
	args.dst_ioas_id = id;
	expect(crowd, !do_copy(crowd->file, &args));
	args.dst_ioas_id = crowd->ioas;
	args.src_ioas_id = id;
	args.src_iova = 0x5000;
	args.dst_iova = 0x200000000ull + worker->number * 0x10000ull;
	expect(crowd, !do_copy(crowd->file, &args));
	expect(crowd, !do_unmap(crowd->file, crowd->ioas, args.dst_iova, &len));
	expect(crowd, !do_destroy(crowd->file, id));
}

static void *worker_run(void *arg)
{
	struct worker *worker = arg;
	unsigned int round;

	for (round = 0; round < N_ROUNDS; round++) {
		worker_map(worker);
		worker_copy(worker);
	}
	return NULL;
}

static void crowd_run(struct crowd *crowd, void *(*run)(void *arg))
{
	static struct worker workers[N_THREADS];
	unsigned int i;

	for (i = 0; i < N_THREADS; i++) {
		workers[i].crowd = crowd;
		workers[i].number = i;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, run,
						&workers[i]),
				 0);
	}
	for (i = 0; i < N_THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	assert_int_equal(atomic_load(&crowd->n_wrong), 0);
}

static void test_crowd(void **state)
{
	struct crowd crowd = { .file = ((struct fixture *)*state)->file };

	crowd.memory = fixture_memory(N_THREADS * PAGE);
	crowd.ioas = ioas_alloc(crowd.file);
	crowd.shared = ioas_alloc(crowd.file);
	map_fixed(crowd.file, crowd.shared, crowd.memory, PAGE, 0x10000);
	crowd_run(&crowd, worker_run);
	assert_int_equal(ioas_alloc(crowd.file), 3);
	fixture_free(crowd.memory, N_THREADS * PAGE);
}

/* The same while a device is attached: areas are pinned and unpinned. */
static void test_crowd_pinning(void **state)
{
	struct crowd crowd = { .file = ((struct fixture *)*state)->file };
	struct bound bound;
	__u32 pt;

	crowd.memory = fixture_memory(N_THREADS * PAGE);
	crowd.ioas = ioas_alloc(crowd.file);
	crowd.shared = ioas_alloc(crowd.file);
	map_fixed(crowd.file, crowd.shared, crowd.memory, PAGE, 0x10000);
	bound_init(&bound, crowd.file, fixture_unit);
	pt = crowd.ioas;
	assert_int_equal(attach(&bound, &pt), 0);
	crowd_run(&crowd, worker_run);
	assert_int_equal(fixture_pinned(), 0);
	bound_deinit(&bound);
	fixture_free(crowd.memory, N_THREADS * PAGE);
}

/* All fight for one place: one wins each time, nobody gets a torn state. */
static void *fighter_run(void *arg)
{
	struct worker *worker = arg;
	struct crowd *crowd = worker->crowd;
	unsigned int round;

	for (round = 0; round < N_ROUNDS; round++) {
		__u64 iova = 0x10000;
		__u64 len = PAGE;
		int rc;

		rc = do_map(crowd->file, crowd->ioas, FIXED | READ,
			    crowd->memory, PAGE, &iova);
		expect(crowd, !rc || rc == -EEXIST);
		if (rc)
			continue;
		expect(crowd, !do_unmap(crowd->file, crowd->ioas, iova, &len));
	}
	return NULL;
}

static void test_fight_for_place(void **state)
{
	struct crowd crowd = { .file = ((struct fixture *)*state)->file };
	__u64 len = ~0ull;

	crowd.ioas = ioas_alloc(crowd.file);
	crowd_run(&crowd, fighter_run);
	assert_int_equal(do_unmap(crowd.file, crowd.ioas, 0, &len), 0);
	assert_int_equal(len, 0);
}

/* Objects that others use right now: busy or gone, nothing else. */
static void *destroyer_run(void *arg)
{
	struct worker *worker = arg;
	struct crowd *crowd = worker->crowd;
	unsigned int round;

	for (round = 0; round < N_ROUNDS; round++) {
		__u64 iova = 0x10000 + worker->number * PAGE;
		__u32 id;
		int rc;

		if (do_ioas_alloc(crowd->file, &id))
			continue;
		rc = do_map(crowd->file, 1 + worker->number % 8, FIXED | READ,
			    crowd->memory, PAGE, &iova);
		expect(crowd, !rc || rc == -ENOENT || rc == -EEXIST);
		rc = do_destroy(crowd->file, 1 + round % 8);
		expect(crowd, !rc || rc == -ENOENT || rc == -EBUSY);
	}
	return NULL;
}

static void test_destroy_in_use(void **state)
{
	struct crowd crowd = { .file = ((struct fixture *)*state)->file };

	crowd_run(&crowd, destroyer_run);
}

/* Attach and detach from many threads, a device each, on one table. */
static void *attacher_run(void *arg)
{
	struct worker *worker = arg;
	struct crowd *crowd = worker->crowd;
	struct bound bound;
	unsigned int round;

	bound.group = iommu_group_create(worker->number);
	bound.endpoint = iommu_endpoint_create(fixture_unit, bound.group,
					       (__u16)worker->number, "dev");
	bound.device = iommufd_device_bind(fixture_ctx(crowd->file),
					   bound.endpoint, &bound.id);
	expect(crowd, !is_err(bound.device));
	for (round = 0; round < N_ROUNDS / 4; round++) {
		__u32 pt = crowd->ioas;

		expect(crowd, !attach(&bound, &pt));
		expect(crowd, do_destroy(crowd->file, pt) == -EBUSY);
		pt = crowd->shared;
		expect(crowd, !replace(&bound, &pt));
		detach(&bound);
	}
	bound_deinit(&bound);
	return NULL;
}

static void test_attach_and_detach(void **state)
{
	struct crowd crowd = { .file = ((struct fixture *)*state)->file };

	crowd.memory = fixture_memory(PAGE);
	crowd.ioas = ioas_alloc(crowd.file);
	crowd.shared = ioas_alloc(crowd.file);
	map_fixed(crowd.file, crowd.ioas, crowd.memory, PAGE, 0x10000);
	map_fixed(crowd.file, crowd.shared, crowd.memory, PAGE, 0x10000);
	crowd_run(&crowd, attacher_run);
	assert_int_equal(fixture_pinned(), 0);
	destroy(crowd.file, crowd.ioas);
	destroy(crowd.file, crowd.shared);
	fixture_free(crowd.memory, PAGE);
}

/* An UNMAP on its way. */
struct unmapper {
	struct file *file;
	__u32 ioas;
	atomic_bool is_done;
	int rc;
};

static void *unmapper_run(void *arg)
{
	struct unmapper *unmapper = arg;
	__u64 len = 2 * PAGE;

	unmapper->rc = do_unmap(unmapper->file, unmapper->ioas, 0x10000, &len);
	atomic_store(&unmapper->is_done, true);
	return NULL;
}

/*
 * Asynchronous DMA holds one of two areas: both are gone for new DMA, UNMAP
 * waits for the holder, and the address space is free for others meanwhile.
 */
static void test_unmap_waits_for_holder(void **state)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct unmapper unmapper = { .file = ((struct fixture *)*state)->file };
	char *memory = fixture_memory(2 * PAGE);
	struct iommu_dma_piece piece;
	struct bound bound;
	pthread_t thread;
	__u32 pt;

	unmapper.ioas = ioas_alloc(unmapper.file);
	bound_init(&bound, unmapper.file, fixture_unit);
	pt = unmapper.ioas;
	assert_int_equal(attach(&bound, &pt), 0);
	map_fixed(unmapper.file, unmapper.ioas, memory, PAGE, 0x10000);
	map_fixed(unmapper.file, unmapper.ioas, memory + PAGE, PAGE, 0x11000);
	assert_int_equal(iommu_dma_map(bound.endpoint, IOMMU_NO_PASID, 0x10000,
				       PAGE, IOMMU_WRITE, &piece),
			 0);
	assert_int_equal(pthread_create(&thread, NULL, unmapper_run, &unmapper),
			 0);
	while (!dma_put(&bound, 0x11000, 'x'))
		nanosleep(&pause, NULL);
	nanosleep(&pause, NULL);
	assert_false(atomic_load(&unmapper.is_done));
	assert_int_equal(fixture_pinned(), 2);
	/* The place is free again. */
	map_fixed(unmapper.file, unmapper.ioas, memory, PAGE, 0x10000);
	unmap(unmapper.file, unmapper.ioas, 0x10000, PAGE);
	assert_int_equal(fixture_pinned(), 2);
	*(char *)piece.address = 'h';
	iommu_dma_unmap(&piece);
	pthread_join(thread, NULL);
	assert_int_equal(unmapper.rc, 0);
	assert_int_equal(memory[0], 'h');
	assert_int_equal(fixture_pinned(), 0);
	bound_deinit(&bound);
	fixture_free(memory, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_crowd),
		fixture_test(test_crowd_pinning),
		fixture_test(test_fight_for_place),
		fixture_test(test_destroy_in_use),
		fixture_test(test_attach_and_detach),
		fixture_test(test_unmap_waits_for_holder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
