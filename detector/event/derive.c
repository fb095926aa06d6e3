/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/derive.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "event/syscalls.h"
#include "util/timetext.h"

static void set_text(struct value *ret, const char *text)
{
	ret->text = text;
	ret->len = strlen(text);
}

static void set_uint(struct value *ret, uint64_t v)
{
	ret->u = v;
	ret->number = (double)v;
}

void derive_timestamp(const struct event *ev, struct value *ret)
{
	set_uint(ret, event_wall_ns(ev));
}

void derive_time_str(const struct event *ev, struct value *ret)
{
	timetext(event_wall_ns(ev), ret->scratch);
	set_text(ret, ret->scratch);
}

void derive_syscall_name(const struct event *ev, struct value *ret)
{
	const struct ev_syscall *r = ev->record;
	const char *name = syscall_name(r->syscall, r->compat);

	if (!name) {
		(void)snprintf(ret->scratch, sizeof(ret->scratch), "syscall_%u", r->syscall);
		name = ret->scratch;
	}
	set_text(ret, name);
}

static const char *type_of_mode(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "regular";
	case S_IFDIR:
		return "directory";
	case S_IFBLK:
		return "block";
	case S_IFCHR:
		return "character";
	case S_IFIFO:
		return "pipe";
	case S_IFSOCK:
		return "socket";
	default:
		return "other";
	}
}

static bool has_file(const struct ev_syscall *r)
{
	return r->file_mode && syscall_takes_fd(r->syscall, r->compat);
}

void derive_file_type(const struct event *ev, struct value *ret)
{
	const struct ev_syscall *r = ev->record;

	set_text(ret, has_file(r) ? type_of_mode(r->file_mode) : "none");
}

void derive_file_system(const struct event *ev, struct value *ret)
{
	const struct ev_syscall *r = ev->record;

	ret->text = has_file(r) ? r->file_system_type : "";
	ret->len = strnlen(ret->text, sizeof(r->file_system_type));
}

static uint64_t known_ns(uint64_t ns)
{
	return ns == NOT_MEASURED ? 0 : ns;
}

void derive_mostly(const struct event *ev, struct value *ret)
{
	const struct ev_syscall *r = ev->record;
	uint64_t on_cpu_ns = known_ns(r->on_cpu_ns);
	uint64_t runq_ns = known_ns(r->runq_ns);
	uint64_t blocked_ns = known_ns(r->blocked_ns);

	if (!(on_cpu_ns | runq_ns | blocked_ns))
		set_text(ret, "unknown");
	else if (blocked_ns > on_cpu_ns && blocked_ns > runq_ns)
		set_text(ret, "blocked");
	else
		set_text(ret, runq_ns > on_cpu_ns ? "waiting for a CPU" : "working");
}

void derive_measured(const struct event *ev, struct value *ret)
{
	const struct ev_syscall *r = ev->record;

	set_text(ret, r->is_wait ? "wait" : "call");
}

void derive_abi(const struct event *ev, struct value *ret)
{
	const struct ev_syscall *r = ev->record;

	set_text(ret, r->compat ? "i386" : "native");
}

void derive_time_bucket(const struct event *ev, struct value *ret)
{
	struct value interval_ms;
	uint64_t interval_ns;

	event_get(ev, ev->type->interval, &interval_ms);
	if (interval_ms.missing) {
		value_set_missing(ret);
		return;
	}
	/* a record may hold any number, also one that rounds to 2^64 ns */
	interval_ns = (uint64_t)fmin(interval_ms.number * NS_PER_MS, 0x1p63);
	set_uint(ret, (event_wall_ns(ev) - interval_ns) / NS_PER_S);
}

static uint64_t switches(const struct ev_sched *r)
{
	return r->voluntary_switches + r->involuntary_switches;
}

void derive_context_switches(const struct event *ev, struct value *ret)
{
	set_uint(ret, switches(ev->record));
}

/* Without a switch the one slice goes on: as long as the process ran. */
void derive_avg_timeslice_us(const struct event *ev, struct value *ret)
{
	const struct ev_sched *r = ev->record;
	uint64_t n = switches(r);

	ret->number = (double)r->cpu_time_ns / 1e3 / (double)(n ? n : 1);
}

void derive_runq_avg_us(const struct event *ev, struct value *ret)
{
	const struct ev_sched *r = ev->record;

	if (r->runq_waits == NOT_MEASURED || r->runq_ns == NOT_MEASURED)
		value_set_missing(ret);
	else
		ret->number =
			(double)r->runq_ns / 1e3 / (double)(r->runq_waits ? r->runq_waits : 1);
}

void derive_fault_avg_us(const struct event *ev, struct value *ret)
{
	const struct ev_page_fault *r = ev->record;

	if (r->fault_ns == NOT_MEASURED)
		value_set_missing(ret);
	else
		ret->number =
			(double)r->fault_ns / 1e3 / (double)(r->timed_faults ? r->timed_faults : 1);
}

/* enum in the kernel's include/net/tcp_states.h; the numbers are ABI, the names those of ss(8) */
void derive_state(const struct event *ev, struct value *ret)
{
	static const char *const names[] = {
		[1] = "ESTAB",	    [2] = "SYN-SENT",  [3] = "SYN-RECV", [4] = "FIN-WAIT-1",
		[5] = "FIN-WAIT-2", [6] = "TIME-WAIT", [7] = "CLOSE",	 [8] = "CLOSE-WAIT",
		[9] = "LAST-ACK",   [10] = "LISTEN",   [11] = "CLOSING", [12] = "SYN-RECV",
	};
	uint32_t state = ((const struct ev_tcp_retransmit *)ev->record)->tcp_state;

	set_text(ret, state < ARRAY_SIZE(names) && names[state] ? names[state] : "UNKNOWN");
}

static uint32_t owner_kind(const struct event *ev)
{
	if (strcmp(ev->type->name, "net") == 0)
		return ((const struct ev_net *)ev->record)->owner_kind;
	if (strcmp(ev->type->name, "tcp") == 0)
		return ((const struct ev_tcp *)ev->record)->owner_kind;
	return ((const struct ev_tcp_retransmit *)ev->record)->owner_kind;
}

void derive_owner(const struct event *ev, struct value *ret)
{
	static const char *const names[] = {
		[TCP_OWNER_UNKNOWN] = "unknown",
		[TCP_OWNER_LISTENER] = "listener",
		[TCP_OWNER_EXACT] = "exact",
	};
	uint32_t kind = owner_kind(ev);

	set_text(ret, kind < ARRAY_SIZE(names) ? names[kind] : "unknown");
}

/* Before 5.18 the tracepoint gave -errno, since then a blk_status_t: include/linux/blk_types.h. */
void derive_error(const struct event *ev, struct value *ret)
{
	static const char *const names[] = {
		/* the later ones have other numbers on other kernels */
		[0] = "none",	    [1] = "not supported", [2] = "timeout",  [3] = "no space",
		[4] = "transport",  [5] = "target",	   [6] = "reserved", [7] = "medium",
		[8] = "protection", [9] = "resource",	   [10] = "io",	     [12] = "again",
	};
	int32_t status = ((const struct ev_io_request *)ev->record)->status;

	if (status >= 0 && (size_t)status < ARRAY_SIZE(names) && names[status]) {
		set_text(ret, names[status]);
		return;
	}
	if (status == -EIO) {
		set_text(ret, "io");
		return;
	}
	(void)snprintf(ret->scratch, sizeof(ret->scratch), "%s %d", status < 0 ? "errno" : "status",
		       abs(status));
	set_text(ret, ret->scratch);
}

void derive_issuer(const struct event *ev, struct value *ret)
{
	static const char *const names[] = {
		[IO_ISSUER_UNKNOWN] = "unknown",
		[IO_ISSUER_KERNEL] = "kernel",
		[IO_ISSUER_WRITEBACK] = "writeback",
		[IO_ISSUER_EXACT] = "exact",
	};
	uint32_t kind = ((const struct ev_io_request *)ev->record)->issuer_kind;

	set_text(ret, kind < ARRAY_SIZE(names) ? names[kind] : "unknown");
}

static const struct process *process_of(const struct event *ev)
{
	static const struct process unknown = { "", "", "", "", "", "", "" };
	const struct process *p = ev->processes ? ev->processes->find(ev->processes, ev) : NULL;

	return p ? p : &unknown;
}

void derive_exe(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->exe);
}

void derive_cmdline(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->cmdline);
}

void derive_parent_comm(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->parent_comm);
}

void derive_user(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->user);
}

void derive_cgroup(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->cgroup);
}

void derive_container_id(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->container_id);
}

void derive_unit(const struct event *ev, struct value *ret)
{
	set_text(ret, process_of(ev)->unit);
}
