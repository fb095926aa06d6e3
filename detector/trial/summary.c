/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lifecycle.h"
#include "util/printable.h"
#include "util/timetext.h"

#define DAY_LEN	      10 /* of 2026-11-22 */
#define KEY_SHOWN_MAX 60

/* One rule on one day. */
struct row {
	const struct rule *rule;
	char day[DAY_LEN + 1];
	uint64_t fired;
	uint64_t resolved;
	uint64_t longest_ns;
	bool longest_goes_on; /* it still fired when the capture ended */
	double worst;	      /* how far beyond its limit */
	char *worst_text;     /* value and key; NULL before the first */
};

/* An alert that fires. */
struct open_alert {
	char incident[ULID_LEN + 1];
	unsigned row; /* of the day on which it fired */
	uint64_t started_wall_ns;
};

struct summary {
	const struct rule_set *rules;
	struct row *rows; /* in the order in which they came up */
	unsigned n_rows;
	struct open_alert *open;
	unsigned n_open;
	uint64_t unresolved;
};

struct summary *summary_new(const struct rule_set *rules)
{
	struct summary *s = xcalloc(1, sizeof(*s));

	s->rules = rules;
	return s;
}

void summary_free(struct summary *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_rows; i++)
		free(s->rows[i].worst_text);
	free(s->rows);
	free(s->open);
	free(s);
}

/* --- counting -------------------------------------------------------------------------------- */

static unsigned row_of(struct summary *s, const struct rule *rule, uint64_t wall_ns)
{
	char time[TIMETEXT_LEN + 1];
	struct row *row;

	timetext(wall_ns, time);
	time[DAY_LEN] = '\0';
	for (unsigned i = s->n_rows; i-- > 0;)
		if (s->rows[i].rule == rule && strcmp(s->rows[i].day, time) == 0)
			return i;
	s->rows = xrealloc(s->rows, s->n_rows + 1, sizeof(*s->rows));
	row = &s->rows[s->n_rows];
	*row = (struct row){ .rule = rule, .worst = -1 };
	memcpy(row->day, time, sizeof(row->day));
	return s->n_rows++;
}

/* By halves: ids come in ascending order, and so they stand. */
static int find_open(const struct summary *s, const char *incident)
{
	unsigned from = 0, to = s->n_open;

	while (from < to) {
		unsigned middle = from + (to - from) / 2;
		int order = strcmp(s->open[middle].incident, incident);

		if (order == 0)
			return (int)middle;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return -1;
}

static void note_worst(struct row *row, const struct transition *t, const struct alert *a)
{
	double beyond = isnan(t->threshold) ? fabs(t->value) : fabs(t->value - t->threshold);
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (row->worst_text && !(beyond > row->worst))
		return;
	(void)alert_text(a, "value_text", &text);
	if (a->key[0]) {
		buf_adds(&text, text.len ? "  " : "");
		(void)printable_add(&text, a->key, strlen(a->key), KEY_SHOWN_MAX, "?");
	}
	free(row->worst_text);
	row->worst = beyond;
	row->worst_text = buf_steal(&text);
}

static void note_length(struct row *row, uint64_t ns, bool goes_on)
{
	if (ns < row->longest_ns)
		return;
	row->longest_ns = ns;
	row->longest_goes_on = goes_on;
}

static void close_alert(struct summary *s, unsigned i, uint64_t wall_ns, bool goes_on)
{
	note_length(&s->rows[s->open[i].row], elapsed_ns(wall_ns, s->open[i].started_wall_ns),
		    goes_on);
	s->n_open--;
	memmove(&s->open[i], &s->open[i + 1], (s->n_open - i) * sizeof(*s->open));
}

static void open_alert(struct summary *s, const struct transition *t)
{
	uint64_t wall_ns = t->started_ns + (uint64_t)t->event.wall_offset_ns;
	unsigned row = row_of(s, t->rule, wall_ns);
	struct open_alert *o;

	s->rows[row].fired++;
	s->open = xrealloc(s->open, s->n_open + 1, sizeof(*s->open));
	o = &s->open[s->n_open++];
	*o = (struct open_alert){ .row = row, .started_wall_ns = wall_ns };
	memcpy(o->incident, t->incident, sizeof(o->incident));
}

void summary_add(struct summary *s, const struct transition *t, const struct alert *a)
{
	int i = find_open(s, t->incident);

	if (i < 0) {
		open_alert(s, t);
		i = (int)s->n_open - 1;
	}
	if (t->state == ALERT_FIRING) {
		note_worst(&s->rows[s->open[i].row], t, a);
		return;
	}
	s->rows[s->open[i].row].resolved++;
	close_alert(s, (unsigned)i, t->ended_ns + (uint64_t)t->wall_offset_ns, false);
}

void summary_end_stream(struct summary *s, uint64_t wall_ns)
{
	while (s->n_open) {
		s->unresolved++;
		close_alert(s, s->n_open - 1, wall_ns, true);
	}
}

/* --- writing --------------------------------------------------------------------------------- */

static int width_of_names(const struct rule_set *rules)
{
	size_t width = strlen("rule");

	for (unsigned i = 0; i < rules->n_rules; i++)
		if (strlen(rules->rules[i].name) > width)
			width = strlen(rules->rules[i].name);
	return (int)width;
}

static void write_row(const struct row *row, int width, struct buf *out)
{
	CLEANUP(buf_fini) struct buf longest = { 0 };

	if (row->longest_goes_on)
		buf_adds(&longest, "over ");
	duration_format(&longest, row->longest_ns);
	buf_addf(out, "%-*s  %s  %7llu  %8llu  %-14s  %s\n", width, row->rule->name, row->day,
		 (unsigned long long)row->fired, (unsigned long long)row->resolved,
		 buf_str(&longest), row->worst_text ? row->worst_text : "");
}

/* The rows of a rule by day: they came up in that order but for clocks that were set. */
static unsigned write_rows(const struct summary *s, const struct rule *rule, int width,
			   struct buf *out)
{
	const char *last = "";
	unsigned n = 0;

	for (;;) {
		const struct row *next = NULL;

		for (unsigned i = 0; i < s->n_rows; i++) {
			const struct row *row = &s->rows[i];

			if (row->rule == rule && strcmp(row->day, last) > 0 &&
			    (!next || strcmp(row->day, next->day) < 0))
				next = row;
		}
		if (!next)
			return n;
		write_row(next, width, out);
		last = next->day;
		n++;
	}
}

void summary_write(const struct summary *s, struct buf *out)
{
	int width = width_of_names(s->rules);

	buf_addf(out, "%-*s  %-10s  %7s  %8s  %-14s  %s\n", width, "rule", "day (UTC)", "fired",
		 "resolved", "longest", "worst");
	for (unsigned i = 0; i < s->rules->n_rules; i++)
		if (write_rows(s, &s->rules->rules[i], width, out) == 0)
			buf_addf(out, "%-*s  never fired\n", width, s->rules->rules[i].name);
	if (s->unresolved)
		buf_addf(out, "%llu still firing when the capture ended\n",
			 (unsigned long long)s->unresolved);
}
