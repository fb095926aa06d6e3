/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/rule_test_times.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX_NS  (400ull * 86400 * NS_PER_S)
#define SEED_DEFAULT 1

/* --- keys ------------------------------------------------------------------------------------ */

struct pattern pattern_of(const struct node *entry)
{
	return (struct pattern){ .node = *entry,
				 .seed = SEED_DEFAULT,
				 .steady = -1,
				 .poisson = -1,
				 .ramp_from = -1,
				 .ramp_to = -1 };
}

static bool read_duration(const struct node *n, uint64_t min_ns, uint64_t *ret_ns)
{
	const struct member range = { .min = min_ns, .max = TIME_MAX_NS };
	struct node with_range = *n;

	with_range.member = &range;
	*ret_ns = UINT64_MAX;
	node_read_duration(&with_range, ret_ns);
	if (*ret_ns != UINT64_MAX)
		return true;
	*ret_ns = 0;
	return false;
}

static bool read_count(const struct node *n, uint64_t max, uint64_t *ret)
{
	const struct member range = { .min = 1, .max = max };
	struct node with_range = *n;

	with_range.member = &range;
	*ret = 0;
	node_read_u64(&with_range, ret);
	return *ret != 0;
}

/* "50/s" */
static bool read_rate(const struct node *n, double *ret)
{
	const char *text = node_text(n);
	enum unit unit;

	if (!text)
		return false;
	if (quantity_parse(text, strlen(text), ret, &unit) == strlen(text) && unit == UNIT_PER_S &&
	    *ret >= 0 && *ret <= 1e9)
		return true;
	node_error(n, "\"%s\" is no rate; write one such as \"50/s\"", text);
	return false;
}

static bool read_rates(const struct node *n, double *ret_from, double *ret_to)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 2, 2, &n_nodes);

	if (!nodes || !read_rate(&nodes[0], ret_from) || !read_rate(&nodes[1], ret_to))
		return false;
	if (*ret_from + *ret_to > 0)
		return true;
	node_error(n, "a ramp from 0 to 0 has no events");
	return false;
}

static bool read_positive_rate(const struct node *n, double *ret)
{
	if (!read_rate(n, ret))
		return false;
	if (*ret > 0)
		return true;
	node_error(n, "a rate of 0 has no events");
	return false;
}

enum key_taken read_pattern_key(struct pattern *p, const struct node *n)
{
	static const char *const names[] = { "at",   "every",	"times", "for",	 "steady",
					     "ramp", "poisson", "burst", "seed", "lost" };
	size_t i = 0;
	bool ok = true;

	while (i < ARRAY_SIZE(names) && strcmp(names[i], node_key(n)) != 0)
		i++;
	p->n_kinds += i == 1 || (i >= 4 && i <= 7);
	switch (i) {
	case 0:
		ok = read_duration(n, 0, &p->at_ns);
		break;
	case 1:
		ok = read_duration(n, 1, &p->every_ns);
		break;
	case 2:
		ok = read_count(n, RULE_TEST_EVENTS_MAX, &p->times);
		break;
	case 3:
		ok = read_duration(n, 1, &p->for_ns);
		break;
	case 4:
		ok = read_positive_rate(n, &p->steady);
		break;
	case 5:
		ok = read_rates(n, &p->ramp_from, &p->ramp_to);
		break;
	case 6:
		ok = read_positive_rate(n, &p->poisson);
		break;
	case 7:
		ok = read_count(n, RULE_TEST_EVENTS_MAX, &p->burst);
		break;
	case 8:
		ok = read_count(n, UINT32_MAX, &p->seed);
		break;
	case 9:
		ok = read_count(n, 1ull << 53, &p->lost);
		break;
	default:
		return KEY_FIELD;
	}
	p->failed |= !ok;
	return ok ? KEY_TAKEN : KEY_WRONG;
}

void check_pattern(struct pattern *p)
{
	bool has_rate = p->steady > 0 || p->ramp_from >= 0 || p->poisson > 0;
	const char *wrong = NULL;

	if (p->n_kinds > 1)
		wrong = "only one of \"every\", \"steady\", \"ramp\", \"poisson\" and \"burst\" goes";
	else if (p->every_ns && (p->times == 0) == (p->for_ns == 0))
		wrong = "\"every\" needs either \"times\" or \"for\"";
	else if (p->times && !p->every_ns)
		wrong = "\"times\" needs \"every\"";
	else if (has_rate && !p->for_ns)
		wrong = "\"for\" is missing: how long it lasts";
	else if (p->for_ns && !p->n_kinds)
		wrong = "\"for\" needs \"every\", \"steady\", \"ramp\", \"poisson\" or \"burst\"";
	else if (p->lost && p->n_kinds)
		wrong = "a loss is at one time";
	if (wrong && !p->failed)
		node_error(&p->node, "%s", wrong);
	p->failed |= wrong != NULL;
}

/* --- times ----------------------------------------------------------------------------------- */

static void add_time(struct test_entry *e, const struct pattern *p, uint64_t offset_ns)
{
	if ((e->n & (e->n - 1)) == 0)
		e->at_ns = xrealloc(e->at_ns, e->n ? 2ul * e->n : 1, sizeof(*e->at_ns));
	e->at_ns[e->n++] = p->at_ns + offset_ns;
}

static uint64_t to_ns(double seconds)
{
	return (uint64_t)llround(seconds * (double)NS_PER_S);
}

static void make_steady(struct test_entry *e, const struct pattern *p)
{
	for (unsigned i = 0; e->n < RULE_TEST_EVENTS_MAX; i++) {
		uint64_t offset_ns = to_ns(i / p->steady);

		if (offset_ns >= p->for_ns)
			break;
		add_time(e, p, offset_ns);
	}
}

/* The i-th event is when the integral of the rate is i. */
static void make_ramp(struct test_entry *e, const struct pattern *p)
{
	double seconds = (double)p->for_ns / (double)NS_PER_S;
	double slope = (p->ramp_to - p->ramp_from) / seconds;
	double all = (p->ramp_from + p->ramp_to) / 2 * seconds;

	for (unsigned i = 0; i < all - 1e-9 && e->n < RULE_TEST_EVENTS_MAX; i++) {
		double root = sqrt(fmax(0, p->ramp_from * p->ramp_from + 2 * slope * i));
		/* of the two forms of the solution the one that divides by no 0 */
		double t = root + p->ramp_from > 0 ? 2.0 * i / (root + p->ramp_from) : 0;

		add_time(e, p, to_ns(fmin(t, seconds)));
	}
}

/* splitmix64, as util/ulid.c */
static double random_share(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

static void make_poisson(struct test_entry *e, const struct pattern *p)
{
	uint64_t state = p->seed;
	double seconds = 0;

	while (e->n < RULE_TEST_EVENTS_MAX) {
		seconds -= log1p(-random_share(&state)) / p->poisson;
		if (seconds >= (double)p->for_ns / (double)NS_PER_S)
			break;
		add_time(e, p, to_ns(seconds));
	}
}

static void make_evenly(struct test_entry *e, const struct pattern *p, uint64_t times,
			double every_ns)
{
	for (uint64_t i = 0; i < times && e->n < RULE_TEST_EVENTS_MAX; i++)
		add_time(e, p, (uint64_t)llround((double)i * every_ns));
}

void make_times(struct test_entry *e, const struct pattern *p)
{
	if (p->steady > 0)
		make_steady(e, p);
	else if (p->ramp_from >= 0)
		make_ramp(e, p);
	else if (p->poisson > 0)
		make_poisson(e, p);
	else if (p->burst)
		make_evenly(e, p, p->burst, (double)p->for_ns / (double)p->burst);
	else if (p->every_ns)
		make_evenly(e, p, p->times ? p->times : (p->for_ns - 1) / p->every_ns + 1,
			    (double)p->every_ns);
	else
		make_evenly(e, p, 1, 0);
	if (e->n == RULE_TEST_EVENTS_MAX)
		node_error(&p->node, "more than %d events", RULE_TEST_EVENTS_MAX - 1);
}
