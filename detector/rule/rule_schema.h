/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON Schema (draft 2020-12) of rule files, for editors that complete and check. It knows which
 * keys there are, their types and ranges, and the sources with their fields; conditions and formulas
 * are texts to it. What it refuses, rule_load() refuses too.
 */
#ifndef RULE_RULE_SCHEMA_H
#define RULE_RULE_SCHEMA_H

#include "util/buf.h"

/* Adds the schema, indented, with a newline behind. */
void rule_schema_write(struct buf *out);

#endif
