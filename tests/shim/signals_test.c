/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SIGSEGV and SIGBUS: the core's faults come first, and the program's handlers,
 * masks and deaths are as they would be without us.
 */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "shim_test.h"

static volatile sig_atomic_t n_calls, last_signal, last_code;
static volatile sig_atomic_t other_was_blocked, self_was_blocked;
static sigjmp_buf back;

/* Loads by rdi alone; the core's fault handler changes rdi to rsi. */
static long load_marked(const long *value)
{
	long ret;

	__asm__ volatile("movq (%%rdi), %%rax"
			 : "=a"(ret)
			 : "D"(FAKE_MARKED_ADDRESS), "S"(value)
			 : "memory");
	return ret;
}

/* An address that is nobody's. */
static void touch_nothing(void)
{
	__asm__ volatile("movb $1, (%0)" : : "r"(0x10ul) : "memory");
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	sigset_t mask;

	(void)context;
	n_calls++;
	last_signal = signal;
	last_code = info->si_code;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	other_was_blocked = sigismember(&mask, SIGUSR1);
	self_was_blocked = sigismember(&mask, SIGSEGV);
	if (info->si_code > 0)
		siglongjmp(back, 1);
}

static void set_handler(int signal, int flags)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGUSR1);
	assert_int_equal(sigaction(signal, &action, NULL), 0);
	n_calls = 0;
}

/* A handler that was set before the core came still gets what is its own. */
static void test_handler_before_core(void **state)
{
	struct sigaction action;
	long value = 0x1234;
	int fd;

	(void)state;
	set_handler(SIGSEGV, 0);
	assert_int_equal(log_count("start"), 0);
	fd = open_device();
	assert_int_equal(load_marked(&value), 0x1234);
	assert_int_equal(n_calls, 0);
	if (!sigsetjmp(back, 1))
		touch_nothing();
	assert_int_equal(n_calls, 1);
	assert_int_equal(last_signal, SIGSEGV);
	assert_int_equal(last_code, SEGV_MAPERR);
	assert_int_equal(other_was_blocked, 1);
	assert_int_equal(self_was_blocked, 1);
	assert_int_equal(sigaction(SIGSEGV, NULL, &action), 0);
	assert_ptr_equal(action.sa_sigaction, on_fault);
	assert_int_equal(action.sa_flags & SA_SIGINFO, SA_SIGINFO);
	assert_int_equal(sigismember(&action.sa_mask, SIGUSR1), 1);
	assert_int_equal(sigismember(&action.sa_mask, SIGSEGV), 0);
	close(fd);
}

static void test_handler_after_core(void **state)
{
	long value = 5;

	(void)state;
	close(open_device());
	set_handler(SIGSEGV, SA_NODEFER);
	if (!sigsetjmp(back, 1))
		touch_nothing();
	assert_int_equal(n_calls, 1);
	assert_int_equal(self_was_blocked, 0);
	assert_int_equal(load_marked(&value), 5);
	assert_int_equal(n_calls, 1);
	/* Twice: the first one left no mark. */
	if (!sigsetjmp(back, 1))
		touch_nothing();
	assert_int_equal(n_calls, 2);
}

static void test_bus_error(void **state)
{
	int fd = memfd_create("short", 0);
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)state;
	close(open_device());
	set_handler(SIGBUS, 0);
	if (!sigsetjmp(back, 1))
		*(volatile char *)map = 1;
	assert_int_equal(n_calls, 1);
	assert_int_equal(last_signal, SIGBUS);
	munmap(map, 4096);
	close(fd);
}

/* Somebody sends the signal: no fault, and the handler returns. */
static void test_sent_signal(void **state)
{
	(void)state;
	close(open_device());
	set_handler(SIGSEGV, (int)SA_RESETHAND);
	assert_int_equal(raise(SIGSEGV), 0);
	assert_int_equal(n_calls, 1);
	assert_true(last_code <= 0);
	assert_ptr_equal(signal(SIGSEGV, SIG_IGN), SIG_DFL);
	assert_int_equal(raise(SIGSEGV), 0);
	assert_ptr_equal(signal(SIGSEGV, SIG_DFL), SIG_IGN);
}

/* The signal that ends a child which does @act, or its exit status, below 0. */
static int death_of(void (*act)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		close(open_device());
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void die_by_default(void)
{
	signal(SIGSEGV, SIG_DFL);
	touch_nothing();
}

static void die_although_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	touch_nothing();
}

static void die_by_sending(void)
{
	signal(SIGBUS, SIG_DFL);
	raise(SIGBUS);
}

static void fault_again(int signal)
{
	(void)signal;
	touch_nothing();
}

static void die_after_one_call(void)
{
	__sysv_signal(SIGSEGV, fault_again);
	touch_nothing();
}

static void survive_the_marked_address(void)
{
	long value = 0;

	signal(SIGSEGV, SIG_DFL);
	_exit((int)load_marked(&value) + 3);
}

static void test_deaths(void **state)
{
	(void)state;
	assert_int_equal(death_of(die_by_default), SIGSEGV);
	assert_int_equal(death_of(die_although_ignored), SIGSEGV);
	assert_int_equal(death_of(die_by_sending), SIGBUS);
	assert_int_equal(death_of(die_after_one_call), SIGSEGV);
	assert_int_equal(death_of(survive_the_marked_address), -3);
}

/* The program may mask them; the core's faults come all the same. */
static void test_masks(void **state)
{
	long value = 9;
	sigset_t all, old;

	(void)state;
	close(open_device());
	sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &old), 0);
	assert_int_equal(sigismember(&old, SIGSEGV), 0);
	assert_int_equal(load_marked(&value), 9);
	assert_int_equal(sigprocmask(SIG_SETMASK, &old, &all), 0);
	assert_int_equal(sigismember(&all, SIGSEGV), 1);
	assert_int_equal(sigismember(&all, SIGBUS), 1);
	sigemptyset(&all);
	sigaddset(&all, SIGBUS);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, &old), 0);
	assert_int_equal(sigismember(&old, SIGSEGV), 0);
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &all, &old), 0);
	assert_int_equal(sigismember(&old, SIGBUS), 1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &old), 0);
	assert_int_equal(sigismember(&old, SIGBUS), 0);
	assert_int_not_equal(pthread_sigmask(12345, &all, NULL), 0);
}

static volatile long seen_in_handler;

static void load_in_handler(int signal)
{
	static const long value = 21;

	(void)signal;
	seen_in_handler = load_marked(&value);
}

/* A handler whose mask names all signals touches a trapped page. */
static void test_mask_of_action(void **state)
{
	struct sigaction action = { .sa_handler = load_in_handler };
	struct sigaction old;

	(void)state;
	close(open_device());
	sigfillset(&action.sa_mask);
	assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
	assert_int_equal(raise(SIGUSR2), 0);
	assert_int_equal(seen_in_handler, 21);
	assert_int_equal(sigaction(SIGUSR2, NULL, &old), 0);
	assert_int_equal(sigismember(&old.sa_mask, SIGSEGV), 1);
	assert_int_equal(sigismember(&old.sa_mask, SIGBUS), 1);
}

/* The same while a call has set a mask for its time. */
static void test_mask_of_wait(void **state)
{
	struct sigaction action = { .sa_handler = load_in_handler };
	struct timespec time = { .tv_nsec = 200000000 };
	sigset_t mask, usr2;

	(void)state;
	close(open_device());
	seen_in_handler = 0;
	sigemptyset(&action.sa_mask);
	assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	assert_int_equal(sigprocmask(SIG_BLOCK, &usr2, NULL), 0);
	assert_int_equal(raise(SIGUSR2), 0);
	sigfillset(&mask);
	sigdelset(&mask, SIGUSR2);
	assert_errno(ppoll(NULL, 0, &time, &mask), EINTR);
	assert_int_equal(seen_in_handler, 21);
	seen_in_handler = 0;
	assert_int_equal(raise(SIGUSR2), 0);
	assert_errno(sigsuspend(&mask), EINTR);
	assert_int_equal(seen_in_handler, 21);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &usr2, NULL), 0);
}

/* A stack overflow needs the other stack, which the program asks for. */
static void overflow_stack(void)
{
	static char stack[65536];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	char *page =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaltstack(&other, NULL);
	sigaction(SIGSEGV, &action, NULL);
	if (sigsetjmp(back, 1))
		_exit(7);
	__asm__ volatile("movq %0, %%rsp\n\tpushq $0" : : "r"(page + 4096));
}

static void test_other_stack(void **state)
{
	(void)state;
	assert_int_equal(death_of(overflow_stack), -7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handler_before_core),
		cmocka_unit_test(test_handler_after_core),
		cmocka_unit_test(test_bus_error),
		cmocka_unit_test(test_sent_signal),
		cmocka_unit_test(test_deaths),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_mask_of_action),
		cmocka_unit_test(test_mask_of_wait),
		cmocka_unit_test(test_other_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
