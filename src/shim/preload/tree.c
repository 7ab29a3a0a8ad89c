/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the run's tree holds, learnt at the first path below /dev, /sys or
 * /proc, from a few directories of it and the list of nodes. Constant then.
 *
 * The table lives in static memory: the first path may come from inside an
 * allocator.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/sysmacros.h>
#include "shim/door.h"
#include "shim/preload/dents.h"
#include "shim/preload/guard.h"
#include "shim/preload/run.h"
#include "shim/preload/sys.h"
#include "shim/preload/tree.h"

#define TREE_NODES 256u
#define TREE_NAMES_LEN 16384u

/**
 * struct tree_merge - a merged directory
 * @path: its name
 * @names: the tree's entries, NUL after each, one more at the end
 * @is_alone: the host has no such directory
 */
struct tree_merge {
	const char *path;
	const char *names;
	bool is_alone;
};

/* A directory comes behind the one it is in. */
static struct tree_merge tree_merges[] = {
	{ .path = "/dev" },
	{ .path = "/dev/char" },
	{ .path = "/sys" },
	{ .path = "/sys/bus" },
	{ .path = "/sys/class" },
	{ .path = "/sys/kernel" },
	{ .path = "/sys/dev" },
	{ .path = "/sys/dev/char" },
	{ .path = "/sys/module" },
	{ .path = "/sys/devices" },
	{ .path = "/sys/class/misc" },
	{ .path = "/sys/devices/virtual" },
	{ .path = "/sys/devices/virtual/misc" },
	{ .path = "/proc" },
};

static const char *const tree_owned[] = {
	"/dev/iommu",
	"/dev/vfio",
	"/sys/bus/pci",
	"/sys/class/iommu",
	"/sys/class/vfio",
	"/sys/class/vfio-dev",
	"/sys/kernel/iommu_groups",
	"/sys/kernel/debug/iommu",
};

static struct {
	atomic_bool is_ready;
	struct guard guard;
	struct tree_node nodes[TREE_NODES];
	unsigned int n_nodes;
	dev_t dev;
	char names[TREE_NAMES_LEN];
	size_t names_len;
} tree = { .guard = GUARD_INITIALIZER };

static void tree_add_name(void *arg, const struct dents_entry *entry)
{
	size_t len = strlen(entry->name) + 1;

	(void)arg;
	/* One byte stays for the end of the directory's list, and for each
	 * directory that follows. */
	if (tree.names_len + len + array_len(tree_merges) > TREE_NAMES_LEN)
		return;
	memcpy(tree.names + tree.names_len, entry->name, len);
	tree.names_len += len;
}

static void tree_read_merge(struct tree_merge *merge)
{
	char path[2 * RUN_PATH_MAX];
	int fd;

	merge->names = tree.names + tree.names_len;
	snprintf(path, sizeof(path), "%s%s", run.tree, merge->path);
	fd = (int)sys_call4(SYS_openat, AT_FDCWD, path,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (fd >= 0) {
		dents_read(fd, tree_add_name, NULL);
		sys_call1(SYS_close, fd);
		merge->is_alone = sys_call4(SYS_faccessat, AT_FDCWD,
					    merge->path, F_OK, 0) < 0;
	}
	tree.names[tree.names_len++] = '\0';
}

/* A line: PATH MAJOR MINOR MODE. */
static void tree_add_node(const char *line)
{
	struct tree_node *node = &tree.nodes[tree.n_nodes];
	unsigned int major_number, minor_number, mode;
	char path[2 * RUN_PATH_MAX];
	struct stat stat;

	if (tree.n_nodes == TREE_NODES ||
	    /* A line of ours. NOLINTNEXTLINE(cert-err34-c) */
	    sscanf(line, "%127s %u %u %o", node->path, &major_number,
		   &minor_number, &mode) != 4)
		return;
	node->rdev = makedev(major_number, minor_number);
	node->mode = S_IFCHR | (mode & 07777);
	snprintf(path, sizeof(path), "%s%s", run.tree, node->path);
	if (sys_call4(SYS_newfstatat, AT_FDCWD, path, &stat, 0))
		return;
	node->dev = stat.st_dev;
	node->ino = stat.st_ino;
	tree.n_nodes++;
}

static void tree_read_nodes(void)
{
	char path[2 * RUN_PATH_MAX];
	char text[16384];
	char *line, *end;
	long len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", run.dir, SHIM_RUN_NODES);
	fd = (int)sys_call4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC,
			    0);
	if (fd < 0)
		return;
	len = sys_call3(SYS_read, fd, text, sizeof(text) - 1);
	sys_call1(SYS_close, fd);
	text[len > 0 ? len : 0] = '\0';
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		tree_add_node(line);
	}
}

static no_inline void tree_read(void)
{
	__u64 mask = guard_acquire(&tree.guard);
	struct stat stat;
	size_t i;

	if (!atomic_load(&tree.is_ready)) {
		if (!sys_call4(SYS_newfstatat, AT_FDCWD, run.tree, &stat, 0))
			tree.dev = stat.st_dev;
		for (i = 0; i < array_len(tree_merges); i++)
			tree_read_merge(&tree_merges[i]);
		tree_read_nodes();
		atomic_store(&tree.is_ready, true);
	}
	guard_release(&tree.guard, mask);
}

static inline void tree_ready(void)
{
	if (unlikely(!atomic_load_explicit(&tree.is_ready,
					   memory_order_acquire)))
		tree_read();
}

/* Is @name @dir, or below it? */
static bool tree_is_below(const char *name, const char *dir, size_t dir_len)
{
	return !strncmp(name, dir, dir_len) &&
	       (name[dir_len] == '/' || name[dir_len] == '\0');
}

static bool tree_merge_has(const struct tree_merge *merge, const char *name,
			   size_t len)
{
	const char *at = merge->names;

	for (; *at; at += strlen(at) + 1) {
		if (!strncmp(at, name, len) && at[len] == '\0')
			return true;
	}
	return false;
}

bool tree_serves(const char *name)
{
	size_t i, len;

	tree_ready();
	for (i = 0; i < array_len(tree_owned); i++) {
		if (tree_is_below(name, tree_owned[i], strlen(tree_owned[i])))
			return true;
	}
	for (i = array_len(tree_merges); i-- > 0;) {
		const struct tree_merge *merge = &tree_merges[i];

		len = strlen(merge->path);
		if (!tree_is_below(name, merge->path, len))
			continue;
		if (name[len] == '\0')
			return merge->is_alone;
		name += len + 1;
		return tree_merge_has(merge, name, strcspn(name, "/"));
	}
	return false;
}

bool tree_is_merged(const char *name)
{
	size_t i;

	tree_ready();
	for (i = 0; i < array_len(tree_merges); i++) {
		if (!strcmp(name, tree_merges[i].path))
			return !tree_merges[i].is_alone &&
			       *tree_merges[i].names;
	}
	return false;
}

const struct tree_node *tree_node_of(dev_t dev, ino_t ino)
{
	unsigned int i;

	tree_ready();
	for (i = 0; i < tree.n_nodes; i++) {
		if (tree.nodes[i].ino == ino && tree.nodes[i].dev == dev)
			return &tree.nodes[i];
	}
	return NULL;
}

const struct tree_node *tree_node_named(const char *name)
{
	unsigned int i;

	tree_ready();
	for (i = 0; i < tree.n_nodes; i++) {
		if (!strcmp(tree.nodes[i].path, name))
			return &tree.nodes[i];
	}
	return NULL;
}

void tree_fix_stat(struct stat *stat)
{
	const struct tree_node *node;

	/* Before the tree was read nobody can have met a file of it. */
	if (likely(stat->st_dev != tree.dev || !tree.n_nodes))
		return;
	node = tree_node_of(stat->st_dev, stat->st_ino);
	if (!node)
		return;
	stat->st_mode = node->mode;
	stat->st_rdev = node->rdev;
	stat->st_size = 0;
	stat->st_blocks = 0;
	stat->st_uid = geteuid();
	stat->st_gid = getegid();
}

size_t tree_strip(char *text, size_t len)
{
	size_t cut = run.tree_len;

	if (len < cut || memcmp(text, run.tree, cut) != 0 ||
	    (len > cut && text[cut] != '/'))
		return len;
	if (len == cut) {
		text[0] = '/';
		return 1;
	}
	memmove(text, text + cut, len - cut);
	return len - cut;
}
