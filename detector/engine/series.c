/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/series.h"

#include <stdlib.h>
#include <string.h>

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

/* baseline.h explains it. */
static double grain(const struct condition *c)
{
	const struct measure *m = &c->value;
	bool counts =
		!m->field || (m->field->unit == UNIT_COUNT &&
			      (m->aggregate == AGGREGATE_SUM || m->aggregate == AGGREGATE_RATE));

	if (!counts)
		return 0;
	return m->aggregate == AGGREGATE_RATE ? (double)NS_PER_S / (double)c->window_ns : 1;
}

static void show(struct series *s, const struct event *ev, double value)
{
	memcpy((void *)s->event.record, ev->record, ev->type->record_size);
	s->event.wall_offset_ns = ev->wall_offset_ns;
	s->shown = value;
}

/* In one block: the series, the baseline, the record (both of 8-byte alignment), the key. */
struct series *series_new(const struct rule *rule, const struct event *ev, const unsigned char *key,
			  size_t len, uint64_t hash)
{
	const struct condition *c = &rule->when;
	size_t baseline_size = c->has_baseline ? sizeof(struct baseline) : 0;
	size_t record_size = ev->type->record_size;
	struct series *s = xcalloc(1, sizeof(*s) + baseline_size + record_size + len);
	unsigned char *tail = (unsigned char *)(s + 1);

	if (c->has_baseline) {
		s->baseline = (struct baseline *)tail;
		s->baseline->grain = grain(c);
	}
	s->event = (struct event){ .type = ev->type, .record = tail + baseline_size };
	if (len)
		memcpy(tail + baseline_size + record_size, key, len);
	s->keyed.key = tail + baseline_size + record_size;
	s->keyed.len = (unsigned)len;
	s->keyed.hash = hash;
	if (c->value.aggregate != AGGREGATE_NONE)
		s->window = window_new(c->value.aggregate, c->value.quantile, c->window_ns);
	s->usual_since_ns = s->first_ns = s->last_ns = event_time_ns(ev);
	show(s, ev, series_measure(rule, ev));
	return s;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	window_free(s->window);
	free(s);
}

/*
 * The event to show: with a window the worst one inside it, else the latest, until the alert fires.
 * What a quantile or a sum has to say is best said by its worst part.
 */
static bool worth_showing(const struct series *s, const struct rule *rule, const struct event *ev,
			  double value)
{
	bool milder =
		condition_side(&rule->when) == BASELINE_BELOW ? value > s->shown : value < s->shown;
	uint64_t age_ns = elapsed_ns(event_time_ns(ev), event_time_ns(&s->event));

	return s->life.phase != PHASE_FIRING && (!milder || age_ns >= rule->when.window_ns);
}

void series_add(struct series *s, const struct rule *rule, const struct event *ev, double value)
{
	uint64_t ts_ns = event_time_ns(ev);

	if (ts_ns > s->last_ns)
		s->last_ns = ts_ns;
	if (worth_showing(s, rule, ev, value))
		show(s, ev, value);
	if (s->window) {
		window_add(s->window, event_middle_ns(ev), value);
	} else {
		s->samples++;
		s->value = value;
	}
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
