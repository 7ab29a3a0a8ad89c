/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that moves, wholly or in parts: DMA and unpinning follow, as the
 * memory owner of a space is told by mm.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "base/fault.h"
#include "base/thread.h"
#include "fixture.h"
#include "iommu/space.h"

#define RW (IOMMU_READ | IOMMU_WRITE)
#define IOVA 0x7000000ull

/* Where memory goes: pages that remember what they were. */
static char elsewhere[FIXTURE_LEN] __attribute__((aligned(PAGE)));

static int announce(struct fixture *fixture, size_t offset, size_t len)
{
	struct mm_owner *owner = iommu_space_memory_owner(fixture->space);

	return owner->prepare(owner, (uintptr_t)fixture->memory + offset, len);
}

/* Move [offset, offset + len) of the memory to the same place elsewhere. */
static void move(struct fixture *fixture, size_t offset, size_t len)
{
	struct mm_owner *owner = iommu_space_memory_owner(fixture->space);
	char *old = fixture->memory + offset;

	/* As mm does: on its list, the space keeps the pieces. */
	if (list_is_empty(&owner->entry))
		mm_owner_add(owner);
	assert_int_equal(announce(fixture, offset, len), 0);
	memcpy(elsewhere + offset, old, len);
	owner->moved(owner, (uintptr_t)old, len, (uintptr_t)elsewhere + offset);
	memset(old, 0xee, len);
}

static void end_moves(struct fixture *fixture)
{
	struct mm_owner *owner = iommu_space_memory_owner(fixture->space);

	if (!list_is_empty(&owner->entry))
		mm_owner_remove(owner);
	fixture_deinit(fixture);
}

static void number_pages(struct fixture *fixture)
{
	unsigned int i;

	for (i = 0; i < FIXTURE_N_PAGES; i++)
		memset(fixture->memory + i * PAGE, (int)i + 1, PAGE);
}

static void check_all_pages(struct fixture *fixture)
{
	static char buf[FIXTURE_LEN];
	unsigned int i;

	memset(buf, 0, sizeof(buf));
	assert_int_equal(fixture_read(fixture, IOVA, buf, FIXTURE_LEN), 0);
	for (i = 0; i < FIXTURE_LEN; i++)
		assert_int_equal(buf[i], (char)(i / PAGE + 1));
	for (i = 0; i < FIXTURE_N_PAGES; i++) {
		assert_int_equal(
			fixture_read(fixture, IOVA + i * PAGE + 5, buf, 16), 0);
		assert_int_equal(buf[0], (char)(i + 1));
	}
}

/**
 * struct pieces - what iommu_map_for_each_piece() says
 */
struct pieces {
	unsigned int n;
	__u64 len;
	__u64 n_elsewhere;
};

static void count_piece(void *arg, uintptr_t address, __u64 len)
{
	struct pieces *pieces = arg;

	pieces->n++;
	pieces->len += len;
	if (address >= (uintptr_t)elsewhere &&
	    address < (uintptr_t)elsewhere + FIXTURE_LEN)
		pieces->n_elsewhere += len;
}

static struct pieces pieces_of(struct fixture *fixture, struct iommu_map *map)
{
	struct pieces pieces = { 0 };

	iommu_map_for_each_piece(fixture->space, map, count_piece, &pieces);
	return pieces;
}

static void test_all_of_a_map_moves(void **state)
{
	struct fixture fixture;
	struct pieces pieces;
	struct iommu_map map;

	(void)state;
	fixture_init(&fixture);
	number_pages(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	check_all_pages(&fixture);
	move(&fixture, 0, FIXTURE_LEN);
	check_all_pages(&fixture);
	assert_int_equal(map.address, (uintptr_t)elsewhere);
	pieces = pieces_of(&fixture, &map);
	assert_int_equal(pieces.n, 1);
	assert_int_equal(pieces.n_elsewhere, FIXTURE_LEN);
	fixture_unmap(&fixture, &map);
	end_moves(&fixture);
}

/* The start, the end, the middle, what was moved before, all but a rest. */
static void test_parts_of_a_map_move(void **state)
{
	struct iommu_dma_piece held;
	struct fixture fixture;
	struct pieces pieces;
	struct iommu_map map;

	(void)state;
	fixture_init(&fixture);
	number_pages(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	check_all_pages(&fixture);
	move(&fixture, 10 * PAGE, 2 * PAGE);
	check_all_pages(&fixture);
	pieces = pieces_of(&fixture, &map);
	assert_int_equal(pieces.n, 3);
	assert_int_equal(pieces.len, FIXTURE_LEN);
	assert_int_equal(pieces.n_elsewhere, 2 * PAGE);
	move(&fixture, 0, PAGE);
	check_all_pages(&fixture);
	move(&fixture, FIXTURE_LEN - PAGE, PAGE);
	check_all_pages(&fixture);
	move(&fixture, 5 * PAGE, 4 * PAGE);
	check_all_pages(&fixture);
	pieces = pieces_of(&fixture, &map);
	assert_int_equal(pieces.n, 7);
	assert_int_equal(pieces.n_elsewhere, 8 * PAGE);

	assert_int_equal(iommu_dma_map(fixture.endpoint, IOMMU_NO_PASID,
				       IOVA + 11 * PAGE, 4 * PAGE, IOMMU_READ,
				       &held),
			 0);
	assert_ptr_equal(held.address, elsewhere + 11 * PAGE);
	assert_int_equal(held.len, PAGE);
	iommu_dma_unmap(&held);

	/* Removed, its pieces are told once more, and then forgotten. */
	fixture_unmap(&fixture, &map);
	assert_int_equal(pieces_of(&fixture, &map).n, 7);
	iommu_space_sync(fixture.space);
	end_moves(&fixture);
}

/* Page by page, every second one: lists of pieces grow. */
static void test_many_pieces(void **state)
{
	struct fixture fixture;
	struct iommu_map map;
	unsigned int i;

	(void)state;
	fixture_init(&fixture);
	number_pages(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	for (i = 1; i < FIXTURE_N_PAGES; i += 2) {
		move(&fixture, i * PAGE, PAGE);
		check_all_pages(&fixture);
	}
	assert_int_equal(pieces_of(&fixture, &map).n, FIXTURE_N_PAGES);
	fixture_unmap(&fixture, &map);
	assert_int_equal(pieces_of(&fixture, &map).n_elsewhere,
			 FIXTURE_LEN / 2);
	end_moves(&fixture);
}

/* One move meets the end of one map, all of the next, the start of a third. */
static void test_a_move_meets_several_maps(void **state)
{
	struct iommu_map maps[4];
	struct fixture fixture;
	unsigned int i;

	(void)state;
	fixture_init(&fixture);
	number_pages(&fixture);
	for (i = 0; i < 4; i++)
		fixture_map(&fixture, &maps[i], IOVA + i * 16 * PAGE,
			    i * 16 * PAGE, 16 * PAGE, RW);
	move(&fixture, 10 * PAGE, 30 * PAGE);
	check_all_pages(&fixture);
	assert_int_equal(pieces_of(&fixture, &maps[0]).n, 2);
	assert_int_equal(pieces_of(&fixture, &maps[1]).n, 1);
	assert_int_equal(pieces_of(&fixture, &maps[2]).n, 2);
	assert_int_equal(pieces_of(&fixture, &maps[3]).n_elsewhere, 0);
	for (i = 0; i < 4; i++)
		fixture_unmap(&fixture, &maps[i]);
	end_moves(&fixture);
}

/* When nothing is pinned any more, maps begin anew with their address. */
static void test_pieces_end_with_pinning(void **state)
{
	struct fixture fixture;
	struct iommu_map map;

	(void)state;
	fixture_init(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	move(&fixture, PAGE, PAGE);
	assert_int_equal(pieces_of(&fixture, &map).n, 3);
	mm_owner_remove(iommu_space_memory_owner(fixture.space));
	iommu_space_forget_moves(fixture.space);
	number_pages(&fixture);
	map.address = (uintptr_t)fixture.memory;
	assert_int_equal(pieces_of(&fixture, &map).n, 1);
	view_invalidate_all(fixture.space->view);
	check_all_pages(&fixture);
	fixture_unmap(&fixture, &map);
	end_moves(&fixture);
}

/* A move that cannot be prepared is refused; one that came anyway, safe. */
static void test_no_memory_for_pieces(void **state)
{
	struct mm_owner *owner;
	struct fixture fixture;
	struct iommu_map map;
	char buf[16];

	(void)state;
	fixture_init(&fixture);
	number_pages(&fixture);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	fault_arm(1);
	assert_int_equal(announce(&fixture, PAGE, PAGE), -ENOMEM);
	check_all_pages(&fixture);
	owner = iommu_space_memory_owner(fixture.space);
	fault_arm(1);
	owner->moved(owner, (uintptr_t)fixture.memory + PAGE, PAGE,
		     (uintptr_t)elsewhere);
	fault_arm(0);
	assert_refused(fixture_read(&fixture, IOVA, buf, 16),
		       DMA_FAULT_MEMORY_GONE, IOVA);
	fixture_unmap(&fixture, &map);
	end_moves(&fixture);
}

/**
 * struct reader - a device that reads while memory moves
 */
struct reader {
	struct fixture *fixture;
	atomic_bool is_over;
	atomic_ulong n_read;
	atomic_ulong n_wrong;
	struct thread thread;
};

static void reader_run(void *arg)
{
	struct reader *reader = arg;
	unsigned int page = 0;
	char byte;

	for (; !atomic_load(&reader->is_over);
	     page = (page + 7) % FIXTURE_N_PAGES) {
		if (fixture_read(reader->fixture, IOVA + page * PAGE, &byte,
				 1) ||
		    byte != (char)(page + 1))
			atomic_fetch_add(&reader->n_wrong, 1);
		atomic_fetch_add(&reader->n_read, 1);
	}
}

/* The old pages stay as they are here: each read must find the right page. */
static void test_reads_beside_moves(void **state)
{
	static struct reader reader;
	struct mm_owner *owner;
	struct fixture fixture;
	struct iommu_map map;
	unsigned int i;

	(void)state;
	fixture_init(&fixture);
	number_pages(&fixture);
	memcpy(elsewhere, fixture.memory, FIXTURE_LEN);
	fixture_map(&fixture, &map, IOVA, 0, FIXTURE_LEN, RW);
	memset(&reader, 0, sizeof(reader));
	reader.fixture = &fixture;
	owner = iommu_space_memory_owner(fixture.space);
	mm_owner_add(owner);
	assert_int_equal(
		thread_start(&reader.thread, "reader", reader_run, &reader), 0);
	for (i = 0; i < 2000; i++) {
		size_t offset = (i * 29 % FIXTURE_N_PAGES) * PAGE;
		uintptr_t there = (uintptr_t)elsewhere + offset;
		uintptr_t here = (uintptr_t)fixture.memory + offset;

		assert_int_equal(owner->prepare(owner, here, PAGE), 0);
		owner->moved(owner, here, PAGE, there);
		assert_int_equal(owner->prepare(owner, there, PAGE), 0);
		owner->moved(owner, there, PAGE, here);
	}
	while (atomic_load(&reader.n_read) < 1000)
		;
	atomic_store(&reader.is_over, true);
	thread_join(&reader.thread);
	assert_int_equal(atomic_load(&reader.n_wrong), 0);
	fixture_unmap(&fixture, &map);
	end_moves(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_all_of_a_map_moves),
		harness_test(test_parts_of_a_map_move),
		harness_test(test_many_pieces),
		harness_test(test_a_move_meets_several_maps),
		harness_test(test_pieces_end_with_pinning),
		harness_test(test_no_memory_for_pieces),
		harness_test(test_reads_beside_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
