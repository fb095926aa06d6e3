/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of "events": when their events are, and what is in them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/member.h"
#include "rule/suggest.h"
#include "trial/rule_test_parts.h"
#include "util/json_line.h"

#define FIELDS_MAX   64
#define TIME_MAX_NS  (400ull * 86400 * NS_PER_S)
#define CYCLE_MAX    1000
#define SEED_DEFAULT 1

/* --- patterns in time ------------------------------------------------------------------------ */

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

static void make_times(struct test_entry *e, const struct pattern *p)
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
		make_evenly(e, p, p->lost ? 0 : 1, 0);
	if (e->n == RULE_TEST_EVENTS_MAX)
		node_error(&p->node, "more than %d events", RULE_TEST_EVENTS_MAX - 1);
}

/* --- the keys of an entry -------------------------------------------------------------------- */

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

enum { KEY_FIELD, KEY_TAKEN, KEY_WRONG };

/* Reads a key about time; KEY_FIELD if it is none. */
static int read_pattern_key(struct pattern *p, const struct node *n)
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

static void check_pattern(struct pattern *p)
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

/* --- fields ---------------------------------------------------------------------------------- */

static char *raw(const struct test_context *ctx, const struct node *n)
{
	return xstrndup(ctx->text + n->span.at, n->span.len);
}

/* A text such as "31ms" for a field with a unit becomes a number in that unit. */
static char *value_json(const struct test_context *ctx, const struct event_type *type,
			const char *key, const struct node *n)
{
	const struct field *f = event_field_find(type, key, strlen(key));
	const char *text = node_is_string(n) ? node_text(n) : NULL;
	double number;
	enum unit unit;

	if (text && f && f->unit != UNIT_NONE && f->type != FIELD_TEXT &&
	    quantity_parse(text, strlen(text), &number, &unit) == strlen(text) && *text &&
	    unit_convert(number, unit, f->unit, &number))
		return xasprintf("%.15g", number);
	return raw(ctx, n);
}

static bool number_of(const struct test_context *ctx, const struct event_type *type,
		      const char *key, const struct node *n, double *ret)
{
	AUTO_FREE char *json = value_json(ctx, type, key, n);
	char *end;

	*ret = strtod(json, &end);
	if (end > json && *end == '\0' && isfinite(*ret))
		return true;
	node_error(n, "expected a number, or a quantity in a unit of the field");
	return false;
}

struct varying {
	struct node from, to, cycle;
};

static const struct member varying_members[] = {
	{ .key = "from", .read = node_read_node, .offset = offsetof(struct varying, from) },
	{ .key = "to", .read = node_read_node, .offset = offsetof(struct varying, to) },
	{ .key = "cycle", .read = node_read_node, .offset = offsetof(struct varying, cycle) },
};

static bool read_cycle(const struct test_context *ctx, const struct event_type *type,
		       const struct node *n, struct test_field *f)
{
	AUTO_FREE struct node *nodes = node_list(n, 1, CYCLE_MAX, &f->n_values);

	if (!nodes)
		return false;
	f->values = xcalloc(f->n_values, sizeof(char *));
	for (unsigned i = 0; i < f->n_values; i++)
		f->values[i] = value_json(ctx, type, f->key, &nodes[i]);
	return true;
}

/* {"from": 1, "to": 100} or {"cycle": [...]} */
static bool read_varying(const struct test_context *ctx, const struct event_type *type,
			 const struct node *n, struct test_field *f)
{
	struct varying v = { 0 };

	node_read(n, varying_members, ARRAY_SIZE(varying_members), &v);
	if (v.cycle.doc && !v.from.doc && !v.to.doc)
		return read_cycle(ctx, type, &v.cycle, f);
	if (!v.from.doc || !v.to.doc || v.cycle.doc) {
		node_error(n, "expected \"from\" and \"to\", or \"cycle\"");
		return false;
	}
	f->ramps = true;
	return number_of(ctx, type, f->key, &v.from, &f->from) &&
	       number_of(ctx, type, f->key, &v.to, &f->to);
}

static bool read_field(const struct test_context *ctx, struct test_entry *e, const struct node *n)
{
	const struct field *known = event_field_find(e->on, node_key(n), strlen(node_key(n)));
	struct test_field *f = &e->fields[e->n_fields];

	if (known && known->role == ROLE_TIME) {
		node_error_key(n, "the time of an event is its \"at\"");
		return false;
	}
	e->n_fields++;
	*f = (struct test_field){ .node = *n, .key = node_key(n) };
	if (ctx->text[n->span.at] == '{')
		return read_varying(ctx, e->on, n, f);
	f->n_values = 1;
	f->values = xcalloc(1, sizeof(char *));
	f->values[0] = value_json(ctx, e->on, f->key, n);
	return true;
}

static bool has_field(const struct test_entry *e, const char *key)
{
	for (unsigned i = 0; i < e->n_fields; i++)
		if (strcmp(e->fields[i].key, key) == 0)
			return true;
	return false;
}

/* --- events ---------------------------------------------------------------------------------- */

/* What an event has of which nobody says anything: a process that has run for a while. */
static void make_defaults(const struct event_type *type, void *record)
{
	static const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "pid", 1000 },
		{ "tid", 1000 },
		{ "ppid", 1 },
		{ "uid", 1000 },
		{ "start_time_s", TEST_START_NS / 2 },
		{ "interval_ms", NS_PER_S },
	};
	const struct field *comm = event_field_find(type, "comm", strlen("comm"));

	memset(record, 0, type->record_size);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct field *f =
			event_field_find(type, numbers[i].name, strlen(numbers[i].name));

		if (f && !f->derive)
			member_store(record, f, numbers[i].value);
	}
	if (comm && !comm->derive)
		memcpy((char *)record + comm->offset, "test", sizeof("test"));
}

static void write_value(const struct test_field *f, unsigned i, unsigned n, struct buf *out)
{
	double share = n > 1 ? (double)i / (double)(n - 1) : 0;
	double value = f->from + (f->to - f->from) * share;

	if (!f->ramps) {
		buf_adds(out, f->values[i % f->n_values]);
		return;
	}
	/* between whole numbers lie whole numbers */
	if (f->from == floor(f->from) && f->to == floor(f->to))
		value = round(value);
	buf_addf(out, "%.15g", value);
}

bool test_event_make(const struct test_entry *e, unsigned i, struct event_reader *reader,
		     void *record, struct event_read_error *error,
		     const struct test_field **ret_field)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	size_t starts[2 * FIELDS_MAX];
	struct json_line line;
	uint64_t ts_ns = TEST_START_NS + e->at_ns[i];
	bool ok;

	make_defaults(e->on, record);
	buf_addc(&text, '{');
	for (unsigned k = 0; k < e->n_fields; k++) {
		struct json j = { .out = &text, .need_comma = k > 0 };

		if (k > 0)
			buf_addc(&text, ',');
		j.need_comma = false;
		starts[k] = text.len;
		json_key(&j, e->fields[k].key);
		write_value(&e->fields[k], i, e->n, &text);
	}
	buf_addc(&text, '}');
	(void)json_line_open(&line, text.data, text.len);
	ok = event_read(reader, e->on, TEST_OFFSET_NS, &line, record, error);
	memcpy(record, &ts_ns, sizeof(ts_ns));
	*ret_field = NULL;
	for (unsigned k = 0; !ok && k < e->n_fields; k++)
		if (starts[k] <= (size_t)(error->at - text.data))
			*ret_field = &e->fields[k];
	return ok;
}

/* How many events there are until all that varies has been seen; of a ramp its ends are enough. */
static unsigned events_to_try(const struct test_entry *e)
{
	unsigned most = 1;

	for (unsigned i = 0; i < e->n_fields; i++)
		if (e->fields[i].n_values > most)
			most = e->fields[i].n_values;
	return most < e->n ? most : e->n;
}

static bool try_event(const struct test_context *ctx, const struct test_entry *e, unsigned i)
{
	AUTO_FREE void *record = xcalloc(1, e->on->record_size);
	const struct test_field *field;
	struct event_read_error error;

	if (test_event_make(e, i, ctx->reader, record, &error, &field))
		return true;
	node_error(field ? &field->node : &e->node, "%s", error.message);
	return false;
}

static void check_events(const struct test_context *ctx, const struct test_entry *e)
{
	unsigned n = events_to_try(e);

	for (unsigned i = 0; i < n; i++)
		if (!try_event(ctx, e, i))
			return;
	if (e->n > n)
		(void)try_event(ctx, e, e->n - 1);
}

/* --- entries --------------------------------------------------------------------------------- */

static const struct event_type *read_on(const struct node *n)
{
	unsigned n_types;
	const struct event_type *types = event_types(&n_types);
	AUTO_FREE const char **names = xcalloc(n_types, sizeof(*names));
	size_t i;

	for (i = 0; i < n_types; i++)
		names[i] = types[i].name;
	return node_choice(n, "source", names, n_types, &i) ? &types[i] : NULL;
}

/* The source that all rules are on; NULL if they are on several. */
static const struct event_type *only_source(const struct rule_set *rules)
{
	const struct event_type *only = NULL;

	for (unsigned i = 0; i < rules->n_rules; i++) {
		const struct rule *r = &rules->rules[i];

		if ((only && r->on && r->on != only) || r->with)
			return NULL;
		only = r->on ? r->on : only;
	}
	return only;
}

/* "on" of the entry, of the defaults, or of all rules. */
static const struct event_type *find_on(const struct node *entry, const struct node *defaults,
					const struct test_context *ctx)
{
	const struct event_type *only = only_source(ctx->rules);
	struct node on;

	if (node_member(entry, "on", &on) || (defaults->doc && node_member(defaults, "on", &on)))
		return read_on(&on);
	if (!only)
		node_error(entry, "missing key \"on\": of which source is it?");
	return only;
}

/* Reads fields, and with p also what is about time. */
static bool read_members(const struct test_context *ctx, const struct node *n, struct test_entry *e,
			 struct pattern *p)
{
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, FIELDS_MAX, &n_nodes);
	bool ok = nodes != NULL;

	for (unsigned i = 0; i < n_nodes; i++) {
		const char *key = node_key(&nodes[i]);
		/* which is a field of source self */
		bool is_field = event_field_find(e->on, key, strlen(key)) != NULL;

		if (strcmp(key, "on") == 0)
			continue;
		if (p && !is_field) {
			int taken = read_pattern_key(p, &nodes[i]);

			ok &= taken != KEY_WRONG;
			if (taken != KEY_FIELD)
				continue;
		}
		if (p || !has_field(e, key))
			ok &= read_field(ctx, e, &nodes[i]);
	}
	return ok;
}

static void read_entry(const struct node *n, const struct node *defaults,
		       const struct test_context *ctx, struct test_entry *e)
{
	struct pattern p = { .node = *n,
			     .seed = SEED_DEFAULT,
			     .steady = -1,
			     .poisson = -1,
			     .ramp_from = -1,
			     .ramp_to = -1 };
	struct node at;
	bool ok;

	*e = (struct test_entry){ .node = *n };
	if (!node_expect_object(n))
		return;
	e->on = find_on(n, defaults, ctx);
	if (!e->on)
		return;
	e->fields = xcalloc(2 * FIELDS_MAX, sizeof(*e->fields));
	ok = read_members(ctx, n, e, &p);
	if (!node_member(n, "at", &at)) {
		node_error(n, "missing key \"at\"");
		ok = false;
	}
	if (defaults->doc && !p.lost)
		ok &= read_members(ctx, defaults, e, NULL);
	check_pattern(&p);
	if (!ok || p.failed)
		return;
	e->lost = p.lost;
	if (p.lost) {
		add_time(e, &p, 0);
		if (e->n_fields)
			node_error(&e->fields[0].node, "a loss has no fields");
		return;
	}
	make_times(e, &p);
	check_events(ctx, e);
}

struct test_entry *test_entries_read(const struct node *list, const struct node *defaults,
				     const struct test_context *ctx, unsigned *ret_n)
{
	AUTO_FREE struct node *nodes = node_list(list, 0, 10000, ret_n);
	struct test_entry *entries = xcalloc(*ret_n, sizeof(*entries));

	for (unsigned i = 0; i < *ret_n; i++)
		read_entry(&nodes[i], defaults, ctx, &entries[i]);
	return entries;
}

void test_entries_free(struct test_entry *entries, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < entries[i].n_fields; k++) {
			for (unsigned v = 0; v < entries[i].fields[k].n_values; v++)
				free(entries[i].fields[k].values[v]);
			free(entries[i].fields[k].values);
		}
		free(entries[i].fields);
		free(entries[i].at_ns);
	}
	free(entries);
}
