/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event_write.h"
#include "event/known_processes.h"
#include "util/json_scan.h"

#define SYSCALL_WORDS ARRAY_SIZE(((struct demand *)0)->syscalls)

void capture_header_fini(struct capture_header *h)
{
	free(h->version);
	free(h->host.name);
	free(h->host.kernel);
	free(h->host.boot_id);
	free(h->sources);
	*h = (struct capture_header){ 0 };
}

/* --- writing --------------------------------------------------------------------------------- */

static void end_line(struct json *j)
{
	json_close(j, '}');
	buf_addc(j->out, '\n');
}

/* As hexadecimal text: readers that know no integers of 64 bits must not change it. */
static void write_hex(struct json *j, uint64_t v)
{
	char text[17];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
	json_str(j, text);
}

static void write_source(const struct capture_source *s, struct json *j)
{
	json_open(j, '{');
	json_member_str(j, "name", s->type->name);
	json_member_u64(j, "floor_ns", s->demand.floor_ns);
	json_key(j, "syscalls");
	json_open(j, '[');
	for (unsigned i = 0; i < SYSCALL_WORDS; i++)
		write_hex(j, s->demand.syscalls[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void write_host(const struct host_info *host, struct json *j)
{
	json_key(j, "host");
	json_open(j, '{');
	json_member_str(j, "name", host->name);
	json_member_str(j, "kernel", host->kernel);
	json_member_str(j, "boot_id", host->boot_id);
	json_close(j, '}');
}

void capture_write_header(const struct capture_header *h, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_str(&j, "kernelsight", "capture");
	json_member_u64(&j, "format", CAPTURE_FORMAT);
	json_member_str(&j, "version", h->version);
	json_member_str(&j, "recording", h->recording);
	json_member_u64(&j, "part", h->part);
	json_key(&j, "seed");
	write_hex(&j, h->seed);
	json_key(&j, "rules");
	write_hex(&j, h->rules);
	json_key(&j, "wall_offset_ns");
	json_i64(&j, h->wall_offset_ns);
	write_host(&h->host, &j);
	json_key(&j, "sources");
	json_open(&j, '[');
	for (unsigned i = 0; i < h->n_sources; i++)
		write_source(&h->sources[i], &j);
	json_close(&j, ']');
	end_line(&j);
}

void capture_write_event(const struct event *ev, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_str(&j, "on", ev->type->name);
	event_write_whole(ev, &j);
	end_line(&j);
}

void capture_write_tick(uint64_t now_ns, int64_t wall_offset_ns, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_u64(&j, "tick", now_ns);
	json_key(&j, "wall_offset_ns");
	json_i64(&j, wall_offset_ns);
	end_line(&j);
}

void capture_write_loss(const struct event_type *type, uint64_t lost, uint64_t now_ns,
			struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_u64(&j, "lost", lost);
	json_member_str(&j, "on", type->name);
	json_member_u64(&j, "at_ns", now_ns);
	end_line(&j);
}

void capture_write_rules(uint64_t rules, uint64_t now_ns, int64_t wall_offset_ns, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_key(&j, "rules");
	write_hex(&j, rules);
	json_member_u64(&j, "at_ns", now_ns);
	json_key(&j, "wall_offset_ns");
	json_i64(&j, wall_offset_ns);
	end_line(&j);
}

void capture_write_clock(int64_t wall_offset_ns, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_key(&j, "wall_offset_ns");
	json_i64(&j, wall_offset_ns);
	end_line(&j);
}

void capture_write_process(uint32_t pid, uint64_t start_time_ns, const struct process *p,
			   struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_u64(&j, "process", pid);
	json_member_u64(&j, "start_time_ns", start_time_ns);
	for (unsigned i = 0; i < process_texts_n; i++) {
		const char *text = *process_text_of((struct process *)p, &process_texts[i]);

		if (*text) {
			json_key(&j, process_texts[i].name);
			json_bytes(&j, text, strlen(text));
		}
	}
	end_line(&j);
}

void capture_write_end(uint64_t events, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, '{');
	json_member_u64(&j, "end", events);
	end_line(&j);
}

/* --- reading a header ------------------------------------------------------------------------ */

struct header_text {
	const char *line;
	size_t len;
};

/* The text at a path; the caller frees it. NULL if it is not there. */
static char *text_at(const struct header_text *h, const char *path)
{
	struct json_span span;
	struct buf text = { 0 };

	if (!json_find(h->line, h->len, path, &span) || h->line[span.at] == 'n')
		return NULL;
	json_span_text(h->line, span, &text);
	return buf_steal(&text);
}

/* A number written in base 10 or, as hexadecimal text, in 16. */
static bool number_at(const struct header_text *h, const char *path, int base, uint64_t *ret)
{
	AUTO_FREE char *text = text_at(h, path);
	char *end;

	if (!text || !*text)
		return false;
	*ret = *text == '-' ? (uint64_t)strtoll(text, &end, base) : strtoull(text, &end, base);
	return *end == '\0';
}

static bool read_source(const struct header_text *h, unsigned i, struct capture_source *ret)
{
	AUTO_FREE char *name_path = xasprintf("sources/%u/name", i);
	AUTO_FREE char *floor_path = xasprintf("sources/%u/floor_ns", i);
	AUTO_FREE char *name = text_at(h, name_path);

	*ret = (struct capture_source){ .demand.wanted = true };
	ret->type = name ? event_type_find(name, strlen(name)) : NULL;
	(void)number_at(h, floor_path, 10, &ret->demand.floor_ns);
	for (unsigned word = 0; word < SYSCALL_WORDS; word++) {
		AUTO_FREE char *path = xasprintf("sources/%u/syscalls/%u", i, word);

		(void)number_at(h, path, 16, &ret->demand.syscalls[word]);
	}
	return name != NULL;
}

static void read_sources(const struct header_text *h, struct capture_header *ret)
{
	unsigned max;
	struct capture_source source;

	(void)event_types(&max);
	ret->sources = xcalloc(max, sizeof(*ret->sources));
	/* one of a type that is not known here is of no use */
	for (unsigned i = 0; ret->n_sources < max && read_source(h, i, &source); i++)
		if (source.type)
			ret->sources[ret->n_sources++] = source;
}

bool capture_read_header(const char *line, size_t len, struct capture_header *ret, char **ret_error)
{
	const struct header_text h = { line, len };
	AUTO_FREE char *kind = text_at(&h, "kernelsight");
	AUTO_FREE char *recording = text_at(&h, "recording");
	uint64_t format = 0, part = 0, offset = 0;

	*ret = (struct capture_header){ 0 };
	*ret_error = NULL;
	if (!kind || strcmp(kind, "capture") != 0)
		return false;
	if (!number_at(&h, "format", 10, &format) || format != CAPTURE_FORMAT) {
		*ret_error = xasprintf("a capture of format %llu; this kernelsight reads format %d",
				       (unsigned long long)format, CAPTURE_FORMAT);
		return false;
	}
	if (!recording || strlen(recording) != ULID_LEN || !number_at(&h, "part", 10, &part) ||
	    !number_at(&h, "seed", 16, &ret->seed) ||
	    !number_at(&h, "wall_offset_ns", 10, &offset)) {
		*ret_error = xstrdup("the header of this capture is broken");
		return false;
	}
	memcpy(ret->recording, recording, ULID_LEN);
	(void)number_at(&h, "rules", 16, &ret->rules);
	ret->part = (unsigned)part;
	ret->wall_offset_ns = (int64_t)offset;
	ret->version = text_at(&h, "version");
	ret->host.name = text_at(&h, "host/name");
	ret->host.kernel = text_at(&h, "host/kernel");
	ret->host.boot_id = text_at(&h, "host/boot_id");
	read_sources(&h, ret);
	return true;
}
