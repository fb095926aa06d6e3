/* SPDX-License-Identifier: BSD-2-Clause */
/* The two sides share a queue under one lock; files are the thread's alone. */
#include "capture/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture/gzip.h"

#define CLOSE_WAIT_S 5

struct text {
	STAILQ_ENTRY(text) link;
	struct buf buf;
	unsigned flags;
};

struct writer {
	char *path;
	uint64_t file_bytes_max;
	unsigned max_files;
	bool keeps_name; /* no regular file: neither renamed nor begun anew */
	pthread_t thread;

	/* the thread's */
	struct gzip *file;
	uint64_t closed_bytes; /* of the files before this one */

	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t change;
	STAILQ_HEAD(, text) waiting;
	size_t waiting_bytes;
	bool closing;
	bool ended;
	bool full;
	unsigned new_files; /* that wait to be begun */
	int error;
	uint64_t bytes;
};

/* --- files ----------------------------------------------------------------------------------- */

static char *name_of(const struct writer *w, unsigned i)
{
	return i ? xasprintf("%s.%u", w->path, i) : xstrdup(w->path);
}

/* path becomes path.1, that path.2, and the last is gone. */
static bool shift_names(const struct writer *w)
{
	for (unsigned i = w->max_files - 1; i > 0; i--) {
		AUTO_FREE char *from = name_of(w, i - 1);
		AUTO_FREE char *to = name_of(w, i);

		if (rename(from, to) != 0 && errno != ENOENT)
			return false;
	}
	return true;
}

/* Only for the eyes of who records: command lines hold secrets now and then. */
static bool open_file(struct writer *w)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;
	int fd;

	if (!w->keeps_name && !shift_names(w))
		return false;
	fd = open(w->path, flags | (w->keeps_name ? 0 : O_EXCL), 0600);
	if (fd < 0)
		return false;
	w->file = gzip_writer(fd);
	return true;
}

static bool close_file(struct writer *w)
{
	struct gzip *file = w->file;

	w->closed_bytes += file ? gzip_size(file) : 0;
	w->file = NULL;
	return gzip_close(file);
}

static bool write_text(struct writer *w, const struct text *t)
{
	errno = 0;
	if ((t->flags & WRITER_NEW_FILE) && !w->keeps_name && (!close_file(w) || !open_file(w)))
		return false;
	if (!gzip_write(w->file, t->buf.data, t->buf.len))
		return false;
	return !(t->flags & WRITER_FLUSH) || gzip_flush(w->file);
}

/* --- the thread ------------------------------------------------------------------------------ */

static struct text *take(struct writer *w)
{
	struct text *t;

	while (STAILQ_EMPTY(&w->waiting) && !w->closing)
		(void)pthread_cond_wait(&w->change, &w->lock);
	t = STAILQ_FIRST(&w->waiting);
	if (!t)
		return NULL;
	STAILQ_REMOVE_HEAD(&w->waiting, link);
	return t;
}

static void note(struct writer *w, const struct text *t, bool ok, int error)
{
	uint64_t size = w->file ? gzip_size(w->file) : 0;

	w->waiting_bytes -= t->buf.len;
	w->bytes = w->closed_bytes + size;
	w->full = size >= w->file_bytes_max;
	w->new_files -= (t->flags & WRITER_NEW_FILE) != 0;
	if (!ok && !w->error)
		w->error = error ? error : EIO;
}

static void *work(void *ctx)
{
	struct writer *w = ctx;
	struct text *t;
	bool ok;
	int error;

	(void)pthread_mutex_lock(&w->lock);
	while ((t = take(w))) {
		bool failed = w->error != 0;

		(void)pthread_mutex_unlock(&w->lock);
		ok = !failed && write_text(w, t);
		error = errno;
		(void)pthread_mutex_lock(&w->lock);
		if (!failed)
			note(w, t, ok, error);
		buf_fini(&t->buf);
		free(t);
	}
	(void)pthread_mutex_unlock(&w->lock);
	errno = 0;
	ok = close_file(w);
	error = errno;
	(void)pthread_mutex_lock(&w->lock);
	w->bytes = w->closed_bytes;
	if (!ok && !w->error)
		w->error = error ? error : EIO;
	w->ended = true;
	(void)pthread_cond_signal(&w->change);
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- the other side -------------------------------------------------------------------------- */

static void destroy(struct writer *w)
{
	struct text *t;

	while ((t = STAILQ_FIRST(&w->waiting))) {
		STAILQ_REMOVE_HEAD(&w->waiting, link);
		buf_fini(&t->buf);
		free(t);
	}
	(void)pthread_cond_destroy(&w->change);
	(void)pthread_mutex_destroy(&w->lock);
	free(w->path);
	free(w);
}

/* Signals are for the other thread. */
static int start_thread(struct writer *w)
{
	sigset_t all, before;
	int error;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, work, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static bool start(struct writer *w)
{
	struct stat st;

	w->keeps_name = stat(w->path, &st) == 0 && !S_ISREG(st.st_mode);
	if (!open_file(w))
		return false;
	errno = start_thread(w);
	if (errno == 0)
		return true;
	(void)gzip_close(w->file);
	return false;
}

struct writer *writer_new(const struct writer_conf *conf, char **ret_error)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t attributes;

	w->path = xstrdup(conf->path);
	w->max_files = conf->max_files;
	w->file_bytes_max = conf->max_bytes / conf->max_files;
	STAILQ_INIT(&w->waiting);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->change, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (start(w))
		return w;
	*ret_error = xasprintf("cannot write %s: %s", conf->path, strerror(errno));
	destroy(w);
	return NULL;
}

bool writer_put(struct writer *w, struct buf *text, unsigned flags)
{
	struct text *t = xcalloc(1, sizeof(*t));
	bool room;

	(void)pthread_mutex_lock(&w->lock);
	room = !w->error && w->waiting_bytes + text->len <= WRITER_WAITING_MAX;
	if (room) {
		t->buf = *text;
		t->flags = flags;
		*text = (struct buf){ 0 };
		w->waiting_bytes += t->buf.len;
		w->new_files += (flags & WRITER_NEW_FILE) != 0;
		STAILQ_INSERT_TAIL(&w->waiting, t, link);
		(void)pthread_cond_signal(&w->change);
	}
	(void)pthread_mutex_unlock(&w->lock);
	if (!room)
		free(t);
	return room;
}

bool writer_file_is_full(struct writer *w)
{
	bool full;

	(void)pthread_mutex_lock(&w->lock);
	full = w->full && w->new_files == 0 && !w->keeps_name;
	(void)pthread_mutex_unlock(&w->lock);
	return full;
}

int writer_error(struct writer *w)
{
	int error;

	(void)pthread_mutex_lock(&w->lock);
	error = w->error;
	(void)pthread_mutex_unlock(&w->lock);
	return error;
}

/* A thread that a disk holds for ever is left to the end of the program. */
bool writer_close(struct writer *w, uint64_t *ret_bytes)
{
	struct timespec until;
	bool ended, ok;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_WAIT_S;
	(void)pthread_mutex_lock(&w->lock);
	w->closing = true;
	(void)pthread_cond_signal(&w->change);
	while (!w->ended && pthread_cond_timedwait(&w->change, &w->lock, &until) == 0)
		;
	ended = w->ended;
	ok = ended && !w->error;
	*ret_bytes = w->bytes;
	(void)pthread_mutex_unlock(&w->lock);
	if (ended) {
		(void)pthread_join(w->thread, NULL);
		destroy(w);
	} else {
		(void)pthread_detach(w->thread);
	}
	return ok;
}
