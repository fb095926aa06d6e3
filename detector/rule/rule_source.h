/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RULE_RULE_SOURCE_H
#define RULE_RULE_SOURCE_H

#include "event/event.h"
#include "rule/json_object.h"

/* The event type of the source that a text names; NULL and a message if there is none. */
const struct event_type *read_source_name(const struct node *n);

#endif
