/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several rules in virtual time, each fired by events of its own: rule "a" by those with tid 1, "b"
 * by tid 2, and so on, for the key pid, and over a second after the last. What is said becomes a
 * text, "a7+ a7- ": rule, key, and + fired, - resolved, = repeated, ^ another severity; with
 * ~ behind that, no hook may be told.
 */
#ifndef TESTS_COMPOSE_WORLD_H
#define TESTS_COMPOSE_WORLD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "rule/rule_load.h"

#define WALL_OFFSET_NS 1700000000000000000

struct compose_world {
	struct rule_set *set;
	struct engine *engine;
	unsigned max_keys;
	double now_s; /* of the last tick */
	struct buf said;
	struct transition last; /* without what it lent */
	char ids[4096][ULID_LEN + 1];
	bool silenced[4096]; /* what had that id */
	unsigned n_ids;
};

static struct compose_world cw;

static inline uint64_t ns(double seconds)
{
	return (uint64_t)llround(seconds * 1e9);
}

static inline char sign_of(const struct transition *t)
{
	if (t->state == ALERT_RESOLVED)
		return '-';
	if (t->repeat)
		return '=';
	/* an incident has the id of what began it */
	return strcmp(t->id, t->incident) == 0 ? '+' : '^';
}

/* No id comes twice, but of what no hook was told the first time. */
static inline bool said_before(const struct transition *t)
{
	for (unsigned i = 0; i < cw.n_ids; i++)
		if (strcmp(cw.ids[i], t->id) == 0) {
			assert_true(cw.silenced[i]);
			return true;
		}
	return false;
}

static inline void on_said(void *ctx, const struct transition *t)
{
	(void)ctx;
	buf_addf(&cw.said, "%s", t->rule->name);
	if (t->rule->n_by)
		value_write_text(&t->key[0], &cw.said);
	buf_addf(&cw.said, "%c%s ", sign_of(t), t->silence ? "~" : "");
	cw.last = *t;
	if (said_before(t)) {
		assert_null(t->silence);
		return;
	}
	/* each id greater than the one before */
	assert_true(cw.n_ids < ARRAY_SIZE(cw.ids));
	cw.silenced[cw.n_ids] = t->silence != NULL;
	memcpy(cw.ids[cw.n_ids++], t->id, sizeof(t->id));
	if (cw.n_ids > 1)
		assert_true(strcmp(cw.ids[cw.n_ids - 2], t->id) < 0);
}

static inline int start_world(void **state)
{
	(void)state;
	cw = (struct compose_world){ 0 };
	return 0;
}

static inline int end_world(void **state)
{
	(void)state;
	engine_free(cw.engine);
	rule_set_free(cw.set);
	buf_fini(&cw.said);
	return 0;
}

/* The rules of that text, in which ' stands for ". The caller frees the set. */
static inline struct rule_set *load_text(const char *rules)
{
	AUTO_FREE char *text = xasprintf("{ 'version': 1, 'rules': [ %s ] }", rules);
	struct diags *diags = diags_new();
	struct rule_file file = { "rules.json", text, strlen(text) };
	struct rule_set *set;

	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	set = rule_load(&file, 1, diags);
	if (!set)
		diags_print(diags, stderr);
	diags_free(diags);
	assert_non_null(set);
	return set;
}

/* n rules "a", "b", ... that never flap. The caller frees the set. */
static inline struct rule_set *load_rules(unsigned n)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct diags *diags = diags_new();
	struct rule_file file = { .name = "rules.json" };
	struct rule_set *set;

	buf_adds(&text, "{\"version\": 1, \"rules\": [");
	for (unsigned i = 0; i < n; i++)
		buf_addf(&text,
			 "%s{\"name\": \"%c\", \"why\": \"x\", \"on\": \"syscall\","
			 "\"where\": \"tid == %u\", \"by\": [\"pid\"], \"keep\": \"1s\","
			 "\"when\": {\"value\": \"latency_ms\", \"above\": 1}}",
			 i ? "," : "", 'a' + i, i + 1);
	buf_adds(&text, "]}");
	file.text = text.data;
	file.len = text.len;
	set = rule_load(&file, 1, diags);
	diags_print(diags, stderr);
	diags_free(diags);
	assert_non_null(set);
	for (unsigned i = 0; i < n; i++)
		set->rules[i].flap_changes = 0;
	return set;
}

/* The rule "a", "b", ... of the world's set. */
static inline struct rule *rule(char name)
{
	return &cw.set->rules[name - 'a'];
}

static inline void rules(unsigned n)
{
	cw.set = load_rules(n);
}

static inline void inhibit(char inhibited, char by)
{
	struct rule *r = rule(inhibited);

	r->inhibitors[r->n_inhibitors++].rule = (unsigned)(by - 'a');
}

/* Makes a rule one of others: compose('c', RULE_SEQUENCE, "ab", 5). By pid, as its members. */
static inline void compose(char name, enum rule_kind kind, const char *members, double within_s)
{
	struct rule *r = rule(name);

	r->kind = kind;
	r->within_ns = ns(within_s);
	for (; *members; members++)
		r->members[r->n_members++] = (unsigned)(*members - 'a');
}

static inline void flap(char name, unsigned changes, double window_s)
{
	rule(name)->flap_changes = changes;
	rule(name)->flap_window_ns = ns(window_s);
}

static inline struct engine *engine_on(const struct rule_set *set)
{
	struct engine_conf conf = {
		.rules = set,
		.seed = 42,
		.hash_seed = 43,
		.max_keys = cw.max_keys,
		.on_transition = on_said,
	};

	return engine_new(&conf);
}

/* The rules are in; from here on events and ticks. */
static inline void run(void)
{
	cw.engine = engine_on(cw.set);
	cw.now_s = 100;
	cw.n_ids = 0;
	engine_tick(cw.engine, ns(100), WALL_OFFSET_NS);
}

/* An event for a rule and key, half a second after the last tick. */
static inline void hit(char rule, unsigned key)
{
	struct ev_syscall record = {
		.ts_ns = ns(cw.now_s + 0.5),
		.pid = key,
		.tid = (unsigned)(rule - 'a' + 1),
		.latency_ns = 5 * NS_PER_MS,
	};
	struct event ev = { .type = event_type_find("syscall", 7),
			    .record = &record,
			    .wall_offset_ns = WALL_OFFSET_NS };

	engine_feed(cw.engine, &ev);
}

static inline void tick(void)
{
	engine_tick(cw.engine, ns(++cw.now_s), WALL_OFFSET_NS);
}

static inline void ticks(unsigned n)
{
	while (n-- > 0)
		tick();
}

/* What was said since the last call. */
static inline void assert_said(const char *text)
{
	assert_string_equal(buf_str(&cw.said), text);
	buf_reset(&cw.said);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_world, end_world)

#endif
