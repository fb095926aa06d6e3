/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/rule_diff.h"

#include <stdlib.h>
#include <string.h>

#include "engine/lifecycle.h"
#include "util/json.h"
#include "util/printable.h"
#include "util/timetext.h"

#define KEY_SHOWN_MAX 100

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

/* One that fires when the stream ends does so beyond its end. */
static uint64_t end_of(const struct logged_alert *l)
{
	return l->resolved ? l->ended_ns : UINT64_MAX;
}

/* Which of the two comes first in a walk over both; 0 if they are the same alert. */
static int compare(const struct logged_alert *a, const struct logged_alert *b)
{
	int order = by_identity(a, b);

	if (order)
		return order;
	if (end_of(a) < b->started_ns)
		return -1;
	return end_of(b) < a->started_ns ? 1 : 0;
}

static unsigned pair_up(const struct alert_log *before, const struct alert_log *after,
			struct alert_pair *pairs)
{
	AUTO_FREE const struct logged_alert **a = sorted(before);
	AUTO_FREE const struct logged_alert **b = sorted(after);
	unsigned i = 0, k = 0, n = 0;

	while (i < before->n || k < after->n) {
		int order = i == before->n ? 1 : k == after->n ? -1 : compare(a[i], b[k]);

		pairs[n++] =
			(struct alert_pair){ order <= 0 ? a[i] : NULL, order >= 0 ? b[k] : NULL };
		i += order <= 0;
		k += order >= 0;
	}
	return n;
}

static uint64_t time_of(const struct alert_pair *p)
{
	return p->before ? p->before->started_ns : p->after->started_ns;
}

static int by_time(const void *x, const void *y)
{
	const struct alert_pair *a = x, *b = y;
	uint64_t s = time_of(a), t = time_of(b);
	int order;

	if (s != t)
		return s > t ? 1 : -1;
	order = by_identity(a->before ? a->before : a->after, b->before ? b->before : b->after);
	return order ? order : (a->before == NULL) - (b->before == NULL);
}

static bool changed(const struct alert_pair *p)
{
	return p->before->severity != p->after->severity ||
	       p->before->started_ns != p->after->started_ns;
}

static const char *kind(const struct alert_pair *p)
{
	if (p->before && p->after)
		return "changed";
	return p->after ? "gained" : "lost";
}

void rule_diff_init(struct rule_diff *diff, const struct alert_log *before,
		    const struct alert_log *after)
{
	struct alert_pair *pairs = xcalloc((size_t)before->n + after->n, sizeof(*pairs));
	unsigned n = pair_up(before, after, pairs);

	*diff = (struct rule_diff){ .pairs = pairs };
	for (unsigned i = 0; i < n; i++) {
		const struct alert_pair p = pairs[i];
		bool both = p.before && p.after;

		diff->lost += !p.after;
		diff->gained += !p.before;
		diff->changed += both && changed(&p);
		diff->same += both && !changed(&p);
		if (!both || changed(&p))
			pairs[diff->n++] = p;
	}
	qsort(pairs, diff->n, sizeof(*pairs), by_time);
}

void rule_diff_fini(struct rule_diff *diff)
{
	free(diff->pairs);
	*diff = (struct rule_diff){ 0 };
}

/* --- as text --------------------------------------------------------------------------------- */

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

static void write_change(const struct alert_pair *p, struct buf *out)
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

static void write_pair(const struct alert_pair *p, struct buf *out)
{
	buf_addf(out, "%-7s  ", kind(p));
	write_alert(p->after ? p->after : p->before, out);
	if (p->before && p->after)
		write_change(p, out);
	buf_addc(out, '\n');
}

void rule_diff_write_text(const struct rule_diff *diff, struct buf *out)
{
	for (unsigned i = 0; i < diff->n; i++)
		write_pair(&diff->pairs[i], out);
	buf_addf(out, "%u lost, %u gained, %u changed, %u the same\n", diff->lost, diff->gained,
		 diff->changed, diff->same);
}

/* --- as JSON --------------------------------------------------------------------------------- */

/* NULL: null. */
static void write_side(const char *name, const struct logged_alert *l, struct json *j)
{
	char text[TIMETEXT_LEN + 1];

	json_key(j, name);
	if (!l) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_member_str(j, "severity", severity_name(l->severity));
	timetext(l->started_ns, text);
	json_member_str(j, "started", text);
	timetext(l->ended_ns, text);
	json_member_str(j, "ended", l->resolved ? text : NULL);
	json_member_span(j, "duration_s", l->started_ns, l->ended_ns);
	json_member_str(j, "summary", l->summary);
	json_close(j, '}');
}

static void write_json_pair(const struct alert_pair *p, struct json *j)
{
	const struct logged_alert *one = p->after ? p->after : p->before;

	json_open(j, '{');
	json_member_str(j, "difference", kind(p));
	json_member_str(j, "rule", one->rule);
	json_member_str(j, "key", one->key);
	write_side("before", p->before, j);
	write_side("after", p->after, j);
	json_close(j, '}');
}

void rule_diff_write_json(const struct rule_diff *diff, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_u64(&j, "lost", diff->lost);
	json_member_u64(&j, "gained", diff->gained);
	json_member_u64(&j, "changed", diff->changed);
	json_member_u64(&j, "same", diff->same);
	json_key(&j, "alerts");
	json_open(&j, '[');
	for (unsigned i = 0; i < diff->n; i++)
		write_json_pair(&diff->pairs[i], &j);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_addc(out, '\n');
}
