/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture is what an engine was told, call by call, as JSON lines (docs/testing.md), by gzip or
 * plain. Written here; line.h reads it. All times without a word are ns of CLOCK_MONOTONIC.
 *
 *	{"kernelsight":"capture","format":1,...}             the first line: struct capture_header
 *	{"on":"syscall","timestamp":...,"pid":...}           an event (event/event_read.h)
 *	{"tick":NS,"wall_offset_ns":N}                       engine_tick()
 *	{"lost":N,"on":"syscall","at_ns":NS}                 engine_loss(), of what no line stands for
 *	{"rules":"HEX","at_ns":NS,"wall_offset_ns":N}        a reload: struct rule_set's digest, now
 *	{"wall_offset_ns":N}                                 of the events that follow
 *	{"process":PID,"start_time_ns":NS,"exe":...}         what is known of a process from here on
 *	{"end":N}                                            the last line; N events came before it
 */
#ifndef CAPTURE_FORMAT_H
#define CAPTURE_FORMAT_H

#include "engine/alert.h"
#include "rule/rule_load.h"

#define CAPTURE_FORMAT 1

/* What a source was asked for. */
struct capture_source {
	const struct event_type *type;
	struct demand demand;
};

struct capture_header {
	char recording[ULID_LEN + 1]; /* the same in all files of a recording */
	unsigned part;		      /* of these files, from 0 in the order of time */
	char *version;		      /* of kernelsight */
	uint64_t seed;		      /* of the engine that ran along, or for one that replays it */
	uint64_t rules;		      /* digest of its rules; 0: none ran along, or none is known */
	int64_t wall_offset_ns;
	struct host_info host;
	struct capture_source *sources;
	unsigned n_sources;
};

/* Frees what it holds. */
void capture_header_fini(struct capture_header *h);

void capture_write_header(const struct capture_header *h, struct buf *out);
void capture_write_event(const struct event *ev, struct buf *out);
void capture_write_tick(uint64_t now_ns, int64_t wall_offset_ns, struct buf *out);
void capture_write_loss(const struct event_type *type, uint64_t lost, uint64_t now_ns,
			struct buf *out);
void capture_write_rules(uint64_t rules, uint64_t now_ns, int64_t wall_offset_ns, struct buf *out);
void capture_write_clock(int64_t wall_offset_ns, struct buf *out);
void capture_write_process(uint32_t pid, uint64_t start_time_ns, const struct process *p,
			   struct buf *out);
void capture_write_end(uint64_t events, struct buf *out);

/*
 * Reads a first line. False, with *ret_error for the caller to free, if it is no header of this
 * format; *ret_error is NULL if it is no header at all, but may be another line.
 */
bool capture_read_header(const char *line, size_t len, struct capture_header *ret_header,
			 char **ret_error);

#endif
