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
#define FEW	     32

/* Feeds that ask for a value of the hash; a chain. */
struct asked {
	uint64_t hash;
	unsigned feed;
	unsigned next; /* + 1 */
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
	struct feed **feeds;
	unsigned n;
	struct field_table *tables;
	unsigned n_tables;
	unsigned *always;
	unsigned n_always;
	/* what dispatch_find() found: a bit for each feed, and in order */
	uint64_t *found_bits;
	unsigned *found;
	struct feed **result;
};

struct dispatch *dispatch_new(void)
{
	return xcalloc(1, sizeof(struct dispatch));
}

void dispatch_free(struct dispatch *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->n_tables; i++) {
		free(d->tables[i].heads);
		free(d->tables[i].asked);
	}
	free(d->tables);
	free(d->feeds);
	free(d->always);
	free(d->found_bits);
	free(d->found);
	free(d->result);
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

static void ask(struct field_table *t, uint64_t hash, unsigned feed)
{
	if ((t->n_asked & (t->n_asked - 1)) == 0)
		t->asked = xrealloc(t->asked, t->n_asked ? 2 * t->n_asked : 1, sizeof(*t->asked));
	t->asked[t->n_asked++] = (struct asked){ .hash = hash, .feed = feed };
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
			    unsigned feed)
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

static void build_heads(struct field_table *t)
{
	t->n_heads = 16;
	while (t->n_heads < 2 * t->n_asked)
		t->n_heads *= 2;
	t->heads = xcalloc(t->n_heads, sizeof(*t->heads));
	/* Backwards, so that chains are in order. */
	for (unsigned i = t->n_asked; i-- > 0;) {
		unsigned *head = &t->heads[t->asked[i].hash & (t->n_heads - 1)];

		t->asked[i].next = *head;
		*head = i + 1;
	}
}

void dispatch_add(struct dispatch *d, struct feed *feed)
{
	struct best best = { 0 };
	struct field_table *t;

	d->feeds = xrealloc(d->feeds, d->n + 1, sizeof(struct feed *));
	d->result = xrealloc(d->result, d->n + 1, sizeof(struct feed *));
	d->found = xrealloc(d->found, d->n + 1, sizeof(*d->found));
	d->found_bits = xrealloc(d->found_bits, d->n / 64 + 1, sizeof(*d->found_bits));
	d->found_bits[d->n / 64] = 0;
	d->feeds[d->n] = feed;
	if (feed->where)
		expr_each_choice(feed->where, consider, &best);
	if (!best.set) {
		d->always = xrealloc(d->always, d->n_always + 1, sizeof(*d->always));
		d->always[d->n_always++] = d->n++;
		return;
	}
	t = table_of(d, best.choice.field);
	for (unsigned i = 0; i < best.choice.n; i++)
		ask_for_literal(t, &best.choice, i, d->n);
	d->n++;
}

void dispatch_ready(struct dispatch *d)
{
	for (unsigned i = 0; i < d->n_tables; i++)
		build_heads(&d->tables[i]);
}

/* --- looking up ------------------------------------------------------------------------------- */

static void find_hash(struct dispatch *d, const struct field_table *t, uint64_t hash,
		      unsigned *n_found)
{
	unsigned at = t->heads[hash & (t->n_heads - 1)];

	for (; at; at = t->asked[at - 1].next) {
		const struct asked *a = &t->asked[at - 1];
		uint64_t bit = 1ull << a->feed % 64;

		if (a->hash != hash || (d->found_bits[a->feed / 64] & bit))
			continue;
		d->found_bits[a->feed / 64] |= bit;
		d->found[(*n_found)++] = a->feed;
	}
}

static void find_in_table(struct dispatch *d, const struct field_table *t, const struct event *ev,
			  unsigned *n_found)
{
	struct value v;

	event_get(ev, t->field, &v);
	if (v.missing)
		return;
	if (t->field->type != FIELD_TEXT) {
		find_hash(d, t, number_hash(v.number), n_found);
		return;
	}
	if (t->whole)
		find_hash(d, t, hash_keyed(SEED, v.text, v.len), n_found);
	for (uint64_t left = t->prefixes; left; left &= left - 1) {
		size_t len = (size_t)__builtin_ctzll(left);

		if (len <= v.len)
			find_hash(d, t, hash_keyed(SEED + 1, v.text, len), n_found);
	}
}

static void sort_few(unsigned *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		unsigned x = v[i], j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static void read_bits(const struct dispatch *d, unsigned *ret_found)
{
	for (unsigned i = 0; i <= (d->n - 1) / 64; i++)
		for (uint64_t left = d->found_bits[i]; left; left &= left - 1)
			*ret_found++ = i * 64 + (unsigned)__builtin_ctzll(left);
}

static void put_in_order(struct dispatch *d, unsigned n_found)
{
	if (n_found <= FEW)
		sort_few(d->found, n_found);
	else
		read_bits(d, d->found);
	for (unsigned i = 0; i < n_found; i++)
		d->found_bits[d->found[i] / 64] = 0;
}

/* Two lists in order become one. */
static unsigned merge(struct dispatch *d, unsigned n_found)
{
	unsigned i = 0, j = 0, n = 0;

	if (!d->n_always)
		for (; i < n_found; i++)
			d->result[n++] = d->feeds[d->found[i]];
	while (i < n_found || j < d->n_always) {
		bool found = j == d->n_always || (i < n_found && d->found[i] < d->always[j]);

		d->result[n++] = d->feeds[found ? d->found[i++] : d->always[j++]];
	}
	return n;
}

struct feed *const *dispatch_find(struct dispatch *d, const struct event *ev, unsigned *ret_n)
{
	unsigned n_found = 0;

	if (!d->n_tables) {
		*ret_n = d->n;
		return d->feeds;
	}
	for (unsigned i = 0; i < d->n_tables; i++)
		find_in_table(d, &d->tables[i], ev, &n_found);
	put_in_order(d, n_found);
	*ret_n = merge(d, n_found);
	return d->result;
}
