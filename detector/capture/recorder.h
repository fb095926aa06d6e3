/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records what an engine is told, in the same order: call these where those of engine.h are called.
 * None of them waits for a disk. What could not be kept, because the disk is too slow, is counted
 * and becomes a loss in the capture.
 */
#ifndef CAPTURE_RECORDER_H
#define CAPTURE_RECORDER_H

#include "capture/format.h"

#define RECORDER_BYTES_DEFAULT (256 << 20)
#define RECORDER_FILES_DEFAULT 4
#define RECORDER_FILES_MAX     100

struct recorder_conf {
	const char *path;
	uint64_t max_bytes; /* of all files together; 0: the default */
	unsigned max_files; /* 0: the default */
	uint64_t seed;	    /* of the engine */
	uint64_t rules;	    /* digest of its rules; 0: there are none */
	uint64_t wall_ns;   /* now */
	int64_t wall_offset_ns;
	const struct host_info *host; /* copied */
	const struct demand *demands; /* one for each of event_types(): what is recorded; copied */
};

struct recorder_stats {
	uint64_t events;
	uint64_t missed; /* not kept */
	uint64_t bytes;	 /* of all files written */
};

struct recorder; /* opaque */

/* NULL on failure with one sentence in *ret_error, which the caller frees. */
struct recorder *recorder_new(const struct recorder_conf *conf, char **ret_error);

/* Of all that follow: NULL is fine, and does nothing. */
void recorder_event(struct recorder *r, const struct event *ev);
void recorder_tick(struct recorder *r, uint64_t now_ns, int64_t wall_offset_ns);
void recorder_loss(struct recorder *r, const struct event_type *type, uint64_t lost,
		   uint64_t now_ns);
/* From here on there are other rules, or the same ones were read again: their digest, and what they
 * make the sources deliver, one demand for each of event_types(). */
void recorder_rules(struct recorder *r, uint64_t rules, const struct demand *demands,
		    uint64_t now_ns, int64_t wall_offset_ns);
/* Ends the files and frees it. False if something is missing at the end; the statistics are written
 * in any case. */
bool recorder_close(struct recorder *r, struct recorder_stats *ret_stats);

/* Since the last call: why writing has failed, for good (disk full); NULL if it has not, or if that
 * was said. Lends. */
const char *recorder_failure(struct recorder *r);

#endif
