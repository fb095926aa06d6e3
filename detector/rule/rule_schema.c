/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/rule_schema.h"

#include "event/event.h"
#include "rule/rule_schema_parts.h"

/* --- writing --------------------------------------------------------------------------------- */

/* Writes members of an object that are JSON but for the quotes. */
static void add_members(struct json *j, const char *members)
{
	if (j->need_comma)
		buf_addc(j->out, ',');
	for (const char *c = members; *c; c++)
		buf_addc(j->out, *c == '\'' ? '"' : *c);
	j->need_comma = true;
}

static void add_help(struct json *j, const char *help)
{
	json_member_str(j, "description", help);
}

static void add_property(struct json *j, const struct schema_property *p)
{
	json_key(j, p->key);
	json_open(j, '{');
	if (p->help)
		add_help(j, p->help);
	add_members(j, p->schema);
	json_close(j, '}');
}

static void add_properties(struct json *j, const struct schema_property *properties, size_t n)
{
	json_key(j, "properties");
	json_open(j, '{');
	for (size_t i = 0; i < n; i++)
		add_property(j, &properties[i]);
	json_close(j, '}');
}

static void add_object(struct json *j, const struct schema_object *o)
{
	json_key(j, o->name);
	json_open(j, '{');
	add_members(j, "'type':'object','additionalProperties':false");
	if (o->rest)
		add_members(j, o->rest);
	add_properties(j, o->properties, o->n);
	json_close(j, '}');
}

/* --- sources --------------------------------------------------------------------------------- */

static void add_sources(struct json *j)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	json_key(j, "source");
	json_open(j, '{');
	json_key(j, "oneOf");
	json_open(j, '[');
	for (unsigned i = 0; i < n; i++) {
		json_open(j, '{');
		json_member_str(j, "const", types[i].name);
		add_help(j, types[i].help);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void add_field(const struct event_type *type, const struct field *f, struct buf *out)
{
	const char *const *texts = event_field_texts(type, f);
	const char *unit = unit_name(f->unit);

	buf_addf(out, "%s%s", out->len ? ", " : "", f->name);
	if (*unit)
		buf_addf(out, " (%s)", unit);
	for (const char *lead = " ("; texts && *texts; texts++, lead = " | ")
		buf_addf(out, "%s'%s'%s", lead, *texts, texts[1] ? "" : ")");
}

/* "fields: pid, comm, latency_ms (ms), abi ('native' | 'i386'), ..." */
static void add_described(struct json *j, const char *key, const char *lead,
			  const struct buf *fields)
{
	AUTO_FREE char *help = xasprintf("%s%s", lead, buf_str(fields));

	json_key(j, key);
	json_open(j, '{');
	add_help(j, help);
	json_close(j, '}');
}

static void add_keys(struct json *j, const struct event_type *type)
{
	json_key(j, "by");
	json_open(j, '{');
	json_key(j, "items");
	json_open(j, '{');
	json_key(j, "enum");
	json_open(j, '[');
	for (unsigned i = 0; i < type->n_fields; i++)
		if (type->fields[i].role == ROLE_KEY)
			json_str(j, type->fields[i].name);
	json_close(j, ']');
	json_close(j, '}');
	json_close(j, '}');
}

/* What a rule on this source has in "where", "by" and "when". */
static void add_source_rules(struct json *j, const struct event_type *type)
{
	CLEANUP(buf_fini) struct buf fields = { 0 }, values = { 0 };
	AUTO_FREE char *condition = xasprintf(
		"'if':{'required':['on'],'properties':{'on':{'const':'%s'}}}", type->name);

	for (unsigned i = 0; i < type->n_fields; i++) {
		add_field(type, &type->fields[i], &fields);
		if (type->fields[i].role == ROLE_VALUE)
			add_field(type, &type->fields[i], &values);
	}
	json_open(j, '{');
	add_members(j, condition);
	json_key(j, "then");
	json_open(j, '{');
	json_key(j, "properties");
	json_open(j, '{');
	add_described(j, "where", "a condition on: ", &fields);
	add_keys(j, type);
	add_described(j, "when", "the condition; values: count(), rate(), functions of ", &values);
	json_close(j, '}');
	json_close(j, '}');
	json_close(j, '}');
}

static void add_event_rule(struct json *j)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	size_t n_properties;
	const struct schema_property *properties = schema_event_rule(&n_properties);

	json_key(j, "event_rule");
	json_open(j, '{');
	add_members(j, "'type':'object','additionalProperties':false,"
		       "'required':['name','on','when']");
	add_properties(j, properties, n_properties);
	json_key(j, "allOf");
	json_open(j, '[');
	for (unsigned i = 0; i < n; i++)
		add_source_rules(j, &types[i]);
	json_close(j, ']');
	json_close(j, '}');
}

/* --- the whole ------------------------------------------------------------------------------- */

static void write_schema(struct json *j)
{
	size_t n_file, n_definitions, n_objects;
	const struct schema_property *file = schema_file(&n_file);
	const struct schema_property *definitions = schema_definitions(&n_definitions);
	const struct schema_object *objects = schema_objects(&n_objects);

	json_open(j, '{');
	add_members(j, "'$schema':'https://json-schema.org/draft/2020-12/schema',"
		       "'$id':'urn:kernelsight:rules:1','title':'kernelsight rules',"
		       "'type':'object','required':['version'],'additionalProperties':false");
	add_properties(j, file, n_file);
	json_key(j, "$defs");
	json_open(j, '{');
	for (size_t i = 0; i < n_definitions; i++)
		add_property(j, &definitions[i]);
	add_sources(j);
	add_event_rule(j);
	for (size_t i = 0; i < n_objects; i++)
		add_object(j, &objects[i]);
	json_close(j, '}');
	json_close(j, '}');
}

static void add_line(struct buf *out, unsigned depth)
{
	buf_addf(out, "\n%*s", (int)(2 * depth), "");
}

/* Adds JSON that has no blanks, a line for each member. */
static void add_indented(const char *text, struct buf *out)
{
	unsigned depth = 0;
	bool quoted = false;

	for (const char *c = text; *c; c++) {
		if (*c == '"')
			quoted = !quoted;
		if (!quoted && (*c == '}' || *c == ']'))
			add_line(out, --depth);
		buf_addc(out, *c);
		if (quoted && *c == '\\')
			buf_addc(out, *++c);
		if (quoted)
			continue;
		if (*c == '{' || *c == '[')
			add_line(out, ++depth);
		else if (*c == ',')
			add_line(out, depth);
		else if (*c == ':')
			buf_addc(out, ' ');
	}
	buf_addc(out, '\n');
}

void rule_schema_write(struct buf *out)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	struct json j = { .out = &text };

	write_schema(&j);
	add_indented(buf_str(&text), out);
}
