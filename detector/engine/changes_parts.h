/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the changes share, and nobody else looks into:
 *
 *	changes.c         alerts come and go, and what waits is looked at each second
 *	changes_say.c     what is told of an alert, or held back, and why
 *	changes_adopt.c   the alerts of an engine go over to another
 *	changes_view.c    how they stand, for those who ask
 *	standings.c       what is known of them
 */
#ifndef ENGINE_CHANGES_PARTS_H
#define ENGINE_CHANGES_PARTS_H

#include <sys/queue.h>

#include "engine/changes.h"
#include "engine/flap.h"
#include "engine/inhibition.h"

/* What is known of one alert: while it fires, and until its changes are too old to make it flap. */
struct standing {
	TAILQ_ENTRY(standing) link;
	unsigned rule;
	bool fires; /* for its rule */
	bool up;    /* for everybody else: fires, or flaps */
	bool said;  /* it was said that it fires, and not yet that it has resolved */
	bool held;  /* it waits, and an inhibitor was seen */
	/* said, but hooks were not told that it fires, because of this one; or NULL */
	struct silence *silence;
	enum severity told; /* what hooks know; said, and no silence ... */
	bool lags;	    /* ... but in a silence it took another severity */
	bool met;	    /* as far as its rule said; while fires */
	uint64_t up_ns;	    /* when it came up ... */
	uint64_t began_ns;  /* ... and since when what it says was so */
	struct flap flap;
	char incident[ULID_LEN + 1];
	char id[ULID_LEN + 1];	   /* of what was said last */
	struct transition *latest; /* while up */
	struct transition *first;  /* up, and fired again since: what it came up with; or NULL */
	const unsigned char *packed;
	size_t len;
	unsigned char bytes[]; /* what packed points to */
};

TAILQ_HEAD(standings, standing);

/* The alerts of one rule. */
struct rule_alerts {
	const struct rule *rule;
	struct flap_conf flap;
	struct standings firing;
	struct standings quiet; /* do not fire; the one that changed last is last */
	unsigned n;
	struct rule_alert_stats stats;
};

struct changes {
	struct engine_shared *shared;
	struct rule_alerts *rules;
	unsigned n_rules;
	void *tree; /* of struct standing by rule and key: tsearch(3) */
	struct inhibition *inhibition;
	struct composites *composites;
	struct silences *silences;
	bool behind; /* there may be something that hooks have not been told */
};

/* --- standings.c ----------------------------------------------------------------------------- */

/* What is known of the alert of a rule and key; NULL: nothing. */
struct standing *standing_find(const struct changes *ch, unsigned rule, const unsigned char *packed,
			       size_t len);
/* Of one that changes for the first time; it does not fire yet. */
struct standing *standing_add(struct changes *ch, const struct alert_change *c);
void standing_drop(struct changes *ch, struct standing *s);
/* From one set of changes to another: s->rule is that in the one it is in. */
void standing_take_out(struct changes *ch, struct standing *s);
void standing_put_in(struct changes *ch, struct standing *s);
/* It fires for its rule, or no longer. */
void standing_set_fires(struct changes *ch, struct standing *s, bool fires);
/* Copies what its rule said last. */
void standing_keep(struct standing *s, const struct transition *t);

/* --- changes_say.c --------------------------------------------------------------------------- */

/* What holds back an alert of that key and severity now; and of what there is to say of one. */
struct hold changes_hold(const struct changes *ch, unsigned rule, const struct value *key,
			 enum severity severity, uint64_t now_ns);
struct hold standing_hold(const struct changes *ch, const struct standing *s,
			  const struct transition *t, const struct moment *m);
/* Is it not said at all? A silence only keeps it from hooks. */
bool hold_is_unsaid(const struct hold *h);

/* Hooks do not know that it fires, because of that silence; NULL: they know, or it is over. */
void standing_set_silence(struct changes *ch, struct standing *s, struct silence *by);
/* Was something of it said that hooks do not know? */
bool standing_lags(const struct standing *s);

void standing_say(struct changes *ch, struct standing *s, enum change change,
		  const struct transition *what, const struct moment *m);
/* Says again, now to hooks, what they were not told of one that fires. */
void standing_catch_up(struct changes *ch, struct standing *s, const struct moment *m);

#endif
