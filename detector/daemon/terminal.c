/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/printable.h"
#include "util/timetext.h"

#define DETAIL_SHOWN 300 /* characters */

struct terminal terminal_on(int fd)
{
	bool people = isatty(fd);
	const char *no_color = getenv("NO_COLOR");

	return (struct terminal){
		.people = people,
		.colour = people && !(no_color && *no_color),
	};
}

static const char *colour_of(const struct alert *a)
{
	if (a->state == ALERT_RESOLVED)
		return "\033[32m";
	return a->severity >= SEVERITY_ERROR ? "\033[1;31m" : "\033[1;33m";
}

/* "          why       text": one more line below the alert, if the document has the path. */
static void add_detail(struct buf *out, const struct alert *a, const char *name, const char *path)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	size_t shown;

	if (!alert_text(a, path, &text) || text.len == 0)
		return;
	buf_addf(out, "          %-9s ", name);
	shown = printable_add(out, text.data, text.len, DETAIL_SHOWN, "?");
	buf_adds(out, shown < text.len ? " ...\n" : "\n");
}

/* By the local clock; with the day if it is another one than that of `now`. */
static void add_clock(struct buf *out, time_t at, time_t now)
{
	struct tm local, today;
	char text[32];

	(void)localtime_r(&at, &local);
	(void)localtime_r(&now, &today);
	(void)strftime(text, sizeof(text),
		       local.tm_yday == today.tm_yday && local.tm_year == today.tm_year
			       ? "%H:%M:%S"
			       : "%Y-%m-%d %H:%M:%S",
		       &local);
	buf_adds(out, text);
}

/* That no hook was told, and why. */
static void add_silence(struct buf *out, const struct alert *a, time_t now)
{
	CLEANUP(buf_fini) struct buf id = { 0 }, comment = { 0 }, until = { 0 };
	uint64_t until_ns;

	if (!alert_text(a, "silenced/id", &id) || !alert_text(a, "silenced/comment", &comment) ||
	    !alert_text(a, "silenced/until", &until) ||
	    !timetext_parse(buf_str(&until), until.len, &until_ns))
		return;
	buf_addf(out, "          silenced  by %s, ", buf_str(&id));
	(void)printable_add(out, comment.data, comment.len, SIZE_MAX, "?");
	buf_adds(out, ", until ");
	add_clock(out, (time_t)(until_ns / NS_PER_S), now);
	buf_addc(out, '\n');
}

static void add_lines(struct buf *out, const struct terminal *t, const struct alert *a)
{
	time_t now = time(NULL);
	struct tm local;
	char clock[16];

	(void)localtime_r(&now, &local);
	(void)strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	buf_addf(out, "%s  %s%-9s %-9s%s %s\n", clock, t->colour ? colour_of(a) : "",
		 a->state == ALERT_RESOLVED ? "RESOLVED"
		 : a->repeat		    ? "STILL"
					    : "FIRING",
		 severity_name(a->severity), t->colour ? "\033[0m" : "", a->rule);
	buf_adds(out, "          ");
	(void)printable_add(out, a->summary, strlen(a->summary), SIZE_MAX, "?");
	buf_addc(out, '\n');
	add_silence(out, a, now);
	if (a->state == ALERT_RESOLVED)
		return;
	add_detail(out, a, "command", "process/cmdline");
	add_detail(out, a, "cgroup", "process/cgroup");
	add_detail(out, a, "why", "rule/why");
}

void terminal_alert(const struct terminal *t, const struct alert *a, struct buf *out)
{
	if (t->people) {
		add_lines(out, t, a);
		return;
	}
	buf_add(out, a->doc, a->doc_len);
	buf_addc(out, '\n');
}
