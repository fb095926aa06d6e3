/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that was forked shares the texts of its parent until it changes them, and all of one cgroup
 * have one path. So a storm of forks costs one small entry for each process.
 */
#include "process/process_cache.h"

#include <stdlib.h>
#include <string.h>

#include "process/process_text.h"
#include "process/shared_text.h"

#define BUCKETS	     16384 /* a power of two */
#define OUTDATED_MAX 64

/* --- processes ------------------------------------------------------------------------------- */

struct list {
	struct entry *first, *last;
	unsigned n;
};

struct entry {
	struct entry *next_in_bucket;
	struct entry *before, *after; /* in the list of those that live, or of those that ended */
	struct process_name name;
	char comm[17];
	bool ended;
	bool has_args; /* a thread of the kernel has none */
	bool asked;    /* found since its command line was last named as outdated */
	unsigned walk; /* in which it was seen last */
	uint64_t ended_ns;
	uint64_t exec_ns;  /* before that, the older texts count */
	uint64_t taken_ns; /* when cmdline was; 0: it is its parent's, or unknown */
	struct text *exe, *cmdline;
	uint64_t moved_ns; /* before that, the older cgroup counts */
	struct text *older_exe, *older_cmdline;
	struct cgroup *cgroup, *older_cgroup;
};

struct process_cache {
	struct process_cache_limits limits;
	uint64_t evicted_ended, evicted;
	struct shared_texts texts;
	struct entry *buckets[BUCKETS];
	struct list living; /* the one that was used last is last */
	struct list ended;  /* in order of their ends */
	struct process_name asked[OUTDATED_MAX];
	unsigned n_asked;
	unsigned walk;
	struct buf scratch;
};

static void list_add(struct list *l, struct entry *e)
{
	e->before = l->last;
	e->after = NULL;
	if (l->last)
		l->last->after = e;
	else
		l->first = e;
	l->last = e;
	l->n++;
}

static void list_remove(struct list *l, struct entry *e)
{
	if (e->before)
		e->before->after = e->after;
	else
		l->first = e->after;
	if (e->after)
		e->after->before = e->before;
	else
		l->last = e->before;
	l->n--;
}

static struct list *list_of(struct process_cache *c, const struct entry *e)
{
	return e->ended ? &c->ended : &c->living;
}

/* Multiplicative: pids that follow each other are spread. */
static struct entry **bucket_of(const struct process_cache *c, uint32_t pid)
{
	return (struct entry **)&c->buckets[(pid * 2654435761u) >> 16 & (BUCKETS - 1)];
}

static struct entry *get(const struct process_cache *c, struct process_name name)
{
	struct entry *e = *bucket_of(c, name.pid);

	while (e && (e->name.pid != name.pid || e->name.start_time_ns != name.start_time_ns))
		e = e->next_in_bucket;
	return e;
}

static void drop(struct process_cache *c, struct entry *e)
{
	struct entry **at = bucket_of(c, e->name.pid);

	while (*at != e)
		at = &(*at)->next_in_bucket;
	*at = e->next_in_bucket;
	list_remove(list_of(c, e), e);
	text_unref(&c->texts, e->exe);
	text_unref(&c->texts, e->cmdline);
	text_unref(&c->texts, e->older_exe);
	text_unref(&c->texts, e->older_cmdline);
	cgroup_unref(&c->texts, e->cgroup);
	cgroup_unref(&c->texts, e->older_cgroup);
	free(e);
}

static unsigned count(const struct process_cache *c)
{
	return c->living.n + c->ended.n;
}

static size_t bytes(const struct process_cache *c)
{
	return count(c) * sizeof(struct entry) + c->texts.bytes;
}

static bool full(const struct process_cache *c)
{
	return count(c) > c->limits.processes || bytes(c) > c->limits.bytes;
}

/* Keeps within the limits, and keeps what was used last. */
static void make_room(struct process_cache *c)
{
	while (full(c) && count(c) > 1) {
		if (c->ended.n > (c->living.n ? 0 : 1)) {
			drop(c, c->ended.first);
			c->evicted_ended++;
		} else {
			drop(c, c->living.first);
			c->evicted++;
		}
	}
}

static void use(struct process_cache *c, struct entry *e)
{
	if (e->ended)
		return;
	list_remove(&c->living, e);
	list_add(&c->living, e);
}

static struct entry *get_or_add(struct process_cache *c, struct process_name name)
{
	struct entry *e = get(c, name);
	struct entry **bucket;

	if (e) {
		use(c, e);
		return e;
	}
	e = xcalloc(1, sizeof(*e));
	e->name = name;
	e->has_args = true;
	bucket = bucket_of(c, name.pid);
	e->next_in_bucket = *bucket;
	*bucket = e;
	list_add(&c->living, e);
	return e;
}

static void end(struct process_cache *c, struct entry *e, uint64_t at_ns)
{
	if (e->ended)
		return;
	list_remove(&c->living, e);
	e->ended = true;
	e->ended_ns = at_ns;
	list_add(&c->ended, e);
}

/* --- records --------------------------------------------------------------------------------- */

static void set_cgroup(struct process_cache *c, struct entry *e, const char *path, uint64_t at_ns)
{
	struct cgroup *g = cgroup_get(&c->texts, path);

	if (g == e->cgroup) {
		cgroup_unref(&c->texts, g);
		return;
	}
	cgroup_unref(&c->texts, e->older_cgroup);
	e->older_cgroup = e->cgroup;
	e->cgroup = g;
	e->moved_ns = at_ns;
}

static void take_cgroup(struct process_cache *c, struct entry *e, const struct process_record *r)
{
	const char *names = (const char *)(r + 1) + r->exe_bytes;

	if (!(r->flags & PROCESS_HAS_CGROUP))
		return;
	buf_reset(&c->scratch);
	path_from_names(names, r->cgroup_bytes, r->flags & PROCESS_CGROUP_CUT, &c->scratch);
	set_cgroup(c, e, buf_str(&c->scratch), r->ts_ns);
}

static struct text *exe_of(struct process_cache *c, const struct process_record *r)
{
	buf_reset(&c->scratch);
	path_from_names((const char *)(r + 1), r->exe_bytes, r->flags & PROCESS_EXE_CUT,
			&c->scratch);
	if (r->flags & PROCESS_EXE_DELETED)
		buf_adds(&c->scratch, " (deleted)");
	return text_new(&c->texts, buf_str(&c->scratch), c->scratch.len);
}

static struct text *cmdline_of(struct process_cache *c, const struct process_record *r)
{
	const char *args = (const char *)(r + 1) + r->exe_bytes + r->cgroup_bytes;

	if (!r->args_bytes)
		return NULL;
	buf_reset(&c->scratch);
	cmdline_from_args(args, r->args_bytes, r->flags & PROCESS_ARGS_CUT, &c->scratch);
	return text_new(&c->texts, buf_str(&c->scratch), c->scratch.len);
}

static void take_exec(struct process_cache *c, struct entry *e, const struct process_record *r)
{
	text_set(&c->texts, &e->older_exe, e->exe);
	text_set(&c->texts, &e->older_cmdline, e->cmdline);
	e->exe = exe_of(c, r);
	e->cmdline = cmdline_of(c, r);
	e->exec_ns = r->ts_ns;
	e->taken_ns = e->cmdline ? r->ts_ns : 0;
}

static void take_fork(struct process_cache *c, struct entry *e, const struct process_record *r)
{
	const struct entry *from =
		get(c, (struct process_name){ r->from_pid, r->from_start_time_ns });

	e->has_args = !(r->flags & PROCESS_KERNEL);
	if (!from)
		return;
	if (e->has_args && !e->exe) {
		e->exe = text_ref(from->exe);
		e->cmdline = text_ref(from->cmdline);
	}
	if (from->cgroup && !e->cgroup) {
		e->cgroup = from->cgroup;
		e->cgroup->refs++;
	}
}

/* A program that is not the one known: the record of its start was lost. */
static void take_seen(struct process_cache *c, struct entry *e, const struct process_record *r)
{
	struct text *exe = r->exe_bytes ? exe_of(c, r) : NULL;

	e->has_args = !(r->flags & PROCESS_KERNEL);
	e->walk = c->walk;
	if (!exe || (e->exe && strcmp(e->exe->s, exe->s) == 0)) {
		text_unref(&c->texts, exe);
		return;
	}
	text_set(&c->texts, &e->exe, exe);
	text_set(&c->texts, &e->cmdline, NULL);
	e->taken_ns = 0;
}

static bool is_whole(const struct process_record *r, size_t size)
{
	return size >= sizeof(*r) &&
	       size >= sizeof(*r) + r->exe_bytes + r->cgroup_bytes + r->args_bytes;
}

void process_cache_take(struct process_cache *c, const void *record, size_t size)
{
	const struct process_record *r = record;
	struct entry *e;

	if (size < sizeof(*r) || !is_whole(r, size))
		return;
	e = get_or_add(c, (struct process_name){ r->pid, r->start_time_ns });
	memcpy(e->comm, r->comm, sizeof(r->comm));
	if (r->change == PROCESS_EXECED)
		take_exec(c, e, r);
	else if (r->change == PROCESS_FORKED)
		take_fork(c, e, r);
	else if (r->change == PROCESS_SEEN)
		take_seen(c, e, r);
	take_cgroup(c, e, r);
	if (r->change == PROCESS_ENDED || r->flags & PROCESS_IS_ZOMBIE)
		end(c, e, r->ts_ns);
	make_room(c);
}

static void learn_text(struct process_cache *c, struct text **at, const char *s)
{
	if (!*at || strcmp((*at)->s, s) != 0)
		text_set(&c->texts, at, text_new(&c->texts, s, strlen(s)));
}

void process_cache_learn(struct process_cache *c, struct process_name name, uint64_t at_ns,
			 const struct process_facts *facts)
{
	struct entry *e = get_or_add(c, name);

	if (facts->comm)
		memcpy(e->comm, facts->comm, strnlen(facts->comm, sizeof(e->comm) - 1));
	if (facts->exe)
		learn_text(c, &e->exe, facts->exe);
	if (facts->cgroup)
		set_cgroup(c, e, facts->cgroup, at_ns);
	if (facts->ended)
		end(c, e, at_ns);
	make_room(c);
}

void process_cache_learn_cmdline(struct process_cache *c, struct process_name name, uint64_t at_ns,
				 const char *cmdline)
{
	struct entry *e = get(c, name);

	if (!e || at_ns < e->exec_ns)
		return;
	learn_text(c, &e->cmdline, cmdline);
	e->taken_ns = at_ns;
	make_room(c);
}

/* --- questions ------------------------------------------------------------------------------- */

/* Notes that somebody wants its command line to be as it is now. */
static void note_asked(struct process_cache *c, struct entry *e)
{
	if (e->asked || e->ended || !e->has_args || c->n_asked == OUTDATED_MAX)
		return;
	e->asked = true;
	c->asked[c->n_asked++] = e->name;
}

static const char *text_or_empty(const struct text *t)
{
	return t ? t->s : "";
}

bool process_cache_find(struct process_cache *c, struct process_name name, uint64_t at_ns,
			struct process *ret)
{
	struct entry *e = get(c, name);
	const struct cgroup *g;
	bool older;

	if (!e)
		return false;
	use(c, e);
	note_asked(c, e);
	older = at_ns < e->exec_ns && e->older_exe;
	g = at_ns < e->moved_ns && e->older_cgroup ? e->older_cgroup : e->cgroup;
	*ret = (struct process){
		.exe = text_or_empty(older ? e->older_exe : e->exe),
		.cmdline = text_or_empty(older ? e->older_cmdline : e->cmdline),
		.parent_comm = "",
		.user = "",
		.cgroup = g ? g->path : "",
		.container_id = g ? g->container_id : "",
		.unit = g ? g->unit : "",
	};
	return true;
}

const char *process_cache_comm(const struct process_cache *c, uint32_t pid, uint64_t start_time_ns)
{
	const struct entry *found = NULL;

	for (const struct entry *e = *bucket_of(c, pid); e; e = e->next_in_bucket)
		if (e->name.pid == pid && e->name.start_time_ns <= start_time_ns &&
		    (!found || e->name.start_time_ns > found->name.start_time_ns))
			found = e;
	return found ? found->comm : "";
}

unsigned process_cache_outdated(struct process_cache *c, uint64_t before_ns,
				struct process_name *ret_names, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_asked; i++) {
		struct entry *e = get(c, c->asked[i]);

		if (!e)
			continue;
		e->asked = false;
		if (n < max && !e->ended && e->taken_ns < before_ns)
			ret_names[n++] = e->name;
	}
	c->n_asked = 0;
	return n;
}

unsigned process_cache_without_cmdline(const struct process_cache *c,
				       struct process_name **ret_names)
{
	unsigned n = 0;

	*ret_names = xcalloc(c->living.n + 1, sizeof(**ret_names));
	for (const struct entry *e = c->living.first; e; e = e->after)
		if (e->has_args && !e->cmdline)
			(*ret_names)[n++] = e->name;
	return n;
}

/* --- time ------------------------------------------------------------------------------------ */

void process_cache_walk_begins(struct process_cache *c)
{
	c->walk++;
}

void process_cache_walk_ended(struct process_cache *c, uint64_t began_ns, uint64_t at_ns,
			      bool (*lives)(struct process_name name))
{
	struct entry *next;

	for (struct entry *e = c->living.first; e; e = next) {
		next = e->after;
		if (e->walk != c->walk && e->name.start_time_ns < began_ns && !lives(e->name))
			end(c, e, at_ns);
	}
}

void process_cache_expire(struct process_cache *c, uint64_t now_ns)
{
	while (c->ended.first && c->ended.first->ended_ns + c->limits.keep_ended_ns < now_ns)
		drop(c, c->ended.first);
}

void process_cache_stats(const struct process_cache *c, struct process_cache_stats *ret_stats)
{
	*ret_stats = (struct process_cache_stats){
		.processes = count(c),
		.ended = c->ended.n,
		.bytes = bytes(c),
		.evicted_ended = c->evicted_ended,
		.evicted = c->evicted,
	};
}

struct process_cache *process_cache_new(const struct process_cache_limits *limits)
{
	struct process_cache *c = xcalloc(1, sizeof(*c));

	c->limits = *limits;
	return c;
}

void process_cache_free(struct process_cache *c)
{
	if (!c)
		return;
	while (c->living.first)
		drop(c, c->living.first);
	while (c->ended.first)
		drop(c, c->ended.first);
	buf_fini(&c->scratch);
	free(c);
}
