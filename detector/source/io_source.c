/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes samples of what io_latency.bpf.c has added up: once a second the difference to the second
 * before, for each device and operation that did anything or has requests in flight. What the
 * kernel counts anyway (merges, requests in flight, busy time) is read from sysfs.
 */
#include <stdlib.h>
#include <string.h>

#include "source/block_device.h"
#include "source/io_sample.h"
#include "source/kernel_counts.h"
#include "source/source_ops.h"
#include "util/clock.h"

/* A disk counts as not stamped by the kernel for so many seconds after a request without stamps. */
#define NO_STAMPS_FOR 60

enum { PART_REQUEUES, PART_ISSUER, PART_STAMPS, PARTS };

static const struct source_part parts[PARTS] = {
	[PART_REQUEUES] = { .name = "requeues", .reads = "io.requeues", .ways = { { "on_requeue" } } },
	[PART_ISSUER] = {
		.name = "issuer of a request",
		.reads = "io_request.pid io_request.comm io_request.issuer io_request.ppid "
			 "io_request.uid io_request.start_time_s",
		.ways = {
			{ "issuer_at_start issuer_merged" },
			{ "issuer_at_insert issuer_at_issue issuer_merged",
			  "now and then a thread of the kernel instead of the process" },
		},
		.shed_order = 1,
	},
	[PART_STAMPS] = {
		.name = "times of requests that the kernel does not stamp",
		.ways = {
			{ "stamp_at_start stamp_at_issue stamp_merged" },
			{ "stamp_at_insert stamp_at_issue stamp_merged",
			  "without the time before a request is put into the queue" },
		},
		.shed_order = 2,
	},
};

/* A whole disk as sysfs shows it; read once a second while one of its slots is looked at. */
struct device {
	unsigned major, minor;
	uint64_t interval; /* in which it was read last */
	bool known;	   /* `now` is valid, and so is `before` */
	bool known_before;
	struct block_stat now, before;
	char name[IO_DEVICE_NAME];
};

struct io_state {
	int slots_map, cells_map;
	bool unstamped; /* some disk's requests come without stamps */
	uint64_t began_ns;
	uint64_t ops; /* in all samples so far */
	struct io_slot slots[IO_SLOTS];
	struct io_cell sums[IO_SLOTS]; /* at the last tick */
	struct device devices[IO_SLOTS];
	unsigned n_devices;
	struct io_cell *per_cpu;
};

static const char *const op_names[] = {
	[IO_READ] = "read",	  [IO_WRITE] = "write", [IO_FLUSH] = "flush",
	[IO_DISCARD] = "discard", [IO_OTHER] = "other",
};

static struct device *find_device(struct io_state *state, const struct io_slot *slot)
{
	unsigned major = io_slot_major(slot->key), minor = io_slot_minor(slot->key);
	struct device *d;

	for (unsigned i = 0; i < state->n_devices; i++)
		if (state->devices[i].major == major && state->devices[i].minor == minor)
			return &state->devices[i];
	d = &state->devices[state->n_devices++];
	*d = (struct device){ .major = major, .minor = minor };
	return d;
}

/* Another device has the number now, or it was plugged in again. */
static bool began_anew(const struct block_stat *now, const struct block_stat *before)
{
	bool anew = now->busy_ms < before->busy_ms;

	for (unsigned i = 0; i < BLOCK_DIRECTIONS; i++)
		anew |= now->ops[i] < before->ops[i] || now->merges[i] < before->merges[i];
	return anew;
}

/* Its numbers in this interval. */
static struct device *look_at_device(struct io_state *state, const struct io_slot *slot,
				     uint64_t interval)
{
	struct device *d = find_device(state, slot);

	if (d->interval == interval)
		return d;
	d->before = d->now;
	d->known_before = d->known && d->interval == interval - 1;
	d->known = block_device_stat(d->major, d->minor, &d->now);
	d->known_before = d->known_before && !began_anew(&d->now, &d->before);
	if (!block_device_name(d->major, d->minor, d->name, sizeof(d->name)))
		memcpy(d->name, slot->name, sizeof(d->name));
	d->interval = interval;
	return d;
}

/* What sysfs adds to a sample. A disk whose queue/iostats is 0 has numbers, but they stand still. */
static void fill_from_device(struct ev_io *e, const struct device *d, enum io_op op)
{
	int direction = op == IO_READ	   ? BLOCK_READ
			: op == IO_WRITE   ? BLOCK_WRITE
			: op == IO_DISCARD ? BLOCK_DISCARD
					   : -1;
	bool counts = d->known && (direction < 0 || !e->ops ||
				   d->now.ops[direction] != d->before.ops[direction]);

	e->merges = e->in_flight = e->busy_ns = NOT_MEASURED;
	if (counts && (op == IO_READ || op == IO_WRITE))
		e->in_flight = d->now.in_flight[direction];
	if (counts && d->known_before && direction >= 0)
		e->merges = d->now.merges[direction] - d->before.merges[direction];
	if (counts && d->known_before)
		e->busy_ns = (d->now.busy_ms - d->before.busy_ms) * NS_PER_MS;
}

/* Returns false if nothing happened there. */
static bool make_sample(struct source *s, unsigned i, uint64_t interval, struct ev_io *e)
{
	struct io_state *state = s->state;
	const struct io_slot *slot = &state->slots[i];
	enum io_op op = io_slot_op(slot->key);
	struct io_cell now, difference;
	struct device *d;

	if (!bpf_object_read(state->cells_map, i, state->per_cpu)) {
		s->lost_here++;
		return false;
	}
	io_cells_add(state->per_cpu, source_cpus(s), interval, &now);
	io_cells_difference(&now, &state->sums[i], &difference);
	state->sums[i] = now;
	state->ops += difference.ops;
	d = look_at_device(state, slot, interval);
	*e = (struct ev_io){ 0 };
	io_sample_fill(e, &difference);
	fill_from_device(e, d, op);
	if (!source_part_attached(s, PART_REQUEUES))
		e->requeues = NOT_MEASURED;
	memcpy(e->device, d->name, sizeof(e->device));
	strcpy(e->op, op_names[op]);
	return difference.ops || difference.bytes || difference.errors || difference.requeues ||
	       (e->in_flight && e->in_flight != NOT_MEASURED);
}

static void emit_samples(struct source *s, uint64_t interval, uint64_t now_ns)
{
	struct io_state *state = s->state;
	const struct event_type *type = source_type(s, "io");

	for (unsigned i = 0; i < IO_SLOTS; i++) {
		struct ev_io e;

		if (!state->slots[i].key || !make_sample(s, i, interval, &e))
			continue;
		e.ts_ns = now_ns;
		e.interval_ns = now_ns - state->began_ns;
		source_emit(s, type, &e);
	}
}

static bool lacks_stamps(const struct io_state *state, uint64_t interval)
{
	for (unsigned i = 0; i < IO_SLOTS; i++)
		if (state->slots[i].no_stamps &&
		    state->slots[i].no_stamps + NO_STAMPS_FOR > interval)
			return true;
	return false;
}

/* Tells the programs which of the maps of requests are kept. */
static void push_parts(struct source *s)
{
	struct source_control *control = bpf_object_control(s->object);

	control->io_issuers = source_part_attached(s, PART_ISSUER);
	control->io_stamped = source_part_attached(s, PART_STAMPS);
}

static void tick(struct source *s, uint64_t now_ns)
{
	struct io_state *state = s->state;
	struct source_control *control = bpf_object_control(s->object);
	uint64_t interval = control->io_interval;

	__atomic_store_n(&control->io_interval, interval + 1, __ATOMIC_SEQ_CST);
	if (!bpf_object_read(state->slots_map, 0, state->slots)) {
		s->lost_here++;
		return;
	}
	if (source_demand(s, "io")->wanted)
		emit_samples(s, interval, now_ns);
	state->began_ns = now_ns;
	if (state->unstamped != lacks_stamps(state, interval)) {
		state->unstamped = !state->unstamped;
		source_parts_apply(s);
	}
	push_parts(s);
}

static bool part_wanted(const struct source *s, unsigned part)
{
	const struct io_state *state = s->state;

	return part == PART_STAMPS ? state->unstamped : source_part_read(s, part);
}

static void on_record(void *ctx, const void *record, size_t size)
{
	struct source *s = ctx;

	if (size >= sizeof(struct ev_io_request))
		source_emit(s, source_type(s, "io_request"), record);
}

static void push(struct source *s)
{
	struct source_control *control = bpf_object_control(s->object);

	control->io_sampled = source_demand(s, "io")->wanted;
	control->io_requested = source_demand(s, "io_request")->wanted;
	control->floor_ns = source_demand(s, "io_request")->floor_ns;
}

static void prepare(struct source *s)
{
	struct io_state *state = xcalloc(1, sizeof(*state));

	s->state = state;
	state->slots_map = bpf_object_map(s->object, ".data.slots");
	state->cells_map = bpf_object_map(s->object, "cells");
	state->per_cpu = xcalloc(source_cpus(s), sizeof(*state->per_cpu));
	bpf_object_control(s->object)->io_interval = 1;
}

static void started(struct source *s)
{
	struct io_state *state = s->state;

	state->began_ns = clock_monotonic_ns();
	push_parts(s);
}

static bool were_completed(const struct source *s, uint64_t *ret)
{
	(void)s;
	return kernel_counts_block_requests(ret);
}

/* One that was lost was seen, as one that is too fast to be reported. */
static uint64_t seen(const struct source *s)
{
	const struct io_state *state = s->state;
	struct source_stats stats;

	if (!source_demand(s, "io")->wanted)
		return source_canary_seen(s);
	source_stats(s, &stats);
	return state->ops + source_lost(&stats);
}

/* A request of our own would spin up a disk that rests. */
static const struct source_sign signs[] = {
	{ "requests", were_completed, seen },
	{ 0 },
};

static void fini(struct source *s)
{
	struct io_state *state = s->state;

	if (state)
		free(state->per_cpu);
	free(state);
}

const struct source_ops io_source_ops = {
	.object = "io_latency",
	.parts = parts,
	.n_parts = PARTS,
	.prepare = prepare,
	.push = push,
	.part_wanted = part_wanted,
	.started = started,
	.adjusted = push_parts,
	.on_record = on_record,
	.tick = tick,
	.signs = signs,
	.fini = fini,
};
