/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From paths to names to places.
 *
 * A path without ".." becomes a name by string work alone. With one, the
 * components before it are resolved first, since ".." behind a symbolic link
 * is not the directory that the link is in.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "shim/preload/paths.h"
#include "shim/preload/process.h"
#include "shim/preload/sys.h"

/* Links followed in one walk: the kernel's limit. */
#define PATH_LINKS_MAX 40u

static bool name_is_below(const char *name, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(name, dir, len) &&
	       (name[len] == '/' || name[len] == '\0');
}

bool name_matters(const char *name)
{
	return (name[0] == '/' && name[1] == '\0') ||
	       name_is_below(name, "/dev") || name_is_below(name, "/sys") ||
	       name_is_below(name, "/proc");
}

/* Does a component ".." occur? */
static bool path_goes_up(const char *path)
{
	const char *at;

	for (at = path; (at = strstr(at, "..")); at += 2) {
		if ((at == path || at[-1] == '/') &&
		    (at[2] == '/' || at[2] == '\0'))
			return true;
	}
	return false;
}

/* Append the next component of @path to @out; 1 when there was one. */
static int name_append(char *out, size_t *out_len, const char **path)
{
	const char *part = *path;
	size_t len;

	while (part[0] == '/' ||
	       (part[0] == '.' && (part[1] == '/' || part[1] == '\0')))
		part++;
	len = strcspn(part, "/");
	*path = part + len;
	if (!len)
		return 0;
	if (*out_len + len + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	out[(*out_len)++] = '/';
	memcpy(out + *out_len, part, len);
	*out_len += len;
	out[*out_len] = '\0';
	return 1;
}

static void name_cut_last(char *out, size_t *out_len)
{
	while (*out_len && out[*out_len - 1] != '/')
		(*out_len)--;
	if (*out_len)
		(*out_len)--;
	out[*out_len] = '\0';
}

/* @out, of @out_len, is a name or "" for the root. */
static int name_join(char *out, size_t out_len, const char *path)
{
	int more;

	while ((more = name_append(out, &out_len, &path)) > 0)
		;
	if (more < 0)
		return more;
	if (!out_len) {
		out[0] = '/';
		out[1] = '\0';
	}
	return 0;
}

/* The place of a name: in the tree, or the host's. */
static void place_of_name(struct place *place, const char *name)
{
	size_t len = strlen(name);

	memcpy(place->buf, run.tree, run.tree_len);
	memmove(place->buf + run.tree_len, name, len + 1);
	place->name = place->buf + run.tree_len;
	place->is_served = tree_serves(place->name);
	place->dirfd = AT_FDCWD;
	place->real = place->is_served ? place->buf : place->name;
}

long name_readlink(const char *name, char *buf, size_t len)
{
	struct place place;
	struct fd_hold hold;
	struct fd_entry *entry;
	long n;

	place_of_name(&place, name);
	entry = fd_hold(place_own_fd(&place), &hold);
	if (entry) {
		n = entry->kind == FD_HIDDEN ? -ENOENT : 0;
		if (!n &&
		    (entry->kind == FD_DEVICE || entry->kind == FD_FOREIGN)) {
			n = (long)strnlen(entry->name, len);
			memcpy(buf, entry->name, (size_t)n);
		}
		fd_drop(&hold);
		if (n)
			return n;
	}
	n = sys_call4(SYS_readlinkat, AT_FDCWD, place.real, buf, len);
	if (n > 0)
		n = (long)tree_strip(buf, (size_t)n);
	return n;
}

/* The target of a link takes the place of the link in what is left to do. */
static int walk_splice(char *rest, const char *link, const char *left)
{
	char old[PATH_MAX];
	int n;

	snprintf(old, sizeof(old), "%s", left);
	n = snprintf(rest, PATH_MAX, "%s%s", link, old);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/*
 * @out got a component more. Return: 0 it is no link; 1 it was, and is what
 * @rest now begins with; or -errno.
 */
static int walk_follow(char *out, size_t *out_len, char *rest, const char *left)
{
	char link[PATH_MAX];
	long n = name_readlink(out, link, sizeof(link) - 1);

	if (n == -EINVAL)
		return 0;
	if (n < 0)
		return (int)n;
	link[n] = '\0';
	/* What /proc says of sockets, pipes and deleted files is no path. */
	if (link[0] != '/' && name_is_below(out, "/proc") && strchr(link, ':'))
		return 0;
	if (link[0] == '/') {
		*out_len = 0;
		out[0] = '\0';
	} else {
		name_cut_last(out, out_len);
	}
	n = walk_splice(rest, link, left);
	return n ? (int)n : 1;
}

static bool path_is_end(const char *path)
{
	return path[strspn(path, "/")] == '\0';
}

static int walk_step(char *out, size_t *out_len, char *rest, const char **at,
		     bool follow)
{
	int more;

	while ((*at)[0] == '.' && ((*at)[1] == '/' || (*at)[1] == '\0'))
		*at += 1 + strspn(*at + 1, "/");
	if ((*at)[0] == '.' && (*at)[1] == '.' &&
	    ((*at)[2] == '/' || (*at)[2] == '\0')) {
		name_cut_last(out, out_len);
		*at += 2;
		return 0;
	}
	more = name_append(out, out_len, at);
	if (more <= 0)
		return more;
	if (path_is_end(*at) && !follow)
		return -EEXIST;
	return walk_follow(out, out_len, rest, *at);
}

int name_walk(char *out, const char *path, bool follow_last, bool must_exist)
{
	size_t out_len = path[0] == '/' ? 0 : strlen(out);
	unsigned int n_links = 0;
	char rest[PATH_MAX];
	const char *at = rest;
	int err = 0;

	if (strlen(path) >= sizeof(rest))
		return -ENAMETOOLONG;
	strcpy(rest, path);
	if (out_len == 1)
		out_len = 0;
	out[out_len] = '\0';
	while (!path_is_end(at)) {
		at += strspn(at, "/");
		err = walk_step(out, &out_len, rest, &at, follow_last);
		if (err == 1) {
			at = rest;
			err = ++n_links > PATH_LINKS_MAX ? -ELOOP : 0;
		}
		/* The last component was not looked at: it is as it is. */
		if (err == -EEXIST || (err == -ENOENT && !must_exist))
			err = 0;
		if (err)
			return err;
	}
	if (!out_len)
		strcpy(out, "/");
	return 0;
}

/* The name of the directory that a relative path starts at, "" for "/". */
static long path_base(char *out, int dirfd, const char *path)
{
	struct fd_entry *entry;
	struct fd_hold hold;
	char link[32];
	long n;

	if (path[0] == '/')
		return 0;
	if (dirfd == AT_FDCWD) {
		n = cwd_name(out, PATH_MAX);
	} else if ((entry = fd_hold(dirfd, &hold))) {
		n = entry->kind == FD_DIR ? (long)strlen(entry->name)
					  : -ENOTDIR;
		if (n > 0)
			strcpy(out, entry->name);
		fd_drop(&hold);
	} else {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
		n = sys_call4(SYS_readlinkat, AT_FDCWD, link, out,
			      PATH_MAX - 1);
		if (n > 0)
			n = (long)tree_strip(out, (size_t)n);
	}
	if (n < 0)
		return n;
	if (n == 1)
		n = 0;
	out[n] = '\0';
	return n;
}

void place_find(struct place *place, int dirfd, const char *path)
{
	char *name = place->buf + run.tree_len;
	size_t path_len = strlen(path);
	long base;
	int err;

	place->dirfd = dirfd;
	place->real = path;
	place->name = NULL;
	place->is_served = false;
	if (path_len >= PATH_MAX)
		return; /* the kernel says what is wrong with it */
	base = path_base(name, dirfd, path);
	if (base < 0)
		return;
	name[base] = '\0';
	if (path_goes_up(path))
		err = name_walk(name, path, path[path_len - 1] == '/', false);
	else
		err = name_join(name, (size_t)base, path);
	if (err || !name_matters(name))
		return;
	place->name = name;
	if (!tree_serves(name))
		return;
	/* A slash at the end makes a link be followed: keep it. */
	if (path[path_len - 1] == '/')
		strcat(name, "/");
	memcpy(place->buf, run.tree, run.tree_len);
	place->real = place->buf;
	place->dirfd = AT_FDCWD;
	place->is_served = true;
}

const struct tree_node *place_node(const struct place *place, bool follow)
{
	struct stat stat;

	if (!place->is_served || !name_is_below(place->name, "/dev"))
		return NULL;
	if (sys_call4(SYS_newfstatat, AT_FDCWD, place->real, &stat,
		      follow ? 0 : AT_SYMLINK_NOFOLLOW))
		return NULL;
	return tree_node_of(stat.st_dev, stat.st_ino);
}

/* Behind "/proc/self/fd" and its other spellings; or NULL. */
static const char *name_behind_own_fds(const char *name)
{
	static const char *const dirs[] = { "/proc/self/fd", "/dev/fd",
					    "/proc/thread-self/fd" };
	char own[32];
	size_t i;

	for (i = 0; i < array_len(dirs); i++) {
		if (name_is_below(name, dirs[i]))
			return name + strlen(dirs[i]);
	}
	if (strncmp(name, "/proc/", 6) != 0 || !isdigit(name[6]))
		return NULL;
	snprintf(own, sizeof(own), "/proc/%d/fd", process_id());
	return name_is_below(name, own) ? name + strlen(own) : NULL;
}

bool name_is_own_fds(const char *name)
{
	const char *rest = name_behind_own_fds(name);

	return rest && *rest == '\0';
}

int place_own_fd(const struct place *place)
{
	const char *rest;
	char *end;
	long fd;

	if (!place->name)
		return -1;
	rest = name_behind_own_fds(place->name);
	if (!rest || *rest++ != '/' || !isdigit(*rest))
		return -1;
	fd = strtol(rest, &end, 10);
	return *end || fd >= FD_TABLE_LEN ? -1 : (int)fd;
}
