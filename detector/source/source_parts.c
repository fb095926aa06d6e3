/* SPDX-License-Identifier: BSD-2-Clause */
/* The optional pieces of a source: which way this kernel offers, and which are attached now. */
#include <stdlib.h>
#include <string.h>

#include "source/source_ops.h"

/* The next word of a list separated by spaces; NULL at its end, and if there is no list. */
static const char *next_word(const char **list, size_t *ret_len)
{
	const char *word = *list ? *list + strspn(*list, " ") : "";

	*ret_len = strcspn(word, " ");
	*list = word + *ret_len;
	return *ret_len ? word : NULL;
}

/* Is "type.field" read, or "type" wanted? */
static bool is_read(const struct source *s, const char *word, size_t len)
{
	const char *dot = memchr(word, '.', len);
	size_t type_len = dot ? (size_t)(dot - word) : len;

	for (unsigned i = 0; i < s->n_types; i++) {
		const struct event_type *type = s->types[i];
		const struct field *f;

		if (strncmp(type->name, word, type_len) != 0 || type->name[type_len])
			continue;
		if (!s->demands[i].wanted || !dot)
			return s->demands[i].wanted;
		f = event_field_find(type, dot + 1, len - type_len - 1);
		return f && s->demands[i].fields >> event_field_index(type, f) & 1;
	}
	return false;
}

bool source_part_read(const struct source *s, unsigned part)
{
	const char *list = s->ops->parts[part].reads;
	const char *word;
	size_t len;

	while ((word = next_word(&list, &len)))
		if (is_read(s, word, len))
			return true;
	return false;
}

static bool wanted(const struct source *s, unsigned part)
{
	return s->ops->part_wanted ? s->ops->part_wanted(s, part) : source_part_read(s, part);
}

static void probe(struct source *s, unsigned part)
{
	const struct source_way *ways = s->ops->parts[part].ways;
	struct part_state *state = &s->parts[part];

	for (unsigned i = 0; i < SOURCE_WAYS_MAX && ways[i].programs && !state->way; i++) {
		free(state->error);
		state->error = NULL;
		if (bpf_object_try(s->conf.object, ways[i].programs, &state->error))
			state->way = &ways[i];
	}
}

void source_parts_probe(struct source *s)
{
	for (unsigned i = 0; i < s->ops->n_parts; i++)
		probe(s, i);
}

static bool has_word(const char *list, const char *word, size_t len)
{
	const char *other;
	size_t other_len;

	while ((other = next_word(&list, &other_len)))
		if (other_len == len && strncmp(other, word, len) == 0)
			return true;
	return false;
}

/* Appends the programs of a way, but those that the way taken has too. */
static void leave_out(const struct source_way *way, const struct source_way *taken,
		      struct buf *names)
{
	const char *list = way->programs;
	const char *word;
	size_t len;

	while ((word = next_word(&list, &len)))
		if (!taken || !has_word(taken->programs, word, len))
			buf_addf(names, "%.*s ", (int)len, word);
}

char *source_parts_left_out(const struct source *s)
{
	struct buf names = { 0 };

	for (unsigned i = 0; i < s->ops->n_parts; i++) {
		const struct source_way *ways = s->ops->parts[i].ways;

		for (unsigned k = 0; k < SOURCE_WAYS_MAX && ways[k].programs; k++)
			leave_out(&ways[k], s->parts[i].way, &names);
	}
	return names.data ? names.data : xstrdup("");
}

static bool lingers(const struct source *s, unsigned part)
{
	return s->ops->part_lingers && s->ops->part_lingers(s, part);
}

static bool is_due(const struct source *s, unsigned part)
{
	const struct part_state *state = &s->parts[part];

	return state->way && ((!state->shed && wanted(s, part)) || lingers(s, part));
}

/* First what is needed now, then what no longer is: what one part takes over from another is seen by
 * one of them at any time. */
void source_parts_apply(struct source *s)
{
	for (unsigned i = 0; i < s->ops->n_parts; i++) {
		struct part_state *state = &s->parts[i];

		if (state->attached || !is_due(s, i))
			continue;
		free(state->error);
		state->error = NULL;
		state->attached = bpf_object_attach(s->object, state->way->programs, &state->error);
	}
	for (unsigned i = 0; i < s->ops->n_parts; i++) {
		if (!s->parts[i].attached || is_due(s, i))
			continue;
		bpf_object_detach(s->object, s->parts[i].way->programs);
		s->parts[i].attached = false;
	}
}

void source_parts_renew(struct source *s)
{
	source_canary_forget(s);
	if (s->ops->push)
		s->ops->push(s);
	source_parts_apply(s);
	if (s->ops->adjusted)
		s->ops->adjusted(s);
}

void source_parts_describe(const struct source *s, struct buf *out)
{
	for (unsigned i = 0; i < s->ops->n_parts; i++) {
		const struct part_state *state = &s->parts[i];

		if (state->attached && state->way->detail)
			buf_addf(out, "; %s: %s", s->ops->parts[i].name, state->way->detail);
		else if (state->error && wanted(s, i))
			buf_addf(out, "; no %s: %s", s->ops->parts[i].name, state->error);
		else if (state->shed)
			buf_addf(out, "; %s given up for its cost", s->ops->parts[i].name);
	}
}

void source_parts_fini(struct source *s)
{
	for (unsigned i = 0; i < s->ops->n_parts; i++)
		free(s->parts[i].error);
}

unsigned source_parts_count(const struct source *s)
{
	return s->ops->n_parts;
}

void source_part_info(const struct source *s, unsigned part, struct source_part_info *ret_info)
{
	const struct part_state *state = &s->parts[part];
	const struct source_part *about = &s->ops->parts[part];
	bool can_go = !about->stand_in || s->parts[about->stand_in].way;

	*ret_info = (struct source_part_info){
		.name = about->name,
		.shed_order = can_go ? about->shed_order : 0,
		.attached = state->attached,
		.shed = state->shed,
		.run_time_ns =
			state->way ? bpf_object_run_time_ns(s->object, state->way->programs) : 0,
	};
}

void source_part_shed(struct source *s, unsigned part, bool shed)
{
	s->parts[part].shed = shed;
	source_parts_renew(s);
}

/* Is the word "type", or "type.field" with one of these fields? */
static bool names_field(const char *word, size_t len, const struct event_type *type,
			uint64_t fields)
{
	size_t n = strlen(type->name);
	const struct field *f;

	if (len < n || strncmp(word, type->name, n) != 0 || (len > n && word[n] != '.'))
		return false;
	f = len > n ? event_field_find(type, word + n + 1, len - n - 1) : NULL;
	return len == n || (f && fields >> event_field_index(type, f) & 1);
}

const char *source_lacks(const struct source *s, const struct event_type *type, uint64_t fields)
{
	for (unsigned i = 0; i < s->ops->n_parts; i++) {
		const char *list = s->ops->parts[i].reads;
		const char *word;
		size_t len;

		while (!s->parts[i].way && (word = next_word(&list, &len)))
			if (names_field(word, len, type, fields))
				return s->parts[i].error;
	}
	return NULL;
}

/* Does a list of "type.field" and "type" name this type? */
static bool concerns(const char *list, const struct event_type *type)
{
	size_t n = strlen(type->name), len;
	const char *word;

	while ((word = next_word(&list, &len)))
		if (strncmp(word, type->name, n) == 0 && (len == n || word[n] == '.'))
			return true;
	return false;
}

static void describe_way(const char *object, const struct source_way *way, struct buf *out)
{
	size_t before = out->len;

	bpf_object_list_hooks(object, way->programs, true, out);
	if (way->detail)
		buf_addf(out, "%s%s", out->len > before ? "; " : "", way->detail);
}

static void describe_part(const char *object, const struct source_part *part, bool probe,
			  struct buf *out)
{
	AUTO_FREE char *error = NULL;

	buf_addf(out, "    %s, for %s: ", part->name, part->reads);
	for (unsigned i = 0; i < SOURCE_WAYS_MAX && part->ways[i].programs; i++) {
		free(error);
		error = NULL;
		if (probe && !bpf_object_try(object, part->ways[i].programs, &error))
			continue;
		buf_adds(out, i && !probe ? "; else " : "");
		describe_way(object, &part->ways[i], out);
		if (probe)
			break;
	}
	buf_addf(out, "%s%s\n", error ? "not here: " : "", error ? error : "");
}

void source_describe(const struct event_type *type, bool probe, struct buf *out)
{
	const struct source_ops *ops = source_find_ops(type->object);
	CLEANUP(buf_fini) struct buf optional = { 0 }, always = { 0 };

	for (unsigned i = 0; i < ops->n_parts; i++)
		for (unsigned k = 0; k < SOURCE_WAYS_MAX && ops->parts[i].ways[k].programs; k++)
			buf_addf(&optional, "%s ", ops->parts[i].ways[k].programs);
	bpf_object_list_hooks(type->object, buf_str(&optional), false, &always);
	if (always.len)
		buf_addf(out, "    always: %s\n", buf_str(&always));
	for (unsigned i = 0; i < ops->n_parts; i++)
		if (concerns(ops->parts[i].reads, type))
			describe_part(type->object, &ops->parts[i], probe, out);
}
