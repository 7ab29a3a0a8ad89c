/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The copy routines of base/uaccess_x86_64.S, one for each width of vector.
 * All have the contract of copy_may_fault(), which picks the best at load.
 */
#ifndef BASE_COPY_X86_64_H
#define BASE_COPY_X86_64_H

#include "base/compiler.h"

typedef size_t copy_routine(void *dst, const void *src, size_t len);

copy_routine copy_may_fault_sse2;
copy_routine copy_may_fault_avx2;
copy_routine copy_may_fault_avx512;

/* What copy_may_fault() jumps to. */
extern copy_routine *copy_best;

/**
 * struct copy_fault_entry - an instruction that touches memory
 * @fault: its address, relative to this field
 * @recovery: where to go on, relative to this field
 */
struct copy_fault_entry {
	__s32 fault;
	__s32 recovery;
};

/* The two ends of the table. */
extern const struct copy_fault_entry copy_fault_table_start[];
extern const struct copy_fault_entry copy_fault_table_end[];

#endif /* BASE_COPY_X86_64_H */
