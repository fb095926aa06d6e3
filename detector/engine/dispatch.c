/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For each field that some condition is told apart by, a table from the hash of a value to the feeds
 * that ask for it. Prefixes are cut to a power of two of bytes, so that there are few lengths to look
 * up. A hash that is equal by chance costs a condition that is tried in vain.
 */
#include "engine/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "engine/compute.h"
#include "rule/expr_choice.h"
#include "util/hash.h"

/* A condition that names more is tried for each event. */
#define LITERALS_MAX 1024
#define PREFIX_MAX   16
#define SEED	     0

/* In order, each once. */
struct feed_list {
	struct feed **feeds;
	unsigned n;
};

/* A value that some feeds ask for. */
struct asked {
	uint64_t hash;
	struct feed_list by;
	unsigned next; /* with the same head, + 1 */
};

struct field_table {
	const struct field *field;
	bool whole;	   /* some ask for the whole value ... */
	uint64_t prefixes; /* ... some for what it begins with: bit i: of i bytes */
	unsigned *heads;   /* into asked, + 1 */
	unsigned n_heads;  /* a power of two */
	struct asked *asked;
	unsigned n_asked;
};

struct dispatch {
	unsigned n; /* feeds */
	struct field_table *tables;
	unsigned n_tables;
	struct feed_list always; /* tried for each event */
	struct feed_list merged[2];
};

struct dispatch *dispatch_new(void)
{
	return xcalloc(1, sizeof(struct dispatch));
}

static void free_table(struct field_table *t)
{
	for (unsigned i = 0; i < t->n_asked; i++)
		free(t->asked[i].by.feeds);
	free(t->asked);
	free(t->heads);
}

void dispatch_free(struct dispatch *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->n_tables; i++)
		free_table(&d->tables[i]);
	free(d->tables);
	free(d->always.feeds);
	free(d->merged[0].feeds);
	free(d->merged[1].feeds);
	free(d);
}

/* --- building --------------------------------------------------------------------------------- */

static struct field_table *table_of(struct dispatch *d, const struct field *f)
{
	for (unsigned i = 0; i < d->n_tables; i++)
		if (d->tables[i].field == f)
			return &d->tables[i];
	d->tables = xrealloc(d->tables, d->n_tables + 1, sizeof(*d->tables));
	d->tables[d->n_tables] = (struct field_table){ .field = f };
	return &d->tables[d->n_tables++];
}

static void append(struct feed_list *list, struct feed *feed)
{
	if (list->n && list->feeds[list->n - 1] == feed)
		return;
	if ((list->n & (list->n - 1)) == 0)
		list->feeds =
			xrealloc(list->feeds, list->n ? 2 * list->n : 1, sizeof(struct feed *));
	list->feeds[list->n++] = feed;
}

static struct asked *find_asked(const struct field_table *t, uint64_t hash)
{
	unsigned at = t->n_heads ? t->heads[hash & (t->n_heads - 1)] : 0;

	while (at && t->asked[at - 1].hash != hash)
		at = t->asked[at - 1].next;
	return at ? &t->asked[at - 1] : NULL;
}

static void link_asked(struct field_table *t, unsigned i)
{
	unsigned *head = &t->heads[t->asked[i].hash & (t->n_heads - 1)];

	t->asked[i].next = *head;
	*head = i + 1;
}

/* Makes room for one more. */
static void grow(struct field_table *t)
{
	if (2 * t->n_asked < t->n_heads)
		return;
	t->n_heads = t->n_heads ? 2 * t->n_heads : 16;
	free(t->heads);
	t->heads = xcalloc(t->n_heads, sizeof(*t->heads));
	t->asked = xrealloc(t->asked, t->n_heads / 2, sizeof(*t->asked));
	for (unsigned i = 0; i < t->n_asked; i++)
		link_asked(t, i);
}

static void ask(struct field_table *t, uint64_t hash, struct feed *feed)
{
	struct asked *a = find_asked(t, hash);

	if (!a) {
		grow(t);
		a = &t->asked[t->n_asked++];
		*a = (struct asked){ .hash = hash };
		link_asked(t, t->n_asked - 1);
	}
	append(&a->by, feed);
}

/* As the hash of a value of that number is. */
static uint64_t number_hash(double number)
{
	number = number == 0 ? 0 : number; /* -0 */
	return hash_keyed(SEED, &number, sizeof(number));
}

static size_t prefix_cut(size_t len)
{
	size_t cut = 1;

	while (cut * 2 <= len && cut < PREFIX_MAX)
		cut *= 2;
	return cut;
}

static void ask_for_literal(struct field_table *t, const struct expr_choice *c, unsigned i,
			    struct feed *feed)
{
	const char *text;
	size_t len;

	if (c->field->type != FIELD_TEXT) {
		t->whole = true;
		ask(t, number_hash(expr_choice_number(c, i)), feed);
		return;
	}
	text = expr_choice_text(c, i, &len);
	if (c->prefix) {
		len = prefix_cut(len);
		t->prefixes |= 1ull << len;
	} else {
		t->whole = true;
	}
	ask(t, hash_keyed(SEED + c->prefix, text, len), feed);
}

struct best {
	bool set;
	struct expr_choice choice;
};

/* What is stored before what is derived, which may have to be looked up; whole values before prefixes;
 * then the fewest. */
static unsigned rank(const struct expr_choice *c)
{
	return (c->field->derive ? 4 * LITERALS_MAX : 0) + (c->prefix ? 2 * LITERALS_MAX : 0) +
	       c->n;
}

static void consider(void *ctx, const struct expr_choice *c)
{
	struct best *best = ctx;

	if (c->n > LITERALS_MAX || (best->set && rank(c) >= rank(&best->choice)))
		return;
	best->set = true;
	best->choice = *c;
}

uint64_t dispatch_class(const struct expr *where)
{
	struct best best = { 0 };
	const struct expr_choice *c = &best.choice;
	const char *text;
	size_t len;

	if (where)
		expr_each_choice(where, consider, &best);
	if (!best.set)
		return 0;
	if (c->field->type != FIELD_TEXT)
		return number_hash(expr_choice_number(c, 0)) + c->field->offset;
	text = expr_choice_text(c, 0, &len);
	return hash_keyed(SEED + c->prefix, text, len) + c->field->offset;
}

void dispatch_add(struct dispatch *d, struct feed *feed)
{
	struct best best = { 0 };
	struct field_table *t;

	feed->number = d->n++;
	if (feed->where)
		expr_each_choice(feed->where, consider, &best);
	if (!best.set) {
		append(&d->always, feed);
		return;
	}
	t = table_of(d, best.choice.field);
	for (unsigned i = 0; i < best.choice.n; i++)
		ask_for_literal(t, &best.choice, i, feed);
}

void dispatch_ready(struct dispatch *d)
{
	for (unsigned i = 0; i < 2; i++)
		d->merged[i].feeds = xcalloc(d->n, sizeof(struct feed *));
}

/* --- looking up ------------------------------------------------------------------------------- */

static void merge(const struct feed_list *a, const struct feed_list *b, struct feed_list *ret)
{
	unsigned i = 0, j = 0;

	ret->n = 0;
	while (i < a->n && j < b->n) {
		struct feed *x = a->feeds[i], *y = b->feeds[j];

		i += x->number <= y->number;
		j += y->number <= x->number;
		ret->feeds[ret->n++] = x->number <= y->number ? x : y;
	}
	while (i < a->n)
		ret->feeds[ret->n++] = a->feeds[i++];
	while (j < b->n)
		ret->feeds[ret->n++] = b->feeds[j++];
}

/* Those found so far, and those that ask for a value of the hash. */
static const struct feed_list *with_hash(struct dispatch *d, const struct field_table *t,
					 uint64_t hash, const struct feed_list *found)
{
	const struct asked *a = find_asked(t, hash);
	struct feed_list *merged = &d->merged[found == &d->merged[0]];

	if (!a)
		return found;
	if (!found->n)
		return &a->by;
	merge(found, &a->by, merged);
	return merged;
}

static const struct feed_list *with_table(struct dispatch *d, const struct field_table *t,
					  const struct event *ev, const struct feed_list *found)
{
	struct value v;

	event_get(ev, t->field, &v);
	if (v.missing)
		return found;
	if (t->field->type != FIELD_TEXT)
		return with_hash(d, t, number_hash(v.number), found);
	if (t->whole)
		found = with_hash(d, t, hash_keyed(SEED, v.text, v.len), found);
	for (uint64_t left = t->prefixes; left; left &= left - 1) {
		size_t len = (size_t)__builtin_ctzll(left);

		if (len <= v.len)
			found = with_hash(d, t, hash_keyed(SEED + 1, v.text, len), found);
	}
	return found;
}

struct feed *const *dispatch_find(struct dispatch *d, const struct event *ev, unsigned *ret_n)
{
	const struct feed_list *found = &d->always;

	for (unsigned i = 0; i < d->n_tables; i++)
		found = with_table(d, &d->tables[i], ev, found);
	*ret_n = found->n;
	return found->feeds;
}
