/* SPDX-License-Identifier: BSD-3-Clause */
/* Pinned memory that the program lets go of stays, and is followed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/err.h"
#include "harness/harness.h"
#include "mm/mm.h"

#define PAGE 4096ull

/**
 * struct follower - an owner that keeps one address
 * @owner: registered
 * @address: where its memory is now
 * @n_moved: how often it was told
 */
struct follower {
	struct mm_owner owner;
	uintptr_t address;
	unsigned int n_moved;
};

static int follower_prepare(struct mm_owner *owner, uintptr_t old, size_t len)
{
	(void)owner;
	(void)old;
	(void)len;
	return 0;
}

static void follower_moved(struct mm_owner *owner, uintptr_t old, size_t len,
			   uintptr_t now)
{
	struct follower *follower = container_of(owner, struct follower, owner);

	follower->n_moved++;
	if (follower->address >= old && follower->address < old + len)
		follower->address = now + (follower->address - old);
}

/* On the heap: a test that fails midway leaves its follower in the list. */
static struct follower *follower_create(const char *map)
{
	struct follower *follower = calloc(1, sizeof(*follower));

	assert_non_null(follower);
	follower->owner.prepare = follower_prepare;
	follower->owner.moved = follower_moved;
	assert_int_equal(mm_pin(mm_process(), (uintptr_t)map, PAGE, true,
				MM_ACCOUNT_USER, &follower->address),
			 0);
	mm_owner_add(&follower->owner);
	return follower;
}

/* The memory is where the follower thinks, and goes with its pin. */
static void follower_destroy(struct follower *follower, const char *text)
{
	struct mm_stats stats;

	assert_memory_equal((void *)follower->address, text, strlen(text));
	mm_owner_remove(&follower->owner);
	mm_unpin(mm_process(), follower->address, PAGE, MM_ACCOUNT_USER);
	free(follower);
	mm_stats(&stats);
	assert_int_equal(stats.pinned_pages, 0);
	assert_int_equal(stats.moved_bytes, 0);
	assert_int_equal(stats.n_extents, 0);
}

static char *map_text(int flags, int fd)
{
	char *map = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	strcpy(map + PAGE, "the device's");
	return map;
}

static void unmapped_memory_moves_aside(void **state)
{
	static const int kinds[] = { MAP_PRIVATE | MAP_ANONYMOUS,
				     MAP_SHARED | MAP_ANONYMOUS };
	struct follower *follower;
	unsigned int i;

	(void)state;
	for (i = 0; i < array_len(kinds); i++) {
		char *map = map_text(kinds[i], -1);

		follower = follower_create(map + PAGE);
		assert_int_equal(mm_leaving(map, 3 * PAGE), 0);
		munmap(map, 3 * PAGE);
		assert_int_equal(follower->n_moved, 1);
		follower_destroy(follower, "the device's");
	}
}

static void file_memory_moves_aside(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct follower *follower;
	char *map;

	(void)state;
	assert_int_equal(ftruncate(fd, 3 * PAGE), 0);
	map = map_text(MAP_SHARED, fd);
	follower = follower_create(map + PAGE);
	assert_int_equal(mm_leaving(map, 3 * PAGE), 0);
	munmap(map, 3 * PAGE);
	assert_int_equal(pwrite(fd, "the file", 8, PAGE), 8);
	follower_destroy(follower, "the filece's");
	close(fd);
}

/* Linux takes the highest hole that is big enough: here, one that goes. */
static void pages_never_move_into_what_goes(void **state)
{
	const size_t part = 64u << 20;
	char *map = mmap(NULL, 4 * part, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct follower *follower;
	uintptr_t address;

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	munmap(map + part, 2 * part);
	strcpy(map, "the device's");
	follower = follower_create(map);
	assert_int_equal(mm_pin(mm_process(), (uintptr_t)map + PAGE,
				part - PAGE, true, MM_ACCOUNT_USER, &address),
			 0);
	assert_int_equal(mm_leaving(map, 4 * part), 0);
	munmap(map, 4 * part);
	mm_unpin(mm_process(), follower->address + PAGE, part - PAGE,
		 MM_ACCOUNT_USER);
	follower_destroy(follower, "the device's");
}

static void refused_calls_move_nothing(void **state)
{
	char *map = map_text(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct follower *follower = follower_create(map + PAGE);

	(void)state;
	assert_int_equal(mm_leaving(map + 1, 3 * PAGE), 0);
	assert_int_equal(mm_leaving(map, 0), 0);
	assert_int_equal(mm_leaving(map, SIZE_MAX), 0);
	assert_int_equal(ptr_err(mm_remap(map + 1, 3 * PAGE, PAGE, 0, NULL)),
			 -EINVAL);
	assert_int_equal(ptr_err(mm_remap(map, 3 * PAGE, 0, 0, NULL)), -EINVAL);
	assert_int_equal(follower->n_moved, 0);
	assert_string_equal(map + PAGE, "the device's");
	follower_destroy(follower, "the device's");
	munmap(map, 3 * PAGE);
}

/* One call, three areas of three kinds, pins that cross their borders. */
static void areas_of_all_kinds_move_at_once(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	char *map = map_text(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct follower *followers[3];
	unsigned int i;

	(void)state;
	assert_int_equal(ftruncate(fd, 3 * PAGE), 0);
	mmap(map, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(map + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_FIXED, fd, 0);
	for (i = 0; i < 3; i++) {
		map[i * PAGE] = (char)('a' + i);
		followers[i] = follower_create(map + i * PAGE);
	}
	assert_int_equal(mm_leaving(map, 3 * PAGE), 0);
	munmap(map, 3 * PAGE);
	for (i = 3; i-- > 1;) {
		assert_int_equal(*(char *)followers[i]->address, 'a' + i);
		mm_owner_remove(&followers[i]->owner);
		mm_unpin(mm_process(), followers[i]->address, PAGE,
			 MM_ACCOUNT_USER);
		free(followers[i]);
	}
	follower_destroy(followers[0], "a");
	close(fd);
}

static void discarded_memory_stays_for_the_device(void **state)
{
	char *map = map_text(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct follower *follower;

	(void)state;
	follower = follower_create(map + PAGE);
	assert_int_equal(mm_leaving(map + PAGE, PAGE), 0);
	assert_int_equal(madvise(map + PAGE, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(map[PAGE], 0);
	follower_destroy(follower, "the device's");
	munmap(map, 3 * PAGE);
}

static void remapped_memory_is_followed(void **state)
{
	char *map = map_text(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct follower *follower;
	char *now;

	(void)state;
	follower = follower_create(map + PAGE);
	now = mm_remap(map, 3 * PAGE, 64 * PAGE, MREMAP_MAYMOVE, NULL);
	assert_false(is_err(now));
	assert_ptr_equal((char *)follower->address, now + PAGE);
	strcpy(now + PAGE, "moved");
	follower_destroy(follower, "moved");
	munmap(now, 64 * PAGE);
}

static void shrunk_memory_moves_its_tail_aside(void **state)
{
	char *map = map_text(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct follower *follower;
	char *now;

	(void)state;
	follower = follower_create(map + PAGE);
	now = mm_remap(map, 3 * PAGE, PAGE, 0, NULL);
	assert_ptr_equal(now, map);
	follower_destroy(follower, "the device's");
	munmap(map, PAGE);
}

static void freed_blocks_are_held(void **state)
{
	const size_t len = 1 << 20;
	char *block = malloc(len);
	char *page = (char *)(((uintptr_t)block + PAGE) & ~(PAGE - 1));
	struct mm_stats stats;
	uintptr_t address;

	(void)state;
	assert_false(mm_hold_block(block, len));
	strcpy(page, "held");
	assert_int_equal(mm_pin(mm_process(), (uintptr_t)page, PAGE, true,
				MM_ACCOUNT_USER, &address),
			 0);
	assert_true(mm_hold_block(block, len));
	mm_stats(&stats);
	assert_int_equal(stats.held_blocks, 1);
	assert_string_equal(page, "held");
	mm_unpin(mm_process(), address, PAGE, MM_ACCOUNT_USER);
	mm_stats(&stats);
	assert_int_equal(stats.held_blocks, 0);
}

/* The registry of the process keeps a little memory from the first pin on. */
static int warm_up(void **state)
{
	struct follower *follower;
	char *map = map_text(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	(void)state;
	follower = follower_create(map + PAGE);
	follower_destroy(follower, "the device's");
	munmap(map, 3 * PAGE);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(unmapped_memory_moves_aside),
		harness_test(file_memory_moves_aside),
		harness_test(pages_never_move_into_what_goes),
		harness_test(refused_calls_move_nothing),
		harness_test(areas_of_all_kinds_move_at_once),
		harness_test(discarded_memory_stays_for_the_device),
		harness_test(remapped_memory_is_followed),
		harness_test(shrunk_memory_moves_its_tail_aside),
		harness_test(freed_blocks_are_held),
	};

	return cmocka_run_group_tests(tests, warm_up, NULL);
}
