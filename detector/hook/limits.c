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
	uint64_t *starts_ns; /* max_per_hour of them, in no order; 0: none */
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

static bool is_of(const struct acted *at, const struct alert *a)
{
	return at->identity && !strcmp(at->identity, a->identity);
}

/* Where a start at now_ns can be noted; NULL if the hour is full. */
static uint64_t *free_start(struct limits *l, uint64_t now_ns)
{
	for (unsigned i = 0; i < l->max_per_hour; i++)
		if (!l->starts_ns[i] || now_ns - l->starts_ns[i] >= HOUR_NS)
			return &l->starts_ns[i];
	return NULL;
}

static void note(struct acted *at, const struct alert *a, uint64_t now_ns)
{
	char *identity = xstrdup(a->identity);

	free(at->identity);
	at->identity = identity;
	at->at_ns = now_ns;
	memcpy(at->incident, a->incident, sizeof(at->incident));
}

bool limits_undoes(const struct limits *l, const struct alert *a)
{
	return l->on_firing && a->state == ALERT_RESOLVED;
}

const char *limits_refuse(struct limits *l, const struct alert *a, uint64_t now_ns)
{
	struct acted *at = find(l, a->identity);
	uint64_t *start_ns = free_start(l, now_ns);

	if (limits_undoes(l, a))
		return is_of(at, a) && !strcmp(at->incident, a->incident)
			       ? NULL
			       : "the hook did not act when it fired";
	if (l->cooldown_ns && is_of(at, a) && now_ns - at->at_ns < l->cooldown_ns)
		return "the hook is in its cooldown for this alert";
	if (l->max_per_hour && !start_ns)
		return "the hook has acted max_per_hour times";
	note(at, a, now_ns);
	if (start_ns)
		*start_ns = now_ns;
	return NULL;
}

void limits_take_back(struct limits *l, const struct alert *a)
{
	struct acted *at = find(l, a->identity);

	if (limits_undoes(l, a) || !is_of(at, a))
		return;
	for (unsigned i = 0; i < l->max_per_hour; i++) {
		if (l->starts_ns[i] == at->at_ns) {
			l->starts_ns[i] = 0;
			break;
		}
	}
	free(at->identity);
	*at = (struct acted){ .identity = NULL };
}
