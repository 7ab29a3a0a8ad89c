/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of sizes, offsets and numbers, held against a header. A file
 * layout_<header>.inc is a list of the four macros below; included into an
 * initialiser of struct layout_entry it makes the table.
 */
#ifndef TESTS_ABI_LAYOUT_H
#define TESTS_ABI_LAYOUT_H

#include <stddef.h>
#include <stdio.h>

struct layout_entry {
	const char *what;
	unsigned long long actual;
	unsigned long long expected;
};

/* The struct has @len bytes. */
#define LAYOUT_SIZE(type, len) { "sizeof " #type, sizeof(struct type), len },

/* The field begins at byte @off and has @len. */
#define LAYOUT_FIELD(type, field, off, len)                                   \
	{ "offset of " #type "." #field, offsetof(struct type, field), off }, \
		{ "sizeof " #type "." #field,                                 \
		  sizeof(((struct type *)NULL)->field), len },

/* The field, an array without length, begins at byte @off. */
#define LAYOUT_ARRAY(type, field, off) \
	{ "offset of " #type "." #field, offsetof(struct type, field), off },

/* The name stands for @value, as a field of 32 bits holds it. */
#define LAYOUT_NUMBER(name, value) { #name, (unsigned int)(name), value },

/*
 * Print each entry that does not hold, and how many do.
 *
 * Return: how many do not.
 */
static inline unsigned int layout_check(const char *header,
					const struct layout_entry *table,
					size_t n_entries)
{
	unsigned int n_wrong = 0;

	for (size_t i = 0; i < n_entries; i++) {
		if (table[i].actual == table[i].expected)
			continue;
		n_wrong++;
		printf("%s: %s is %#llx, not %#llx\n", header, table[i].what,
		       table[i].actual, table[i].expected);
	}
	printf("%s: %zu of %zu entries hold\n", header, n_entries - n_wrong,
	       n_entries);
	return n_wrong;
}

#define LAYOUT_CHECK(header, table) \
	layout_check(header, table, sizeof(table) / sizeof((table)[0]))

#endif /* TESTS_ABI_LAYOUT_H */
