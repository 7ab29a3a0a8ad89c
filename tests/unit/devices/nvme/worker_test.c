/* SPDX-License-Identifier: BSD-3-Clause */
/* The controller's thread: polling, sleeping, waking, stopping. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "base/fault.h"
#include "base/thread.h"
#include "driver.h"

static const struct fake_options by_thread;

static void sleep_ms(long ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

static bool wait_armed(struct driver *driver)
{
	unsigned int i;

	for (i = 0; i < 5000 && !fake_is_armed(driver->fake); i++)
		sleep_ms(1);
	return fake_is_armed(driver->fake);
}

static void test_many_commands(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 8, 0);
	unsigned int n_pushed = 0, n_popped = 0, n = 20000;
	struct nvme_cqe cqe;

	(void)state;
	while (n_popped < n) {
		while (n_pushed < n && n_pushed - n_popped < 40) {
			driver_push(driver, 1, &sqe);
			driver_ring(driver, 1);
			n_pushed++;
		}
		assert_true(driver_pop(driver, 1, &cqe));
		assert_int_equal(driver_status(&cqe), 0);
		assert_int_equal(cqe.cid, (__u16)(driver->next_cid - n_pushed +
						  n_popped + 1));
		n_popped++;
	}
	driver_destroy(driver);
}

static void test_sleeps_and_wakes(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		assert_true(wait_armed(driver));
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
		assert_true(wait_armed(driver));
		assert_int_equal(driver_admin(driver, 10, 7, 0, NULL), 0);
	}
	assert_true(wait_armed(driver));
	fake_reset(driver->fake);
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	driver_destroy(driver);
}

static __u64 cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (__u64)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       1000000 +
	       (__u64)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* 20 ms in 10 s is the limit; here 1 s, with much room for noise. */
static void test_idle_costs_nothing(void **state)
{
	static const struct fake_options options[] = {
		{ .cannot_arm = false },
		{ .cannot_arm = true },
	};
	struct driver *driver;
	unsigned int i, j;
	__u64 before;

	(void)state;
	for (i = 0; i < array_len(options); i++) {
		driver = driver_create("size=1M,queues=3", &options[i]);
		sleep_ms(50);
		before = cpu_us();
		for (j = 0; j < 10; j++)
			sleep_ms(100);
		assert_in_range(cpu_us() - before, 0, 10000);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
		driver_destroy(driver);
	}
}

static void test_stray_doorbell_in_memory(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	struct nvme_sqe sqe = { .opcode = NVME_ADMIN_ASYNC_EVENT };
	struct nvme_cqe cqe;

	(void)state;
	driver_push(driver, 0, &sqe);
	driver_ring(driver, 0);
	fake_store32(driver->fake, 0x1100, 3);
	assert_true(driver_pop(driver, 0, &cqe));
	assert_int_equal(cqe.result, 0x00010000);
	driver_destroy(driver);
}

static void test_close_and_open_again(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 8, 0);
	unsigned int i;

	(void)state;
	driver_fill(0, 4096, 5);
	assert_int_equal(driver_io(driver, NVME_IO_WRITE, 0, 8, 0), 0);
	for (i = 0; i < 20; i++) {
		driver_push(driver, 1, &sqe);
		driver_ring(driver, 1);
		fake_close(driver->fake);
		assert_int_equal(fake_open(driver->fake), 0);
		fake_set_bus_master(driver->fake, true);
		assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
		assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	}
	/* What was written is there for as long as the device is. */
	driver_fill(0, 4096, 0);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 8, 0), 0);
	driver_expect(0, 4096, 5);
	driver_destroy(driver);
}

static void test_reset_under_load(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 2048, 0);
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 20; i++) {
		sqe = driver_transfer(NVME_IO_READ, 0, 2048, 0);
		for (j = 0; j < 30; j++)
			driver_push(driver, 1, &sqe);
		driver_ring(driver, 1);
		if (i & 1) {
			fake_reset(driver->fake);
		} else {
			/* EN rises again before anybody looked. */
			fake_store32(driver->fake, NVME_REG_CC, 0);
			assert_true(driver_wait_csts(driver, 1, 0));
		}
		assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
		assert_int_equal(driver_create_queues(driver, 1, 64), 0);
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	}
	driver_destroy(driver);
}

/* A fall and rise of EN in one breath is a reset all the same. */
static void test_quick_reset(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	__u32 cc = fake_load32(driver->fake, NVME_REG_CC);
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		fake_store32(driver->fake, NVME_REG_CC, 0);
		fake_store32(driver->fake, NVME_REG_CC, cc);
	}
	/* The one that was, or is to come: after it slots are zero. */
	fake_store32(driver->fake, NVME_REG_CC, 0);
	assert_true(driver_wait_csts(driver, 1, 0));
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	assert_int_equal(driver_create_queues(driver, 1, 64), 0);
	assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	driver_destroy(driver);
}

static void test_no_thread(void **state)
{
	struct driver *driver = driver_create_closed("size=1M", &by_thread);
	struct driver *whole;

	(void)state;
	assert_int_equal(fake_open(driver->fake), 0);
	fault_arm(1);
	fake_set_bus_master(driver->fake, true);
	assert_true(fault_was_hit());
	fault_arm(1);
	assert_int_equal(driver_enable(driver), NVME_CSTS_CFS);
	assert_true(fault_was_hit());
	fault_arm(0);
	assert_int_equal(fake_n_errors(), 1);
	/* Threads are to be had again. */
	fake_store32(driver->fake, NVME_REG_CC, 0);
	assert_true(driver_wait_csts(driver, 3, 0));
	assert_int_equal(driver_enable(driver), NVME_CSTS_RDY);
	driver_destroy(driver);
	whole = driver_create_closed("size=1M", &by_thread);
	assert_int_equal(fake_open(whole->fake), 0);
	/* Never enabled: shut down and disabled without a thread. */
	fake_store32(whole->fake, NVME_REG_CC, 1 << 14);
	assert_int_equal(fake_load32(whole->fake, NVME_REG_CSTS), 8);
	fake_store32(whole->fake, NVME_REG_CC, 0);
	assert_int_equal(fake_load32(whole->fake, NVME_REG_CSTS), 0);
	fake_reset(whole->fake);
	driver_destroy(whole);
}

static void test_shadows_save_stores(void **state)
{
	struct driver *driver = driver_create("size=1M,queues=3", &by_thread);
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_DOORBELL_BUFFER,
		.prp1 = DRIVER_SHADOWS,
		.prp2 = DRIVER_EVENTS,
	};
	unsigned int i;

	(void)state;
	assert_int_equal(driver_run(driver, 0, &sqe, NULL), 0);
	driver->has_shadows = true;
	for (i = 0; i < 2000; i++)
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	for (i = 0; i < 20; i++) {
		assert_true(wait_armed(driver));
		assert_int_equal(driver_io(driver, NVME_IO_READ, 0, 1, 0), 0);
	}
	driver_destroy(driver);
}

/* ---- synchronous, from several threads -------------------------------- */

#define N_RINGERS 3u
#define N_RINGS 2000u

struct ringer {
	struct thread thread;
	struct driver *driver;
	unsigned int queue;
	unsigned int n_good;
};

static void ringer_run(void *arg)
{
	struct ringer *self = arg;
	struct nvme_sqe sqe = driver_transfer(NVME_IO_READ, 0, 1, 0);
	struct nvme_cqe cqe;
	unsigned int i;

	sqe.prp1 += 4096 * self->queue;
	for (i = 0; i < N_RINGS; i++) {
		driver_push(self->driver, self->queue, &sqe);
		driver_ring(self->driver, self->queue);
		/* Whoever ran the controller did it for all. */
		if (driver_pop(self->driver, self->queue, &cqe) &&
		    !driver_status(&cqe))
			self->n_good++;
	}
}

static void test_synchronous_threads(void **state)
{
	static const struct fake_options in_sync = { .is_sync = true };
	struct driver *driver = driver_create("size=1M,queues=3", &in_sync);
	struct ringer ringers[N_RINGERS] = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < N_RINGERS; i++) {
		ringers[i].driver = driver;
		ringers[i].queue = i + 1;
		if (i)
			assert_int_equal(driver_create_queues(driver, i + 1, 8),
					 0);
	}
	for (i = 0; i < N_RINGERS; i++)
		assert_int_equal(thread_start(&ringers[i].thread, "ringer",
					      ringer_run, &ringers[i]),
				 0);
	for (i = 0; i < N_RINGERS; i++) {
		thread_join(&ringers[i].thread);
		assert_int_equal(ringers[i].n_good, N_RINGS);
	}
	driver_destroy(driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_many_commands),
		harness_test(test_sleeps_and_wakes),
		harness_test(test_idle_costs_nothing),
		harness_test(test_stray_doorbell_in_memory),
		harness_test(test_close_and_open_again),
		harness_test(test_reset_under_load),
		harness_test(test_quick_reset),
		harness_test(test_no_thread),
		harness_test(test_shadows_save_stores),
		harness_test(test_synchronous_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
