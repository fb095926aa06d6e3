/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/governor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

#define COSTS_MAX     32
#define PARTS_MAX     8
#define FIRST_NS      NS_PER_S
#define EVERY_NS      (10 * NS_PER_S)
#define AGAIN_NS      NS_PER_S /* after a measurement over the budget */
#define MEASURE_NS    (100 * NS_PER_MS)
#define SHARES	      3 /* measurements, over whose mean it acts */
#define RETRY_NS      (60 * NS_PER_S)
#define RETRY_MAX_NS  (3600 * NS_PER_S)
#define SETTLED_NS    (600 * NS_PER_S)	/* a part that was kept so long has proved itself */
#define NOTHING_TO_NS (3600 * NS_PER_S) /* how often it is said that there is nothing to give up */

struct part_cost {
	uint64_t began_run_ns; /* run time when the measurement began */
	double cost_ns;	       /* per second, when last measured */
	uint64_t retry_ns; /* when a part that was given up is tried again; 0: it is not given up */
	uint64_t wait_ns;  /* how long it waits, the next time */
	uint64_t kept_ns;  /* since when it has been back */
};

/* By object: a source may go and come with the rules. */
struct source_cost {
	const char *object;
	uint64_t began_run_ns; /* run time when the measurement began */
	uint64_t walked_ns;    /* CPU time of its walks when the last measurement ended */
	double cost_ns;	       /* per second, when last measured */
	struct part_cost parts[PARTS_MAX];
};

struct governor {
	const struct source_list *list;
	double budget;
	struct timer *timer;
	int measuring;	   /* descriptor; -1 while nothing is measured */
	uint64_t began_ns; /* 0 while nothing is measured */
	/* when the last measurement ended, and the CPU time of the process then */
	uint64_t ended_ns, ended_own_ns;
	struct source_cost costs[COSTS_MAX];
	unsigned n_costs;
	uint64_t began_processes_ns; /* their run time when the measurement began */
	double processes_ns;	     /* per second, when last measured */
	double shares[SHARES];	     /* of all CPUs: the latest measurements, since it last acted */
	unsigned n_shares;
	uint64_t nothing_said_ns;
};

static struct source_cost *find_cost(const struct governor *g, const struct source *source)
{
	for (unsigned i = 0; i < g->n_costs; i++)
		if (strcmp(g->costs[i].object, source_object(source)) == 0)
			return (struct source_cost *)&g->costs[i];
	return NULL;
}

static struct source_cost *get_cost(struct governor *g, const struct source *source)
{
	struct source_cost *cost = find_cost(g, source);

	if (cost || g->n_costs == COSTS_MAX)
		return cost;
	cost = &g->costs[g->n_costs++];
	*cost = (struct source_cost){ .object = source_object(source), .cost_ns = NAN };
	return cost;
}

double governor_cost_ns(const struct governor *g, const struct source *source)
{
	const struct source_cost *cost = g ? find_cost(g, source) : NULL;

	return cost ? cost->cost_ns : NAN;
}

double governor_processes_cost_ns(const struct governor *g)
{
	return g ? g->processes_ns : NAN;
}

unsigned governor_given_up(const struct source *source)
{
	struct source_part_info part;
	unsigned n = 0;

	for (unsigned i = 0; i < source_parts_count(source); i++) {
		source_part_info(source, i, &part);
		n += part.shed;
	}
	return n;
}

/* --- measuring -------------------------------------------------------------------------------- */

static void begin_source(struct governor *g, const struct source *source)
{
	struct source_cost *cost = get_cost(g, source);
	struct source_part_info part;

	if (!cost)
		return;
	cost->began_run_ns = source_run_time_ns(source);
	for (unsigned i = 0; i < source_parts_count(source) && i < PARTS_MAX; i++) {
		source_part_info(source, i, &part);
		cost->parts[i].began_run_ns = part.run_time_ns;
	}
}

static uint64_t processes_ns(const struct governor *g)
{
	const struct processes *p = g->list->processes;

	return p ? processes_run_time_ns(p) : 0;
}

static void begin(struct governor *g)
{
	for (unsigned i = 0; i < g->list->n; i++)
		begin_source(g, g->list->at[i]);
	g->began_processes_ns = processes_ns(g);
	g->measuring = source_measure();
	g->began_ns = clock_monotonic_ns();
	loop_timer_set(g->timer, MEASURE_NS);
}

static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

/* Returns what its programs cost besides the walks, which are part of the process's own time. */
static double end_source(struct governor *g, const struct source *source, double seconds,
			 double seconds_between)
{
	double run_ns, walks_ns;
	struct source_cost *cost = find_cost(g, source);
	struct source_part_info part;

	if (!cost)
		return 0;
	run_ns = per_second(source_run_time_ns(source), cost->began_run_ns, seconds);
	walks_ns = per_second(source_walk_time_ns(source), cost->walked_ns, seconds_between);
	cost->walked_ns = source_walk_time_ns(source);
	cost->cost_ns = run_ns + walks_ns;
	for (unsigned i = 0; i < source_parts_count(source) && i < PARTS_MAX; i++) {
		source_part_info(source, i, &part);
		if (part.attached)
			cost->parts[i].cost_ns =
				per_second(part.run_time_ns, cost->parts[i].began_run_ns, seconds);
	}
	return run_ns;
}

/*
 * Ends a measurement; returns what everything costs, in ns of CPU time per second. The process does
 * most of its work at each whole second, walks included, which the measurement may meet or miss: its
 * own time is taken from one measurement to the next, a second at least.
 */
static double end(struct governor *g)
{
	uint64_t now_ns = clock_monotonic_ns(), own_ns = clock_process_cpu_ns();
	double seconds = (double)(now_ns - g->began_ns) / NS_PER_S;
	double seconds_between = (double)(now_ns - g->ended_ns) / NS_PER_S;
	double sum_ns = per_second(own_ns, g->ended_own_ns, seconds_between);

	for (unsigned i = 0; g->measuring >= 0 && i < g->list->n; i++)
		sum_ns += end_source(g, g->list->at[i], seconds, seconds_between);
	if (g->measuring >= 0) {
		g->processes_ns = per_second(processes_ns(g), g->began_processes_ns, seconds);
		sum_ns += g->processes_ns;
		(void)close(g->measuring);
	}
	g->measuring = -1;
	g->ended_ns = now_ns;
	g->ended_own_ns = own_ns;
	return sum_ns;
}

/* --- acting ----------------------------------------------------------------------------------- */

struct candidate {
	struct source *source;
	unsigned part;
	const char *name;
	unsigned shed_order;
	struct part_cost *cost;
};

/* Is a given up before b? The dearer of two parts; without costs, as their order says. */
static bool goes_first(const struct candidate *a, const struct candidate *b)
{
	if (a->cost->cost_ns != b->cost->cost_ns)
		return a->cost->cost_ns > b->cost->cost_ns;
	return a->shed_order < b->shed_order;
}

static struct candidate dearest_part(struct governor *g)
{
	struct candidate best = { 0 };

	for (unsigned i = 0; i < g->list->n; i++) {
		struct source *source = g->list->at[i];
		struct source_cost *cost = get_cost(g, source);

		for (unsigned k = 0; cost && k < source_parts_count(source) && k < PARTS_MAX; k++) {
			struct source_part_info part;
			struct candidate c;

			source_part_info(source, k, &part);
			if (!part.attached || part.shed || part.shed_order == 0)
				continue;
			c = (struct candidate){ source, k, part.name, part.shed_order,
						&cost->parts[k] };
			if (!best.source || goes_first(&c, &best))
				best = c;
		}
	}
	return best;
}

static void give_up(const struct candidate *c, uint64_t now_ns)
{
	struct part_cost *cost = c->cost;

	if (cost->wait_ns == 0 || now_ns - cost->kept_ns >= SETTLED_NS)
		cost->wait_ns = RETRY_NS;
	cost->retry_ns = now_ns + cost->wait_ns;
	if (cost->wait_ns < RETRY_MAX_NS)
		cost->wait_ns *= 2;
	source_part_shed(c->source, c->part, true);
}

static void say_over(const struct governor *g, double share, const char *then)
{
	fprintf(stderr,
		"kernelsight: costs %.2g %% of the CPU time, over its budget of %.2g %%: %s\n",
		share * 100, g->budget * 100, then);
}

static void step_down(struct governor *g, double share, uint64_t now_ns)
{
	struct candidate c = dearest_part(g);
	char text[160];

	g->n_shares = 0;
	if (c.source) {
		give_up(&c, now_ns);
		(void)snprintf(text, sizeof(text), "gives up %s of %s, and tries again in %llu s",
			       c.name, source_name(c.source),
			       (unsigned long long)((c.cost->retry_ns - now_ns) / NS_PER_S));
		say_over(g, share, text);
	} else if (!g->nothing_said_ns || now_ns - g->nothing_said_ns >= NOTHING_TO_NS) {
		g->nothing_said_ns = now_ns;
		say_over(g, share, "nothing is left to give up");
	}
}

static void take_back(struct governor *g, uint64_t now_ns)
{
	for (unsigned i = 0; i < g->list->n; i++) {
		struct source *source = g->list->at[i];
		struct source_cost *cost = find_cost(g, source);

		for (unsigned k = 0; cost && k < source_parts_count(source) && k < PARTS_MAX; k++) {
			struct source_part_info part;

			source_part_info(source, k, &part);
			if (!part.shed || now_ns < cost->parts[k].retry_ns)
				continue;
			cost->parts[k].kept_ns = now_ns;
			source_part_shed(source, k, false);
			fprintf(stderr, "kernelsight: takes back %s of %s\n", part.name,
				source_name(source));
		}
	}
}

/* Notes a measurement; the mean of the latest. Work comes in bursts, which one alone may miss. */
static double mean_share(struct governor *g, double share)
{
	unsigned n;
	double sum = 0;

	g->shares[g->n_shares++ % SHARES] = share;
	n = g->n_shares < SHARES ? g->n_shares : SHARES;
	for (unsigned i = 0; i < n; i++)
		sum += g->shares[i];
	return sum / n;
}

static void judge(struct governor *g, double cost_ns)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double share = cost_ns / (double)NS_PER_S / (n_cpus > 0 ? (double)n_cpus : 1);
	uint64_t now_ns = clock_monotonic_ns();
	double mean = mean_share(g, share);
	bool over = g->budget > 0 && mean > g->budget;

	if (over && g->n_shares >= SHARES)
		step_down(g, mean, now_ns);
	if (!over)
		take_back(g, now_ns);
	loop_timer_set(g->timer, over ? AGAIN_NS : EVERY_NS);
}

static void on_timer(void *ctx)
{
	struct governor *g = ctx;
	double cost_ns;

	if (g->began_ns == 0) {
		begin(g);
		return;
	}
	cost_ns = end(g);
	g->began_ns = 0;
	judge(g, cost_ns);
}

struct governor *governor_new(struct loop *loop, const struct source_list *list, double budget)
{
	struct governor *g = xcalloc(1, sizeof(*g));

	g->list = list;
	g->budget = budget;
	g->measuring = -1;
	g->processes_ns = NAN;
	g->ended_ns = clock_monotonic_ns();
	g->ended_own_ns = clock_process_cpu_ns();
	g->timer = loop_timer_new(loop, on_timer, g);
	loop_timer_set(g->timer, FIRST_NS);
	return g;
}

void governor_free(struct governor *g)
{
	if (!g)
		return;
	if (g->measuring >= 0)
		(void)close(g->measuring);
	loop_timer_free(g->timer);
	free(g);
}
