/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines as they arrive, warnings, and the listener of trace points. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/trace.h"
#include "harness/harness.h"

static int pipe_ends[2];

static void log_to_pipe(void)
{
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
	log_set_fd(pipe_ends[1]);
}

static void log_to_stderr(void)
{
	log_set_fd(-1);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static size_t read_log(char *text, size_t len)
{
	ssize_t n = read(pipe_ends[0], text, len - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	return (size_t)n;
}

static void test_line(void **state)
{
	char text[4096];

	(void)state;
	log_to_pipe();
	errno = ERANGE;
	log_line("%s is %d", "it", 5);
	assert_int_equal(errno, ERANGE);
	read_log(text, sizeof(text));
	assert_string_equal(text, "iommufd-user: it is 5\n");
	log_to_stderr();
}

static void test_long_line_is_cut(void **state)
{
	char text[4096], what[3000];
	size_t n;

	(void)state;
	memset(what, 'x', sizeof(what));
	what[sizeof(what) - 1] = '\0';
	log_to_pipe();
	log_line("%s", what);
	log_line("next");
	n = read_log(text, sizeof(text));
	assert_true(n < 1100);
	assert_string_equal(text + n - strlen("\niommufd-user: next\n"),
			    "\niommufd-user: next\n");
	log_to_stderr();
}

static void test_warning_is_counted_and_told(void **state)
{
	unsigned int before = warn_count();
	char text[4096];
	int two = 2;

	(void)state;
	harness_expect_warnings(1);
	log_to_pipe();
	assert_false(warn_on(two == 3));
	assert_true(warn_on(two == 2));
	assert_int_equal(warn_count(), before + 1);
	read_log(text, sizeof(text));
	assert_non_null(strstr(text, "log_test.c"));
	assert_non_null(strstr(text, "two == 2"));
	assert_null(strstr(text, "two == 3"));
	log_to_stderr();
}

static const struct trace_dma_fault *seen_fault;
static char seen_error[64];

static void note_fault(const struct trace_dma_fault *fault)
{
	seen_fault = fault;
}

static void note_error(const char *device, const char *what)
{
	snprintf(seen_error, sizeof(seen_error), "%s: %s", device, what);
}

static void test_listener(void **state)
{
	static const struct trace_listener all = { note_fault, note_error };
	static const struct trace_listener none;
	struct trace_dma_fault fault = { .device = "0000:01:00.0" };

	(void)state;
	trace_dma_fault(&fault);
	trace_device_error("d", "nobody listens");
	assert_null(seen_fault);
	trace_listen(&none);
	trace_dma_fault(&fault);
	trace_device_error("d", "nobody listens");
	trace_listen(&all);
	trace_dma_fault(&fault);
	assert_ptr_equal(seen_fault, &fault);
	trace_device_error("0000:01:00.0", "status %#x", 0x80);
	assert_string_equal(seen_error, "0000:01:00.0: status 0x80");
	trace_listen(NULL);
	seen_fault = NULL;
	trace_dma_fault(&fault);
	assert_null(seen_fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		harness_test(test_line),
		harness_test(test_long_line_is_cut),
		harness_test(test_warning_is_counted_and_told),
		harness_test(test_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
