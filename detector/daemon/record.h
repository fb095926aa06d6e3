/* SPDX-License-Identifier: BSD-2-Clause */
/* Recording while something runs, and `kernelsight record`, which does nothing else. */
#ifndef DAEMON_RECORD_H
#define DAEMON_RECORD_H

#include "capture/recorder.h"

/* Where to keep what is seen; see capture/recorder.h. */
struct record_conf {
	const char *path; /* NULL: nowhere */
	uint64_t max_bytes;
	unsigned max_files;
};

/* Starts what conf asks for, if that is anything: then *ret_recorder is not NULL. For seed and rules
 * see struct recorder_conf. False, and said on standard error, on failure. */
bool record_start(const struct record_conf *conf, uint64_t seed, uint64_t rules,
		  const struct host_info *host, const struct demand *demands,
		  struct recorder **ret_recorder);
/* Says once on standard error that nothing is recorded any more, and why. */
void record_report(struct recorder *r, const char *path);
/* Ends it, and says what came of it; false if something is missing. NULL is fine. */
bool record_end(struct recorder *r, const char *path);

struct record_session_conf {
	struct record_conf record;
	const struct demand *demands; /* one for each of event_types() */
	uint64_t duration_ns;	      /* 0: until a signal */
};

/* Records until SIGINT, SIGTERM or the duration; returns the exit code: 1 if a source could not be
 * attached, or if something is missing in the files. */
int record_run(const struct record_session_conf *conf);

#endif
