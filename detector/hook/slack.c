/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Slack message of an alert. Slack counts characters, as they are sent, and refuses a message
 * that is too long in any part: header 150, section 3000, field 2000, 10 fields, 50 blocks, and all
 * blocks together a little over 13,000 though no document says so (seen 2026). Each part below has
 * a limit so small that the sum cannot come near.
 */
#include "hook/format.h"

#include <stdlib.h>
#include <string.h>

#include "util/control.h"
#include "util/utf8.h"

#define TEXT_MAX    600
#define HEADER_MAX  150
#define WHY_MAX	    2900
#define FIELD_MAX   600
#define COMMAND_MAX 200
#define CONTEXT_MAX 600
#define FIELDS_MAX  10
#define LABEL_MAX   20 /* "*Command*\n" */
#define TOTAL_MAX   12000

_Static_assert(TEXT_MAX + HEADER_MAX + LABEL_MAX + WHY_MAX + FIELDS_MAX * (LABEL_MAX + FIELD_MAX) +
			       CONTEXT_MAX <=
		       TOTAL_MAX,
	       "a message can be too long");

#define ELLIPSIS "\xe2\x80\xa6"

/*
 * What Slack is sent for a character that must not go as it is; NULL for the others. Names from the
 * kernel may try to be a mention (<!channel>) or to look like further lines of the message.
 */
static const char *escaped(const char *s, size_t n)
{
	if (n == 0)
		return "?";
	if (is_control(s, n))
		return " ";
	switch (s[0]) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	default:
		return NULL;
	}
}

/* Adds text for mrkdwn: at most max characters with the escapes, none of which is cut apart. */
static void add_mrkdwn(struct buf *out, const char *text, size_t max)
{
	CLEANUP(buf_fini) struct buf whole = { 0 };
	size_t len = strlen(text), used = 0, short_len = 0;

	for (size_t at = 0; at < len && used <= max;) {
		size_t n = utf8_length(text + at, len - at);
		const char *escape = escaped(text + at, n);

		if (escape)
			buf_adds(&whole, escape);
		else
			buf_add(&whole, text + at, n);
		used += escape ? strlen(escape) : 1;
		at += n ? n : 1;
		if (used < max)
			short_len = whole.len; /* an ellipsis has room behind this */
	}
	if (used <= max) {
		buf_adds(out, buf_str(&whole));
	} else {
		buf_add(out, whole.data, short_len);
		buf_adds(out, ELLIPSIS);
	}
}

static void add_path(struct buf *out, const struct alert *a, const char *before, const char *path)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (alert_text(a, path, &text) && text.len > 0)
		buf_addf(out, "%s%s", before, buf_str(&text));
}

/* --- fields ---------------------------------------------------------------------------------- */

static void add_process(struct buf *out, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf pid = { 0 };

	add_path(out, a, "", "process/comm");
	if (alert_text(a, "process/pid", &pid))
		buf_addf(out, "[%s]", buf_str(&pid));
}

static void add_samples(struct buf *out, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf window_s = { 0 };

	add_path(out, a, "", "samples");
	if (out->len && alert_text(a, "window_s", &window_s) && strcmp(buf_str(&window_s), "0"))
		buf_addf(out, " in %s s", buf_str(&window_s));
}

static void add_quality(struct buf *out, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf state = { 0 };

	if (!alert_text(a, "quality/state", &state) || !strcmp(buf_str(&state), "complete"))
		return;
	buf_adds(out, buf_str(&state));
	add_path(out, a, ", events lost: ", "quality/lost");
}

static const struct field_format {
	const char *label;
	size_t max; /* characters */
	const char *path;
	void (*add)(struct buf *out, const struct alert *a); /* where a path does not do */
} fields[] = {
	{ "Value", FIELD_MAX, "value_text", NULL },
	{ "Limit", FIELD_MAX, "threshold_text", NULL },
	{ "Process", FIELD_MAX, NULL, add_process },
	{ "Command", COMMAND_MAX, "process/cmdline", NULL },
	{ "User", FIELD_MAX, "process/user", NULL },
	{ "cgroup", FIELD_MAX, "process/cgroup", NULL },
	{ "Samples", FIELD_MAX, NULL, add_samples },
	{ "Started", FIELD_MAX, "started", NULL },
	{ "Data", FIELD_MAX, NULL, add_quality },
};

static void write_text(struct json *j, const char *type, const char *text)
{
	json_open(j, '{');
	json_member_str(j, "type", type);
	json_member_str(j, "text", text);
	json_close(j, '}');
}

static void write_field(struct json *j, const char *label, const char *value, size_t max)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (!*value)
		return;
	buf_addf(&text, "*%s*\n", label);
	add_mrkdwn(&text, value, max);
	write_text(j, "mrkdwn", buf_str(&text));
}

static void open_block(struct json *j, const char *type)
{
	json_open(j, '{');
	json_member_str(j, "type", type);
}

static void write_fields(struct json *j, const struct alert *a)
{
	_Static_assert(1 + ARRAY_SIZE(fields) <= FIELDS_MAX, "more fields than Slack takes");

	open_block(j, "section");
	json_key(j, "fields");
	json_open(j, '[');
	write_field(j, "Key", a->key, FIELD_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		CLEANUP(buf_fini) struct buf value = { 0 };

		if (fields[i].add)
			fields[i].add(&value, a);
		else
			add_path(&value, a, "", fields[i].path);
		write_field(j, fields[i].label, buf_str(&value), fields[i].max);
	}
	json_close(j, ']');
	json_close(j, '}');
}

/* --- the message ----------------------------------------------------------------------------- */

static const char *state_word(const struct alert *a)
{
	if (a->state == ALERT_RESOLVED)
		return "RESOLVED";
	return a->repeat ? "STILL FIRING" : "FIRING";
}

static const char *color(const struct alert *a)
{
	static const char *const by_severity[] = {
		[SEVERITY_INFO] = "#3b7dd8",
		[SEVERITY_WARNING] = "#e0a400",
		[SEVERITY_ERROR] = "#e05d00",
		[SEVERITY_CRITICAL] = "#c4001a",
	};

	return a->state == ALERT_RESOLVED ? "#2e9e4f" : by_severity[a->severity];
}

static void add_duration(struct buf *out, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf seconds = { 0 };
	double ns;

	if (a->state != ALERT_RESOLVED || !alert_text(a, "duration_s", &seconds))
		return;
	ns = strtod(buf_str(&seconds), NULL) * 1e9;
	if (ns < 1 || ns >= 0x1p63)
		return;
	buf_adds(out, " after ");
	duration_format(out, (uint64_t)ns);
}

/* "RESOLVED after 15 min: slow-syscall on db07" */
static void write_header(struct json *j, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *cut = NULL;

	buf_adds(&text, state_word(a));
	add_duration(&text, a);
	buf_addf(&text, ": %s", a->rule);
	add_path(&text, a, " on ", "host/name");
	cut = xstrndup(text.data, utf8_prefix(text.data, text.len, HEADER_MAX));
	open_block(j, "header");
	json_key(j, "text");
	write_text(j, "plain_text", cut);
	json_close(j, '}');
}

static void write_why(struct json *j, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf why = { 0 };
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (!alert_text(a, "rule/why", &why) || why.len == 0)
		return;
	buf_adds(&text, "*Why*: ");
	add_mrkdwn(&text, buf_str(&why), WHY_MAX);
	open_block(j, "section");
	json_key(j, "text");
	write_text(j, "mrkdwn", buf_str(&text));
	json_close(j, '}');
}

static void write_context(struct json *j, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	CLEANUP(buf_fini) struct buf mrkdwn = { 0 };

	buf_addf(&text, "incident %s | rule %s", a->incident, a->rule);
	add_path(&text, a, " | host ", "host/name");
	add_path(&text, a, " | kernel ", "host/kernel");
	add_mrkdwn(&mrkdwn, buf_str(&text), CONTEXT_MAX);
	open_block(j, "context");
	json_key(j, "elements");
	json_open(j, '[');
	write_text(j, "mrkdwn", buf_str(&mrkdwn));
	json_close(j, ']');
	json_close(j, '}');
}

static void write_attachment(struct json *j, const struct alert *a)
{
	json_open(j, '{');
	json_member_str(j, "color", color(a));
	json_key(j, "blocks");
	json_open(j, '[');
	write_header(j, a);
	write_why(j, a);
	write_fields(j, a);
	write_context(j, a);
	json_close(j, ']');
	json_close(j, '}');
}

void slack_body(const struct alert *a, struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	CLEANUP(buf_fini) struct buf mrkdwn = { 0 };
	struct json j = { .out = out };

	buf_addf(&text, "%s %s: %s", state_word(a), severity_name(a->severity), a->summary);
	add_mrkdwn(&mrkdwn, buf_str(&text), TEXT_MAX);
	json_open(&j, '{');
	json_member_str(&j, "text", buf_str(&mrkdwn));
	json_key(&j, "attachments");
	json_open(&j, '[');
	write_attachment(&j, a);
	json_close(&j, ']');
	json_close(&j, '}');
}
