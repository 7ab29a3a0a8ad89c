/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding the functions behind ours.
 *
 * Constructors of other libraries run before ours and already call what we
 * replace, so the table is filled in by whoever comes first. Two threads may
 * fill it in at once: they store the same values.
 */
#include <dlfcn.h>
#include "shim/preload/real.h"

struct real real_table;

struct real_name {
	const char *name;
	size_t offset;
};

#define REAL_NAME(name) { #name, offsetof(struct real, name) },

static const struct real_name real_names[] = { REAL_CALLS(REAL_NAME) };

void real_resolve(void)
{
	size_t i;

	for (i = 0; i < array_len(real_names); i++) {
		void **slot =
			(void *)((char *)&real_table + real_names[i].offset);

		if (!*slot)
			*slot = dlsym(RTLD_NEXT, real_names[i].name);
	}
}
