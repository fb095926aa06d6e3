/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compute.h"
#include "engine/noise.h"

uint64_t rule_window_ns(const struct rule *rule)
{
	uint64_t longest_ns = 0;

	for (unsigned i = 0; i < rule->judge.n_leaves; i++)
		if (rule->judge.leaves[i].window_ns > longest_ns)
			longest_ns = rule->judge.leaves[i].window_ns;
	return longest_ns;
}

bool rule_is_windowed(const struct rule *rule)
{
	return rule->judge.leaves[0].window_ns || rule->judge.leaves[0].absent_ns;
}

static void set_noise_floors(const struct when *w, struct baseline *baselines)
{
	for (unsigned i = 0; i < w->n_leaves; i++)
		if (w->leaves[i].has_baseline)
			noise_floor(&w->leaves[i], &baselines[i]);
}

/* In one block, all of 8-byte alignment: the series, baselines, histories, two records. */
struct series *series_new(const struct rule *rule, uint64_t now_ns)
{
	const struct when *w = &rule->judge;
	size_t record_size = (rule->on->record_size + 7) / 8 * 8;
	bool has_baseline = false, has_change = false;
	size_t baselines_size, histories_size;
	unsigned char *tail;
	struct series *s;

	for (unsigned i = 0; i < w->n_leaves; i++) {
		has_baseline |= w->leaves[i].has_baseline;
		has_change |= leaf_has_change(&w->leaves[i]);
	}
	baselines_size = has_baseline ? w->n_leaves * sizeof(struct baseline) : 0;
	histories_size = has_change ? w->n_leaves * sizeof(struct history) : 0;
	s = xcalloc(1, sizeof(*s) + baselines_size + histories_size + 2 * record_size);
	tail = (unsigned char *)(s + 1);
	if (has_baseline) {
		s->baselines = (struct baseline *)tail;
		set_noise_floors(w, s->baselines);
	}
	tail += baselines_size;
	if (has_change)
		s->histories = (struct history *)tail;
	tail += histories_size;
	for (unsigned i = 0; i < 2; i++)
		s->worst[i].event = (struct event){ .record = tail + i * record_size };
	s->known_ns = s->usual_since_ns = s->last_ns = now_ns;
	s->value = NAN;
	s->severity = rule->severity;
	return s;
}

void series_free(struct series *s)
{
	free(s);
}

static void show(struct shown *shown, const struct event *ev, double value)
{
	void *record = (void *)shown->event.record;

	memcpy(record, ev->record, ev->type->record_size);
	shown->event = *ev;
	shown->event.record = record;
	shown->value = value;
	shown->set = true;
}

static bool milder(const struct rule *rule, double a, double b)
{
	return leaf_side(&rule->judge.leaves[0]) == BASELINE_BELOW ? a > b : a < b;
}

/*
 * Two records suffice for the newer half of the window:
 *
 *	            worst[!half]     worst[half]
 *	events   |---------------|------------------|
 *	         half a window                     now, at most half a window after the bar
 */
static void show_worst(struct series *s, const struct rule *rule, const struct event *ev,
		       double value)
{
	uint64_t at_ns = event_middle_ns(ev);

	if (elapsed_ns(at_ns, s->half_began_ns) >= rule_window_ns(rule) / 2) {
		s->half = !s->half;
		s->half_began_ns = at_ns;
		s->worst[s->half].set = false;
	}
	if (!s->worst[s->half].set || !milder(rule, value, s->worst[s->half].value))
		show(&s->worst[s->half], ev, value);
}

void series_show(struct series *s, const struct rule *rule, const struct event *ev)
{
	const struct leaf *l = &rule->judge.leaves[0];
	double value;

	if (s->life.phase == PHASE_FIRING)
		return;
	if (!rule_window_ns(rule)) {
		show(&s->worst[0], ev, s->value);
		return;
	}
	value = formula_weight(&l->value, ev);
	if (!isnan(value))
		show_worst(s, rule, ev, value);
}

void series_choose(struct series *s, const struct rule *rule, uint64_t now_ns)
{
	struct shown *newer = &s->worst[s->half], *older = &s->worst[!s->half];
	uint64_t older_ns;

	if (!older->set)
		return;
	older_ns = event_middle_ns(&older->event);
	if (elapsed_ns(now_ns, older_ns) < rule_window_ns(rule) &&
	    milder(rule, newer->value, older->value)) {
		s->half = !s->half;
		s->half_began_ns = older_ns;
	}
}
