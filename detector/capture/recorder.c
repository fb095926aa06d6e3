/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "capture/writer.h"
#include "event/known_processes.h"
#include "util/hash.h"

#define BLOCK_BYTES (64 << 10)
#define SAID_MAX    (1 << 16) /* processes; then all are said again */
#define SAID_SLOTS  (2 * SAID_MAX)

/* What the file says of a process. */
struct said {
	uint32_t pid; /* 0: a free slot */
	uint64_t start_time_ns;
	uint64_t hash; /* of the texts */
};

struct recorder {
	struct writer *writer;
	struct capture_header header;
	struct buf block;
	uint64_t *in_block; /* events, of each of event_types() */
	uint64_t *told;	    /* the same: the losses that lines of the block tell of */
	uint64_t *missed; /* the same, of blocks that found no room and that no line tells of yet */
	bool new_file;	  /* the block begins one */
	struct {
		uint64_t at_ns; /* 0: they were never read again */
		int64_t wall_offset_ns;
		bool said; /* in a block that was put, or in this one */
		bool in_block;
	} reload;
	bool clock_said;
	int64_t wall_offset_ns;
	uint64_t now_ns; /* of the last event or tick */
	uint64_t events_in_file;
	struct said *said;
	unsigned n_said;
	struct recorder_stats stats;
	bool failure_said;
};

static unsigned n_types(void)
{
	unsigned n;

	(void)event_types(&n);
	return n;
}

/* --- blocks ---------------------------------------------------------------------------------- */

static void forget_said(struct recorder *r)
{
	memset(r->said, 0, SAID_SLOTS * sizeof(*r->said));
	r->n_said = 0;
	r->clock_said = false;
}

/* What no line tells of: the reader must not take it for quiet. */
static void write_missed(struct recorder *r)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n; i++) {
		if (r->missed[i])
			capture_write_loss(&types[i], r->missed[i], r->now_ns, &r->block);
		r->told[i] += r->missed[i];
		r->missed[i] = 0;
	}
}

static void write_reload(struct recorder *r)
{
	capture_write_rules(r->header.rules, r->reload.at_ns, r->reload.wall_offset_ns, &r->block);
	r->reload.said = r->reload.in_block = true;
}

static void begin_file(struct recorder *r)
{
	r->new_file = true;
	r->events_in_file = 0;
	r->header.wall_offset_ns = r->wall_offset_ns;
	capture_write_header(&r->header, &r->block);
	r->header.part++;
	forget_said(r);
	r->clock_said = true;
}

static void begin_block(struct recorder *r)
{
	if (r->block.len == 0)
		write_missed(r);
	if (r->reload.at_ns && !r->reload.said)
		write_reload(r);
}

static void give_up_block(struct recorder *r)
{
	for (unsigned i = 0; i < n_types(); i++) {
		r->missed[i] += r->in_block[i] + r->told[i];
		r->stats.missed += r->in_block[i];
	}
	buf_reset(&r->block);
	forget_said(r);
	r->reload.said &= !r->reload.in_block;
	/* its header is lost too */
	if (r->new_file)
		begin_file(r);
}

static void put_block(struct recorder *r, bool flush)
{
	unsigned flags = (flush ? WRITER_FLUSH : 0u) | (r->new_file ? WRITER_NEW_FILE : 0u);

	if (r->block.len == 0)
		return;
	if (writer_put(r->writer, &r->block, flags)) {
		for (unsigned i = 0; i < n_types(); i++)
			r->stats.events += r->in_block[i];
		r->new_file = false;
	} else {
		give_up_block(r);
	}
	r->reload.in_block = false;
	memset(r->in_block, 0, n_types() * sizeof(*r->in_block));
	memset(r->told, 0, n_types() * sizeof(*r->told));
}

/* Puts the block and, when it is time, begins another file. */
static void put_and_turn(struct recorder *r, bool flush)
{
	bool turn = !r->new_file && writer_file_is_full(r->writer);

	if (turn)
		capture_write_end(r->events_in_file, &r->block);
	put_block(r, flush || turn);
	if (turn)
		begin_file(r);
}

/* --- processes ------------------------------------------------------------------------------- */

static uint64_t hash_texts(const struct process *p)
{
	uint64_t hash = HASH_INIT;

	for (unsigned i = 0; i < process_texts_n; i++) {
		const char *text = *process_text_of((struct process *)p, &process_texts[i]);

		hash = hash_bytes(hash, text, strlen(text) + 1);
	}
	return hash;
}

/* The slot of a process, or the free one where it belongs. */
static struct said *find_said(struct recorder *r, const struct process_id *id)
{
	uint64_t hash = hash_bytes(HASH_INIT, &id->start_time_ns, sizeof(id->start_time_ns));
	size_t at = hash_bytes(hash, &id->pid, sizeof(id->pid)) % SAID_SLOTS;

	while (r->said[at].pid &&
	       (r->said[at].pid != id->pid || r->said[at].start_time_ns != id->start_time_ns))
		at = (at + 1) % SAID_SLOTS;
	return &r->said[at];
}

static void say_process(struct recorder *r, const struct event *ev)
{
	const struct process_id id = event_process_id(ev);
	const struct process *p = NULL;
	struct said *s;
	uint64_t hash;

	if (id.pid && ev->processes)
		p = ev->processes->find(ev->processes, ev);
	if (!p)
		return;
	hash = hash_texts(p);
	s = find_said(r, &id);
	if (s->pid && s->hash == hash)
		return;
	if (!s->pid && ++r->n_said > SAID_MAX) {
		bool clock_said = r->clock_said;

		forget_said(r);
		r->clock_said = clock_said;
		r->n_said = 1;
		s = find_said(r, &id);
	}
	*s = (struct said){ id.pid, id.start_time_ns, hash };
	capture_write_process(id.pid, id.start_time_ns, p, &r->block);
}

/* --- what is recorded ------------------------------------------------------------------------ */

static void say_clock(struct recorder *r, int64_t wall_offset_ns)
{
	if (r->clock_said && r->wall_offset_ns == wall_offset_ns)
		return;
	r->wall_offset_ns = wall_offset_ns;
	r->clock_said = true;
	capture_write_clock(wall_offset_ns, &r->block);
}

void recorder_event(struct recorder *r, const struct event *ev)
{
	unsigned n;

	if (!r)
		return;
	begin_block(r);
	r->now_ns = event_time_ns(ev);
	say_clock(r, ev->wall_offset_ns);
	say_process(r, ev);
	capture_write_event(ev, &r->block);
	r->in_block[ev->type - event_types(&n)]++;
	r->events_in_file++;
	if (r->block.len >= BLOCK_BYTES)
		put_and_turn(r, false);
}

void recorder_tick(struct recorder *r, uint64_t now_ns, int64_t wall_offset_ns)
{
	if (!r)
		return;
	begin_block(r);
	r->now_ns = now_ns;
	capture_write_tick(now_ns, wall_offset_ns, &r->block);
	put_and_turn(r, true);
}

void recorder_loss(struct recorder *r, const struct event_type *type, uint64_t lost,
		   uint64_t now_ns)
{
	unsigned n;

	if (!r)
		return;
	begin_block(r);
	capture_write_loss(type, lost, now_ns, &r->block);
	r->told[type - event_types(&n)] += lost;
}

static void set_sources(struct recorder *r, const struct demand *demands)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	r->header.n_sources = 0;
	for (unsigned i = 0; i < n; i++)
		if (demands[i].wanted)
			r->header.sources[r->header.n_sources++] =
				(struct capture_source){ &types[i], demands[i] };
}

void recorder_rules(struct recorder *r, uint64_t rules, const struct demand *demands,
		    uint64_t now_ns, int64_t wall_offset_ns)
{
	if (!r)
		return;
	begin_block(r);
	r->header.rules = rules; /* files that begin later say so themselves */
	set_sources(r, demands);
	r->reload.at_ns = now_ns;
	r->reload.wall_offset_ns = wall_offset_ns;
	write_reload(r);
}

/* --- life ------------------------------------------------------------------------------------ */

static char *copy(const char *s)
{
	return xstrdup(s ? s : "");
}

static void set_header(struct recorder *r, const struct recorder_conf *conf)
{
	struct ulid_source ids = { .state = conf->seed };

	r->header = (struct capture_header){
		.version = xstrdup(KERNELSIGHT_VERSION),
		.seed = conf->seed,
		.rules = conf->rules,
		.host = { copy(conf->host->name), copy(conf->host->kernel),
			  copy(conf->host->boot_id) },
		.sources = xcalloc(n_types(), sizeof(*r->header.sources)),
	};
	/* Not one that the engine gives to an alert: those are ids of the same seed. */
	ids.state ^= UINT64_MAX;
	ulid_next(&ids, conf->wall_ns / NS_PER_MS, r->header.recording);
	set_sources(r, conf->demands);
}

struct recorder *recorder_new(const struct recorder_conf *conf, char **ret_error)
{
	const struct writer_conf files = {
		.path = conf->path,
		.max_bytes = conf->max_bytes ? conf->max_bytes : RECORDER_BYTES_DEFAULT,
		.max_files = conf->max_files ? conf->max_files : RECORDER_FILES_DEFAULT,
	};
	struct writer *writer = writer_new(&files, ret_error);
	struct recorder *r;

	if (!writer)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->writer = writer;
	r->in_block = xcalloc(n_types(), sizeof(*r->in_block));
	r->told = xcalloc(n_types(), sizeof(*r->told));
	r->missed = xcalloc(n_types(), sizeof(*r->missed));
	r->said = xcalloc(SAID_SLOTS, sizeof(*r->said));
	r->wall_offset_ns = conf->wall_offset_ns;
	set_header(r, conf);
	begin_file(r);
	r->new_file = false; /* the writer has opened it */
	put_block(r, true);
	return r;
}

bool recorder_close(struct recorder *r, struct recorder_stats *ret_stats)
{
	bool ok;

	*ret_stats = (struct recorder_stats){ 0 };
	if (!r)
		return true;
	begin_block(r);
	capture_write_end(r->events_in_file, &r->block);
	put_block(r, true);
	ok = r->stats.missed == 0;
	*ret_stats = r->stats;
	ok &= writer_close(r->writer, &ret_stats->bytes);
	capture_header_fini(&r->header);
	buf_fini(&r->block);
	free(r->in_block);
	free(r->told);
	free(r->missed);
	free(r->said);
	free(r);
	return ok;
}

const char *recorder_failure(struct recorder *r)
{
	int error = r && !r->failure_said ? writer_error(r->writer) : 0;

	if (!error)
		return NULL;
	r->failure_said = true;
	return strerror(error);
}
