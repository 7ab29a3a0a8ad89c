/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What kind of program a file is, as far as preloading goes: the ELF header
 * and its program interpreter, or the "#!" line of a script.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "shim/target.h"

#define TARGET_SCRIPTS_MAX 4
#define TARGET_HEAD_LEN 512
#define TARGET_HEADERS_MAX 64

/* The dynamic linkers of the C library that the preload library is for. */
static const char *const target_linkers[] = {
	"/lib64/ld-linux-x86-64.so.2",
	"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
	"/usr/lib64/ld-linux-x86-64.so.2",
	"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
};

/**
 * struct target - a check under way
 * @path: the file looked at
 * @reason: where to write
 * @len: its length
 * @head: the first bytes of the file, NUL behind them
 * @head_len: how many
 */
struct target {
	const char *path;
	char *reason;
	size_t len;
	char head[TARGET_HEAD_LEN + 1];
	size_t head_len;
};

static const char *target_refuse(struct target *target, const char *cause,
				 const char *way_out)
{
	snprintf(target->reason, target->len,
		 "%s %s: it cannot be given the served devices; %s",
		 target->path, cause, way_out);
	return target->reason;
}

/* Does exec change who the process is? Then the loader drops LD_PRELOAD. */
static const char *target_check_rights(struct target *target, int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return NULL;
	if ((stat.st_mode & S_ISUID) && stat.st_uid != geteuid())
		return target_refuse(target, "is set-user-ID",
				     "run it as the user that it becomes");
	if ((stat.st_mode & S_ISGID) && (stat.st_mode & S_IXGRP) &&
	    stat.st_gid != getegid())
		return target_refuse(target, "is set-group-ID",
				     "run it as the group that it becomes");
	if (geteuid() && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return target_refuse(
			target, "has file capabilities",
			"remove them with setcap -r, or run a copy");
	return NULL;
}

/* The text of PT_INTERP in @text; false when there is none. */
static bool target_read_linker(int fd, const Elf64_Ehdr *elf, char *text,
			       size_t len)
{
	Elf64_Phdr header;
	ssize_t n;
	int i;

	for (i = 0; i < elf->e_phnum && i < TARGET_HEADERS_MAX; i++) {
		off_t at = (off_t)(elf->e_phoff + (size_t)i * sizeof(header));

		if (pread(fd, &header, sizeof(header), at) !=
		    (ssize_t)sizeof(header))
			return false;
		if (header.p_type != PT_INTERP)
			continue;
		n = pread(fd, text, len - 1, (off_t)header.p_offset);
		if (n <= 0)
			return false;
		text[n] = '\0';
		return true;
	}
	return false;
}

/* A file without an interpreter is static, or the loader itself. */
static bool target_is_linker(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strncmp(slash ? slash + 1 : path, "ld-linux-x86-64", 15);
}

static const char *target_check_elf(struct target *target, int fd)
{
	char linker[128];
	Elf64_Ehdr elf;
	size_t i;

	memcpy(&elf, target->head, sizeof(elf));
	if (elf.e_ident[EI_CLASS] != ELFCLASS64)
		return target_refuse(target, "is a 32-bit program",
				     "use its 64-bit form");
	if (elf.e_machine != EM_X86_64 || elf.e_ident[EI_DATA] != ELFDATA2LSB ||
	    elf.e_phentsize != sizeof(Elf64_Phdr))
		return target_refuse(target, "is for another machine",
				     "use its x86-64 form");
	if (!target_read_linker(fd, &elf, linker, sizeof(linker))) {
		if (target_is_linker(target->path))
			return NULL;
		return target_refuse(target, "is statically linked",
				     "link it dynamically");
	}
	for (i = 0; i < sizeof(target_linkers) / sizeof(*target_linkers); i++) {
		if (!strcmp(linker, target_linkers[i]))
			return NULL;
	}
	/* Distributions that keep each package in a place of its own. */
	if (target_is_linker(linker))
		return NULL;
	return target_refuse(target, "uses another C library than glibc",
			     "link it with glibc");
}

/* "#!interpreter argument": the interpreter, in place; NULL when empty. */
static char *target_script_interpreter(struct target *target)
{
	char *name = target->head + 2;

	name += strspn(name, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	return *name ? name : NULL;
}

static int target_open(struct target *target)
{
	int fd = open(target->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = pread(fd, target->head, TARGET_HEAD_LEN, 0);
	target->head_len = n > 0 ? (size_t)n : 0;
	target->head[target->head_len] = '\0';
	return fd;
}

static const char *target_check_depth(struct target *target, int depth)
{
	char interpreter[TARGET_HEAD_LEN];
	const char *reason = NULL, *script;
	char *name = NULL;
	int fd = target_open(target);

	if (fd < 0)
		return NULL;
	if (target->head_len >= sizeof(Elf64_Ehdr) &&
	    !memcmp(target->head, ELFMAG, SELFMAG)) {
		reason = target_check_rights(target, fd);
		if (!reason)
			reason = target_check_elf(target, fd);
	} else if (!memcmp(target->head, "#!", 2)) {
		name = target_script_interpreter(target);
	}
	close(fd);
	if (!name || depth == TARGET_SCRIPTS_MAX)
		return reason;
	strcpy(interpreter, name);
	script = target->path;
	target->path = interpreter;
	reason = target_check_depth(target, depth + 1);
	target->path = script;
	return reason;
}

const char *target_check(const char *path, char *buf, size_t len)
{
	struct target target = { .path = path, .reason = buf, .len = len };
	int old_errno = errno;
	const char *reason = target_check_depth(&target, 0);

	errno = old_errno;
	return reason;
}

const char *target_find(const char *name, char *path, size_t len)
{
	const char *dirs = getenv("PATH");
	struct stat stat_buf;
	size_t dir_len;
	int n;

	if (strchr(name, '/')) {
		n = snprintf(path, len, "%s", name);
		return n > 0 && (size_t)n < len ? path : NULL;
	}
	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (;; dirs += dir_len + 1) {
		dir_len = strcspn(dirs, ":");
		n = snprintf(path, len, "%.*s%s%s", (int)dir_len, dirs,
			     dir_len ? "/" : "", name);
		if (n > 0 && (size_t)n < len && !access(path, X_OK) &&
		    !stat(path, &stat_buf) && S_ISREG(stat_buf.st_mode))
			return path;
		if (!dirs[dir_len])
			return NULL;
	}
}
