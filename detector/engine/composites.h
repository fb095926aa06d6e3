/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules made of other rules (composite.c) at work: what began and ended for each of their keys,
 * and the life of their alerts, which go the same way as all others (changes.c).
 */
#ifndef ENGINE_COMPOSITES_H
#define ENGINE_COMPOSITES_H

#include "engine/changes.h"
#include "engine/composite.h"

struct composites; /* opaque */

/* At most shared->conf.max_keys keys a rule: beyond, the one at which nothing began for longest is
 * forgotten, none that fires. */
struct composites *composites_new(struct engine_shared *shared);
void composites_free(struct composites *cs);

/* An alert of any rule began to fire, since began_ns; and one that did so ended. */
void composites_begin(struct composites *cs, const struct alert_change *c, uint64_t began_ns);
void composites_end(struct composites *cs, unsigned rule, const struct value *key,
		    uint64_t began_ns);
void composites_tick(struct composites *cs, uint64_t now_ns, int64_t wall_offset_ns);

/*
 * Takes over from the composites of other rules, of those that have an heir (changes_adopt()), what
 * began and fires. Those without one must not fire any more.
 */
void composites_adopt(struct composites *to, struct composites *from, const unsigned *heirs);
/* After that: an alert of the rule fires since began_ns. Composite rules that have nothing taken over
 * learn of it, and fire with one that begins from now on. */
void composites_know(struct composites *cs, unsigned rule, const struct value *key,
		     uint64_t began_ns);

/* Calls fn for each key of the composite rule of that index, packed, until it returns false. */
typedef bool composites_key_fn(void *ctx, const unsigned char *key, size_t len);
void composites_each_key(const struct composites *cs, unsigned rule, composites_key_fn *fn,
			 void *ctx);

/*
 * How the composite rule of that index stands for a packed key: NULL if nothing of it began lately.
 * Lends until the next event or tick.
 */
const struct composite *composites_find(const struct composites *cs, unsigned rule,
					const unsigned char *packed, size_t len);

#endif
