/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often a hook may act: a cooldown for each alert and a limit over a sliding hour. Both hold
 * for the transition that starts something, firing. What undoes it, the resolved of the same
 * incident, runs exactly if its firing did (and is remembered, see below); where a hook acts on
 * resolved only, they hold for that.
 */
#ifndef HOOK_LIMITS_H
#define HOOK_LIMITS_H

#include "engine/alert.h"

#define LIMITS_ALERTS_MAX 4096 /* remembered; the one that acted longest ago is forgotten */

struct limits;

/* Either may be 0: no such limit. */
struct limits *limits_new(uint64_t cooldown_ns, unsigned max_per_hour, bool on_firing);
void limits_free(struct limits *l);

/* Is the alert the end of one on which the hook acts, and so to be acted on whenever that was? */
bool limits_undoes(const struct limits *l, const struct alert *a);
/* NULL, and it is noted, if the hook may act on the alert now; else the reason (static). */
const char *limits_refuse(struct limits *l, const struct alert *a, uint64_t now_ns);
/* Takes the note back: the hook could not act. */
void limits_take_back(struct limits *l, const struct alert *a);

#endif
