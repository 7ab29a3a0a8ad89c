/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that the program lets go of while devices use it. */
#include <errno.h>
#include <sys/mman.h>
#include "fixture.h"

#define N_PAGES 4u
#define IOVA 0x10000ull

/**
 * struct moved - an area of four pages, each beginning with its number
 * @file: of the fixture
 * @ioas: its address space
 * @memory: the pages
 * @bound: a device on it
 */
struct moved {
	struct file *file;
	__u32 ioas;
	char *memory;
	struct bound bound;
};

static __u64 moved_bytes(void)
{
	struct mm_stats stats;

	mm_stats(&stats);
	return stats.moved_bytes;
}

static void moved_init(struct moved *moved, void **state)
{
	unsigned int i;
	__u32 pt;

	moved->file = ((struct fixture *)*state)->file;
	moved->ioas = ioas_alloc(moved->file);
	moved->memory = fixture_memory(N_PAGES * PAGE);
	for (i = 0; i < N_PAGES; i++)
		moved->memory[i * PAGE] = (char)('0' + i);
	map_fixed(moved->file, moved->ioas, moved->memory, N_PAGES * PAGE,
		  IOVA);
	bound_init(&moved->bound, moved->file, fixture_unit);
	pt = moved->ioas;
	assert_int_equal(attach(&moved->bound, &pt), 0);
}

static void moved_deinit(struct moved *moved)
{
	bound_deinit(&moved->bound);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(moved_bytes(), 0);
	fixture_free(moved->memory, N_PAGES * PAGE);
}

/* What a front end does when the program calls munmap(), and then mmap(). */
static void replace_pages(struct moved *moved, unsigned int first,
			  unsigned int n)
{
	char *start = moved->memory + first * PAGE;

	assert_int_equal(mm_leaving(start, n * PAGE), 0);
	assert_ptr_equal(mmap(start, n * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 start);
}

/* The device still sees the pages as they were. */
static void expect_old(struct moved *moved, iova_t iova, unsigned int first,
		       unsigned int n)
{
	unsigned int i;
	char byte = 0;

	for (i = 0; i < n; i++) {
		assert_int_equal(dma_get(&moved->bound, iova + i * PAGE, &byte),
				 0);
		assert_int_equal(byte, '0' + (int)(first + i));
	}
}

static void test_whole(void **state)
{
	struct moved moved;

	moved_init(&moved, state);
	replace_pages(&moved, 0, N_PAGES);
	assert_int_equal(moved.memory[0], 0);
	expect_old(&moved, IOVA, 0, N_PAGES);
	assert_int_equal(fixture_pinned(), N_PAGES);
	assert_int_equal(moved_bytes(), N_PAGES * PAGE);
	unmap(moved.file, moved.ioas, IOVA, N_PAGES * PAGE);
	assert_int_equal(fixture_pinned(), 0);
	assert_int_equal(moved_bytes(), 0);
	moved_deinit(&moved);
}

static void test_part(void **state)
{
	struct moved moved;

	moved_init(&moved, state);
	replace_pages(&moved, 1, 2);
	expect_old(&moved, IOVA, 0, N_PAGES);
	unmap(moved.file, moved.ioas, IOVA, N_PAGES * PAGE);
	assert_int_equal(fixture_pinned(), 0);
	moved_deinit(&moved);
}

/* Let go of and pinned anew, an area shows what is there now. */
static void test_detach_forgets(void **state)
{
	struct moved moved;
	char byte = 'x';
	__u32 pt;

	moved_init(&moved, state);
	replace_pages(&moved, 1, 2);
	detach(&moved.bound);
	assert_int_equal(moved_bytes(), 0);
	pt = moved.ioas;
	assert_int_equal(attach(&moved.bound, &pt), 0);
	expect_old(&moved, IOVA, 0, 1);
	assert_int_equal(dma_get(&moved.bound, IOVA + PAGE, &byte), 0);
	assert_int_equal(byte, 0);
	expect_old(&moved, IOVA + 3 * PAGE, 3, 1);
	assert_int_equal(fixture_pinned(), N_PAGES);
	moved_deinit(&moved);
}

/* So do cached translations. */
static void test_detach_forgets_cached(void **state)
{
	struct moved moved;
	char byte = 'x';
	__u32 pt;

	moved_init(&moved, state);
	replace_pages(&moved, 0, N_PAGES);
	expect_old(&moved, IOVA, 0, N_PAGES);
	detach(&moved.bound);
	assert_int_equal(moved_bytes(), 0);
	pt = moved.ioas;
	assert_int_equal(attach(&moved.bound, &pt), 0);
	assert_int_equal(dma_get(&moved.bound, IOVA, &byte), 0);
	assert_int_equal(byte, 0);
	moved_deinit(&moved);
}

/* A copy made afterwards shares the pages where they are. */
static void test_copy_after(void **state)
{
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.length = N_PAGES * PAGE,
		.dst_iova = 0x80000,
		.src_iova = IOVA,
	};
	struct moved moved;

	moved_init(&moved, state);
	args.dst_ioas_id = moved.ioas;
	args.src_ioas_id = moved.ioas;
	replace_pages(&moved, 1, 2);
	assert_int_equal(do_copy(moved.file, &args), 0);
	assert_int_equal(fixture_pinned(), N_PAGES);
	expect_old(&moved, 0x80000, 0, N_PAGES);
	unmap(moved.file, moved.ioas, IOVA, N_PAGES * PAGE);
	expect_old(&moved, 0x80000, 0, N_PAGES);
	assert_int_equal(moved_bytes(), 2 * PAGE);
	unmap(moved.file, moved.ioas, 0x80000, N_PAGES * PAGE);
	assert_int_equal(fixture_pinned(), 0);
	moved_deinit(&moved);
}

/* A copy made before follows as the source does. */
static void test_copy_before(void **state)
{
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.length = 2 * PAGE,
		.dst_iova = 0x80000,
		.src_iova = IOVA + PAGE,
	};
	struct moved moved;

	moved_init(&moved, state);
	args.dst_ioas_id = moved.ioas;
	args.src_ioas_id = moved.ioas;
	assert_int_equal(do_copy(moved.file, &args), 0);
	replace_pages(&moved, 2, 2);
	expect_old(&moved, 0x80000, 1, 2);
	/* The copy keeps its part of what the source lets go. */
	unmap(moved.file, moved.ioas, IOVA, N_PAGES * PAGE);
	assert_int_equal(fixture_pinned(), 2);
	assert_int_equal(moved_bytes(), PAGE);
	expect_old(&moved, 0x80000, 1, 2);
	moved_deinit(&moved);
}

/**
 * struct sharing - a second address space with a copy, nothing attached yet
 * @ioas: it; the copy is where the source is
 * @bound: a device for it
 */
struct sharing {
	__u32 ioas;
	struct bound bound;
};

static void copy_pages(struct moved *moved, __u32 dst, __u32 src,
		       unsigned int first, unsigned int n)
{
	struct iommu_ioas_copy args = {
		.flags = FIXED | READ,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = n * PAGE,
		.dst_iova = IOVA + first * PAGE,
		.src_iova = IOVA + first * PAGE,
	};

	assert_int_equal(do_copy(moved->file, &args), 0);
}

static void sharing_init(struct sharing *sharing, struct moved *moved,
			 unsigned int first, unsigned int n)
{
	sharing->ioas = ioas_alloc(moved->file);
	bound_init(&sharing->bound, moved->file, fixture_unit);
	copy_pages(moved, sharing->ioas, moved->ioas, first, n);
}

static int sharing_attach(struct sharing *sharing)
{
	__u32 pt = sharing->ioas;

	return attach(&sharing->bound, &pt);
}

static void expect_bytes(struct bound *bound, const char *bytes)
{
	unsigned int i;
	char byte;

	for (i = 0; i < N_PAGES; i++) {
		if (bytes[i] == '-')
			continue;
		byte = 'x';
		assert_int_equal(dma_get(bound, IOVA + i * PAGE, &byte), 0);
		assert_int_equal(byte, bytes[i]);
	}
}

/* Who begins to pin what was moved already finds it where it is. */
static void test_attach_after(void **state)
{
	struct sharing sharing;
	struct moved moved;

	moved_init(&moved, state);
	sharing_init(&sharing, &moved, 0, N_PAGES);
	replace_pages(&moved, 0, N_PAGES);
	assert_int_equal(sharing_attach(&sharing), 0);
	expect_bytes(&sharing.bound, "0123");
	assert_int_equal(fixture_pinned(), N_PAGES);
	/* The first one goes: the memory stays for the second. */
	unmap(moved.file, moved.ioas, IOVA, N_PAGES * PAGE);
	expect_bytes(&sharing.bound, "0123");
	assert_int_equal(fixture_pinned(), N_PAGES);
	assert_int_equal(moved_bytes(), N_PAGES * PAGE);
	bound_deinit(&sharing.bound);
	moved_deinit(&moved);
}

/* A part that was moved as a whole, and the rest of its pages. */
static void test_attach_after_part(void **state)
{
	struct sharing sharing;
	struct moved moved;

	moved_init(&moved, state);
	sharing_init(&sharing, &moved, 1, 2);
	replace_pages(&moved, 1, 2);
	assert_int_equal(sharing_attach(&sharing), 0);
	expect_bytes(&sharing.bound, "-12-");
	unmap(moved.file, moved.ioas, IOVA, N_PAGES * PAGE);
	expect_bytes(&sharing.bound, "-12-");
	assert_int_equal(fixture_pinned(), 2);
	assert_int_equal(moved_bytes(), 2 * PAGE);
	bound_deinit(&sharing.bound);
	moved_deinit(&moved);
}

/* Moved apart, it is refused rather than shown wrong. */
static void test_attach_after_apart(void **state)
{
	struct sharing sharing;
	struct moved moved;

	moved_init(&moved, state);
	sharing_init(&sharing, &moved, 0, N_PAGES);
	replace_pages(&moved, 2, 1);
	assert_int_equal(sharing_attach(&sharing), -EFAULT);
	assert_int_equal(fixture_pinned(), N_PAGES);
	assert_int_equal(moved_bytes(), PAGE);
	expect_old(&moved, IOVA, 0, N_PAGES);
	/* Pinned anew, it is what the program has there now. */
	detach(&moved.bound);
	assert_int_equal(moved_bytes(), 0);
	assert_int_equal(sharing_attach(&sharing), 0);
	expect_bytes(&sharing.bound, (const char[]){ '0', '1', 0, '3' });
	bound_deinit(&sharing.bound);
	moved_deinit(&moved);
}

/* A copy of a copy that is not pinned, of memory that is and was moved. */
static void test_copy_of_unpinned(void **state)
{
	struct sharing first;
	struct sharing second;
	struct moved moved;

	moved_init(&moved, state);
	sharing_init(&first, &moved, 0, N_PAGES);
	second.ioas = ioas_alloc(moved.file);
	bound_init(&second.bound, moved.file, fixture_unit);
	assert_int_equal(sharing_attach(&second), 0);
	replace_pages(&moved, 0, N_PAGES);
	copy_pages(&moved, second.ioas, first.ioas, 0, N_PAGES);
	expect_bytes(&second.bound, "0123");
	assert_int_equal(fixture_pinned(), N_PAGES);
	bound_deinit(&second.bound);
	bound_deinit(&first.bound);
	moved_deinit(&moved);
}

/* Twice moved: by munmap(), and before that by mremap() of the program. */
static void test_attach_after_remap(void **state)
{
	struct sharing sharing;
	struct moved moved;
	char *now;

	moved_init(&moved, state);
	sharing_init(&sharing, &moved, 0, N_PAGES);
	now = mm_remap(moved.memory, N_PAGES * PAGE, N_PAGES * PAGE,
		       MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	assert_false(is_err(now));
	assert_ptr_not_equal(now, moved.memory);
	assert_int_equal(sharing_attach(&sharing), 0);
	expect_bytes(&sharing.bound, "0123");
	detach(&sharing.bound);
	assert_int_equal(mm_leaving(now, N_PAGES * PAGE), 0);
	assert_int_equal(munmap(now, N_PAGES * PAGE), 0);
	assert_int_equal(sharing_attach(&sharing), 0);
	expect_bytes(&sharing.bound, "0123");
	bound_deinit(&sharing.bound);
	moved_deinit(&moved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_whole),
		fixture_test(test_part),
		fixture_test(test_detach_forgets),
		fixture_test(test_detach_forgets_cached),
		fixture_test(test_copy_after),
		fixture_test(test_copy_before),
		fixture_test(test_attach_after),
		fixture_test(test_attach_after_part),
		fixture_test(test_attach_after_apart),
		fixture_test(test_copy_of_unpinned),
		fixture_test(test_attach_after_remap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
