/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/restore.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "event/member.h"
#include "event/syscalls.h"
#include "util/timetext.h"

static bool is(const struct value *v, const char *text)
{
	return v->len == strlen(text) && memcmp(v->text, text, v->len) == 0;
}

/* The place of the text in a list of names; false if it is not there. */
static bool place_of(const struct value *v, const char *const *names, size_t n, uint32_t *ret_place)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i] && is(v, names[i])) {
			*ret_place = (uint32_t)i;
			return true;
		}
	}
	return false;
}

static bool set_wall_ns(const struct restoring *r, uint64_t wall_ns)
{
	uint64_t ts_ns = wall_ns - (uint64_t)r->wall_offset_ns;

	memcpy(r->record, &ts_ns, sizeof(ts_ns));
	return true;
}

static bool put_timestamp(const struct value *v, const struct restoring *r)
{
	return set_wall_ns(r, v->u);
}

static bool put_time_str(const struct value *v, const struct restoring *r)
{
	uint64_t wall_ns;

	return timetext_parse(v->text, v->len, &wall_ns) && set_wall_ns(r, wall_ns);
}

/* Those of all samples, which have a length. */
static bool put_time_bucket(const struct value *v, const struct restoring *r)
{
	uint64_t interval_ns = r->type->interval ? member_load(r->record, r->type->interval) : 0;

	if (interval_ns == NOT_MEASURED)
		interval_ns = NS_PER_S;
	return v->u < UINT64_MAX / NS_PER_S / 2 && set_wall_ns(r, v->u * NS_PER_S + interval_ns);
}

/* Into the one member that it comes from, whichever type has it. */
static bool put_place(const struct value *v, const struct restoring *r, const char *const *names,
		      size_t n)
{
	uint32_t place;

	if (!place_of(v, names, n, &place))
		return false;
	member_store(r->record, r->from[0], place);
	return true;
}

static bool put_abi(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = { "native", "i386" };

	return put_place(v, r, names, ARRAY_SIZE(names));
}

static bool put_measured(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = { "call", "wait" };

	return put_place(v, r, names, ARRAY_SIZE(names));
}

/* Of a call whose parts are not given all the time went there. */
static bool put_mostly(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = { "working", "waiting for a CPU", "blocked", "unknown" };
	const struct ev_syscall *e = r->record;
	bool known = e->latency_ns && e->latency_ns != NOT_MEASURED;
	uint32_t place;

	if (!place_of(v, names, ARRAY_SIZE(names), &place))
		return false;
	if (r->given[0] || r->given[1] || r->given[2])
		return true;
	for (unsigned i = 0; i < 3; i++)
		member_store(r->record, r->from[i], i == place ? (known ? e->latency_ns : 1) : 0);
	return true;
}

/* Also "syscall_451", as a call without a name is shown. */
static bool put_syscall_name(const struct value *v, const struct restoring *r)
{
	struct ev_syscall *e = r->record;
	char text[32];
	int end = 0;

	if (syscall_number(v->text, v->len, e->compat, &e->syscall))
		return true;
	(void)snprintf(text, sizeof(text), "%.*s", (int)v->len, v->text);
	return sscanf(text, "syscall_%10u%n", &e->syscall, &end) == 1 && text[end] == '\0';
}

static bool put_file_type(const struct value *v, const struct restoring *r)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} types[] = {
		{ "none", 0 },		{ "regular", S_IFREG },	  { "directory", S_IFDIR },
		{ "block", S_IFBLK },	{ "character", S_IFCHR }, { "pipe", S_IFIFO },
		{ "socket", S_IFSOCK }, { "other", 0600 },
	};
	struct ev_syscall *e = r->record;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (is(v, types[i].name)) {
			e->file_mode = types[i].mode;
			return true;
		}
	}
	return false;
}

/* On a file of some type, where none is named. */
static bool put_file_system(const struct value *v, const struct restoring *r)
{
	struct ev_syscall *e = r->record;

	if (v->len > sizeof(e->file_system_type))
		return false;
	memset(e->file_system_type, 0, sizeof(e->file_system_type));
	memcpy(e->file_system_type, v->text, v->len);
	if (v->len > 0 && e->file_mode == 0)
		e->file_mode = S_IFREG;
	return true;
}

/* What is not given of the two kinds is the rest; with neither, all had to wait. */
static bool put_context_switches(const struct value *v, const struct restoring *r)
{
	struct ev_sched *e = r->record;

	if (r->given[0]) {
		e->involuntary_switches = v->u - e->voluntary_switches;
		return e->voluntary_switches <= v->u;
	}
	if (!r->given[1])
		e->involuntary_switches = 0;
	e->voluntary_switches = v->u - e->involuntary_switches;
	return e->involuntary_switches <= v->u;
}

/* What `n` things took on average, in us, into the time that all of them took. */
static bool put_average(const struct value *v, const struct restoring *r, uint64_t n)
{
	double ns = v->number * 1e3 * (double)(n && n != NOT_MEASURED ? n : 1);

	if (!(ns >= 0 && ns < 0x1p63))
		return false;
	member_store(r->record, r->from[0], (uint64_t)(ns + 0.5));
	return true;
}

static bool put_avg_timeslice_us(const struct value *v, const struct restoring *r)
{
	const struct ev_sched *e = r->record;

	return put_average(v, r, e->voluntary_switches + e->involuntary_switches);
}

static bool put_runq_avg_us(const struct value *v, const struct restoring *r)
{
	struct ev_sched *e = r->record;

	if (e->runq_waits == NOT_MEASURED)
		e->runq_waits = 1;
	return put_average(v, r, e->runq_waits);
}

/* How many they were is hidden: with the time alone it follows from that. */
static bool put_fault_avg_us(const struct value *v, const struct restoring *r)
{
	struct ev_page_fault *e = r->record;

	if (!r->given[0])
		return put_average(v, r, e->timed_faults);
	if (v->number > 0 && e->fault_ns != NOT_MEASURED)
		e->timed_faults = (uint64_t)((double)e->fault_ns / 1e3 / v->number + 0.5);
	return v->number >= 0;
}

/* The names as derive_error() has them; also "status 13" and "errno 5". */
static bool put_error(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = {
		[0] = "none",	    [1] = "not supported", [2] = "timeout",  [3] = "no space",
		[4] = "transport",  [5] = "target",	   [6] = "reserved", [7] = "medium",
		[8] = "protection", [9] = "resource",	   [10] = "io",	     [12] = "again",
	};
	char text[32];
	unsigned number;
	int end = 0;

	if (put_place(v, r, names, ARRAY_SIZE(names)))
		return true;
	(void)snprintf(text, sizeof(text), "%.*s", (int)v->len, v->text);
	if (sscanf(text, "status %9u%n", &number, &end) == 1 && text[end] == '\0')
		member_store(r->record, r->from[0], number);
	else if (sscanf(text, "errno %9u%n", &number, &end) == 1 && text[end] == '\0')
		member_store(r->record, r->from[0], -(uint64_t)number);
	else
		return false;
	return true;
}

static bool put_issuer(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = {
		[IO_ISSUER_UNKNOWN] = "unknown",
		[IO_ISSUER_KERNEL] = "kernel",
		[IO_ISSUER_WRITEBACK] = "writeback",
		[IO_ISSUER_EXACT] = "exact",
	};

	return put_place(v, r, names, ARRAY_SIZE(names));
}

static bool put_state(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = {
		"UNKNOWN",   "ESTAB", "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
		"TIME-WAIT", "CLOSE", "CLOSE-WAIT", "LAST-ACK", "LISTEN",     "CLOSING",
	};

	return put_place(v, r, names, ARRAY_SIZE(names));
}

static bool put_owner(const struct value *v, const struct restoring *r)
{
	static const char *const names[] = {
		[TCP_OWNER_UNKNOWN] = "unknown",
		[TCP_OWNER_LISTENER] = "listener",
		[TCP_OWNER_EXACT] = "exact",
	};

	return put_place(v, r, names, ARRAY_SIZE(names));
}

static const struct restore table[] = {
	{ "timestamp", { "ts_ns" }, put_timestamp },
	{ "time_str", { "ts_ns" }, put_time_str },
	{ "time_bucket", { "ts_ns" }, put_time_bucket },
	{ "abi", { "compat" }, put_abi },
	{ "mostly", { "on_cpu_ms", "runq_ms", "blocked_ms" }, put_mostly },
	{ "measured", { "is_wait" }, put_measured },
	{ "syscall_name", { "syscall" }, put_syscall_name },
	{ "file_type", { "file_mode" }, put_file_type },
	{ "file_system", { "file_system_type" }, put_file_system },
	{ "context_switches",
	  { "voluntary_switches", "involuntary_switches" },
	  put_context_switches },
	{ "avg_timeslice_us", { "cpu_time_ms" }, put_avg_timeslice_us },
	{ "runq_avg_us", { "runq_ms" }, put_runq_avg_us },
	{ "fault_avg_us", { "fault_ms", "timed_faults" }, put_fault_avg_us },
	{ "error", { "status" }, put_error },
	{ "issuer", { "issuer_kind" }, put_issuer },
	{ "state", { "tcp_state" }, put_state },
	{ "owner", { "owner_kind" }, put_owner },
};

const struct restore *restore_table(unsigned *ret_n)
{
	*ret_n = ARRAY_SIZE(table);
	return table;
}
