/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous DMA against what takes its way away: when a detach, a replace
 * or a clear of bus master has returned, nobody holds what was there before,
 * however the two threads fell upon each other.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/err.h"
#include "iommu/vtd/vtd.h"
#include "fixture.h"

#define N_ROUNDS 10000u
#define N_HOLDERS 2u
#define IOVA 0x10000u

/**
 * struct race - holders, and one that closes the way
 * @fixture: the device, with its memory mapped at IOVA
 * @other: a second address space, its first byte is another one
 * @forbidden: no holder may see this byte now; 0: anything goes
 * @is_over: holders stop
 * @n_held: holds that succeeded
 * @n_wrong: those that were there when they should not
 */
struct race {
	struct fixture fixture;
	struct iommu_domain *other;
	atomic_char forbidden;
	atomic_bool is_over;
	atomic_uint n_held;
	atomic_uint n_wrong;
};

static const struct trace_listener silent = { .dma_fault = NULL };

static void *hold_again_and_again(void *arg)
{
	struct race *race = arg;
	struct iommu_dma_piece piece;
	char seen;

	while (!atomic_load(&race->is_over)) {
		if (iommu_dma_map(race->fixture.endpoint, IOMMU_NO_PASID, IOVA,
				  PAGE, IOMMU_READ, &piece))
			continue;
		seen = *(const char *)piece.address;
		for (int i = 0; i < 100; i++)
			if (atomic_load(&race->forbidden) == seen) {
				atomic_fetch_add(&race->n_wrong, 1);
				break;
			}
		iommu_dma_unmap(&piece);
		atomic_fetch_add(&race->n_held, 1);
	}
	return NULL;
}

static void race_run(struct race *race, void (*round)(struct race *race))
{
	pthread_t threads[N_HOLDERS];

	for (unsigned int i = 0; i < N_HOLDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						hold_again_and_again, race),
				 0);
	for (unsigned int i = 0; i < N_ROUNDS; i++)
		round(race);
	/* Not before they had their turn, on a machine that is busy. */
	while (atomic_load(&race->n_held) < N_ROUNDS / 10)
		round(race);
	atomic_store(&race->is_over, true);
	for (unsigned int i = 0; i < N_HOLDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&race->n_wrong), 0);
}

/* The way to @byte is closed: long enough for a holder to notice. */
static void forbid(struct race *race, char byte)
{
	atomic_store(&race->forbidden, byte);
	for (int i = 0; i < 50; i++)
		__builtin_ia32_pause();
	atomic_store(&race->forbidden, 0);
}

static void set_domain(struct race *race, struct iommu_domain *domain)
{
	assert_int_equal(
		iommu_endpoint_set_domain(race->fixture.endpoint, domain), 0);
}

static void detach_round(struct race *race)
{
	set_domain(race, NULL);
	forbid(race, 'a');
	set_domain(race, race->fixture.domain);
}

static void disable_round(struct race *race)
{
	iommu_endpoint_set_enabled(race->fixture.endpoint, false);
	forbid(race, 'a');
	iommu_endpoint_set_enabled(race->fixture.endpoint, true);
}

static void replace_round(struct race *race)
{
	set_domain(race, race->other);
	forbid(race, 'a');
	set_domain(race, race->fixture.domain);
	forbid(race, 'b');
}

static void run_with_two_spaces(void (*round)(struct race *race))
{
	struct race race = { .forbidden = 0 };
	struct fixture *fixture = &race.fixture;
	struct iommu_space *space = iommu_space_create();
	struct iommu_map a = { 0 };
	struct iommu_map b = { 0 };

	assert_non_null(space);
	fixture_init(fixture);
	trace_listen(&silent);
	fixture_map(fixture, &a, IOVA, 0, PAGE, IOMMU_READ);
	fixture->memory[0] = 'a';
	fixture->memory[PAGE] = 'b';
	race.other = iommu_domain_alloc(fixture->endpoint, space, 0);
	assert_false(is_err(race.other));
	b.start = IOVA;
	b.last = IOVA + PAGE - 1;
	b.address = (uintptr_t)fixture->memory + PAGE;
	b.prot = IOMMU_READ;
	assert_int_equal(iommu_space_insert(space, &b), 0);

	race_run(&race, round);

	fixture_unmap(fixture, &a);
	fixture_deinit(fixture);
	iommu_space_remove(space, &b);
	iommu_space_sync(space);
	iommu_domain_free(race.other);
	iommu_space_destroy(space);
}

static void test_no_holder_after_detach(void **state)
{
	(void)state;
	run_with_two_spaces(detach_round);
}

static void test_no_holder_after_disable(void **state)
{
	(void)state;
	run_with_two_spaces(disable_round);
}

static void test_no_holder_after_replace(void **state)
{
	(void)state;
	run_with_two_spaces(replace_round);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_holder_after_detach),
		cmocka_unit_test(test_no_holder_after_disable),
		cmocka_unit_test(test_no_holder_after_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
