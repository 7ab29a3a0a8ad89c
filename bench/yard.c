/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of the radix yardstick, from big blocks that are there already. */
#include "yard.h"

#define BLOCK_LEN (8ull << 20)

uint64_t *radix_table(void)
{
	static char *block;
	static uint64_t n_used = BLOCK_LEN;
	char *table;

	if (n_used == BLOCK_LEN) {
		block = bench_alloc(BLOCK_LEN);
		n_used = 0;
	}
	table = block + n_used;
	n_used += RADIX_FANOUT * sizeof(uint64_t);
	return (uint64_t *)(void *)table;
}
