/* SPDX-License-Identifier: BSD-2-Clause */
/* The second half of a message about a wrong name. */
#ifndef RULE_SUGGEST_H
#define RULE_SUGGEST_H

#include "event/event.h"

/* "; did you mean "x"?" if one of the names is near, else "; allowed are a, b, c" or "; there is
 * none". The caller frees it. */
char *suggest(const char *word, const char *const *names, size_t n);

/* The same for the sources. */
char *suggest_source(const char *word);

/* The same for the fields of a type for which `usable` holds. */
char *suggest_field(const char *word, const struct event_type *type,
		    bool (*usable)(const struct field *f));

#endif
