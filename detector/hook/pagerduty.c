/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PagerDuty events. The dedup key is made from the alert's identity alone, so a resolve finds the
 * incident that its trigger opened; PagerDuty drops a resolve with any other key without a word.
 */
#include "hook/format.h"

#include <string.h>

#include "util/digest.h"
#include "util/json_scan.h"
#include "util/utf8.h"

#define COMPONENT_MAX 1024
#define SUMMARY_MAX   1024 /* characters */
#define MEMBERS_MAX   64   /* of the alert document; it has about 25 */
#define ROOM_LEFT     2048 /* for brackets and the list of what was left out */

struct member {
	const char *key;
	size_t key_len;
	struct json_span value;
	bool dropped;
};

struct members {
	struct member list[MEMBERS_MAX];
	unsigned n;
};

static void add_member(void *ctx, const char *key, size_t key_len, struct json_span value)
{
	struct members *m = ctx;

	if (m->n < MEMBERS_MAX)
		m->list[m->n++] = (struct member){ key, key_len, value, false };
}

/* Marks the largest members until the others fit into room. */
static void drop_largest(struct members *m, size_t room)
{
	for (;;) {
		struct member *largest = NULL;
		size_t total = 0;

		for (unsigned i = 0; i < m->n; i++) {
			struct member *at = &m->list[i];

			if (at->dropped)
				continue;
			total += at->key_len + at->value.len + strlen("\"\":,");
			if (!largest || at->value.len > largest->value.len)
				largest = at;
		}
		if (total <= room)
			return;
		largest->dropped = true;
	}
}

/* Writes the members that are dropped or those that are not; keys are JSON text already. */
static void write_members(struct json *j, const struct members *m, const char *doc)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct member *at = &m->list[i];
		AUTO_FREE char *key = xstrndup(at->key, at->key_len);
		AUTO_FREE char *value = xstrndup(doc + at->value.at, at->value.len);

		if (at->dropped)
			continue;
		json_key(j, key);
		json_raw(j, value);
	}
	json_key(j, "truncated");
	json_open(j, '[');
	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].dropped)
			json_strn(j, m->list[i].key, m->list[i].key_len);
	json_close(j, ']');
}

static void write_details(struct json *j, const struct alert *a)
{
	size_t room = PAGERDUTY_BODY_MAX - j->out->len - ROOM_LEFT;
	struct members m = { .n = 0 };
	struct json_span whole;

	json_key(j, "custom_details");
	if (a->doc_len <= room) {
		json_raw(j, a->doc);
		return;
	}
	if (json_find(a->doc, a->doc_len, "", &whole))
		json_each(a->doc, a->doc_len, whole, add_member, &m);
	drop_largest(&m, room);
	json_open(j, '{');
	write_members(j, &m, a->doc);
	json_close(j, '}');
}

static void write_path(struct json *j, const char *key, const struct alert *a, const char *path)
{
	CLEANUP(buf_fini) struct buf text = { 0 };

	if (!alert_text(a, path, &text) || text.len == 0)
		return;
	json_key(j, key);
	json_strn(j, text.data, text.len);
}

static void write_payload(struct json *j, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf source = { 0 };
	size_t summary_len = strlen(a->summary);

	json_open(j, '{');
	json_key(j, "summary");
	json_strn(j, a->summary, utf8_prefix(a->summary, summary_len, SUMMARY_MAX));
	json_key(j, "source"); /* required */
	json_str(j, alert_text(a, "host/name", &source) && source.len ? source.data : "unknown");
	json_member_str(j, "severity", severity_name(a->severity));
	write_path(j, "timestamp", a, "started");
	if (*a->key) {
		json_key(j, "component");
		json_strn(j, a->key, utf8_prefix(a->key, strlen(a->key), COMPONENT_MAX));
	}
	json_member_str(j, "group", a->rule);
	write_path(j, "class", a, "rule/source");
	write_details(j, a);
	json_close(j, '}');
}

static void write_dedup_key(struct json *j, const struct alert *a)
{
	unsigned char digest[SHA256_LEN];
	CLEANUP(buf_fini) struct buf key = { 0 };

	sha256(a->identity, strlen(a->identity), digest);
	buf_adds(&key, "ks1-");
	for (size_t i = 0; i < SHA256_LEN / 2; i++)
		buf_addf(&key, "%02x", digest[i]);
	json_member_str(j, "dedup_key", buf_str(&key));
}

void pagerduty_body(const struct alert *a, const char *routing_key, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_str(&j, "routing_key", routing_key);
	json_member_str(&j, "event_action", a->state == ALERT_FIRING ? "trigger" : "resolve");
	write_dedup_key(&j, a);
	if (a->state == ALERT_FIRING) {
		json_member_str(&j, "client", "kernelsight " KERNELSIGHT_VERSION);
		json_key(&j, "payload");
		write_payload(&j, a);
	}
	json_close(&j, '}');
}
