/* SPDX-License-Identifier: BSD-2-Clause */
/* What the requests of one device and operation in one interval come to. Pure arithmetic. */
#ifndef SOURCE_IO_SAMPLE_H
#define SOURCE_IO_SAMPLE_H

#include "event/event.h"

#include "../bpf/io_latency.h"

/*
 * Adds up the cells of all CPUs; of the longest times, those of that interval go into
 * ret_sum->longest[0].
 */
void io_cells_add(const struct io_cell *cells, unsigned n, uint64_t interval,
		  struct io_cell *ret_sum);

/* What came between two sums; the longest times are those of `now`. Counters may have wrapped. */
void io_cells_difference(const struct io_cell *now, const struct io_cell *before,
			 struct io_cell *ret_difference);

/*
 * Fills counts and times of a sample. Percentiles are by nearest rank: one that falls on the longest
 * time is exact, any other is the middle of its bucket, at most 12.5 % off from 512 ns on. Times
 * that no request has are NOT_MEASURED.
 */
void io_sample_fill(struct ev_io *e, const struct io_cell *difference);

#endif
