/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Secrets are read once, from where a rule file says they are, and kept out of every message: what
 * comes back from a sink may quote what was sent to it, so texts for the log pass secrets_hide().
 */
#ifndef HOOK_SECRET_H
#define HOOK_SECRET_H

#include "rule/hook_conf.h"

#define SECRET_MAX_BYTES (64 * 1024)

/* Texts that must not be logged. {0} is an empty list. Owns them. */
struct secrets {
	char **texts;
	unsigned n;
};

void secrets_fini(struct secrets *s);
/* Adds a copy. What is shorter than 4 bytes is no secret, and hiding it would garble every text. */
void secrets_add(struct secrets *s, const char *text);
/* Adds a copy, and one of each part of it that may stand alone in an answer: the token of "Bearer
 * TOKEN", the end of a path, the value of a parameter. Parts from 8 bytes on: shorter ones may be
 * words that every text has. */
void secrets_add_parts(struct secrets *s, const char *text);
/* Adds text with each secret in it replaced by "***". */
void secrets_hide(const struct secrets *s, const char *text, size_t len, struct buf *out);

/* Is a secret named at all? */
bool secret_given(const struct secret_ref *ref);
/*
 * Reads it, without the line ends behind it. Gives the text, or NULL with a message in *ret_error
 * that the caller frees. Where others may read the file, *ret_warning gets a message to free.
 */
char *secret_read(const struct secret_ref *ref, char **ret_error, char **ret_warning);

#endif
