/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of the language, for its schema: what never changes. It is written as JSON with ' for ", and
 * brought together in rule_schema.c with what the table of events says.
 */
#ifndef RULE_RULE_SCHEMA_PARTS_H
#define RULE_RULE_SCHEMA_PARTS_H

#include <stddef.h>

/* A key of an object: what its value is, and what it means. */
struct schema_property {
	const char *key;
	const char *schema; /* members of its schema, ' for " */
	const char *help;   /* NULL: none */
};

/* An object with these keys and no other. */
struct schema_object {
	const char *name; /* under "$defs" */
	const struct schema_property *properties;
	size_t n;
	const char *rest; /* more members, ' for "; NULL: none */
};

/* The keys of a file, and those of a rule on a source. */
const struct schema_property *schema_file(size_t *ret_n);
const struct schema_property *schema_event_rule(size_t *ret_n);
/* All other objects under "$defs", and the definitions there that are no objects. */
const struct schema_object *schema_objects(size_t *ret_n);
const struct schema_property *schema_definitions(size_t *ret_n);

#endif
