/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run directories: made, locked, and removed when their run is over.
 *
 * A directory is made under a name that nobody looks at, locked, and then
 * renamed; so what carries the final name and is not locked belongs to a run
 * that ended. The lock is shared by all processes of the run: one open file
 * description that exec and fork hand on.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "cli/cli.h"
#include "shim/door.h"

#define RUN_PREFIX "iommufd-user-run."
#define NEW_PREFIX "iommufd-user-new."

/* The lock's descriptor goes where programs rarely look. */
#define LOCK_FD_LOWEST 500

/* Remove everything below @name in @dir, and @name. */
static void remove_below(int dir, const char *name, unsigned int depth)
{
	struct dirent *entry;
	DIR *list;
	int fd;

	if (!unlinkat(dir, name, 0) || depth > 16)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(list)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			remove_below(fd, entry->d_name, depth + 1);
	closedir(list);
	unlinkat(dir, name, AT_REMOVEDIR);
}

void run_dir_remove(const char *path)
{
	remove_below(AT_FDCWD, path, 0);
}

/* Return: the lock's descriptor when nobody else holds it, else -1. */
static int lock_if_free(int base, const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/" SHIM_RUN_LOCK, name);
	fd = openat(base, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	return -1;
}

bool run_dir_is_live(const char *path)
{
	int fd;

	errno = 0;
	fd = lock_if_free(AT_FDCWD, path);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EWOULDBLOCK;
}

/* Remove the directories of runs that ended; those of other users stay. */
static void sweep(const char *base)
{
	struct dirent *entry;
	struct stat st;
	DIR *list = opendir(base);
	int fd;

	if (!list)
		return;
	while ((entry = readdir(list))) {
		if (strncmp(entry->d_name, RUN_PREFIX, strlen(RUN_PREFIX)) ||
		    fstatat(dirfd(list), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) ||
		    !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
			continue;
		fd = lock_if_free(dirfd(list), entry->d_name);
		if (fd < 0)
			continue;
		remove_below(dirfd(list), entry->d_name, 0);
		close(fd);
	}
	closedir(list);
}

/* The first writable of the places that a run directory may be in. */
static const char *find_base(void)
{
	const char *places[] = { getenv("XDG_RUNTIME_DIR"), "/dev/shm",
				 "/tmp" };
	unsigned int i;

	for (i = 0; i < array_len(places); i++)
		if (places[i] && *places[i] == '/' &&
		    !access(places[i], W_OK | X_OK))
			return places[i];
	return NULL;
}

/* Return: the descriptor that keeps the run alive over exec, or -errno. */
static int lock_dir(int dir)
{
	char number[16];
	int high;
	int fd = openat(dir, SHIM_RUN_LOCK, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD, LOCK_FD_LOWEST);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	snprintf(number, sizeof(number), "%d", fd);
	if (flock(fd, LOCK_SH | LOCK_NB) || setenv(SHIM_ENV_LOCK, number, 1)) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

static int write_text(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -ENOSPC;
}

static int write_config(int dir, const char *const *options,
			unsigned int n_options)
{
	char *text;
	size_t len = 1;
	unsigned int i;
	int err;

	for (i = 0; i < n_options; i++)
		len += strlen(options[i]) + 1;
	text = calloc(1, len);
	if (!text)
		return -ENOMEM;
	for (i = 0; i < n_options; i++) {
		strcat(text, options[i]);
		strcat(text, "\n");
	}
	err = write_text(dir, SHIM_RUN_CONFIG, text);
	free(text);
	return err;
}

/**
 * struct node_list - the text of the nodes file
 * @text: "PATH MAJOR MINOR MODE" a line
 * @len: bytes in use
 */
struct node_list {
	char text[8192];
	size_t len;
};

static void node_append(void *arg, const struct file_node *node)
{
	struct node_list *list = arg;

	list->len += (size_t)snprintf(list->text + list->len,
				      sizeof(list->text) - list->len,
				      "%s %u %u %o\n", node->path,
				      gnu_dev_major(node->rdev),
				      gnu_dev_minor(node->rdev), node->mode);
}

static int write_nodes(int dir, struct machine *machine)
{
	struct node_list list = { .len = 0 };

	machine_nodes(machine, node_append, &list);
	return write_text(dir, SHIM_RUN_NODES, list.text);
}

static int write_tree(int dir, struct machine *machine)
{
	struct machine_error error = { "" };
	int tree;
	int err;

	if (mkdirat(dir, SHIM_RUN_TREE, 0755))
		return -errno;
	tree = openat(dir, SHIM_RUN_TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0)
		return -errno;
	err = machine_write_tree(machine, tree, &error);
	close(tree);
	if (err)
		cli_error("%s", error.text);
	return err;
}

/* Fill the directory @path and give it its final name, which replaces it. */
static int fill(struct machine *machine, const char *const *options,
		unsigned int n_options, char *path)
{
	char final[PATH_MAX];
	char *name;
	int lock;
	int err;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	lock = lock_dir(dir);
	err = lock < 0 ? lock : write_config(dir, options, n_options);
	if (!err)
		err = write_nodes(dir, machine);
	if (!err)
		err = write_tree(dir, machine);
	close(dir);
	if (!err) {
		snprintf(final, sizeof(final), "%s", path);
		name = strrchr(final, '/') + 1;
		memcpy(name, RUN_PREFIX, strlen(RUN_PREFIX));
		err = rename(path, final) ? -errno : 0;
	}
	if (!err)
		strcpy(path, final);
	else if (lock >= 0)
		close(lock);
	return err;
}

int run_dir_create(struct machine *machine, const char *const *options,
		   unsigned int n_options, char *path, size_t path_len)
{
	const char *base = find_base();
	int err;

	if (!base) {
		cli_error("no directory for the run: none of XDG_RUNTIME_DIR, "
			  "/dev/shm and /tmp is writable");
		return -EACCES;
	}
	sweep(base);
	snprintf(path, path_len, "%s/" NEW_PREFIX "XXXXXX", base);
	if (!mkdtemp(path)) {
		err = -errno;
		cli_error("%s: %s", path, strerror(errno));
		return err;
	}
	err = fill(machine, options, n_options, path);
	if (err) {
		cli_error("cannot fill %s: %s", path, strerror(-err));
		run_dir_remove(path);
	}
	return err;
}
