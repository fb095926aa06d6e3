/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "process/cmdline_reader.h"
#include "process/proc_files.h"
#include "process/users.h"
#include "source/bpf_object.h"
#include "util/clock.h"

#define OBJECT	     "process_tracer"
#define DRAIN_BUDGET 65536 /* more than the ring holds */

/* How old the command line that an event shows may be; then it is read again, at most so many at
 * once. */
#define CMDLINE_AGE_NS (10 * NS_PER_S)
#define CMDLINES_MAX   32

/* How long everything waits for the command line of a process that nobody told of, and at the start
 * for all. */
#define CMDLINE_WAIT_NS	     (10 * NS_PER_MS)
#define ALL_CMDLINES_WAIT_NS NS_PER_S

static const struct process_cache_limits limits = {
	.processes = 65536,
	.bytes = 32 << 20,
	.keep_ended_ns = 600 * NS_PER_S,
};

struct processes {
	struct process_lookup lookup; /* first: the lookup is the processes */
	struct process answer;
	struct process_cache *cache;
	struct users *users;
	struct cmdline_reader *reader;
	struct bpf_object_handle *object; /* NULL: see problem */
	struct watch *watch;
	char *problem;
	uint64_t lost;	/* records, when the last walk began */
	uint64_t asked; /* /proc for a process that was not known */
	uint64_t walks;
};

static void on_record(void *ctx, const void *record, size_t size)
{
	struct processes *p = ctx;

	process_cache_take(p->cache, record, size);
}

static void drain(struct processes *p)
{
	if (p->object && bpf_object_ring_pending(p->object))
		(void)bpf_object_drain(p->object, DRAIN_BUDGET, on_record, p);
}

static void on_bell(void *ctx, int fd, unsigned events)
{
	(void)fd;
	(void)events;
	drain(ctx);
}

static uint64_t lost(const struct processes *p)
{
	const struct source_counters *c = bpf_object_counters(p->object);
	uint64_t sum = bpf_object_not_run(p->object);

	for (unsigned i = 0; i < bpf_object_cpus(p->object); i++)
		sum += c[i].ring_full;
	return sum;
}

/* The number of the first pid namespace: include/linux/proc_ns.h. */
#define PROC_PID_INIT_INO 0xeffffffc

/* From another pid namespace walks, and /proc, show only what is in there. */
static bool sees_all(void)
{
	struct stat ns;

	return stat("/proc/self/ns/pid", &ns) == 0 && ns.st_ino == PROC_PID_INIT_INO;
}

/* Sees all processes that there are; which of those known are gone shows too. */
static void walk(struct processes *p)
{
	uint64_t began_ns = clock_boottime_ns();

	p->lost = lost(p);
	p->walks++;
	drain(p);
	process_cache_walk_begins(p->cache);
	if (bpf_object_walk(p->object, "on_walk", 0, on_record, p) == 0 && sees_all())
		process_cache_walk_ended(p->cache, began_ns, clock_monotonic_ns(), proc_is);
}

static void on_cmdline(void *ctx, struct process_name name, uint64_t at_ns, const char *cmdline)
{
	struct processes *p = ctx;

	process_cache_learn_cmdline(p->cache, name, at_ns, cmdline);
}

/* Takes what was read since the last time, and asks for what events asked for meanwhile. */
static void renew_cmdlines(struct processes *p, uint64_t now_ns)
{
	struct process_name names[CMDLINES_MAX];
	unsigned n;

	cmdline_reader_take(p->reader, 0, on_cmdline, p);
	n = process_cache_outdated(p->cache, now_ns > CMDLINE_AGE_NS ? now_ns - CMDLINE_AGE_NS : 0,
				   names, CMDLINES_MAX);
	for (unsigned i = 0; i < n; i++)
		cmdline_reader_ask(p->reader, names[i]);
}

/* One that the kernel did not tell of. Noted also if it is gone, so that it is looked for once. */
static void ask_proc(struct processes *p, struct process_name name)
{
	CLEANUP(proc_facts_fini) struct proc_facts f = { 0 };

	p->asked++;
	if (!proc_read(name, &f))
		f.facts.ended = true;
	process_cache_learn(p->cache, name, clock_monotonic_ns(), &f.facts);
	if (f.facts.ended)
		return;
	cmdline_reader_ask(p->reader, name);
	if (!cmdline_reader_held_up(p->reader))
		cmdline_reader_take(p->reader, CMDLINE_WAIT_NS, on_cmdline, p);
}

static const struct process *find(struct process_lookup *lookup, const struct event *ev)
{
	struct processes *p = (struct processes *)lookup;
	const struct process_id id = event_process_id(ev);
	const struct process_name name = { id.pid, id.start_time_ns };
	uint64_t at_ns = event_time_ns(ev);

	if (!id.pid)
		return NULL;
	drain(p);
	if (!process_cache_find(p->cache, name, at_ns, &p->answer)) {
		ask_proc(p, name);
		if (!process_cache_find(p->cache, name, at_ns, &p->answer))
			return NULL;
	}
	p->answer.user = users_name(p->users, id.uid);
	p->answer.parent_comm = process_cache_comm(p->cache, id.ppid, id.start_time_ns);
	return &p->answer;
}

static bool attach(struct processes *p, struct loop *loop)
{
	p->object = bpf_object_new(OBJECT, "", &p->problem);
	if (!p->object || !bpf_object_attach_but(p->object, "", &p->problem))
		return false;
	p->watch = loop_watch(loop, bpf_object_ring_fd(p->object), LOOP_READ, PRIORITY_SOURCE,
			      on_bell, p);
	if (!p->watch)
		p->problem = xasprintf("cannot watch the ring: %s", strerror(errno));
	return p->watch != NULL;
}

/* The walk cannot read the command lines of others. */
static void read_all_cmdlines(struct processes *p)
{
	struct process_name *names;
	unsigned n = process_cache_without_cmdline(p->cache, &names);

	for (unsigned i = 0; i < n; i++)
		cmdline_reader_ask(p->reader, names[i]);
	free(names);
	cmdline_reader_take(p->reader, ALL_CMDLINES_WAIT_NS, on_cmdline, p);
}

struct processes *processes_new(struct loop *loop)
{
	struct processes *p = xcalloc(1, sizeof(*p));

	p->lookup.find = find;
	p->cache = process_cache_new(&limits);
	p->users = users_new("/etc/passwd");
	p->reader = cmdline_reader_new();
	if (attach(p, loop)) {
		walk(p);
		read_all_cmdlines(p);
	} else {
		bpf_object_free(p->object);
		p->object = NULL;
	}
	return p;
}

void processes_free(struct processes *p)
{
	if (!p)
		return;
	loop_unwatch(p->watch);
	bpf_object_free(p->object);
	process_cache_free(p->cache);
	users_free(p->users);
	cmdline_reader_free(p->reader);
	free(p->problem);
	free(p);
}

struct process_lookup *processes_lookup(struct processes *p)
{
	return &p->lookup;
}

const char *processes_problem(const struct processes *p)
{
	return p->problem;
}

void processes_tick(struct processes *p, uint64_t now_ns)
{
	drain(p);
	if (p->object && lost(p) > p->lost)
		walk(p);
	users_refresh(p->users);
	process_cache_expire(p->cache, now_ns);
	renew_cmdlines(p, now_ns);
}

void processes_stats(const struct processes *p, struct source_stats *ret_stats)
{
	struct source_counters *sum = &ret_stats->counters;
	const struct source_counters *per_cpu;
	struct process_cache_stats s;

	process_cache_stats(p->cache, &s);
	*ret_stats = (struct source_stats){ .lost_here = s.evicted };
	if (!p->object)
		return;
	ret_stats->not_run = bpf_object_not_run(p->object);
	per_cpu = bpf_object_counters(p->object);
	for (unsigned i = 0; i < bpf_object_cpus(p->object); i++) {
		sum->filtered += per_cpu[i].filtered;
		sum->emitted += per_cpu[i].emitted;
		sum->ring_full += per_cpu[i].ring_full;
	}
}

uint64_t processes_run_time_ns(const struct processes *p)
{
	return p->object ? bpf_object_run_time_ns(p->object, NULL) : 0;
}

void processes_print_ledger(const struct processes *p, FILE *out)
{
	struct process_cache_stats s;
	struct source_stats told;

	process_cache_stats(p->cache, &s);
	processes_stats(p, &told);
	fprintf(out,
		"processes: told %llu = filtered %llu + emitted %llu + lost %llu; not run %llu; "
		"known %u, of these ended %u, in %.1f MiB; forgotten early %llu, of these ended "
		"%llu; asked /proc %llu%s; walks %llu\n",
		(unsigned long long)source_seen(&told.counters),
		(unsigned long long)told.counters.filtered,
		(unsigned long long)told.counters.emitted,
		(unsigned long long)told.counters.ring_full, (unsigned long long)told.not_run,
		s.processes, s.ended, (double)s.bytes / (1 << 20),
		(unsigned long long)(s.evicted + s.evicted_ended),
		(unsigned long long)s.evicted_ended, (unsigned long long)p->asked,
		cmdline_reader_held_up(p->reader) ? ", which is held up" : "",
		(unsigned long long)p->walks);
}

uint64_t processes_memory_bytes(const struct processes *p)
{
	return p->object ? bpf_object_memory_bytes(p->object) : 0;
}
