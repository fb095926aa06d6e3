/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/gzip.h"

#define BLOCK_BYTES (256 << 10)

struct capture_reader {
	char *path;
	struct gzip *file;
	struct line_reader *lines;
	struct capture_header header;
	bool has_header;

	struct buf text; /* what was read and is not used up; grows to CAPTURE_LINE_MAX + a block */
	size_t at;	 /* where the next line begins in it */
	bool at_end;
	bool broke_off;
	uint64_t line; /* number of the last one */
	uint64_t events;
	bool ended; /* the last line said so */

	char *records;
	size_t record_size;
	unsigned n_records; /* that are outstanding */
	char *error;
	char *remark;
	uint64_t odd_texts; /* events with a text that none has */
	char *first_odd;    /* where, and what */
	char *odd_remark;
};

/* --- lines ----------------------------------------------------------------------------------- */

static void remark(struct capture_reader *r, char *text)
{
	free(r->remark);
	r->remark = text;
}

static void read_block(struct capture_reader *r)
{
	const char *error = "";
	long n;

	if (r->at > 0) {
		memmove(r->text.data, r->text.data + r->at, r->text.len - r->at);
		r->text.len -= r->at;
		r->at = 0;
	}
	if (r->text.cap < r->text.len + BLOCK_BYTES) {
		r->text.cap = r->text.len + 2 * BLOCK_BYTES;
		r->text.data = xrealloc(r->text.data, r->text.cap, 1);
	}
	n = gzip_read(r->file, r->text.data + r->text.len, BLOCK_BYTES, &error);
	r->at_end = n <= 0;
	if (n > 0)
		r->text.len += (size_t)n;
	if (n < 0) {
		r->broke_off = true;
		remark(r, xasprintf("%s: it breaks off after line %llu (%s)", r->path,
				    (unsigned long long)r->line, error));
	}
}

/* Lends the next line, without its end; false when there is none. */
static bool next_line(struct capture_reader *r, const char **ret_line, size_t *ret_len)
{
	size_t searched = 0;
	char *end = NULL;

	for (;;) {
		size_t left = r->text.len - r->at;

		if (left > searched)
			end = memchr(r->text.data + r->at + searched, '\n', left - searched);
		if (end || r->at_end || left > CAPTURE_LINE_MAX)
			break;
		searched = left;
		read_block(r);
	}
	if (!end && r->text.len == r->at)
		return false;
	*ret_line = r->text.data + r->at;
	*ret_len = end ? (size_t)(end - *ret_line) : r->text.len - r->at;
	r->at += *ret_len + (end != NULL);
	r->line++;
	return end || !r->broke_off;
}

/* --- opening --------------------------------------------------------------------------------- */

static bool fail(struct capture_reader *r, char **ret_error, const char *why)
{
	*ret_error = xasprintf("%s: %s", r->path, why);
	capture_close(r);
	return false;
}

static bool read_header(struct capture_reader *r, char **ret_error)
{
	AUTO_FREE char *error = NULL;
	const char *line;
	size_t len;

	if (!next_line(r, &line, &len)) {
		if (r->broke_off)
			return fail(r, ret_error, "it breaks off before its first line ends");
		return true;
	}
	r->has_header = capture_read_header(line, len, &r->header, &error);
	if (error)
		return fail(r, ret_error, error);
	if (r->has_header) {
		line_reader_clock(r->lines, r->header.wall_offset_ns);
	} else {
		/* it is an event like the others */
		r->at = (size_t)(line - r->text.data);
		r->line = 0;
	}
	return true;
}

struct capture_reader *capture_open(const char *path, const struct event_type *fallback,
				    char **ret_error)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct capture_reader *r;

	if (fd < 0) {
		*ret_error = xasprintf("%s: %s", path, strerror(errno));
		return NULL;
	}
	r = xcalloc(1, sizeof(*r));
	r->path = xstrdup(is_stdin ? "standard input" : path);
	r->file = gzip_reader(fd);
	r->lines = line_reader_new(fallback);
	r->record_size = record_size_max();
	r->records = xcalloc(CAPTURE_BATCH, r->record_size);
	return read_header(r, ret_error) ? r : NULL;
}

void capture_close(struct capture_reader *r)
{
	if (!r)
		return;
	(void)gzip_close(r->file);
	line_reader_free(r->lines);
	capture_header_fini(&r->header);
	buf_fini(&r->text);
	free(r->records);
	free(r->error);
	free(r->remark);
	free(r->first_odd);
	free(r->odd_remark);
	free(r->path);
	free(r);
}

const char *capture_path(const struct capture_reader *r)
{
	return r->path;
}

const struct capture_header *capture_header(const struct capture_reader *r)
{
	return r->has_header ? &r->header : NULL;
}

/* --- entries --------------------------------------------------------------------------------- */

static int wrong_line(struct capture_reader *r, const char *line, const char *at,
		      const char *message)
{
	free(r->error);
	r->error = xasprintf("%s:%llu:%zu: %s", r->path, (unsigned long long)r->line,
			     (size_t)(at - line) + 1, message);
	return -1;
}

static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

/* A recorder that was killed leaves no last line, and perhaps half of one. */
static void look_at_end(struct capture_reader *r)
{
	if (r->has_header && !r->ended && !r->remark)
		remark(r, xasprintf("%s: it has no last line, its recorder was killed; read up to "
				    "line %llu",
				    r->path, (unsigned long long)r->line));
}

static int end_of_lines(struct capture_reader *r)
{
	look_at_end(r);
	return 0;
}

static void look_at_texts(struct capture_reader *r, const char *line, const void *record)
{
	struct event_read_error odd;

	if (!line_has_odd_text(r->lines, record, &odd))
		return;
	if (r->odd_texts++ == 0)
		r->first_odd = xasprintf("%s:%llu:%zu: %s", r->path, (unsigned long long)r->line,
					 (size_t)(odd.at - line) + 1, odd.message);
}

bool capture_is_full(const struct capture_reader *r)
{
	return r->n_records == CAPTURE_BATCH;
}

int capture_read(struct capture_reader *r, struct capture_entry *ret)
{
	struct event_read_error error;
	const char *line;
	size_t len;
	bool whole;

	do {
		if (!next_line(r, &line, &len))
			return end_of_lines(r);
	} while (len <= CAPTURE_LINE_MAX && is_blank(line, len));
	if (len > CAPTURE_LINE_MAX)
		return wrong_line(r, line, line, "this line is longer than 1 MiB");
	if (capture_is_full(r))
		abort(); /* capture_release() was forgotten */
	whole = r->at > 0 && r->text.data[r->at - 1] == '\n';
	if (!line_read(r->lines, line, len, r->records + r->n_records * r->record_size, ret,
		       &error)) {
		if (r->has_header && !whole)
			return end_of_lines(r);
		return wrong_line(r, line, error.at, error.message);
	}
	if (ret->kind == ENTRY_EVENT) {
		look_at_texts(r, line, ret->event.record);
		r->n_records++;
		r->events++;
	}
	if (ret->kind == ENTRY_END)
		r->ended = true;
	if (!ret->news)
		line_reader_go_on(r->lines);
	return 1;
}

void capture_go_on(struct capture_reader *r)
{
	line_reader_go_on(r->lines);
}

void capture_release(struct capture_reader *r)
{
	r->n_records = 0;
}

const char *capture_error(const struct capture_reader *r)
{
	return r->error;
}

const char *capture_remark(const struct capture_reader *r)
{
	return r->remark;
}

const char *capture_odd_texts(struct capture_reader *r)
{
	if (!r->odd_texts)
		return NULL;
	free(r->odd_remark);
	r->odd_remark = xasprintf("%s (%llu such event%s)", r->first_odd,
				  (unsigned long long)r->odd_texts, plural(r->odd_texts));
	return r->odd_remark;
}
