/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/silencing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/printable.h"
#include "util/timetext.h"

#define RULES_NAMED 20 /* of those that a silence matches */

/* The matchers, fit for a terminal. */
static void add_matchers(const struct silence *s, struct buf *out)
{
	(void)printable_add(out, s->text, strlen(s->text), SIZE_MAX, "?");
}

static void write_time(struct json *j, const char *key, uint64_t at_ns, int64_t wall_offset_ns)
{
	char text[TIMETEXT_LEN + 1];

	timetext(at_ns + (uint64_t)wall_offset_ns, text);
	json_member_str(j, key, text);
}

static void write_rules(const struct silencing *s, const struct silence *silence, struct json *j)
{
	unsigned n = 0;

	json_key(j, "rules");
	json_open(j, '[');
	for (unsigned i = 0; i < s->rules->n_rules; i++)
		if (silence_fits_rule(silence, &s->rules->rules[i]) && n++ < RULES_NAMED)
			json_str(j, s->rules->rules[i].name);
	json_close(j, ']');
	json_member_u64(j, "n_rules", n);
}

static void write_silence(const struct silencing *s, const struct silence *silence, struct json *j)
{
	json_open(j, '{');
	json_member_u64(j, "id", silence->id);
	json_member_str(j, "matchers", silence->text);
	json_member_str(j, "comment", silence->comment);
	write_time(j, "began", silence->began_ns, s->wall_offset_ns);
	write_time(j, "until", silence->until_ns, s->wall_offset_ns);
	json_member_span(j, "left_s", s->now_ns, silence->until_ns);
	write_rules(s, silence, j);
	json_member_u64(j, "firing", engine_silenced_alerts(s->engine, silence));
	json_member_u64(j, "untold", silence->alerts);
	json_member_u64(j, "unsent", silence->unsent);
	json_close(j, '}');
}

char *silencing_add(const struct silencing *s, const struct request *request, struct json *reply)
{
	CLEANUP(buf_fini) struct buf matchers = { 0 }, comment = { 0 }, length = { 0 };
	CLEANUP(buf_fini) struct buf said = { 0 }, text = { 0 };
	const struct silence *silence;
	struct silence_conf conf;
	char *error;

	if (!request_text(request, "matchers", &matchers) ||
	    !request_text(request, "comment", &comment) || !request_text(request, "for", &length))
		return xstrdup("a silence takes \"matchers\", \"comment\" and \"for\"");
	conf = (struct silence_conf){ .matchers = buf_str(&matchers),
				      .comment = buf_str(&comment) };
	if (!duration_parse(buf_str(&length), &conf.length_ns))
		return xasprintf("no duration such as 90s or 2h: %s", buf_str(&length));
	error = silences_add(engine_silences(s->engine), s->rules, &conf, s->now_ns, &silence);
	if (error)
		return error;
	json_key(reply, "silence");
	write_silence(s, silence, reply);
	add_matchers(silence, &text);
	duration_format(&said, conf.length_ns);
	fprintf(stderr, "kernelsight: silence %llu begins, for %s: %s (%s)\n",
		(unsigned long long)silence->id, buf_str(&said), buf_str(&text), silence->comment);
	return NULL;
}

/* The id that a request names; 0, which none has, if it names no such number. */
static uint64_t read_id(const struct request *request)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	char *end;
	uint64_t id;

	if (!request_text(request, "id", &text))
		return 0;
	id = strtoull(buf_str(&text), &end, 10);
	return *end ? 0 : id;
}

struct search {
	uint64_t id;
	const struct silence *found;
};

static void on_silence(void *ctx, const struct silence *silence)
{
	struct search *search = ctx;

	if (silence->id == search->id)
		search->found = silence;
}

char *silencing_remove(const struct silencing *s, const struct request *request, struct json *reply)
{
	struct silences *all = engine_silences(s->engine);
	struct search search = { .id = read_id(request) };

	silences_each(all, on_silence, &search);
	if (!search.found)
		return xstrdup("there is no such silence; `kernelsight silences` lists them");
	json_key(reply, "silence");
	write_silence(s, search.found, reply);
	fprintf(stderr, "kernelsight: silence %llu is taken back\n", (unsigned long long)search.id);
	(void)silences_remove(all, search.id);
	return NULL;
}

struct listing {
	const struct silencing *s;
	struct json *j;
};

static void list_one(void *ctx, const struct silence *silence)
{
	const struct listing *l = ctx;

	write_silence(l->s, silence, l->j);
}

void silencing_list(const struct silencing *s, struct json *reply)
{
	struct listing l = { s, reply };

	json_key(reply, "silences");
	json_open(reply, '[');
	silences_each(engine_silences(s->engine), list_one, &l);
	json_close(reply, ']');
}

void silencing_report_over(const struct silence *s)
{
	fprintf(stderr,
		"kernelsight: silence %llu is over; it kept %llu change%s of alerts from the hooks; "
		"%llu alert%s fire%s of which none knows (%s)\n",
		(unsigned long long)s->id, (unsigned long long)s->unsent, plural(s->unsent),
		(unsigned long long)s->alerts, plural(s->alerts), s->alerts == 1 ? "s" : "",
		s->comment);
}
