/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/limits.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_NS (3600 * NS_PER_S)

struct acted {
	char *identity; /* NULL: free */
	char incident[ULID_LEN + 1];
	uint64_t at_ns;
};

struct limits {
	uint64_t cooldown_ns;
	bool on_firing;
	struct acted alerts[LIMITS_ALERTS_MAX];
	unsigned max_per_hour;
	uint64_t *starts_ns; /* ring of the last max_per_hour starts, 0: none yet */
	unsigned next;
};

struct limits *limits_new(uint64_t cooldown_ns, unsigned max_per_hour, bool on_firing)
{
	struct limits *l = xcalloc(1, sizeof(*l));

	l->cooldown_ns = cooldown_ns;
	l->on_firing = on_firing;
	l->max_per_hour = max_per_hour;
	l->starts_ns = xcalloc(max_per_hour, sizeof(uint64_t));
	return l;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < LIMITS_ALERTS_MAX; i++)
		free(l->alerts[i].identity);
	free(l->starts_ns);
	free(l);
}

/* What is known of the alert, or else the place that it may take. */
static struct acted *find(struct limits *l, const char *identity)
{
	struct acted *oldest = &l->alerts[0];

	for (size_t i = 0; i < LIMITS_ALERTS_MAX; i++) {
		struct acted *at = &l->alerts[i];

		if (at->identity && !strcmp(at->identity, identity))
			return at;
		if (oldest->identity && (!at->identity || at->at_ns < oldest->at_ns))
			oldest = at;
	}
	return oldest;
}

static bool hour_is_full(const struct limits *l, uint64_t now_ns)
{
	uint64_t first_ns = l->max_per_hour ? l->starts_ns[l->next] : 0;

	return first_ns && now_ns - first_ns < HOUR_NS;
}

static void note(struct limits *l, struct acted *at, const struct alert *a, uint64_t now_ns)
{
	char *identity = xstrdup(a->identity);

	free(at->identity);
	at->identity = identity;
	at->at_ns = now_ns;
	memcpy(at->incident, a->incident, sizeof(at->incident));
	if (l->max_per_hour) {
		l->starts_ns[l->next] = now_ns;
		l->next = (l->next + 1) % l->max_per_hour;
	}
}

const char *limits_refuse(struct limits *l, const struct alert *a, uint64_t now_ns)
{
	struct acted *at = find(l, a->identity);
	bool known = at->identity && !strcmp(at->identity, a->identity);

	if (!l->cooldown_ns && !l->max_per_hour)
		return NULL;
	if (l->on_firing && a->state == ALERT_RESOLVED)
		return known && !strcmp(at->incident, a->incident)
			       ? NULL
			       : "the hook did not act when it fired";
	if (l->cooldown_ns && known && now_ns - at->at_ns < l->cooldown_ns)
		return "the hook is in its cooldown for this alert";
	if (hour_is_full(l, now_ns))
		return "the hook has acted max_per_hour times";
	note(l, at, a, now_ns);
	return NULL;
}
