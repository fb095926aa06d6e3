/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/series.h"

#include <stdlib.h>
#include <string.h>

#include "engine/noise.h"

double series_measure(const struct rule *rule, const struct event *ev)
{
	const struct measure *m = &rule->when.value;
	struct value v;

	if (!m->field)
		return 1;
	event_get(ev, m->field, &v);
	if (m->aggregate == AGGREGATE_RATE && m->unit == UNIT_MS_PER_S)
		(void)unit_convert(v.number, m->field->unit, UNIT_MS, &v.number);
	return v.number;
}

static void show(struct shown *shown, const struct event *ev, double value)
{
	memcpy((void *)shown->event.record, ev->record, ev->type->record_size);
	shown->event.wall_offset_ns = ev->wall_offset_ns;
	shown->value = value;
	shown->set = true;
}

/* In one block: the series, the baseline, one or two records (all of 8-byte alignment), the key. */
struct series *series_new(const struct rule *rule, const struct event *ev, const unsigned char *key,
			  size_t len, uint64_t hash)
{
	const struct condition *c = &rule->when;
	bool windowed = c->value.aggregate != AGGREGATE_NONE;
	size_t baseline_size = c->has_baseline ? sizeof(struct baseline) : 0;
	size_t records_size = ev->type->record_size * (windowed ? 2 : 1);
	struct series *s = xcalloc(1, sizeof(*s) + baseline_size + records_size + len);
	unsigned char *tail = (unsigned char *)(s + 1);

	if (c->has_baseline) {
		s->baseline = (struct baseline *)tail;
		noise_floor(c, s->baseline);
		tail += baseline_size;
	}
	s->worst[0].event = (struct event){
		.type = ev->type,
		.record = tail,
		.processes = ev->processes,
	};
	if (windowed) {
		s->worst[1].event = s->worst[0].event;
		s->worst[1].event.record = tail + ev->type->record_size;
		s->window = window_new(c->value.aggregate, c->value.quantile, c->window_ns);
	}
	tail += records_size;
	if (len)
		memcpy(tail, key, len);
	s->keyed.key = tail;
	s->keyed.len = (unsigned)len;
	s->keyed.hash = hash;
	s->usual_since_ns = s->first_ns = s->last_ns = event_time_ns(ev);
	return s;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	window_free(s->window);
	free(s);
}

static bool milder(const struct rule *rule, double a, double b)
{
	return condition_side(&rule->when) == BASELINE_BELOW ? a > b : a < b;
}

/*
 * Two records suffice for the newer half of the window:
 *
 *	            worst[!half]     worst[half]
 *	events   |---------------|------------------|
 *	         half a window                     now, at most half a window after the bar
 */
static void add_worst(struct series *s, const struct rule *rule, const struct event *ev,
		      double value, uint64_t at_ns)
{
	if (elapsed_ns(at_ns, s->half_began_ns) >= rule->when.window_ns / 2) {
		s->half = !s->half;
		s->half_began_ns = at_ns;
		s->worst[s->half].set = false;
	}
	if (!s->worst[s->half].set || !milder(rule, value, s->worst[s->half].value))
		show(&s->worst[s->half], ev, value);
}

void series_choose(struct series *s, const struct rule *rule, uint64_t now_ns)
{
	struct shown *newer = &s->worst[s->half], *older = &s->worst[!s->half];
	uint64_t older_ns;

	if (!older->set)
		return;
	older_ns = event_middle_ns(&older->event);
	if (elapsed_ns(now_ns, older_ns) < rule->when.window_ns &&
	    milder(rule, newer->value, older->value)) {
		s->half = !s->half;
		s->half_began_ns = older_ns;
	}
}

/* A sample that is longer than the window, after a late tick, brings what falls into the window. */
static void add_to_window(struct series *s, const struct condition *c, double value, uint64_t at_ns,
			  uint64_t end_ns)
{
	enum aggregate a = c->value.aggregate;
	uint64_t half_window_ns = c->window_ns / 2;
	uint64_t half_sample_ns = end_ns - at_ns;

	if (half_sample_ns > half_window_ns) {
		at_ns = end_ns - half_window_ns;
		if (a == AGGREGATE_SUM || a == AGGREGATE_RATE)
			value *= (double)half_window_ns / (double)half_sample_ns;
	}
	window_add(s->window, at_ns, value);
}

void series_add(struct series *s, const struct rule *rule, const struct event *ev, double value)
{
	uint64_t at_ns = event_middle_ns(ev), end_ns = event_time_ns(ev);

	if (end_ns > s->last_ns)
		s->last_ns = end_ns;
	if (s->window) {
		add_to_window(s, &rule->when, value, at_ns, end_ns);
		if (s->life.phase != PHASE_FIRING)
			add_worst(s, rule, ev, value, at_ns);
		return;
	}
	s->samples++;
	s->value = value;
	if (s->life.phase != PHASE_FIRING)
		show(&s->worst[0], ev, value);
}

struct reading series_read(const struct series *s, bool degraded, uint64_t now_ns)
{
	struct reading r = { .baseline = s->baseline, .degraded = degraded };

	if (s->window) {
		r.value = window_value(s->window, now_ns);
		r.samples = window_samples(s->window, now_ns);
		r.partial = elapsed_ns(now_ns, s->first_ns) < window_length_ns(s->window);
	} else {
		r.value = s->value;
		r.samples = s->samples;
	}
	return r;
}
