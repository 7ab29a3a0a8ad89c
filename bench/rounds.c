/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds that interleave what is compared, and the rows that come of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

/* A yardstick that moves by more measures the machine's other work. */
#define SPREAD_MAX 0.15
#define N_TRIES 3
/* A machine on which rounds take so long is not getting quieter. */
#define TRY_AGAIN_NS 10000000000ull

unsigned int bench_n_rounds(void)
{
	return bench_scale() == BENCH_SMOKE ? 2 : BENCH_ROUNDS;
}

static int compare_values(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct bench_figure figure_of(const double *values)
{
	unsigned int n = bench_n_rounds();
	double sorted[BENCH_ROUNDS];
	struct bench_figure figure;

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare_values);
	figure.median = sorted[n / 2];
	figure.spread = sorted[n - 1 - n / 4] - sorted[n / 4];
	figure.spread /= figure.median < 0 ? -figure.median : figure.median;
	return figure;
}

struct bench_figure bench_figure(const struct bench_side *side)
{
	return figure_of(side->values);
}

struct bench_figure bench_ratio(const struct bench_side *a,
				const struct bench_side *b)
{
	double ratios[BENCH_ROUNDS];

	for (unsigned int i = 0; i < bench_n_rounds(); i++)
		ratios[i] = a->values[i] / b->values[i];
	return figure_of(ratios);
}

struct bench_figure bench_excess(const struct bench_side *a,
				 const struct bench_side *b)
{
	double excesses[BENCH_ROUNDS];

	for (unsigned int i = 0; i < bench_n_rounds(); i++)
		excesses[i] = a->values[i] - b->values[i];
	return figure_of(excesses);
}

struct bench_figure bench_exact(double value)
{
	return (struct bench_figure){ .median = value };
}

static bool is_any_noisy(const struct bench_side *sides, unsigned int n_sides)
{
	for (unsigned int i = 0; i < n_sides; i++)
		if (sides[i].is_yardstick &&
		    bench_figure(&sides[i]).spread > SPREAD_MAX)
			return true;
	return false;
}

bool bench_rounds(struct bench_side *sides, unsigned int n_sides)
{
	unsigned int n_tries = bench_scale() == BENCH_SMOKE ? 1 : N_TRIES;
	uint64_t start = bench_now();

	for (unsigned int try = 0; try < n_tries; try++) {
		/* Warm: whatever is done for the first time is done here. */
		for (unsigned int i = 0; i < n_sides; i++)
			sides[i].run(sides[i].arg);
		for (unsigned int round = 0; round < bench_n_rounds(); round++)
			for (unsigned int i = 0; i < n_sides; i++)
				sides[i].values[round] =
					sides[i].run(sides[i].arg);
		if (!is_any_noisy(sides, n_sides))
			return false;
		if (bench_now() - start > TRY_AGAIN_NS)
			break;
	}
	return true;
}

/* ---- rows -------------------------------------------------------------- */

static const char *row_met(const struct bench_row *row)
{
	bool is_met;

	if (row->absent || row->sense == BENCH_INFO)
		return "null";
	if (row->sense == BENCH_AT_MOST)
		is_met = row->figure.median <= row->target;
	else
		is_met = row->figure.median >= row->target;
	return is_met ? "true" : "false";
}

void bench_report(const struct bench_row *row)
{
	printf("{\"name\": \"%s\", \"value\": ", row->name);
	if (row->absent)
		printf("null");
	else
		printf("%.6g", row->figure.median);
	printf(", \"unit\": \"%s\", \"target\": ", row->unit);
	if (row->sense == BENCH_INFO)
		printf("null");
	else
		printf("\"%s %.6g\"",
		       row->sense == BENCH_AT_MOST ? "<=" : ">=", row->target);
	printf(", \"met\": %s, \"spread\": %.3f, \"noisy\": %s", row_met(row),
	       row->figure.spread, row->is_noisy ? "true" : "false");
	if (row->absent)
		printf(", \"absent\": \"%s\"", row->absent);
	printf("}\n");
	fflush(stdout);
}

struct bench_row bench_row(const char *unit, struct bench_figure figure,
			   bool is_noisy)
{
	return (struct bench_row){
		.unit = unit,
		.figure = figure,
		.is_noisy = is_noisy,
	};
}

void bench_at_most(struct bench_row row, double target, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	vsnprintf(row.name, sizeof(row.name), name, args);
	va_end(args);
	row.sense = BENCH_AT_MOST;
	row.target = target;
	bench_report(&row);
}

void bench_at_least(struct bench_row row, double target, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	vsnprintf(row.name, sizeof(row.name), name, args);
	va_end(args);
	row.sense = BENCH_AT_LEAST;
	row.target = target;
	bench_report(&row);
}

void bench_info(struct bench_row row, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	vsnprintf(row.name, sizeof(row.name), name, args);
	va_end(args);
	row.sense = BENCH_INFO;
	bench_report(&row);
}
