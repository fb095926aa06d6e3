/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/interfaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS "/proc/self/net/dev"
#define N_SUMS	 8

struct interface {
	char name[16];
	uint64_t sums[N_SUMS];
	unsigned read; /* the last time it was there */
};

struct interfaces {
	struct interface *list;
	unsigned n;
	unsigned read; /* how often */
	unsigned next; /* where the next one of the file is likely to be: it keeps its order */
};

struct interfaces *interfaces_new(void)
{
	return xcalloc(1, sizeof(struct interfaces));
}

void interfaces_free(struct interfaces *f)
{
	if (f)
		free(f->list);
	free(f);
}

/* "  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop ..."; a
 * name holds neither blanks nor a colon. */
static bool parse(const char *line, struct interface *ret)
{
	unsigned long long rx[4], tx[4];

	if (sscanf(line, " %15[^: ]: %llu %llu %llu %llu %*u %*u %*u %*u %llu %llu %llu %llu",
		   ret->name, &rx[0], &rx[1], &rx[2], &rx[3], &tx[0], &tx[1], &tx[2], &tx[3]) != 9)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		ret->sums[i] = rx[i];
		ret->sums[4 + i] = tx[i];
	}
	return true;
}

static struct interface *find(struct interfaces *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++) {
		unsigned at = (f->next + i) % f->n;

		if (strcmp(f->list[at].name, name) != 0)
			continue;
		f->next = at + 1;
		return &f->list[at];
	}
	return NULL;
}

static struct interface *add(struct interfaces *f, const char *name)
{
	struct interface *i;

	f->list = xrealloc(f->list, f->n + 1, sizeof(*f->list));
	i = &f->list[f->n++];
	*i = (struct interface){ 0 };
	memcpy(i->name, name, sizeof(i->name));
	return i;
}

/* Fills the sample; false if nothing was done. Where a counter is smaller than it was, another
 * interface has taken the name. */
static bool difference(const struct interface *before, const struct interface *now,
		       struct ev_net_interface *e)
{
	__u64 *const to[N_SUMS] = { &e->rx_bytes, &e->rx_packets, &e->rx_errors, &e->rx_dropped,
				    &e->tx_bytes, &e->tx_packets, &e->tx_errors, &e->tx_dropped };
	bool anew = false, any = false;

	for (unsigned i = 0; i < N_SUMS; i++)
		anew |= now->sums[i] < before->sums[i];
	for (unsigned i = 0; i < N_SUMS; i++) {
		*to[i] = now->sums[i] - (anew ? 0 : before->sums[i]);
		any |= *to[i] != 0;
	}
	return any;
}

static void take(struct interfaces *f, const struct interface *now, interface_fn *fn, void *ctx)
{
	struct interface *before = find(f, now->name);
	struct ev_net_interface e = { 0 };

	if (!before)
		before = add(f, now->name);
	memcpy(e.interface, now->name, sizeof(e.interface));
	if (difference(before, now, &e) && f->read > 1)
		fn(ctx, &e);
	memcpy(before->sums, now->sums, sizeof(before->sums));
	before->read = f->read;
}

static void forget_gone(struct interfaces *f)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n; i++)
		if (f->list[i].read == f->read)
			f->list[kept++] = f->list[i];
	f->n = kept;
}

void interfaces_forget(struct interfaces *f)
{
	f->n = 0;
	f->read = 0;
}

bool interfaces_read(struct interfaces *f, interface_fn *fn, void *ctx)
{
	FILE *file = fopen(COUNTERS, "re");
	char line[512];

	if (!file)
		return false;
	f->read++;
	f->next = 0;
	while (fgets(line, sizeof(line), file)) {
		struct interface now = { 0 };

		if (parse(line, &now))
			take(f, &now, fn, ctx);
	}
	(void)fclose(file);
	forget_gone(f);
	return true;
}
