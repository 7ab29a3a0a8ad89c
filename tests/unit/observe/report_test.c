/* SPDX-License-Identifier: BSD-3-Clause */
/* Reports of refused DMA: one line a cause, and what is said at the end. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/trace.h"
#include "harness/harness.h"
#include "observe/observe.h"

static char printed[64 << 10];
static int saved_stderr;
static int file;

static void capture(void)
{
	file = memfd_create("stderr", MFD_CLOEXEC);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
}

/* Return: the number of lines in @printed. */
static unsigned int captured(void)
{
	unsigned int n_lines = 0;
	const char *at = printed;
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	n = pread(file, printed, sizeof(printed) - 1, 0);
	close(file);
	printed[n > 0 ? n : 0] = '\0';
	while ((at = strchr(at, '\n'))) {
		n_lines++;
		at++;
	}
	return n_lines;
}

static struct trace_dma_fault a_fault(void)
{
	struct trace_dma_fault fault = {
		.device = "0000:01:00.0",
		.pasid = TRACE_NO_PASID,
		.is_write = true,
		.iova = 0x10ff0,
		.len = 32,
		.reason = DMA_FAULT_BEYOND,
		.bad_iova = 0x11000,
		.near_start = 0x10000,
		.near_last = 0x10fff,
	};

	return fault;
}

static void a_line_says_who_what_where_and_why(void **state)
{
	struct trace_dma_fault fault = a_fault();

	(void)state;
	observe_start(OBSERVE_REPORT);
	capture();
	trace_dma_fault(&fault);
	assert_int_equal(captured(), 1);
	assert_string_equal(
		printed,
		"iommufd-user: 0000:01:00.0: DMA write of 32 bytes at IOVA "
		"0x10ff0 refused at 0x11000: it runs beyond the end of the "
		"mapping 0x10000-0x10fff\n");
	fault.pasid = 5;
	fault.is_write = false;
	fault.bad_iova = fault.iova;
	fault.reason = DMA_FAULT_NEVER_MAPPED;
	capture();
	trace_dma_fault(&fault);
	assert_int_equal(captured(), 1);
	assert_string_equal(
		printed, "iommufd-user: 0000:01:00.0: PASID 5 DMA read of 32 "
			 "bytes at IOVA 0x10ff0 refused: nothing was ever "
			 "mapped there\n");
	trace_listen(NULL);
}

static void every_reason_has_words(void **state)
{
	struct trace_dma_fault fault = a_fault();
	char before[sizeof(printed)] = "";

	(void)state;
	observe_start(OBSERVE_REPORT);
	for (fault.reason = 0; fault.reason < DMA_FAULT_N_REASONS;
	     fault.reason++) {
		capture();
		trace_dma_fault(&fault);
		assert_int_equal(captured(), 1);
		assert_null(strchr(printed, '%'));
		assert_string_not_equal(printed, before);
		strcpy(before, printed);
	}
	trace_listen(NULL);
}

/* A cause is a device, a direction, a reason and a page. */
static void a_cause_is_told_once(void **state)
{
	struct trace_dma_fault fault = a_fault();
	unsigned int i;

	(void)state;
	observe_start(OBSERVE_REPORT);
	capture();
	for (i = 0; i < 100; i++)
		trace_dma_fault(&fault);
	fault.bad_iova += 8;
	trace_dma_fault(&fault);
	assert_int_equal(captured(), 1);
	capture();
	fault.is_write = false;
	trace_dma_fault(&fault);
	fault.bad_iova += 4096;
	trace_dma_fault(&fault);
	fault.device = "0000:02:00.0";
	trace_dma_fault(&fault);
	fault.reason = DMA_FAULT_MEMORY_GONE;
	trace_dma_fault(&fault);
	assert_int_equal(captured(), 4);
	assert_int_equal(observe_n_dma_errors(), 105);
	capture();
	observe_finish();
	assert_int_equal(captured(), 1);
	assert_non_null(strstr(printed, "105 DMA accesses were refused, of 5"));
	trace_listen(NULL);
}

static void nothing_is_said_twice_at_the_end(void **state)
{
	struct trace_dma_fault fault = a_fault();

	(void)state;
	observe_start(OBSERVE_REPORT);
	capture();
	observe_finish();
	trace_dma_fault(&fault);
	observe_finish();
	assert_int_equal(captured(), 1);
	trace_listen(NULL);
}

static void too_many_causes_are_counted(void **state)
{
	struct trace_dma_fault fault = a_fault();
	unsigned int i;

	(void)state;
	observe_start(OBSERVE_REPORT);
	capture();
	for (i = 0; i < 300; i++, fault.bad_iova += 4096)
		trace_dma_fault(&fault);
	assert_int_equal(captured(), 257);
	assert_non_null(strstr(printed, "more than 256 causes"));
	assert_int_equal(observe_n_dma_errors(), 300);
	trace_listen(NULL);
}

static void ignored_ones_are_counted(void **state)
{
	struct trace_dma_fault fault = a_fault();

	(void)state;
	observe_start(OBSERVE_IGNORE);
	capture();
	trace_dma_fault(&fault);
	trace_dma_fault(&fault);
	trace_device_error("0000:01:00.0", "odd");
	observe_finish();
	assert_int_equal(captured(), 0);
	assert_int_equal(observe_n_dma_errors(), 2);
	trace_listen(NULL);
}

static void abort_comes_after_the_report(void **state)
{
	struct trace_dma_fault fault = a_fault();
	int status;
	pid_t child;

	(void)state;
	capture();
	child = fork();
	if (!child) {
		signal(SIGABRT, SIG_DFL);
		observe_start(OBSERVE_ABORT);
		trace_dma_fault(&fault);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(captured(), 1);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void a_child_begins_anew(void **state)
{
	struct trace_dma_fault fault = a_fault();

	(void)state;
	observe_start(OBSERVE_REPORT);
	capture();
	trace_dma_fault(&fault);
	observe_fork_child();
	assert_int_equal(observe_n_dma_errors(), 0);
	trace_dma_fault(&fault);
	assert_int_equal(captured(), 2);
	trace_listen(NULL);
}

static void device_errors_are_told(void **state)
{
	(void)state;
	observe_start(OBSERVE_REPORT);
	capture();
	trace_device_error("0000:01:00.0", "fatal status %d", 7);
	assert_int_equal(captured(), 1);
	assert_string_equal(printed,
			    "iommufd-user: 0000:01:00.0: fatal status 7\n");
	assert_int_equal(observe_n_dma_errors(), 0);
	trace_listen(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(a_line_says_who_what_where_and_why),
		harness_test(every_reason_has_words),
		harness_test(a_cause_is_told_once),
		harness_test(nothing_is_said_twice_at_the_end),
		harness_test(too_many_causes_are_counted),
		harness_test(ignored_ones_are_counted),
		harness_test(abort_comes_after_the_report),
		harness_test(a_child_begins_anew),
		harness_test(device_errors_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
