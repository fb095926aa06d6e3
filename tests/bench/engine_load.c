/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine costs: events of many keys, in memory, fed to rules of one kind.
 *
 *	engine_load KIND RULES MATCHING KEYS EVENTS
 *
 * KIND is what the first MATCHING rules are, all of which can match each event:
 *
 *	shared  count() over ten different windows, by pid, without a condition
 *	own     count() over 10 s by pid, each with a condition of its own
 *	mix     counts, sums, averages, percentiles, by pid, thread, name and call, half with a condition
 *
 * The other rules want another name of the thread each. No rule fires. Prints as JSON the time of an
 * event in ns on the CPU, over EVENTS events after each key was seen, one tick each second of virtual
 * time; the longest tick; and memory per key and rule that matches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"

#define POOL	     (1u << 20) /* events that are fed again and again */
#define BATCH	     1024
#define NS_PER_EVENT 1000 /* virtual */

struct load {
	struct rule *rules;
	unsigned n_rules, n_matching;
	unsigned n_keys;
	struct ev_syscall *records;
	struct engine *engine;
	uint64_t now_ns;
	uint64_t longest_tick_ns;
};

static const struct event_type *syscalls(void)
{
	return event_type_find("syscall", strlen("syscall"));
}

static const struct field *field(const char *name)
{
	return event_field_find(syscalls(), name, strlen(name));
}

static struct expr *where(const char *text)
{
	struct expr_error error;
	struct expr *e = expr_parse(text, syscalls(), &error);

	if (e)
		return e;
	fprintf(stderr, "engine_load: %s: %s\n", text, error.message);
	exit(2);
}

/* "f(latency_ms) over the window by pid", beyond all reach. */
static struct rule rule_of(enum aggregate aggregate, unsigned window_s)
{
	struct rule r = {
		.name = "load",
		.why = "",
		.on = syscalls(),
		.by = { field("pid") },
		.n_by = 1,
		.judge = { .n_leaves = 1, .n_nodes = 1 },
		.clear.for_ns = 10 * NS_PER_S,
	};
	struct leaf *l = &r.judge.leaves[0];

	r.judge.nodes[0] = (struct tree_node){ .kind = NODE_LEAF, .skip = 1 };
	l->window_ns = window_s * NS_PER_S;
	l->above = (struct limit){ true, 1e12 };
	l->value.n_terms = l->value.n_ops = 1;
	l->value.text = "";
	l->value.terms[0] = (struct term){ .aggregate = aggregate, .quantile = 0.99, .scale = 1 };
	if (aggregate != AGGREGATE_COUNT)
		l->value.terms[0].field = field("latency_ms");
	return r;
}

static struct rule shared_rule(unsigned i)
{
	static const unsigned windows_s[] = { 10, 5, 15, 20, 30, 40, 60, 90, 120, 300 };

	return rule_of(AGGREGATE_COUNT, windows_s[i % ARRAY_SIZE(windows_s)]);
}

static struct rule own_rule(unsigned i)
{
	AUTO_FREE char *text = xasprintf("comm == 'busy' and latency_ms > %u", i);
	struct rule r = rule_of(AGGREGATE_COUNT, 10);

	r.where = where(text);
	return r;
}

static struct rule mixed_rule(unsigned i)
{
	static const enum aggregate aggregates[] = { AGGREGATE_COUNT, AGGREGATE_SUM, AGGREGATE_AVG,
						     AGGREGATE_QUANTILE, AGGREGATE_MAX };
	static const char *const keys[] = { "pid", "tid", "comm", "syscall_name" };
	struct rule r = rule_of(aggregates[i % ARRAY_SIZE(aggregates)], 10);

	r.by[0] = field(keys[i % ARRAY_SIZE(keys)]);
	if (i % 2)
		r.where = where("syscall_name not in ('poll', 'nanosleep') and latency_ms > 5");
	return r;
}

static struct rule other_rule(unsigned i)
{
	AUTO_FREE char *text = xasprintf("comm == 'other-%u'", i);
	struct rule r = rule_of(AGGREGATE_COUNT, 10);

	r.where = where(text);
	return r;
}

static void make_rules(struct load *l, const char *kind)
{
	l->rules = xcalloc(l->n_rules, sizeof(*l->rules));
	for (unsigned i = 0; i < l->n_rules; i++) {
		/* those that match lie among the others */
		unsigned at = (unsigned)(((uint64_t)i * 7919) % l->n_rules);

		if (i >= l->n_matching)
			l->rules[at] = other_rule(i);
		else if (strcmp(kind, "shared") == 0)
			l->rules[at] = shared_rule(i);
		else if (strcmp(kind, "own") == 0)
			l->rules[at] = own_rule(i);
		else
			l->rules[at] = mixed_rule(i);
	}
}

/* Keys come in no order, each as often as any other. */
static void make_records(struct load *l)
{
	l->records = xcalloc(POOL, sizeof(*l->records));
	for (uint32_t i = 0; i < POOL; i++) {
		uint32_t pid = (i * 2654435761u) % POOL % l->n_keys;

		l->records[i] = (struct ev_syscall){
			.pid = pid + 1,
			.tid = pid + 1,
			.syscall = 74,
			.latency_ns = 20 * NS_PER_MS + i % 1000 * NS_PER_US,
			.comm = "busy",
			.start_time_ns = 1000 + pid,
		};
	}
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void tick(struct load *l)
{
	uint64_t began_ns = cpu_ns(), took_ns;

	engine_tick(l->engine, l->now_ns, 0);
	took_ns = cpu_ns() - began_ns;
	if (took_ns > l->longest_tick_ns)
		l->longest_tick_ns = took_ns;
}

static void feed(struct load *l, uint64_t n)
{
	static struct event events[BATCH];
	const struct event_type *type = syscalls();

	for (uint64_t done = 0; done < n; done += BATCH) {
		struct ev_syscall *records = &l->records[done % POOL];

		for (unsigned i = 0; i < BATCH; i++) {
			records[i].ts_ns = l->now_ns += NS_PER_EVENT;
			events[i] = (struct event){ .type = type, .record = &records[i] };
		}
		engine_feed_batch(l->engine, events, BATCH);
		if (l->now_ns / NS_PER_S != (l->now_ns - BATCH * NS_PER_EVENT) / NS_PER_S)
			tick(l);
	}
}

static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, resident = 0;

	if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (f)
		(void)fclose(f);
	return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
	struct load l = { .now_ns = 1000 * NS_PER_S };
	struct rule_set set;
	struct engine_conf conf = { .rules = &set, .seed = 1, .hash_seed = 2 };
	uint64_t began_ns, took_ns, before_bytes, n_events;

	if (argc != 6)
		return 2;
	l.n_rules = (unsigned)atoi(argv[2]);
	l.n_matching = (unsigned)atoi(argv[3]);
	l.n_keys = (unsigned)atoi(argv[4]);
	n_events = (uint64_t)atoll(argv[5]);
	make_rules(&l, argv[1]);
	make_records(&l);
	set = (struct rule_set){ .rules = l.rules, .n_rules = l.n_rules };
	conf.max_keys = l.n_keys + 16;
	before_bytes = resident_bytes();
	l.engine = engine_new(&conf);
	feed(&l, POOL);
	l.longest_tick_ns = 0;
	began_ns = cpu_ns();
	feed(&l, n_events);
	took_ns = cpu_ns() - began_ns;
	printf("{\"ns\": %.2f, \"longest_tick_ms\": %.3f, \"bytes_per_key\": %.1f, "
	       "\"fired\": %llu, \"keys\": %llu, \"matched\": %llu}\n",
	       (double)took_ns / (double)n_events, (double)l.longest_tick_ns / NS_PER_MS,
	       (double)(resident_bytes() - before_bytes) / l.n_keys / l.n_matching,
	       (unsigned long long)engine_stats(l.engine)->fired,
	       (unsigned long long)engine_stats(l.engine)->keys,
	       (unsigned long long)engine_stats(l.engine)->matched);
	return 0;
}
