/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/inhibition.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "engine/projection.h"

/* How many alerts of an inhibitor fire that agree with one part of a key. */
struct tally {
	unsigned n;
	size_t len;
	const unsigned char *part;
	unsigned char bytes[]; /* what part points to */
};

/* One rule inhibited by another. */
struct link {
	unsigned inhibited;
	unsigned inhibitor;
	struct projection of_inhibited;
	struct projection of_inhibitor;
	void *tallies; /* of struct tally by part: tsearch(3) */
};

struct inhibition {
	const struct rule_set *rules;
	struct link *links;
	unsigned n_links;
};

static int compare(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return packed_compare(x->part, x->len, y->part, y->len);
}

static void add_link(struct inhibition *in, unsigned inhibited, unsigned inhibitor)
{
	const struct rule *a = &in->rules->rules[inhibited], *b = &in->rules->rules[inhibitor];
	struct link *link = &in->links[in->n_links++];

	*link = (struct link){ .inhibited = inhibited, .inhibitor = inhibitor };
	link->of_inhibited = projection_of(a, b);
	/* in the order of the other, so that the two parts compare */
	for (unsigned i = 0; i < link->of_inhibited.n; i++)
		for (unsigned k = 0; k < b->n_by; k++)
			if (strcmp(a->by[link->of_inhibited.from[i]]->name, b->by[k]->name) == 0)
				link->of_inhibitor.from[link->of_inhibitor.n++] = k;
}

struct inhibition *inhibition_new(const struct rule_set *rules)
{
	struct inhibition *in = xcalloc(1, sizeof(*in));
	unsigned n = 0;

	in->rules = rules;
	for (unsigned i = 0; i < rules->n_rules; i++)
		n += rules->rules[i].n_inhibitors;
	in->links = xcalloc(n, sizeof(*in->links));
	for (unsigned i = 0; i < rules->n_rules; i++)
		for (unsigned k = 0; k < rules->rules[i].n_inhibitors; k++)
			add_link(in, i, rules->rules[i].inhibitors[k].rule);
	return in;
}

void inhibition_free(struct inhibition *in)
{
	if (!in)
		return;
	for (unsigned i = 0; i < in->n_links; i++)
		tdestroy(in->links[i].tallies, free);
	free(in->links);
	free(in);
}

static struct tally *find(const struct link *link, const struct tally *wanted)
{
	struct tally *const *found = tfind(wanted, &link->tallies, compare);

	return found ? *found : NULL;
}

static void add_one(struct link *link, const struct tally *part)
{
	struct tally *t = find(link, part);

	if (!t) {
		t = xcalloc(1, sizeof(*t) + part->len);
		memcpy(t->bytes, part->part, part->len);
		t->part = t->bytes;
		t->len = part->len;
		(void)tsearch(t, &link->tallies, compare);
	}
	t->n++;
}

static void remove_one(struct link *link, const struct tally *part)
{
	struct tally *t = find(link, part);

	if (t && --t->n == 0) {
		(void)tdelete(t, &link->tallies, compare);
		free(t);
	}
}

/* With each part of the key that is tallied. */
static void for_each_part(struct inhibition *in, unsigned rule, const struct value *key,
			  void (*fn)(struct link *link, const struct tally *part))
{
	unsigned char bytes[KEY_BYTES_MAX];

	for (unsigned i = 0; i < in->n_links; i++) {
		struct link *link = &in->links[i];
		struct tally part = { .part = bytes };

		if (link->inhibitor != rule)
			continue;
		part.len = projection_pack(&link->of_inhibitor, key, bytes);
		fn(link, &part);
	}
}

void inhibition_begin(struct inhibition *in, unsigned rule, const struct value *key)
{
	for_each_part(in, rule, key, add_one);
}

void inhibition_end(struct inhibition *in, unsigned rule, const struct value *key)
{
	for_each_part(in, rule, key, remove_one);
}

const struct rule *inhibition_by(const struct inhibition *in, unsigned rule,
				 const struct value *key)
{
	unsigned char part[KEY_BYTES_MAX];

	for (unsigned i = 0; i < in->n_links; i++) {
		const struct link *link = &in->links[i];
		struct tally wanted = { .part = part };

		if (link->inhibited != rule)
			continue;
		wanted.len = projection_pack(&link->of_inhibited, key, part);
		if (find(link, &wanted))
			return &in->rules->rules[link->inhibitor];
	}
	return NULL;
}
