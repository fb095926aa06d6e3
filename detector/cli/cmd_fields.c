/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight fields`: every source with its fields, straight from bpf/events.def. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/self.h"
#include "event/event.h"

static const char *type_name(enum field_type type)
{
	static const char *const names[] = {
		[FIELD_UINT] = "integer", [FIELD_INT] = "integer",  [FIELD_REAL] = "number",
		[FIELD_TEXT] = "text",	  [FIELD_ADDR] = "address",
	};

	return names[type];
}

static const char *role_name(enum field_role role)
{
	static const char *const names[] = {
		[ROLE_TIME] = "time",
		[ROLE_KEY] = "key",
		[ROLE_VALUE] = "value",
		[ROLE_LABEL] = "label",
	};

	return names[role];
}

static const char *kind_name(enum event_kind kind)
{
	return kind == EVENT_POINT ? "point" : "sample";
}

/* Where its events come from: tried on this kernel if that is allowed. */
static void print_route(const struct event_type *type)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *error = NULL;
	bool possible = source_possible(&error);

	if (strcmp(type->object, SELF_OBJECT) == 0)
		return;
	if (possible)
		printf("  taken from these hooks of this kernel\n");
	else
		printf("  taken from these hooks; not tried here, as %s\n", error);
	source_describe(type, possible, &text);
	printf("%s", buf_str(&text));
}

/* What the field means and what it can be, the latter with `quote` on either side. */
static char *meaning(const struct event_type *type, const struct field *f, const char *quote)
{
	struct buf out = { 0 };
	const char *lead = "; one of ";

	buf_adds(&out, f->help);
	for (const char *const *t = event_field_texts(type, f); t && *t; t++) {
		buf_addf(&out, "%s%s%s%s", lead, quote, *t, quote);
		lead = ", ";
	}
	return buf_steal(&out);
}

static void print_text(const struct event_type *type)
{
	printf("%s (%s): %s\n", type->name, kind_name(type->kind), type->help);
	for (unsigned i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		AUTO_FREE char *help = meaning(type, f, "");

		printf("  %-20s %-8s %-6s %-6s %s\n", f->name, type_name(f->type),
		       role_name(f->role), unit_name(f->unit), help);
	}
	print_route(type);
}

static void print_markdown(const struct event_type *type)
{
	printf("## %s\n\n%s event: %s.\n\n", type->name,
	       type->kind == EVENT_POINT ? "Point" : "Sample", type->help);
	printf("| field | type | role | unit | meaning |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < type->n_fields; i++) {
		const struct field *f = &type->fields[i];
		AUTO_FREE char *help = meaning(type, f, "`");

		printf("| `%s` | %s | %s | %s | %s |\n", f->name, type_name(f->type),
		       role_name(f->role), unit_name(f->unit), help);
	}
}

static void write_field(const struct event_type *type, const struct field *f, struct json *j)
{
	const char *const *texts = event_field_texts(type, f);

	json_open(j, '{');
	json_member_str(j, "name", f->name);
	json_member_str(j, "type", type_name(f->type));
	json_member_str(j, "role", role_name(f->role));
	json_member_str(j, "unit", unit_name(f->unit));
	json_member_str(j, "help", f->help);
	if (texts) {
		json_key(j, "one_of");
		json_open(j, '[');
		for (; *texts; texts++)
			json_str(j, *texts);
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void print_json(const struct event_type *type)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct json j = { .out = &text };

	json_open(&j, '{');
	json_member_str(&j, "source", type->name);
	json_member_str(&j, "kind", kind_name(type->kind));
	json_member_str(&j, "help", type->help);
	json_key(&j, "fields");
	json_open(&j, '[');
	for (unsigned i = 0; i < type->n_fields; i++)
		write_field(type, &type->fields[i], &j);
	json_close(&j, ']');
	json_close(&j, '}');
	printf("%s\n", buf_str(&text));
}

typedef void print_fn(const struct event_type *type);

static char *choose_json(const char *text, void *target)
{
	(void)text;
	*(print_fn **)target = print_json;
	return NULL;
}

static char *choose_markdown(const char *text, void *target)
{
	(void)text;
	*(print_fn **)target = print_markdown;
	return NULL;
}

static const struct cli_option options[] = {
	{ "json", .read = choose_json, .bare = true },
	{ "markdown", .read = choose_markdown, .bare = true },
};

static int run(int argc, char **argv)
{
	print_fn *print = print_text;
	unsigned n;
	const struct event_type *types = event_types(&n);
	int code;

	if (!options_read(&cmd_fields, argc, argv, options, ARRAY_SIZE(options), &print, &code))
		return code;
	if (argc - optind > 1)
		return usage_error(&cmd_fields, "one source at most, not ", argv[optind + 1]);
	if (optind < argc) {
		AUTO_FREE char *error = option_source(argv[optind], &types);

		if (error)
			return usage_error(&cmd_fields, error, "");
		n = 1;
	}
	for (unsigned i = 0; i < n; i++) {
		if (i && print != print_json)
			printf("\n");
		print(&types[i]);
	}
	return EXIT_SUCCESS;
}

const struct command cmd_fields = {
	.name = "fields",
	.usage = "[--json|--markdown] [SOURCE]",
	.help = "List the sources with their fields, units and meanings.\n\n"
		"      --json      one JSON object a source\n"
		"      --markdown  the tables of docs/events.md\n"
		"  -h, --help      this text\n",
	.run = run,
};
