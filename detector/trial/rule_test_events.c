/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of "events", and what is in their events. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/member.h"
#include "rule/rule_source.h"
#include "trial/rule_test_parts.h"
#include "trial/rule_test_times.h"
#include "util/json_line.h"

#define FIELDS_MAX 64
#define CYCLE_MAX  1000

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
	ok = event_read(reader, e->on, TEST_OFFSET_NS, &line, record, error) &&
	     !event_reader_odd_text(reader, record, error);
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
		return read_source_name(&on);
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
	struct pattern p = pattern_of(n);
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
	make_times(e, &p);
	if (!p.lost)
		check_events(ctx, e);
	else if (e->n_fields)
		node_error(&e->fields[0].node, "a loss has no fields");
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
