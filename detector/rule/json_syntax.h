/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a text JSON, by the letter of RFC 8259? Says where it is not, and what would be right there.
 */
#ifndef RULE_JSON_SYNTAX_H
#define RULE_JSON_SYNTAX_H

#include "util/base.h"

#define JSON_DEPTH_MAX 32 /* objects and lists inside each other */

/*
 * Refuses beyond the RFC: deeper nesting than JSON_DEPTH_MAX, endless numbers, and \u0000, which
 * would end a string in C early. On false the offset may be `len`, and the caller frees the
 * message.
 */
bool json_syntax_check(const char *text, size_t len, size_t *ret_offset, char **ret_message);

#endif
