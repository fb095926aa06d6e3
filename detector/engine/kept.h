/* SPDX-License-Identifier: BSD-2-Clause */
/* A transition that outlives its call: what may have to be said later, or was said last. */
#ifndef ENGINE_KEPT_H
#define ENGINE_KEPT_H

#include "engine/engine.h"

/*
 * A copy of all that the transition lends, but its rule, in one block. The caller frees it with
 * free().
 */
struct transition *transition_keep(const struct transition *t);

#endif
