/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/rule_diff.h"

#include <stdlib.h>
#include <string.h>

#include "engine/lifecycle.h"
#include "util/printable.h"
#include "util/timetext.h"

#define KEY_SHOWN_MAX 100

struct pair {
	const struct logged_alert *before; /* NULL: gained */
	const struct logged_alert *after;  /* NULL: lost */
};

static int by_identity(const struct logged_alert *a, const struct logged_alert *b)
{
	int order = strcmp(a->rule, b->rule);

	order = order ? order : strcmp(a->key, b->key);
	return order ? order : (a->stream > b->stream) - (a->stream < b->stream);
}

static int by_identity_and_time(const void *x, const void *y)
{
	const struct logged_alert *a = *(const struct logged_alert *const *)x;
	const struct logged_alert *b = *(const struct logged_alert *const *)y;
	int order = by_identity(a, b);

	order = order ? order : (a->started_ns > b->started_ns) - (a->started_ns < b->started_ns);
	return order ? order : strcmp(a->incident, b->incident);
}

static const struct logged_alert **sorted(const struct alert_log *log)
{
	const struct logged_alert **list = xcalloc(log->n, sizeof(*list));

	for (unsigned i = 0; i < log->n; i++)
		list[i] = &log->alerts[i];
	qsort(list, log->n, sizeof(*list), by_identity_and_time);
	return list;
}

/* Which of the two comes first in a walk over both; 0 if they are the same alert. */
static int compare(const struct logged_alert *a, const struct logged_alert *b)
{
	int order = by_identity(a, b);

	if (order)
		return order;
	if (a->ended_ns < b->started_ns)
		return -1;
	return b->ended_ns < a->started_ns ? 1 : 0;
}

static unsigned pair_up(const struct alert_log *before, const struct alert_log *after,
			struct pair *pairs)
{
	AUTO_FREE const struct logged_alert **a = sorted(before);
	AUTO_FREE const struct logged_alert **b = sorted(after);
	unsigned i = 0, k = 0, n = 0;

	while (i < before->n || k < after->n) {
		int order = i == before->n ? 1 : k == after->n ? -1 : compare(a[i], b[k]);

		pairs[n++] = (struct pair){ order <= 0 ? a[i] : NULL, order >= 0 ? b[k] : NULL };
		i += order <= 0;
		k += order >= 0;
	}
	return n;
}

static uint64_t time_of(const struct pair *p)
{
	return p->before ? p->before->started_ns : p->after->started_ns;
}

static int by_time(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	uint64_t s = time_of(a), t = time_of(b);
	int order;

	if (s != t)
		return s > t ? 1 : -1;
	order = by_identity(a->before ? a->before : a->after, b->before ? b->before : b->after);
	return order ? order : (a->before == NULL) - (b->before == NULL);
}

static bool changed(const struct pair *p)
{
	return p->before->severity != p->after->severity ||
	       p->before->started_ns != p->after->started_ns;
}

static void write_time(uint64_t ns, struct buf *out)
{
	char text[TIMETEXT_LEN + 1];

	timetext(ns, text);
	buf_adds(out, text);
}

static void write_alert(const struct logged_alert *l, struct buf *out)
{
	write_time(l->started_ns, out);
	buf_addf(out, "  %s", l->rule);
	if (l->key[0]) {
		buf_adds(out, "  ");
		(void)printable_add(out, l->key, strlen(l->key), KEY_SHOWN_MAX, "?");
	}
	buf_addf(out, "  %s  ", severity_name(l->severity));
	if (!l->resolved)
		buf_adds(out, "over ");
	duration_format(out, elapsed_ns(l->ended_ns, l->started_ns));
}

static void write_change(const struct pair *p, struct buf *out)
{
	const struct logged_alert *b = p->before, *a = p->after;

	if (b->severity != a->severity)
		buf_addf(out, "; severity %s, was %s", severity_name(a->severity),
			 severity_name(b->severity));
	if (b->started_ns == a->started_ns)
		return;
	buf_adds(out, "; starts ");
	duration_format(out, a->started_ns > b->started_ns ? a->started_ns - b->started_ns
							   : b->started_ns - a->started_ns);
	buf_adds(out, a->started_ns > b->started_ns ? " later" : " earlier");
}

static void write_pair(const struct pair *p, struct buf *out, struct rule_diff *diff)
{
	bool both = p->before && p->after;

	if (both && !changed(p)) {
		diff->same++;
		return;
	}
	diff->lost += !p->after;
	diff->gained += !p->before;
	diff->changed += both;
	buf_adds(out, both ? "changed  " : p->after ? "gained   " : "lost     ");
	write_alert(p->after ? p->after : p->before, out);
	if (both)
		write_change(p, out);
	buf_addc(out, '\n');
}

void rule_diff_write(const struct alert_log *before, const struct alert_log *after, struct buf *out,
		     struct rule_diff *ret_diff)
{
	AUTO_FREE struct pair *pairs = xcalloc((size_t)before->n + after->n, sizeof(*pairs));
	unsigned n = pair_up(before, after, pairs);

	*ret_diff = (struct rule_diff){ 0 };
	qsort(pairs, n, sizeof(*pairs), by_time);
	for (unsigned i = 0; i < n; i++)
		write_pair(&pairs[i], out, ret_diff);
}
