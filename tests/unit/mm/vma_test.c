/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What memory exists and permits, asked in both ways: by PROCMAP_QUERY, and by
 * the text that older kernels leave (a filter makes this one old).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "harness/harness.h"
#include "mm/vma.h"

#define PAGE 4096ull
#define N_PAGES 64u
#define PROCMAP_QUERY_NUMBER (_IOWR('f', 17, char[104]))

/* Without access, read-only, writable; and a hole. */
static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
#define HOLE array_len(prots)

/**
 * struct model - the dumber answer
 * @map: N_PAGES pages
 * @kinds: of each page: index in prots, or HOLE
 */
struct model {
	char *map;
	unsigned int kinds[N_PAGES];
};

static void model_init(struct model *model, struct harness_random *random)
{
	unsigned int kind = 0;
	unsigned int i;

	model->map = mmap(NULL, N_PAGES * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(model->map, MAP_FAILED);
	for (i = 0; i < N_PAGES; i++) {
		char *page = model->map + i * PAGE;

		if (!harness_random_below(random, 3))
			kind = (unsigned int)harness_random_below(random,
								  HOLE + 1);
		model->kinds[i] = kind;
		if (kind == HOLE)
			assert_int_equal(munmap(page, PAGE), 0);
		else
			assert_int_equal(mprotect(page, PAGE, prots[kind]), 0);
	}
}

static int model_check(const struct model *model, unsigned int first,
		       unsigned int last, bool is_writable)
{
	for (; first <= last; first++)
		if (model->kinds[first] == HOLE || !model->kinds[first] ||
		    (is_writable && model->kinds[first] == 1))
			return -EFAULT;
	return 0;
}

static void check_all_pairs(const struct model *model)
{
	__u64 start = (uintptr_t)model->map;
	unsigned int first;
	unsigned int last;

	for (first = 0; first < N_PAGES; first++)
		for (last = first; last < N_PAGES; last++) {
			__u64 from = start + first * PAGE + PAGE - 1;
			__u64 until = start + last * PAGE;

			if (first == last)
				until = from;
			assert_int_equal(vma_check(from, until, false),
					 model_check(model, first, last,
						     false));
			assert_int_equal(vma_check(from, until, true),
					 model_check(model, first, last, true));
		}
}

static void ranges_agree_with_the_model(void **state)
{
	struct harness_random random;
	struct model model;
	unsigned int i;

	(void)state;
	harness_random_init(&random);
	for (i = 0; i < 4; i++) {
		model_init(&model, &random);
		check_all_pairs(&model);
		munmap(model.map, N_PAGES * PAGE);
	}
}

static void ends_of_the_address_space_are_refused(void **state)
{
	struct vma vma;

	(void)state;
	assert_int_equal(vma_check(0, 0, false), -EFAULT);
	assert_int_equal(vma_check(UINT64_MAX, UINT64_MAX, false), -EFAULT);
	assert_int_equal(vma_check((uintptr_t)&vma, UINT64_MAX, false),
			 -EFAULT);
	assert_int_equal(vma_find(0, &vma), -ENOENT);
	assert_int_equal(vma_find((uintptr_t)&vma, &vma), 0);
	assert_true(vma.start <= (uintptr_t)&vma && vma.end > (uintptr_t)&vma);
	assert_int_equal(vma.flags & (VMA_READ | VMA_WRITE),
			 VMA_READ | VMA_WRITE);
	assert_false(vma.flags & VMA_SHARED);
}

static void shared_memory_is_told(void **state)
{
	char *map =
		mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct vma vma;

	(void)state;
	assert_int_equal(vma_find((uintptr_t)map, &vma), 0);
	assert_int_equal(vma.flags & (VMA_READ | VMA_WRITE | VMA_SHARED),
			 VMA_READ | VMA_SHARED);
	munmap(map, PAGE);
}

/* From here on the query is an ioctl that /proc does not know. */
static int make_kernel_old(void **state)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROCMAP_QUERY_NUMBER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = array_len(filter),
		.filter = filter,
	};

	(void)state;
	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
			 0);
	assert_int_equal(ioctl(STDIN_FILENO, PROCMAP_QUERY_NUMBER, NULL), -1);
	assert_int_equal(errno, ENOTTY);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(ranges_agree_with_the_model),
		harness_test(ends_of_the_address_space_are_refused),
		harness_test(shared_memory_is_told),
	};
	int n_failed = cmocka_run_group_tests(tests, NULL, NULL);

	return n_failed + cmocka_run_group_tests_name("by the text", tests,
						      make_kernel_old, NULL);
}
