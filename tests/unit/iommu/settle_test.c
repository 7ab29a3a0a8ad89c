/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that moves aside while asynchronous DMA knows its old address: the
 * call that lets go of it waits for that DMA, and for no later one.
 */
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "base/thread.h"
#include "fixture.h"
#include "iommu/space.h"
#include "mm/mm.h"

#define RW (IOMMU_READ | IOMMU_WRITE)
#define IOVA 0x40000000ull
/* A call that does not wait returns long before. */
#define LONG_ENOUGH_NS (20 * 1000 * 1000)

/**
 * struct pinned - a device, and a page of its memory as an IOAS has it
 */
struct pinned {
	struct fixture fixture;
	struct iommu_map map;
	struct mm_owner *owner;
};

static void pinned_init(struct pinned *pinned)
{
	uintptr_t address;

	fixture_init(&pinned->fixture);
	pinned->owner = iommu_space_memory_owner(pinned->fixture.space);
	mm_owner_add(pinned->owner);
	assert_int_equal(mm_pin(mm_process(), (uintptr_t)pinned->fixture.memory,
				PAGE, true, MM_ACCOUNT_USER, &address),
			 0);
	fixture_map(&pinned->fixture, &pinned->map, IOVA, 0, PAGE, RW);
}

static void pinned_deinit(struct pinned *pinned)
{
	fixture_unmap(&pinned->fixture, &pinned->map);
	mm_unpin(mm_process(), pinned->map.address, PAGE, MM_ACCOUNT_USER);
	mm_owner_remove(pinned->owner);
	fixture_deinit(&pinned->fixture);
}

static void pinned_hold(struct pinned *pinned, struct iommu_dma_piece *piece)
{
	assert_int_equal(iommu_dma_map(pinned->fixture.endpoint, IOMMU_NO_PASID,
				       IOVA, PAGE, RW, piece),
			 0);
	assert_int_equal(piece->len, PAGE);
}

/**
 * struct mover - a thread that lets go of the page
 * @let_go: how
 */
struct mover {
	void *page;
	void *(*let_go)(void *page);
	atomic_bool is_done;
	struct thread thread;
};

static void *page_leaves(void *page)
{
	assert_int_equal(mm_leaving(page, PAGE), 0);
	return NULL;
}

static void *page_is_remapped(void *page)
{
	void *room =
		mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_equal(mm_remap(page, PAGE, PAGE,
				  MREMAP_MAYMOVE | MREMAP_FIXED, room),
			 room);
	return room;
}

static void mover_run(void *arg)
{
	struct mover *mover = arg;

	mover->let_go(mover->page);
	atomic_store(&mover->is_done, true);
}

static void sleep_long_enough(void)
{
	struct timespec time = { .tv_nsec = LONG_ENOUGH_NS };

	nanosleep(&time, NULL);
}

static void check_waits_for_holder(void *(*let_go)(void *page))
{
	struct mover mover = { .let_go = let_go };
	struct iommu_dma_piece piece, later;
	struct pinned pinned;
	bool was_done;

	pinned_init(&pinned);
	mover.page = pinned.fixture.memory;
	memset(mover.page, 7, PAGE);
	pinned_hold(&pinned, &piece);
	assert_ptr_equal(piece.address, mover.page);
	assert_int_equal(
		thread_start(&mover.thread, "mover", mover_run, &mover), 0);
	sleep_long_enough();
	was_done = atomic_load(&mover.is_done);
	/* The pages are there already; their new holder goes on holding. */
	pinned_hold(&pinned, &later);
	assert_ptr_not_equal(later.address, mover.page);
	assert_int_equal(*(char *)later.address, 7);
	iommu_dma_unmap(&piece);
	thread_join(&mover.thread);
	assert_false(was_done);
	iommu_dma_unmap(&later);
	pinned_deinit(&pinned);
}

static void test_leaving_waits_for_holder(void **state)
{
	(void)state;
	check_waits_for_holder(page_leaves);
}

static void test_remap_waits_for_holder(void **state)
{
	(void)state;
	check_waits_for_holder(page_is_remapped);
}

/* Each move waits for those before it, in either phase. */
static void test_moves_follow_each_other(void **state)
{
	struct iommu_dma_piece piece;
	struct pinned pinned;
	void *page;
	int i;

	(void)state;
	pinned_init(&pinned);
	page = pinned.fixture.memory;
	for (i = 0; i < 5; i++) {
		pinned_hold(&pinned, &piece);
		assert_ptr_equal(piece.address, page);
		iommu_dma_unmap(&piece);
		page = page_is_remapped(page);
	}
	pinned_deinit(&pinned);
	munmap(page, PAGE);
}

/* mm fills its reserve with the first pin, and keeps it. */
static void mm_warm_up(void)
{
	static char page[PAGE] __attribute__((aligned(PAGE)));
	uintptr_t address;

	if (!mm_pin(mm_process(), (uintptr_t)page, PAGE, true, MM_ACCOUNT_USER,
		    &address))
		mm_unpin(mm_process(), address, PAGE, MM_ACCOUNT_USER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_leaving_waits_for_holder),
		harness_test(test_remap_waits_for_holder),
		harness_test(test_moves_follow_each_other),
	};

	mm_warm_up();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
