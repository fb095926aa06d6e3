/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/process_table.h"

#include <stdlib.h>
#include <string.h>

#include "util/hash.h"

#define FIRST_CAPACITY 256

struct process_table {
	struct process_sums *slots; /* open addressing */
	unsigned capacity;	    /* a power of two */
	unsigned used;
	unsigned n_counts;
};

struct process_table *process_table_new(unsigned n_counts)
{
	struct process_table *t = xcalloc(1, sizeof(*t));

	t->capacity = FIRST_CAPACITY;
	t->n_counts = n_counts;
	t->slots = xcalloc(t->capacity, sizeof(*t->slots));
	return t;
}

void process_table_free(struct process_table *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->capacity; i++)
		free(t->slots[i].more);
	free(t->slots);
	free(t);
}

static bool is_free(const struct process_sums *s)
{
	return !s->who.pid;
}

static struct process_sums *slot(struct process_table *t, uint32_t pid, uint64_t start_time_ns)
{
	uint64_t hash = hash_bytes(hash_bytes(HASH_INIT, &pid, sizeof(pid)), &start_time_ns,
				   sizeof(start_time_ns));

	for (uint64_t i = hash;; i++) {
		struct process_sums *s = &t->slots[i & (t->capacity - 1)];

		if (is_free(s) || (s->who.pid == pid && s->who.start_time_ns == start_time_ns))
			return s;
	}
}

static void grow(struct process_table *t)
{
	struct process_sums *old = t->slots;
	unsigned n = t->capacity;

	t->capacity *= 2;
	t->slots = xcalloc(t->capacity, sizeof(*t->slots));
	for (unsigned i = 0; i < n; i++)
		if (!is_free(&old[i]))
			*slot(t, old[i].who.pid, old[i].who.start_time_ns) = old[i];
	free(old);
}

struct process_sums *process_table_at(struct process_table *t, uint32_t pid, uint64_t start_time_ns)
{
	struct process_sums *s;

	if (t->used * 2 > t->capacity && t->capacity < 2 * PROCESSES_MAX)
		grow(t);
	s = slot(t, pid, start_time_ns);
	if (!is_free(s))
		return s;
	if (t->used == PROCESSES_MAX)
		return NULL;
	t->used++;
	s->who.pid = pid;
	s->who.start_time_ns = start_time_ns;
	return s;
}

bool process_table_add(struct process_table *t, const struct task_delta *delta)
{
	const __s64 *counts = (const __s64 *)(delta + 1);
	struct process_sums *s = process_table_at(t, delta->pid, delta->start_time_ns);
	bool exited;

	if (!s)
		return false;
	exited = s->who.exited;
	s->who = *delta;
	s->who.exited |= exited;
	for (unsigned i = 0; i < t->n_counts; i++)
		s->counts[i] += counts[i];
	return true;
}

/* After a storm, half as large each second. */
static void shrink(struct process_table *t)
{
	t->capacity /= 2;
	free(t->slots);
	t->slots = xcalloc(t->capacity, sizeof(*t->slots));
}

void process_table_flush(struct process_table *t, process_sums_fn *fn, void *ctx)
{
	bool roomy = t->capacity > FIRST_CAPACITY && t->used < t->capacity / 8;

	for (unsigned i = 0; i < t->capacity && t->used; i++) {
		if (is_free(&t->slots[i]))
			continue;
		fn(ctx, &t->slots[i]);
		t->slots[i] = (struct process_sums){ 0 };
	}
	t->used = 0;
	if (roomy)
		shrink(t);
}
