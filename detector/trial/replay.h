/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captures through engines, as fast as they go. The same captures and rules give the same
 * transitions, to the last byte, on any machine and at any time.
 *
 * Each stream (streams.h) is evaluated by engines of its own. A stream with a header has the ticks
 * of its recording. For one without, a tick is made at each whole second of its events' own time, up
 * to the second after the last; of a gap of more than a week the first week.
 */
#ifndef TRIAL_REPLAY_H
#define TRIAL_REPLAY_H

#include "engine/alert.h"
#include "trial/streams.h"

typedef void replay_transition_fn(void *ctx, const struct transition *t,
				  const struct host_info *host);

/* One engine that all is fed to. */
struct replay_target {
	const struct rule_set *rules;
	replay_transition_fn *on_transition;
	void (*on_stream_end)(void *ctx, uint64_t wall_ns); /* its last moment; may be NULL */
	/* The engine at that moment, before it is freed; may be NULL. */
	void (*on_engine_end)(void *ctx, struct engine *e, uint64_t now_ns, int64_t wall_offset_ns);
	void *ctx;
};

#define REPLAY_TARGETS_MAX 2

struct replay_conf {
	struct replay_target targets[REPLAY_TARGETS_MAX];
	unsigned n_targets;
	unsigned max_keys; /* see engine.h */
	/* Says something about a file that a reader of the result should know. */
	void (*on_remark)(void *ctx, const char *text);
	void *remark_ctx;
};

struct replay_stats {
	uint64_t events;
	uint64_t lost;		/* that the captures say were lost */
	uint64_t first_wall_ns; /* of the first event or tick of all; 0 without any */
	uint64_t last_wall_ns;
};

/* What a recording says of a reload is remarked on, as the rules of the targets stay what they are.
 * False at a line that is wrong, with one sentence in *ret_error, which the caller frees. */
bool replay(struct streams *s, const struct replay_conf *conf, struct replay_stats *ret_stats,
	    char **ret_error);
/* Writes them as a line for people. */
void replay_stats_write(const struct replay_stats *stats, struct buf *out);

#endif
