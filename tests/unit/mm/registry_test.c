/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted extents against an array of counters. */
#include <string.h>
#include "base/fault.h"
#include "harness/harness.h"
#include "mm/registry.h"

#define N_BYTES 256u
#define N_PINS 64u
#define BASE 0x10000u
#define ASIDE 0x90000u

/**
 * struct model - the dumber answer
 * @counts: of each byte at BASE
 * @pins: what is pinned now; len 0: free
 */
struct model {
	unsigned int counts[N_BYTES];
	struct {
		unsigned int start;
		unsigned int len;
	} pins[N_PINS];
};

static void check_against(struct registry *registry, const struct model *model)
{
	unsigned int i;

	for (i = 0; i < N_BYTES; i++) {
		const struct extent *extent =
			registry_first(registry, BASE + i, BASE + i);

		assert_int_equal(extent ? extent->n_pins : 0, model->counts[i]);
	}
}

/* Neighbours that are alike are one extent. */
static void check_joined(struct registry *registry)
{
	const struct extent *before =
		registry_first(registry, BASE, BASE + N_BYTES - 1);
	const struct extent *extent;

	for (; before; before = extent) {
		extent = registry_first(registry, before->range.last + 1,
					BASE + N_BYTES);
		if (!extent)
			return;
		assert_true(extent->range.start > before->range.last + 1 ||
			    extent->n_pins != before->n_pins);
	}
}

static void model_count(struct model *model, unsigned int pin, int step)
{
	unsigned int i;

	for (i = 0; i < model->pins[pin].len; i++)
		model->counts[model->pins[pin].start + i] += (unsigned int)step;
}

static void toggle_pin(struct registry *registry, struct model *model,
		       struct harness_random *random)
{
	unsigned int pin = (unsigned int)harness_random_below(random, N_PINS);
	unsigned int start;
	unsigned int len = model->pins[pin].len;

	if (len) {
		start = model->pins[pin].start;
		registry_unpin(registry, BASE + start, BASE + start + len - 1,
			       NULL);
		model_count(model, pin, -1);
		model->pins[pin].len = 0;
		return;
	}
	start = (unsigned int)harness_random_below(random, N_BYTES);
	len = 1 + (unsigned int)harness_random_below(random, N_BYTES - start);
	assert_int_equal(registry_pin(registry, BASE + start,
				      BASE + start + len - 1),
			 0);
	model->pins[pin].start = start;
	model->pins[pin].len = len;
	model_count(model, pin, 1);
}

static void counts_agree_with_the_model(void **state)
{
	struct registry registry;
	struct harness_random random;
	struct model model;
	unsigned int i;

	(void)state;
	memset(&registry, 0, sizeof(registry));
	memset(&model, 0, sizeof(model));
	harness_random_init(&random);
	for (i = 0; i < 4000; i++) {
		toggle_pin(&registry, &model, &random);
		check_against(&registry, &model);
		check_joined(&registry);
	}
	for (i = 0; i < N_PINS; i++)
		if (model.pins[i].len)
			registry_unpin(&registry, BASE + model.pins[i].start,
				       BASE + model.pins[i].start +
					       model.pins[i].len - 1,
				       NULL);
	assert_int_equal(registry.n_extents, 0);
	registry_clear(&registry);
}

static void pages_of_a_buffer_are_one_extent(void **state)
{
	struct registry registry;
	unsigned int i;

	(void)state;
	memset(&registry, 0, sizeof(registry));
	for (i = 0; i < 100; i++)
		assert_int_equal(registry_pin(&registry, BASE + i * 4096ULL,
					      BASE + i * 4096ULL + 4095),
				 0);
	assert_int_equal(registry.n_extents, 1);
	registry_unpin(&registry, BASE + 4096, BASE + 8191, NULL);
	assert_int_equal(registry.n_extents, 2);
	registry_clear(&registry);
}

static __u64 gone_start;
static __u64 gone_last;

static void remember_gone(__u64 start, __u64 last)
{
	gone_start = start;
	gone_last = last;
}

static void relocated_extents_go_with_their_last_pin(void **state)
{
	struct registry registry;

	(void)state;
	memset(&registry, 0, sizeof(registry));
	gone_start = 0;
	assert_int_equal(registry_pin(&registry, BASE, BASE + 99), 0);
	assert_int_equal(registry_pin(&registry, BASE + 40, BASE + 59), 0);
	assert_int_equal(registry_prepare(&registry), 0);
	registry_relocate(&registry, BASE + 20, BASE + 79, ASIDE, true);
	assert_null(registry_first(&registry, BASE + 20, BASE + 79));
	assert_int_equal(registry_first(&registry, ASIDE, ASIDE)->n_pins, 1);
	assert_int_equal(
		registry_first(&registry, ASIDE + 20, ASIDE + 20)->n_pins, 2);
	registry_unpin(&registry, ASIDE, ASIDE + 19, remember_gone);
	assert_int_equal(gone_start, ASIDE);
	assert_int_equal(gone_last, ASIDE + 19);
	registry_clear(&registry);
}

/* With no memory left the counts stay as they were. */
static void a_failed_pin_changes_nothing(void **state)
{
	struct registry registry;
	struct model model;
	unsigned int nth = 0;
	int err;

	(void)state;
	memset(&model, 0, sizeof(model));
	model.counts[10] = 1;
	model.counts[30] = 1;
	do {
		memset(&registry, 0, sizeof(registry));
		fault_arm(++nth);
		err = registry_pin(&registry, BASE + 10, BASE + 10);
		if (!err)
			err = registry_pin(&registry, BASE + 30, BASE + 30);
		model.counts[10] = registry.n_extents > 0;
		model.counts[30] = registry.n_extents > 1;
		if (!err)
			err = registry_pin(&registry, BASE + 5, BASE + 34);
		fault_arm(0);
		if (err)
			check_against(&registry, &model);
		registry_clear(&registry);
	} while (err);
	assert_true(nth > 1);
}

/* Cutting on unpin never needs memory: there is a reserve. */
static void unpin_works_without_memory(void **state)
{
	struct registry registry;

	(void)state;
	memset(&registry, 0, sizeof(registry));
	assert_int_equal(registry_pin(&registry, BASE, BASE + 49), 0);
	assert_int_equal(registry_pin(&registry, BASE + 50, BASE + 99), 0);
	fault_arm(1);
	registry_unpin(&registry, BASE + 50, BASE + 99, NULL);
	fault_arm(0);
	assert_non_null(registry_first(&registry, BASE, BASE));
	assert_null(registry_first(&registry, BASE + 50, BASE + 99));
	registry_clear(&registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(counts_agree_with_the_model),
		harness_test(pages_of_a_buffer_are_one_extent),
		harness_test(relocated_extents_go_with_their_last_pin),
		harness_test(a_failed_pin_changes_nothing),
		harness_test(unpin_works_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
