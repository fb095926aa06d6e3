/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One transition as it leaves the program: an immutable JSON document (docs/alerts.md) and the few
 * parts of it that delivery itself needs. Counted references: a hook's queue keeps it as long as
 * it has to.
 */
#ifndef ENGINE_ALERT_H
#define ENGINE_ALERT_H

#include "engine/engine.h"

/* The process of an event; empty strings (or NULL) and -1 for what is not known. */
struct process_info {
	int64_t pid; /* -1: the event names no process */
	int64_t ppid;
	int64_t uid;
	char comm[17];
	char *exe;
	char *cmdline; /* arguments separated by spaces, at most 4 KiB */
	char *user;
	char *cgroup;
	char *parent_comm;
	char *container_id;
	char *unit; /* of systemd */
};

struct host_info {
	char *name;
	char *kernel;
	char *boot_id;
};

struct alert {
	unsigned refs;
	char id[ULID_LEN + 1];
	char incident[ULID_LEN + 1];
	enum alert_state state;
	bool repeat;
	enum severity severity;
	char *rule;	/* name */
	char *key;	/* "comm=postgres,syscall_name=fsync", "" if the rule has one key for all */
	char *identity; /* host, rule and key: the same for all transitions of an alert */
	char *summary;	/* one line; control characters replaced */
	char *doc;	/* the document */
	size_t doc_len;
	unsigned hooks[RULE_HOOKS_MAX]; /* of the rule */
	unsigned n_hooks;
};

/* Makes the document. process may be NULL; else its texts are also those of the event. The caller
 * holds the one reference. */
struct alert *alert_new(const struct transition *t, const struct process_info *process,
			const struct host_info *host);
struct alert *alert_ref(struct alert *a);
/* NULL is fine. */
void alert_unref(struct alert *a);

/*
 * An alert of the rule, which is of that set, with made-up values, for checking templates and for test messages. Has every
 * path that a real one of that rule can have, none of them null: also those that only a resolved
 * one has, although it fires.
 */
struct alert *alert_example(const struct rule_set *set, const struct rule *rule);

/* Adds the text at a path of the document ("process/cmdline"); false if absent or null. */
bool alert_text(const struct alert *a, const char *path, struct buf *out);

#endif
