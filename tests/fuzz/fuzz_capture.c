/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a capture: its lines are read, and an event that could be read is written and read
 * again, which must give the same record. */
#include "capture/line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* One for all inputs: making one takes long. What is known of processes stays. */
static struct line_reader *reader(void)
{
	static struct line_reader *r;

	if (!r)
		r = line_reader_new(event_type_find("syscall", strlen("syscall")));
	return r;
}

static void check_header(const char *line, size_t len)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *error = NULL;
	struct capture_header header;

	if (capture_read_header(line, len, &header, &error)) {
		require(!error);
		line_reader_clock(reader(), header.wall_offset_ns);
		capture_write_header(&header, &text);
		require(text.len > 0);
	}
	capture_header_fini(&header);
}

static void check_event(const struct event *ev)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE void *again = xcalloc(1, record_size_max());
	struct event_read_error error;
	struct capture_entry entry;

	capture_write_event(ev, &text);
	require(memchr(text.data, '\n', text.len) == text.data + text.len - 1);
	require(line_read(reader(), text.data, text.len - 1, again, &entry, &error));
	require(entry.kind == ENTRY_EVENT && entry.event.type == ev->type);
	require(memcmp(ev->record, again, ev->type->record_size) == 0);
}

static void check_line(const char *line, size_t len)
{
	AUTO_FREE void *record = xcalloc(1, record_size_max());
	struct event_read_error error;
	struct capture_entry entry;

	if (!line_read(reader(), line, len, record, &entry, &error)) {
		require(error.at >= line && error.at <= line + len);
		require(strlen(error.message) > 0);
		return;
	}
	line_reader_go_on(reader());
	if (entry.kind == ENTRY_EVENT)
		check_event(&entry.event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	bool first = true;

	line_reader_clock(reader(), 0);
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;
		/* of the very length, so that a byte read too many shows */
		AUTO_FREE char *line = xcalloc(1, len);

		if (len)
			memcpy(line, text, len);
		if (first)
			check_header(line, len);
		check_line(line, len);
		first = false;
		text += len + (end != NULL);
		size -= len + (end != NULL);
	}
	return 0;
}
