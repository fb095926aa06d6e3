/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/replay.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "util/timetext.h"

#define BATCH		256
#define SEED		0x6b65726e656c7369 /* of streams without one of their own */
#define GAP_SECONDS_MAX (7 * 86400)
#define TIME_MAX_NS	(UINT64_MAX / 2) /* the year 2262: what lies behind it is no time */

_Static_assert(BATCH <= CAPTURE_BATCH, "a reader keeps the events of a batch");

/* A target at work on a stream. */
struct player {
	struct replay_target target;
	struct engine *engine;
	const struct host_info *host;
};

struct replayer {
	const struct replay_conf *conf;
	struct replay_stats *stats;
	struct player players[REPLAY_TARGETS_MAX];
	struct event batch[BATCH];
	unsigned n;
	bool makes_ticks;
	uint64_t next_tick_ns; /* if so; 0: before the first event */
	uint64_t last_ns;
	int64_t wall_offset_ns;
	uint64_t recorded_rules; /* digest of those of the recording, now; 0: not known */
};

static const struct host_info no_host = { 0 };

static void on_transition(void *ctx, const struct transition *t)
{
	const struct player *p = ctx;

	p->target.on_transition(p->target.ctx, t, p->host);
}

/* --- feeding --------------------------------------------------------------------------------- */

static void feed(struct replayer *r)
{
	for (unsigned p = 0; p < r->conf->n_targets; p++)
		engine_feed_batch(r->players[p].engine, r->batch, r->n);
	r->n = 0;
}

/* Not while an event that was read is not in the batch yet: its record goes too. */
static void flush(struct replayer *r, struct capture_reader *file)
{
	feed(r);
	capture_release(file);
}

static void note_time(struct replayer *r, uint64_t ns, int64_t wall_offset_ns)
{
	uint64_t wall_ns = ns + (uint64_t)wall_offset_ns;

	r->last_ns = ns > r->last_ns ? ns : r->last_ns;
	r->wall_offset_ns = wall_offset_ns;
	if (!r->stats->first_wall_ns || wall_ns < r->stats->first_wall_ns)
		r->stats->first_wall_ns = wall_ns;
	if (wall_ns > r->stats->last_wall_ns)
		r->stats->last_wall_ns = wall_ns;
}

static void tick(struct replayer *r, uint64_t now_ns, int64_t wall_offset_ns)
{
	for (unsigned p = 0; p < r->conf->n_targets; p++)
		engine_tick(r->players[p].engine, now_ns, wall_offset_ns);
}

/* The ticks that come before something at that time, in a stream without ticks. */
static void tick_until(struct replayer *r, uint64_t ns)
{
	uint64_t until_ns = ns;

	if (ns > TIME_MAX_NS)
		return;
	if (r->next_tick_ns == 0)
		r->next_tick_ns = (ns / NS_PER_S + 1) * NS_PER_S;
	if (ns < r->next_tick_ns)
		return;
	feed(r);
	if (until_ns - r->next_tick_ns > GAP_SECONDS_MAX * NS_PER_S)
		until_ns = r->next_tick_ns + GAP_SECONDS_MAX * NS_PER_S;
	for (; r->next_tick_ns <= until_ns; r->next_tick_ns += NS_PER_S)
		tick(r, r->next_tick_ns, 0);
	if (until_ns < ns)
		r->next_tick_ns = (ns / NS_PER_S + 1) * NS_PER_S;
}

static void take_event(struct replayer *r, struct capture_reader *file, const struct event *ev)
{
	uint64_t ns = event_time_ns(ev);

	if (r->makes_ticks)
		tick_until(r, ns);
	note_time(r, ns, ev->wall_offset_ns);
	r->stats->events++;
	r->batch[r->n++] = *ev;
	if (r->n == BATCH || capture_is_full(file))
		flush(r, file);
}

static void take_loss(struct replayer *r, const struct capture_entry *e)
{
	r->stats->lost += e->lost;
	for (unsigned p = 0; p < r->conf->n_targets; p++)
		engine_loss(r->players[p].engine, e->type, e->lost, e->now_ns);
}

/* Which of the recording's rules the ones at hand are, if there is one target. */
static const char *which_rules(const struct replayer *r, uint64_t before, uint64_t after)
{
	uint64_t given = r->conf->targets[0].rules->digest;

	if (r->conf->n_targets > 1 || (given != before && given != after))
		return "";
	return given == before ? ", which are those of before" : ", which are those of after";
}

static void take_rules(struct replayer *r, const struct capture_reader *file,
		       const struct capture_entry *e)
{
	uint64_t before = r->recorded_rules;
	char at[TIMETEXT_LEN + 1];
	AUTO_FREE char *text = NULL;

	r->recorded_rules = e->rules;
	if (before == e->rules || !r->conf->on_remark)
		return;
	timetext(e->now_ns + (uint64_t)e->wall_offset_ns, at);
	text = xasprintf(
		"%s: the rules were changed at %s; all of it is judged by those given here%s",
		capture_path(file), at, which_rules(r, before, e->rules));
	r->conf->on_remark(r->conf->remark_ctx, text);
}

static void take(struct replayer *r, struct capture_reader *file, const struct capture_entry *e)
{
	if (e->news) {
		feed(r);
		capture_go_on(file);
	}
	if (e->kind == ENTRY_EVENT) {
		take_event(r, file, &e->event);
		return;
	}
	flush(r, file);
	if (e->kind == ENTRY_TICK) {
		note_time(r, e->now_ns, e->wall_offset_ns);
		tick(r, e->now_ns, e->wall_offset_ns);
	} else if (e->kind == ENTRY_LOSS) {
		take_loss(r, e);
	} else if (e->kind == ENTRY_RULES) {
		take_rules(r, file, e);
	}
}

/* --- streams --------------------------------------------------------------------------------- */

static void begin_stream(struct replayer *r, const struct capture_header *header)
{
	r->makes_ticks = !header;
	r->next_tick_ns = r->last_ns = 0;
	r->recorded_rules = header ? header->rules : 0;
	for (unsigned i = 0; i < r->conf->n_targets; i++) {
		struct player *p = &r->players[i];
		struct engine_conf conf = {
			.rules = r->conf->targets[i].rules,
			.seed = header ? header->seed : SEED,
			.max_keys = r->conf->max_keys,
			.on_transition = on_transition,
			.ctx = p,
		};

		p->target = r->conf->targets[i];
		p->host = header ? &header->host : &no_host;
		p->engine = engine_new(&conf);
	}
}

/* A live run says so too: what it is about is missing in the result. */
static void remark_crowding(const struct replayer *r, const struct player *p)
{
	const struct rule_set *rules = p->target.rules;

	for (unsigned i = 0; r->conf->on_remark && i < rules->n_rules; i++) {
		const struct engine_rule_stats *stats = engine_rule_stats(p->engine, i);
		AUTO_FREE char *text = NULL;

		if (stats->evicted + stats->refused == 0)
			continue;
		text = xasprintf(
			"rule %s: more than %u keys; %llu were forgotten, and %llu event%s "
			"of new ones not judged",
			rules->rules[i].name,
			r->conf->max_keys ? r->conf->max_keys : ENGINE_MAX_KEYS,
			(unsigned long long)stats->evicted, (unsigned long long)stats->refused,
			plural(stats->refused));
		r->conf->on_remark(r->conf->remark_ctx, text);
	}
}

static void end_stream(struct replayer *r, struct capture_reader *file)
{
	if (r->makes_ticks && r->next_tick_ns)
		tick_until(r, r->next_tick_ns);
	flush(r, file);
	for (unsigned i = 0; i < r->conf->n_targets; i++) {
		struct player *p = &r->players[i];

		if (p->target.on_stream_end)
			p->target.on_stream_end(p->target.ctx,
						r->last_ns + (uint64_t)r->wall_offset_ns);
		remark_crowding(r, p);
		if (p->target.on_engine_end)
			p->target.on_engine_end(p->target.ctx, p->engine, r->last_ns,
						r->wall_offset_ns);
		engine_free(p->engine);
		p->engine = NULL;
	}
}

static bool play(struct replayer *r, struct capture_reader *file, char **ret_error)
{
	struct capture_entry e;
	int more;

	while ((more = capture_read(file, &e)) > 0)
		take(r, file, &e);
	flush(r, file);
	if (more < 0)
		*ret_error = xstrdup(capture_error(file));
	if (capture_remark(file) && r->conf->on_remark)
		r->conf->on_remark(r->conf->remark_ctx, capture_remark(file));
	if (capture_odd_texts(file) && r->conf->on_remark)
		r->conf->on_remark(r->conf->remark_ctx, capture_odd_texts(file));
	return more == 0;
}

bool replay(struct streams *s, const struct replay_conf *conf, struct replay_stats *ret_stats,
	    char **ret_error)
{
	AUTO_FREE struct replayer *r = xcalloc(1, sizeof(*r));
	bool ok = true;

	*ret_stats = (struct replay_stats){ 0 };
	*r = (struct replayer){ .conf = conf, .stats = ret_stats };
	for (unsigned i = 0; ok && i < s->n; i++) {
		if (i == 0 || !streams_continues(s, i))
			begin_stream(r, capture_header(s->files[i]));
		ok = play(r, s->files[i], ret_error);
		if (!ok || i + 1 == s->n || !streams_continues(s, i + 1))
			end_stream(r, s->files[i]);
	}
	return ok;
}

void replay_stats_write(const struct replay_stats *stats, struct buf *out)
{
	char first[TIMETEXT_LEN + 1], last[TIMETEXT_LEN + 1];

	quantity_format(out, (double)stats->events, UNIT_COUNT);
	buf_adds(out, stats->events == 1 ? " event" : " events");
	if (stats->first_wall_ns) {
		timetext(stats->first_wall_ns, first);
		timetext(stats->last_wall_ns, last);
		buf_addf(out, " from %s to %s", first, last);
	}
	if (stats->lost) {
		buf_adds(out, ", ");
		quantity_format(out, (double)stats->lost, UNIT_COUNT);
		buf_adds(out, " lost");
	}
	buf_addc(out, '\n');
}
