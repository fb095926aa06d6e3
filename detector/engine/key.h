/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key of an event under a rule: the values of the rule's "by" fields, packed into bytes that
 * can be hashed, compared and stored as they are. The rule says what the bytes mean. When a
 * process began may stand behind them: it tells keys apart, and is not shown.
 */
#ifndef ENGINE_KEY_H
#define ENGINE_KEY_H

#include "rule/rule.h"

/* A text is cut at KEY_TEXT_MAX bytes. */
#define KEY_TEXT_MAX  255
#define KEY_BYTES_MAX (RULE_BY_MAX * (1 + KEY_TEXT_MAX) + sizeof(double))

/* Where the key of an event of one type comes from. */
struct key_fields {
	const struct field
		*fields[RULE_BY_MAX + 1]; /* of "by"; behind them, when a process began */
	unsigned n;
};

/*
 * Of the events of rule->on, or of rule->with. Where "by" holds pid or tid, and all events tell when
 * their process began, that tells processes apart that had the same id one after the other.
 */
void key_fields(const struct rule *rule, unsigned source, struct key_fields *ret);
/* How long a key can get. */
size_t key_bytes_max(const struct key_fields *fields);
/* Returns how many bytes were written; 0 for a rule that has one key for all. */
size_t key_pack(const struct key_fields *fields, const struct event *ev,
		unsigned char ret_packed[KEY_BYTES_MAX]);
/* Writes rule->n_by values, which lend from packed. */
void key_unpack(const struct rule *rule, const unsigned char *packed,
		struct value ret_values[RULE_BY_MAX]);

/*
 * Packs n values as key_pack() packs those of a rule by the fields they are of, so that a rule with
 * such a "by" can unpack them. Returns how many bytes were written.
 */
size_t key_pack_values(const struct value *const *values, unsigned n,
		       unsigned char ret_packed[KEY_BYTES_MAX]);

/*
 * Adds the key for people and for identities: "comm=postgres,syscall_name=fsync", with any
 * separator. Commas and backslashes in texts get a backslash before them, and bytes that are
 * controls or no UTF-8 are written \xNN, so that different keys differ and fit one line.
 */
void key_text(const struct rule *rule, const struct value *values, const char *separator,
	      struct buf *out);
/* Of what key_text() wrote: the text up to a comma, without its escapes, which the caller frees; *at
 * moves behind the comma. */
char *key_text_part(const char **at);

#endif
