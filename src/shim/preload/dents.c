/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory's entries, straight from the kernel. */
#include <string.h>
#include "shim/preload/dents.h"
#include "shim/preload/sys.h"

/* A record as the kernel writes it. */
struct dents_record {
	__u64 ino;
	__s64 position;
	unsigned short len;
	unsigned char type;
	char name[];
};

static bool dents_is_dots(const char *name)
{
	return name[0] == '.' &&
	       (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int dents_read(int fd, void (*visit)(void *arg, const struct dents_entry *),
	       void *arg)
{
	char buf[4096] __attribute__((aligned(8)));
	long n, at;

	while ((n = sys_call3(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			const struct dents_record *record =
				(const void *)(buf + at);
			struct dents_entry entry = {
				.ino = record->ino,
				.type = record->type,
				.name = record->name,
			};

			if (!dents_is_dots(entry.name))
				visit(arg, &entry);
			at += record->len;
		}
	}
	return (int)n;
}
