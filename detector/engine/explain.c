/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/explain.h"

#include <stdlib.h>
#include <string.h>

#include "engine/explain_parts.h"
#include "rule/suggest.h"

static void write_keys(struct explained *s, const struct key_choice *choice, const char *asked)
{
	json_key(s->j, "key");
	if (s->has_key) {
		CLEANUP(buf_fini) struct buf text = { 0 };

		key_text(s->rule, s->values, ",", &text);
		json_str(s->j, buf_str(&text));
	} else {
		json_str(s->j, asked);
	}
	json_member_bool(s->j, "known", s->has_key);
	json_key(s->j, "closest");
	json_open(s->j, '[');
	for (unsigned i = 0; !s->has_key && i < choice->n_closest; i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		struct value values[RULE_BY_MAX];

		key_unpack(s->rule, choice->closest[i].packed, values);
		key_text(s->rule, values, ",", &text);
		json_str(s->j, buf_str(&text));
	}
	json_close(s->j, ']');
}

static void look_at_key(struct explained *s, const struct key_choice *choice)
{
	s->has_key = choice->found;
	if (!s->has_key)
		return;
	s->key = choice->key;
	key_unpack(s->rule, s->key.packed, s->values);
	if (s->tracker)
		s->has_state = tracker_inspect(s->tracker, s->key.packed, s->key.len,
					       s->conf->now_ns, &s->now);
	changes_view(s->shared, s->index, s->key.packed, s->key.len, s->values, s->conf->now_ns,
		     &s->alert);
}

/* Why nothing is said of an alert that fires. */
static void add_hold(const struct explained *s, struct buf *out)
{
	if (s->rule->quiet)
		buf_adds(out, "the rule has \"notify\": false");
	else if (s->alert.hold.inhibited_by)
		buf_addf(out, "rule %s, which inhibits it, fires",
			 s->alert.hold.inhibited_by->name);
	else
		buf_adds(out, "it was inhibited, and its condition was not met since");
}

static void write_verdict(struct explained *s)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (s->alert.said) {
		buf_adds(&text, s->alert.flaps ? "fires, and flaps" : "fires");
		if (s->alert.silenced_by) {
			buf_adds(&text, "; hooks do not know: ");
			explain_silence(s, s->alert.silenced_by, &text);
		}
	} else if (s->alert.up) {
		buf_adds(&text, "fires, but is not said: ");
		add_hold(s, &text);
	} else if (s->verdict.len) {
		buf_addf(&text, "does not fire: %s", buf_str(&s->verdict));
	} else {
		buf_adds(&text, "does not fire; nothing speaks against it with the next event");
		if (s->alert.hold.silence) {
			buf_adds(&text, ", but hooks would not be told: ");
			explain_silence(s, s->alert.hold.silence, &text);
		}
	}
	json_member_str(s->j, "verdict", buf_str(&text));
}

static char *find_rule(const struct rule_set *rules, const char *name, unsigned *ret_index)
{
	AUTO_FREE const char **names = xcalloc(rules->n_rules, sizeof(*names));
	AUTO_FREE char *hint = NULL;

	for (unsigned i = 0; i < rules->n_rules; i++) {
		names[i] = rules->rules[i].name;
		if (strcmp(names[i], name) == 0) {
			*ret_index = i;
			return NULL;
		}
	}
	hint = suggest(name, names, rules->n_rules);
	return xasprintf("no rule \"%s\"%s", name, hint);
}

char *engine_explain(struct engine *e, const char *rule, const char *key,
		     const struct explain_conf *conf, struct json *j)
{
	struct explained s = {
		.e = e,
		.shared = engine_shared(e),
		.conf = conf,
		.asked = key && key[0],
		.j = j,
	};
	AUTO_FREE struct key_choice *choice = xcalloc(1, sizeof(*choice));
	char *error = find_rule(s.shared->conf.rules, rule, &s.index);

	if (!error)
		error = choose_key(e, s.index, key, conf->now_ns, choice);
	if (error)
		return error;
	s.rule = &s.shared->conf.rules->rules[s.index];
	s.tracker = explain_tracker(e, s.index);
	engine_traffic(e, s.index, &s.traffic);
	look_at_key(&s, choice);
	json_member_str(j, "rule", s.rule->name);
	json_member_str(j, "why", s.rule->why);
	json_member_str(j, "source", s.rule->on ? s.rule->on->name : NULL);
	write_keys(&s, choice, key);
	explain_gates(&s);
	write_verdict(&s);
	engine_write_rule(e, s.index, conf, j);
	buf_fini(&s.verdict);
	return NULL;
}
