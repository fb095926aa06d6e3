/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON documents read by tables: an object's keys are the rows of a table, each with the function
 * that reads its value into a member of a struct. Unknown, duplicate and missing keys and values of
 * the wrong type are reported at their place; every function here reports its own errors and the
 * caller goes on with what is right.
 */
#ifndef RULE_JSON_OBJECT_H
#define RULE_JSON_OBJECT_H

#include "util/diag.h"
#include "util/json_scan.h"

struct json_doc; /* opaque */

/* A value of a document; good as long as that is. Passed around by copy or pointer, owns nothing.
 */
struct node {
	const struct json_doc *doc; /* NULL: no such value */
	const struct cJSON *item;
	struct json_span span;
	const struct member *member; /* the row by which it is read; NULL if by none */
};

/* Reads one value into target, which is what node_read() was given plus the row's offset. */
typedef void node_read_fn(const struct node *n, void *target);

struct member {
	const char *key;
	node_read_fn *read; /* NULL: the key is allowed, its value is read elsewhere */
	size_t offset;
	bool required;
	bool refused;	   /* known, but only to say why it cannot be here */
	uint64_t min, max; /* for node_read_duration (in ns), _unsigned and _u64 */
};

/* Parses. NULL if the text is not JSON, which is reported. Borrows all arguments. */
struct json_doc *json_doc_new(const char *file, const char *text, size_t len, struct diags *diags);
/* NULL is fine. */
void json_doc_free(struct json_doc *doc);
struct node json_doc_root(const struct json_doc *doc);

/* Messages at the value, at its key, or at byte `offset` of its decoded string. The lines shown
 * with them have secrets masked (rule/mask.h). */
void node_error(const struct node *n, const char *fmt, ...) PRINTF(2, 3);
void node_error_key(const struct node *n, const char *fmt, ...) PRINTF(2, 3);
void node_error_at(const struct node *n, size_t offset, const char *fmt, ...) PRINTF(3, 4);
void node_warning(const struct node *n, const char *fmt, ...) PRINTF(2, 3); /* at its key */
void node_warning_at(const struct node *n, size_t offset, const char *fmt, ...) PRINTF(3, 4);
/* The line of the value's key, or of the value in a list; from 1. */
unsigned node_line(const struct node *n);
/* The value as it is written in the file; lends. */
const char *node_source(const struct node *n, size_t *ret_len);
/* The name of the value's file. */
const char *node_file(const struct node *n);
/* The key of an object's member; NULL for others. */
const char *node_key(const struct node *n);

bool node_is_string(const struct node *n);
bool node_is_object(const struct node *n);
/* Is it an object? Reports any other. */
bool node_expect_object(const struct node *n);

/* The values by type; false, NULL or 0 and a message if it is another. All lend. */
const char *node_text(const struct node *n);
bool node_number(const struct node *n, double *ret_number);
/* A text that is one of n names; *ret_choice is its index. `what` they name is for the message. */
bool node_choice(const struct node *n, const char *what, const char *const *names, size_t n_names,
		 size_t *ret_choice);
/* The min to max elements of a list, or the at most max members of an object whose keys are free.
 * The caller frees the array. NULL and *ret_n 0 on error; of duplicate keys all are there. */
struct node *node_list(const struct node *n, unsigned min, unsigned max, unsigned *ret_n);
struct node *node_map(const struct node *n, unsigned max, unsigned *ret_n);
/* The member of an object; false, without a message, if there is none. */
bool node_member(const struct node *n, const char *key, struct node *ret_member);

/*
 * Reads an object by a table. The values are read in the order of the table, not of the file, so a
 * row may use what rows before it have read. Of duplicate keys the last is read.
 */
void node_read(const struct node *n, const struct member *table, size_t n_table, void *target);

/* Read functions for rows: into a char * (freed before; the owner of the struct frees it), a
 * uint64_t of ns or number, an unsigned, a bool, a struct node. */
void node_read_text(const struct node *n, void *target);
void node_read_duration(const struct node *n, void *target);
void node_read_u64(const struct node *n, void *target);
void node_read_unsigned(const struct node *n, void *target);
void node_read_bool(const struct node *n, void *target);
void node_read_node(const struct node *n, void *target);

#endif
