/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each instruction twice: by the processor on plain memory, and by mmio.c on a
 * page that traps. Registers, flags and memory must come out the same.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/trap.h"
#include "harness/harness.h"
#include "shim/mmio.h"

#define PAGE_LEN 4096u
#define N_ROUNDS 64u

enum {
	FLAG_AF = 1 << 4,
	/* CF, PF, AF, ZF, SF, OF */
	FLAGS_ALL = 0x8d5,
};

/**
 * struct registers - what an instruction is given and leaves
 * @rbx: base: an address in the page
 * @rsi: index, small
 */
struct registers {
	__u64 rax;
	__u64 rcx;
	__u64 rdx;
	__u64 rbx;
	__u64 rsi;
	__u64 r9;
	__u64 r12;
	__u64 flags;
};

/* In the program's own image, for addresses relative to RIP. */
__attribute__((aligned(PAGE_LEN), used)) unsigned char mmio_test_page[PAGE_LEN];
static unsigned char shadow[PAGE_LEN];
static sigjmp_buf refused;

/* A function that loads the registers, runs @text, and stores them. */
#define INSTRUCTION(number, text)                                            \
	__attribute__((naked)) static void insn_##number(                    \
		struct registers *registers __attribute__((unused)))         \
	{                                                                    \
		__asm__("push %rbx\n push %r12\n push %rdi\n"                \
			"mov 0(%rdi), %rax\n mov 8(%rdi), %rcx\n"            \
			"mov 16(%rdi), %rdx\n mov 24(%rdi), %rbx\n"          \
			"mov 32(%rdi), %rsi\n mov 40(%rdi), %r9\n"           \
			"mov 48(%rdi), %r12\n pushq 56(%rdi)\n popfq\n" text \
			"\n mov (%rsp), %rdi\n"                              \
			"mov %rax, 0(%rdi)\n mov %rcx, 8(%rdi)\n"            \
			"mov %rdx, 16(%rdi)\n mov %rbx, 24(%rdi)\n"          \
			"mov %rsi, 32(%rdi)\n mov %r9, 40(%rdi)\n"           \
			"mov %r12, 48(%rdi)\n pushfq\n popq 56(%rdi)\n"      \
			"pop %rdi\n pop %r12\n pop %rbx\n ret\n");           \
	}

/* What is performed. */
#define PERFORMED(X)                                \
	X(0, "movb (%rbx), %al")                    \
	X(1, "movb (%rbx), %ah")                    \
	X(2, "movb 3(%rbx), %ch")                   \
	X(3, "movb (%rbx), %r9b")                   \
	X(4, "movb (%rbx), %sil")                   \
	X(5, "movw (%rbx), %ax")                    \
	X(6, "movl (%rbx), %ecx")                   \
	X(7, "movl (%rbx), %r12d")                  \
	X(8, "movq (%rbx), %rdx")                   \
	X(9, "movl 8(%rbx,%rsi,4), %ecx")           \
	X(10, "movq -8(%rbx,%rsi,8), %r9")          \
	X(11, "movb %al, (%rbx)")                   \
	X(12, "movb %ah, 1(%rbx)")                  \
	X(13, "movb %dh, (%rbx,%rsi)")              \
	X(14, "movb %r12b, (%rbx)")                 \
	X(15, "movw %cx, (%rbx)")                   \
	X(16, "movl %r9d, 4(%rbx)")                 \
	X(17, "movq %r12, (%rbx)")                  \
	X(18, "movb $0x80, (%rbx)")                 \
	X(19, "movw $0x8001, (%rbx)")               \
	X(20, "movl $-2, (%rbx)")                   \
	X(21, "movq $-2, (%rbx)")                   \
	X(22, "movl 1(%rbx), %eax")                 \
	X(23, "movq %rax, 3(%rbx)")                 \
	X(24, "movzbl (%rbx), %eax")                \
	X(25, "movzbw (%rbx), %ax")                 \
	X(26, "movzbq (%rbx), %r9")                 \
	X(27, "movzwl (%rbx), %ecx")                \
	X(28, "movzwq (%rbx), %rdx")                \
	X(29, "movsbw (%rbx), %ax")                 \
	X(30, "movsbl (%rbx), %eax")                \
	X(31, "movsbq (%rbx), %r12")                \
	X(32, "movswl (%rbx), %ecx")                \
	X(33, "movswq (%rbx), %rcx")                \
	X(34, "movslq (%rbx), %rdx")                \
	X(35, "movnti %eax, (%rbx)")                \
	X(36, "movnti %r12, (%rbx)")                \
	X(37, "testb $0x81, (%rbx)")                \
	X(38, "testw $0x8001, (%rbx)")              \
	X(39, "testl %eax, (%rbx)")                 \
	X(40, "testq %r12, (%rbx)")                 \
	X(41, "testb %ah, (%rbx)")                  \
	X(42, "testq $-16, (%rbx)")                 \
	X(43, "cmpb $0x80, (%rbx)")                 \
	X(44, "cmpb %ch, (%rbx)")                   \
	X(45, "cmpw $0x7fff, (%rbx)")               \
	X(46, "cmpl $-1, (%rbx)")                   \
	X(47, "cmpl %eax, (%rbx)")                  \
	X(48, "cmpl (%rbx), %eax")                  \
	X(49, "cmpq $-128, (%rbx)")                 \
	X(50, "cmpq (%rbx), %r9")                   \
	X(51, "andb $0x7f, (%rbx)")                 \
	X(52, "andw %ax, (%rbx)")                   \
	X(53, "andl $0x0ff0, (%rbx)")               \
	X(54, "andq $-16, (%rbx)")                  \
	X(55, "andl (%rbx), %ecx")                  \
	X(56, "andq (%rbx), %r12")                  \
	X(57, "orb %dh, (%rbx)")                    \
	X(58, "orw $0x8001, (%rbx)")                \
	X(59, "orl $0x80000000, (%rbx)")            \
	X(60, "orq %rax, (%rbx)")                   \
	X(61, "orl (%rbx), %r9d")                   \
	X(62, "xorb %al, (%rbx)")                   \
	X(63, "xorl %ecx, (%rbx)")                  \
	X(64, "xorq $-1, (%rbx)")                   \
	X(65, "xorw (%rbx), %dx")                   \
	X(66, "lock orl %eax, (%rbx)")              \
	X(67, "btw $15, (%rbx)")                    \
	X(68, "btl $5, (%rbx)")                     \
	X(69, "btq $63, (%rbx)")                    \
	X(70, "btl %esi, (%rbx)")                   \
	X(71, "btq %rcx, (%rbx)")                   \
	X(72, "movl mmio_test_page+4(%rip), %eax")  \
	X(73, "movl %r9d, mmio_test_page+12(%rip)") \
	X(74, "movl $7, mmio_test_page+4(%rip)")    \
	X(75, "cmpw $0x1234, mmio_test_page+6(%rip)")

/* What is not, and the name by which it is reported. */
#define REFUSED(X)                     \
	X(100, "incl (%rbx)")          \
	X(101, "addl %eax, (%rbx)")    \
	X(102, "xchg %eax, (%rbx)")    \
	X(103, "movdqu (%rbx), %xmm0") \
	X(104, "notl (%rbx)")          \
	X(105, "btsl $1, (%rbx)")      \
	X(106, "cmpxchgl %ecx, (%rbx)")

PERFORMED(INSTRUCTION)
REFUSED(INSTRUCTION)

/**
 * struct instruction - one of the table
 * @text: in AT&T's syntax
 * @run: runs it
 */
struct instruction {
	const char *text;
	void (*run)(struct registers *registers);
};

#define ROW(number, text) { text, insn_##number },
static const struct instruction performed[] = { PERFORMED(ROW) };
static const struct instruction refusals[] = { REFUSED(ROW) };

static __u64 page_load(struct trap_range *range, __u64 offset,
		       unsigned int width)
{
	__u64 value = 0;

	(void)range;
	memcpy(&value, shadow + offset, width);
	return value;
}

static void page_store(struct trap_range *range, __u64 offset,
		       unsigned int width, __u64 value)
{
	(void)range;
	memcpy(shadow + offset, &value, width);
}

static const struct trap_ops page_ops = {
	.load = page_load,
	.store = page_store,
};

static struct trap_range page_range = {
	.start = (uintptr_t)mmio_test_page,
	.len = PAGE_LEN,
	.ops = &page_ops,
	.name = "BAR 7",
};

static void on_fault(int signal, siginfo_t *info, void *ucontext)
{
	(void)signal;
	if (!mmio_fault(info, ucontext))
		siglongjmp(refused, 1);
}

static void catch_faults(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO,
	};

	page_range.start = (uintptr_t)mmio_test_page;
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	mmio_init();
	assert_int_equal(trap_add(&page_range), 0);
}

static void page_protect(int prot)
{
	assert_int_equal(mprotect(mmio_test_page, PAGE_LEN, prot), 0);
}

static void page_release(void)
{
	page_protect(PROT_READ | PROT_WRITE);
	trap_remove(&page_range);
}

static void fill_random(struct harness_random *random, void *memory, size_t len)
{
	size_t i;

	for (i = 0; i < len; i += 8) {
		__u64 value = harness_random_next(random);

		/* Small numbers and equal ones make flags. */
		if (value & 0x100)
			value &= 0x8080808080808081;
		memcpy((char *)memory + i, &value, 8);
	}
}

static void registers_init(struct harness_random *random,
			   struct registers *registers)
{
	fill_random(random, registers, sizeof(*registers));
	registers->rbx = (uintptr_t)mmio_test_page + 1024 +
			 8 * harness_random_below(random, 64);
	registers->rsi = harness_random_below(random, 64);
	/* The index of a bit, of either sign, that stays in the page. */
	registers->rcx = harness_random_below(random, 4096) - 2048;
	registers->flags &= FLAGS_ALL;
	registers->flags |= 2; /* always set */
}

static void compare(const struct instruction *insn,
		    const struct registers *plain,
		    const struct registers *trapped)
{
	__u64 flags = strncmp(insn->text, "cmp", 3) ? FLAGS_ALL & ~FLAG_AF
						    : FLAGS_ALL;

	if (memcmp(plain, trapped, offsetof(struct registers, flags)))
		fail_msg("%s: registers differ", insn->text);
	if ((plain->flags ^ trapped->flags) & flags)
		fail_msg("%s: flags 0x%llx, should be 0x%llx", insn->text,
			 (unsigned long long)trapped->flags & flags,
			 (unsigned long long)plain->flags & flags);
}

static void run_both(const struct instruction *insn,
		     struct harness_random *random, int prot)
{
	unsigned char before[PAGE_LEN];
	struct registers plain;
	struct registers trapped;

	fill_random(random, before, sizeof(before));
	registers_init(random, &plain);
	trapped = plain;

	memcpy(mmio_test_page, before, PAGE_LEN);
	insn->run(&plain);
	memcpy(shadow, mmio_test_page, PAGE_LEN);
	memcpy(mmio_test_page, before, PAGE_LEN);
	memcpy(before, shadow, PAGE_LEN); /* what it shall be */
	memcpy(shadow, mmio_test_page, PAGE_LEN);

	page_protect(prot);
	if (sigsetjmp(refused, 1))
		fail_msg("%s was not performed", insn->text);
	insn->run(&trapped);
	page_protect(PROT_READ | PROT_WRITE);
	compare(insn, &plain, &trapped);
	if (memcmp(shadow, before, PAGE_LEN))
		fail_msg("%s: memory differs", insn->text);
}

/* On a page without access, and on one whose loads are plain. */
static void instructions_do_what_the_processor_does(void **state)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	struct harness_random random;
	unsigned int i;
	unsigned int j;
	unsigned int round;

	(void)state;
	harness_random_init(&random);
	catch_faults();
	for (i = 0; i < array_len(performed); i++)
		for (j = 0; j < array_len(prots); j++)
			for (round = 0; round < N_ROUNDS; round++)
				run_both(&performed[i], &random, prots[j]);
	page_release();
}

/* Run what is to be refused. Return: what was printed. */
static const char *run_refused(void (*run)(struct registers *registers),
			       __u64 address)
{
	static char text[512];
	struct registers registers = { .rbx = address, .flags = 2 };
	int saved = dup(STDERR_FILENO);
	int file = memfd_create("stderr", MFD_CLOEXEC);
	volatile bool was_refused = true;
	ssize_t n;

	assert_true(saved >= 0 && dup2(file, STDERR_FILENO) >= 0);
	if (!sigsetjmp(refused, 1)) {
		run(&registers);
		was_refused = false;
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(file, text, sizeof(text) - 1, 0);
	close(file);
	text[n > 0 ? n : 0] = '\0';
	assert_true(was_refused);
	return text;
}

static void others_are_reported_and_not_performed(void **state)
{
	char name[16];
	unsigned int i;

	(void)state;
	catch_faults();
	memset(shadow, 0x5a, PAGE_LEN);
	page_protect(PROT_NONE);
	for (i = 0; i < array_len(refusals); i++) {
		const char *text =
			run_refused(refusals[i].run, page_range.start + 64);

		/* Without the width's letter of AT&T's syntax. */
		snprintf(name, sizeof(name), "'%.3s", refusals[i].text);
		assert_non_null(strstr(text, name));
		assert_non_null(strstr(text, "BAR 7 at offset 0x40"));
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
	for (i = 0; i < PAGE_LEN; i++)
		assert_int_equal(shadow[i], 0x5a);
	page_release();
}

/* Half in the page, half in what is before or behind it. */
static void accesses_across_the_border_are_not_performed(void **state)
{
	unsigned char *memory = mmap(NULL, 3 * PAGE_LEN, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t start = (uintptr_t)memory + PAGE_LEN;

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	catch_faults();
	trap_remove(&page_range);
	page_range.start = start;
	assert_int_equal(trap_add(&page_range), 0);
	memset(shadow, 0x5a, PAGE_LEN);
	assert_int_equal(mprotect(memory + PAGE_LEN, PAGE_LEN, PROT_NONE), 0);
	run_refused(insn_17, start - 4); /* movq %r12, (%rbx) */
	run_refused(insn_8, start - 4); /* movq (%rbx), %rdx */
	run_refused(insn_17, start + PAGE_LEN - 4);
	run_refused(insn_8, start + PAGE_LEN - 4);
	assert_int_equal(shadow[0], 0x5a);
	assert_int_equal(shadow[PAGE_LEN - 1], 0x5a);
	assert_int_equal(memory[PAGE_LEN - 1], 0);
	trap_remove(&page_range);
	munmap(memory, 3 * PAGE_LEN);
}

static bool page_open(struct trap_range *range, __u64 offset, bool is_store)
{
	assert_int_equal(offset, 64);
	assert_true(is_store);
	return !mprotect((void *)range->start, range->len,
			 PROT_READ | PROT_WRITE);
}

/* A doorbell: the store happens in memory, and no callback but one. */
static void an_opened_page_is_plain(void **state)
{
	static const struct trap_ops ops = { .open = page_open };
	struct registers registers = { .r12 = 77, .flags = 2 };

	(void)state;
	catch_faults();
	page_range.ops = &ops;
	page_protect(PROT_READ);
	registers.rbx = page_range.start + 64;
	assert_int_equal(sigsetjmp(refused, 1), 0);
	insn_17(&registers);
	assert_int_equal(mmio_test_page[64], 77);
	page_range.ops = &page_ops;
	page_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(instructions_do_what_the_processor_does),
		harness_test(others_are_reported_and_not_performed),
		harness_test(accesses_across_the_border_are_not_performed),
		harness_test(an_opened_page_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
