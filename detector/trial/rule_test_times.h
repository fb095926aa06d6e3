/* SPDX-License-Identifier: BSD-2-Clause */
/* When the events of an entry of "events" are: at one time, evenly, at a rate, or by chance. */
#ifndef TRIAL_RULE_TEST_TIMES_H
#define TRIAL_RULE_TEST_TIMES_H

#include "trial/rule_test_parts.h"

/* What an entry says besides fields. */
struct pattern {
	struct node node; /* of the entry */
	uint64_t at_ns;
	uint64_t every_ns, for_ns; /* 0: not given */
	uint64_t times, burst, seed, lost;
	double steady, poisson, ramp_from, ramp_to; /* per second; negative: not given */
	unsigned n_kinds; /* of every, steady, ramp, poisson and burst that are given */
	bool failed;
};

/* One of which nothing is read yet. */
struct pattern pattern_of(const struct node *entry);

enum key_taken { KEY_FIELD, KEY_TAKEN, KEY_WRONG };

/* Reads a key about time; KEY_FIELD if it is none. */
enum key_taken read_pattern_key(struct pattern *p, const struct node *n);
/* Reports keys that do not go together, when all are read. */
void check_pattern(struct pattern *p);
/* Adds the times to e->at_ns; reports those that are too many. */
void make_times(struct test_entry *e, const struct pattern *p);

#endif
