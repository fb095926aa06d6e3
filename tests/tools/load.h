/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the loads of the benchmarks share: each does one small piece of work over and over, on one CPU,
 * and tells what that costs.
 *
 * Told how many pieces, it prints what all of them cost, in ns. Told 0, it goes on until it is ended
 * and writes a struct load_sample to its standard output every quarter of a millisecond: so a reader
 * knows what a piece cost at any time.
 */
#ifndef LOAD_H
#define LOAD_H

#include <err.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOAD_SAMPLE_NS 250000

struct load_sample {
	uint64_t at_ns;	  /* CLOCK_MONOTONIC */
	uint64_t cost_ns; /* of all so far */
	uint64_t pieces;  /* so far */
};

static inline uint64_t load_clock_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) < 0)
		err(1, "clock");
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* CPU time of this process, by the counter that getrusage rounds to microseconds. */
static inline uint64_t load_cpu_ns(void)
{
	return load_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline uint64_t load_now_ns(void)
{
	return load_clock_ns(CLOCK_MONOTONIC);
}

/* The last that it may use. */
static inline void load_stay_on_one_cpu(void)
{
	int last = CPU_SETSIZE - 1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		err(1, "sched_getaffinity");
	while (last > 0 && !CPU_ISSET(last, &set))
		last--;
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(1, "sched_setaffinity");
}

static inline void load_write_sample(uint64_t at_ns, uint64_t cost_ns, uint64_t pieces)
{
	struct load_sample sample = { at_ns, cost_ns, pieces };

	if (write(STDOUT_FILENO, &sample, sizeof(sample)) != sizeof(sample))
		err(1, "cannot write a sample");
}

/*
 * Does as many pieces as told, or goes on for ever, as above. cost_ns() is what all has cost so far. It
 * looks at the clock after `between` pieces each, so many that the look does not count.
 */
static inline void load_run(uint64_t pieces, unsigned between, void (*piece)(void),
			    uint64_t (*cost_ns)(void))
{
	uint64_t began_ns = cost_ns(), sampled_ns = 0;

	for (uint64_t done = 1; pieces == 0 || done <= pieces; done++) {
		piece();
		if (pieces == 0 && done % between == 0) {
			uint64_t now_ns = load_now_ns();

			if (now_ns - sampled_ns < LOAD_SAMPLE_NS)
				continue;
			sampled_ns = now_ns;
			load_write_sample(now_ns, cost_ns(), done);
		}
	}
	printf("%llu\n", (unsigned long long)(cost_ns() - began_ns));
}

#endif
