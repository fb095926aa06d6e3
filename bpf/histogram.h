/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Histograms of times, for both sides. Four buckets to each power of two: the middle of a bucket,
 * which stands for what is in it, is at most 12.5 % off. Times below HISTOGRAM_FROM_NS have no
 * bucket, and the last bucket also holds all that is longer.
 */
#ifndef KERNELSIGHT_HISTOGRAM_H
#define KERNELSIGHT_HISTOGRAM_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define HISTOGRAM_FROM_BITS 12
#define HISTOGRAM_FROM_NS   (1ull << HISTOGRAM_FROM_BITS) /* 4.096 us */

/*
 * The place of the highest bit of v, which is not 0. BPF has no instruction for it, and branches would
 * double the paths that the verifier follows at each step: of a number and its negative, one has the
 * top bit set if it is not 0.
 */
static inline __attribute__((always_inline)) __u32 histogram_log2(__u64 v)
{
	__u32 log = 0;

	for (__u32 step = 32; step > 0; step /= 2) {
		__u64 upper = v >> step;
		__u32 bits = (__u32)((upper | -upper) >> 63) * step;

		v >>= bits;
		log += bits;
	}
	return log;
}

/* The bucket of `ns`, which is HISTOGRAM_FROM_NS or more, of n buckets. */
static inline __attribute__((always_inline)) __u32 histogram_bucket(__u64 ns, __u32 n)
{
	__u32 log = histogram_log2(ns);
	__u32 bucket = (log - HISTOGRAM_FROM_BITS) * 4 + (ns >> (log - 2) & 3);

	return bucket < n ? bucket : n - 1;
}

/* The middle of a bucket, in ns. */
static inline __attribute__((always_inline)) __u64 histogram_middle(__u32 bucket)
{
	__u32 log = bucket / 4 + HISTOGRAM_FROM_BITS;
	__u64 width = 1ull << (log - 2);

	return (4 + bucket % 4) * width + width / 2;
}

#endif
