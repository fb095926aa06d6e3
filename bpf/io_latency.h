/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What io_latency.bpf.c adds up and user space reads once a second. Everything only ever grows:
 * user space takes differences, so nothing is set back while requests complete.
 */
#ifndef KERNELSIGHT_IO_LATENCY_H
#define KERNELSIGHT_IO_LATENCY_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#include "histogram.h"

#define IO_SLOTS       256 /* devices times operations; a power of two */
#define IO_PLACES      16  /* places in the table where one can be; beyond: map_full */
#define IO_DEVICE_NAME 32  /* DISK_NAME_LEN */

enum io_op { IO_READ, IO_WRITE, IO_FLUSH, IO_DISCARD, IO_OTHER };
enum io_time { IO_QUEUE, IO_DEVICE, IO_TOTAL, IO_TIMES };

/*
 * Buckets of a histogram: 4 to each power of two, so that the middle of a bucket is at most 12.5 %
 * off what is in it (from 512 ns on; below, a bucket is 128 ns wide). The last begins at 60 s and
 * holds all that is longer.
 */
#define IO_BUCKET_SHIFT 7
#define IO_BUCKETS	112

/* One device and operation, in ".data.slots". */
struct io_slot {
	__u64 key;	 /* io_slot_key(); 0: free. Never given back. */
	__u64 no_stamps; /* the last interval in which the kernel did not stamp a request; 0: none */
	char name[IO_DEVICE_NAME]; /* of the device when the slot was taken */
};

/* What became of its requests, per CPU: element i of the map "cells" is that of slot i. */
struct io_cell {
	__u64 bytes;
	__u32 ops;
	__u32 errors;
	__u32 requeues;
	__u32 untimed; /* of the ops, those without one of the times */
	__u32 buckets[IO_TIMES][IO_BUCKETS];
	/* The longest of an interval, which is numbered by control.interval. */
	struct io_longest {
		__u64 interval;
		__u64 ns[IO_TIMES];
	} longest[2];
};

#define IO_SLOT_TAKEN	   (1ull << 63)
#define io_slot_major(key) ((__u32)((key) >> 32) & 0xfff)
#define io_slot_minor(key) ((__u32)((key) >> 8) & 0xfffff)
#define io_slot_op(key)	   ((__u32)(key)&0xff)

/* A major number has 12 bits, a minor number 20: include/linux/kdev_t.h */
static inline __u64 io_slot_key(__u32 major, __u32 minor, __u32 op)
{
	return IO_SLOT_TAKEN | (__u64)major << 32 | (__u64)minor << 8 | op;
}

static inline __attribute__((always_inline)) __u32 io_bucket(__u64 ns)
{
	__u64 v = ns >> IO_BUCKET_SHIFT;
	__u32 log, bucket;

	if (v < 4)
		return (__u32)v;
	log = histogram_log2(v);
	bucket = (log - 1) * 4 + (v >> (log - 2) & 3);
	return bucket < IO_BUCKETS ? bucket : IO_BUCKETS - 1;
}

/* The shortest time in a bucket; that of the next is where it ends. */
static inline __u64 io_bucket_start_ns(__u32 bucket)
{
	__u64 v = bucket < 4 ? bucket : (__u64)(4 + bucket % 4) << (bucket / 4 - 1);

	return v << IO_BUCKET_SHIFT;
}

#endif
