/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Arithmetic on numbers that a program chose. Each function returns true when
 * the result does not fit; the result is then not to be used.
 */
#ifndef BASE_OVERFLOW_H
#define BASE_OVERFLOW_H

#include "base/compiler.h"

#define add_overflow(a, b, sum) __builtin_add_overflow(a, b, sum)
#define sub_overflow(a, b, difference) __builtin_sub_overflow(a, b, difference)
#define mul_overflow(a, b, product) __builtin_mul_overflow(a, b, product)

/* Bytes of an array, or SIZE_MAX (which no allocation grants). */
static inline size_t array_size(size_t n, size_t element_len)
{
	size_t len;

	return mul_overflow(n, element_len, &len) ? SIZE_MAX : len;
}

/**
 * range_last() - the last byte of a range that a program named
 * @start: first byte
 * @len: bytes, at least 1
 * @last: the inclusive end
 *
 * Return: true when the range wraps or is empty.
 */
static inline bool range_last(__u64 start, __u64 len, __u64 *last)
{
	if (!len)
		return true;
	return add_overflow(start, len - 1, last);
}

static inline bool is_aligned(__u64 value, __u64 alignment)
{
	return !(value & (alignment - 1));
}

static inline __u64 align_down(__u64 value, __u64 alignment)
{
	return value & ~(alignment - 1);
}

/* The caller knows that @value + @alignment - 1 does not wrap. */
static inline __u64 align_up(__u64 value, __u64 alignment)
{
	return align_down(value + alignment - 1, alignment);
}

#endif /* BASE_OVERFLOW_H */
