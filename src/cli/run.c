/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "iommufd-user run": check everything, lay out the run directory, and become
 * the program. From then on exit status, signals, streams and process ID are
 * the program's own.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "shim/door.h"
#include "shim/target.h"

#define OPTIONS_MAX 96

/* Where a sanitizer's library is that must be loaded before ours. */
#define ENV_SANITIZER "IOMMUFD_USER_SANITIZER_LIB"
#define PRELOAD_NAME "libiommufd-user-preload.so"

/**
 * struct run - what the command line asks
 * @options: for the machine, each on the heap
 * @n_options: their number
 * @argv: the program and its arguments
 * @program: its path
 */
struct run {
	char *options[OPTIONS_MAX];
	unsigned int n_options;
	char **argv;
	char program[PATH_MAX];
};

static int run_add_option(struct run *run, const char *name,
			  const char *separator, const char *value)
{
	char *text;
	size_t len = strlen(name) + strlen(separator) + strlen(value) + 1;

	if (run->n_options == OPTIONS_MAX) {
		cli_error("more than %d options", OPTIONS_MAX);
		return -EINVAL;
	}
	if (strchr(value, '\n')) {
		cli_error("%s: a line break is not allowed in a value", name);
		return -EINVAL;
	}
	text = mem_alloc(len);
	if (!text) {
		cli_error("out of memory");
		return -ENOMEM;
	}
	snprintf(text, len, "%s%s%s", name, separator, value);
	run->options[run->n_options++] = text;
	return 0;
}

static void run_deinit(struct run *run)
{
	while (run->n_options)
		mem_free(run->options[--run->n_options]);
}

enum {
	OPT_SYNC = 256,
	OPT_VALUE,
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "iommu", required_argument, NULL, OPT_VALUE },
	{ "memlock", required_argument, NULL, OPT_VALUE },
	{ "on-fault", required_argument, NULL, OPT_VALUE },
	{ "error-exitcode", required_argument, NULL, OPT_VALUE },
	{ "sync", no_argument, NULL, OPT_SYNC },
	{ NULL, 0, NULL, 0 },
};

static int run_parse(struct run *run, int argc, char **argv)
{
	char name[32];
	int index = 0;
	int err = 0;
	int opt;

	opterr = 0;
	while (!err && (opt = getopt_long(argc, argv, "+:d:", long_options,
					  &index)) != -1) {
		if (opt == 'd') {
			err = run_add_option(run, "-d", " ", optarg);
		} else if (opt == OPT_SYNC) {
			err = run_add_option(run, "--sync", "", "");
		} else if (opt == OPT_VALUE) {
			snprintf(name, sizeof(name), "--%s",
				 long_options[index].name);
			err = run_add_option(run, name, "=", optarg);
		} else {
			cli_error(opt == ':' ? "run: %s needs a value (see "
					       "--help)"
					     : "run: unknown option '%s' (see "
					       "--help)",
				  argv[optind - 1]);
			err = -EINVAL;
		}
	}
	run->argv = argv + optind;
	if (!err && optind == argc) {
		cli_error("run: no program; write it behind the options: "
			  "iommufd-user run -d nvme,size=1G -- PROGRAM");
		err = -EINVAL;
	}
	return err;
}

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* As execvp() looks for it. Return: 0 or -EINVAL after a message. */
static int run_find_program(struct run *run)
{
	const char *name = run->argv[0];
	const char *path = getenv("PATH");
	size_t len;

	if (strchr(name, '/')) {
		snprintf(run->program, sizeof(run->program), "%s", name);
		if (is_program(name))
			return 0;
		cli_error("run: %s: %s", name,
			  access(name, F_OK) ? "no such program; check the "
					       "path"
					     : "not an executable file; "
					       "chmod +x makes it one");
		return -EINVAL;
	}
	for (path = path ? path : "/usr/bin:/bin"; *path;
	     path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		snprintf(run->program, sizeof(run->program), "%.*s/%s",
			 (int)len, path, name);
		if (is_program(run->program))
			return 0;
	}
	cli_error("run: %s: no such program in PATH; give its path, or check "
		  "the name",
		  name);
	return -EINVAL;
}

static int run_check_program(struct run *run)
{
	char why[256];
	int err = run_find_program(run);

	if (err)
		return err;
	if (!target_check(run->program, why, sizeof(why)))
		return 0;
	cli_error("run: %s", why);
	return -EINVAL;
}

/* The preload library: beside this program, else where it was installed. */
static int find_preload(char *path, size_t len)
{
	char *slash;
	ssize_t n = readlink("/proc/self/exe", path, len - 64);

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		snprintf(slash + 1, len - (size_t)(slash + 1 - path), "%s",
			 PRELOAD_NAME);
		if (!access(path, R_OK))
			return 0;
	}
	snprintf(path, len, "%s/%s", IOMMUFD_USER_LIBDIR, PRELOAD_NAME);
	if (!access(path, R_OK))
		return 0;
	cli_error("%s is missing, beside this program and in %s; install it, "
		  "or run make",
		  PRELOAD_NAME, IOMMUFD_USER_LIBDIR);
	return -ENOENT;
}

/* The sanitizer first, then ours, then what the user had. */
static int set_preload(void)
{
	const char *sanitizer = getenv(ENV_SANITIZER);
	const char *before = getenv("LD_PRELOAD");
	char path[PATH_MAX];
	char value[3 * PATH_MAX];
	int err = find_preload(path, sizeof(path));

	if (err)
		return err;
	if (strpbrk(path, " :")) {
		cli_error("%s: the dynamic linker cannot preload from a path "
			  "with a space or a colon; move it",
			  path);
		return -EINVAL;
	}
	snprintf(value, sizeof(value), "%s%s%s%s%s", sanitizer ? sanitizer : "",
		 sanitizer ? ":" : "", path, before && *before ? ":" : "",
		 before ? before : "");
	return setenv("LD_PRELOAD", value, 1) ? -ENOMEM : 0;
}

/* Make the machine to check it, and the directory. Return: exit status. */
static int run_prepare(struct run *run, char *run_dir, size_t len)
{
	const char *const *options = (const char *const *)run->options;
	struct machine_error error;
	struct machine *machine;
	int err;

	machine = machine_create(options, run->n_options, &error);
	if (!machine) {
		cli_error("%s", error.text);
		return EXIT_WRONG_INPUT;
	}
	err = run_dir_create(machine, options, run->n_options, run_dir, len);
	machine_destroy(machine);
	return err ? EXIT_FAILURE : 0;
}

static int run_become(struct run *run, const char *run_dir)
{
	int err = set_preload();

	if (!err && setenv(SHIM_ENV_RUN, run_dir, 1))
		err = -ENOMEM;
	if (!err) {
		execv(run->program, run->argv);
		err = -errno;
		cli_error("run: %s: %s", run->program, strerror(-err));
	}
	run_dir_remove(run_dir);
	return EXIT_WRONG_INPUT;
}

int cli_run(int argc, char **argv)
{
	char run_dir[PATH_MAX];
	struct run *run = mem_alloc(sizeof(*run));
	int status = EXIT_WRONG_INPUT;
	const char *outer;

	if (!run) {
		cli_error("out of memory");
		return EXIT_FAILURE;
	}
	outer = getenv(SHIM_ENV_RUN);
	if (outer && run_dir_is_live(outer)) {
		cli_error("run: this is inside a run already; start PROGRAM "
			  "directly, it has the devices");
		goto out_free;
	}
	if (run_parse(run, argc, argv) || run_check_program(run))
		goto out_free;
	status = run_prepare(run, run_dir, sizeof(run_dir));
	if (!status)
		status = run_become(run, run_dir);
out_free:
	run_deinit(run);
	mem_free(run);
	return status;
}
