/* SPDX-License-Identifier: BSD-2-Clause */
/* One hook of a rule file: the keys of each type, and what is checked without opening anything. */
#include "rule/hook_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rule/rule_read.h"
#include "util/hash.h"

#define HEADERS_MAX 32
#define ARGV_MAX    64

static const char *const type_names[HOOK_TYPES] = {
	[HOOK_SLACK] = "slack",	    [HOOK_PAGERDUTY] = "pagerduty",
	[HOOK_WEBHOOK] = "webhook", [HOOK_EXEC] = "exec",
	[HOOK_LOG] = "log",
};

const char *hook_type_name(enum hook_type type)
{
	return type_names[type];
}

/* --- texts and secrets ----------------------------------------------------------------------- */

/* What goes into an HTTP header or to execve() as one line. */
static bool is_one_line(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static void read_line(const struct node *n, void *target)
{
	const char *text = node_text(n);

	if (text && (!*text || !is_one_line(text)))
		node_error(n, "\"%s\" must be one line that is not empty", node_key(n));
	else if (text)
		node_read_text(n, target);
}

static void read_path(const struct node *n, void *target)
{
	const char *text = node_text(n);

	if (text && text[0] != '/')
		node_error(n, "\"%s\" must be an absolute path, which starts with \"/\"",
			   node_key(n));
	else if (text)
		node_read_text(n, target);
}

static void read_env(const struct node *n, void *target)
{
	const char *text = node_text(n);
	size_t len = text ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			len = 0;
	if (text && (len == 0 || isdigit((unsigned char)text[0])))
		node_error(n, "\"%s\" must be the name of an environment variable", node_key(n));
	else if (text)
		node_read_text(n, target);
}

static const struct member secret_members[] = {
	{ .key = "file", .read = read_path, .offset = offsetof(struct secret_ref, file) },
	{ .key = "env", .read = read_env, .offset = offsetof(struct secret_ref, env) },
};

/* A reference to a secret: {"file": ...} or {"env": ...}. */
static void read_secret(const struct node *n, void *target)
{
	struct node file, env;

	if (node_is_string(n)) {
		node_error_key(n,
			       "\"%s\" would be readable by everyone who can read the rules; write "
			       "{\"file\": \"/etc/kernelsight/%s\"} or {\"env\": \"NAME\"}",
			       node_key(n), node_key(n));
		return;
	}
	if (!node_expect_object(n))
		return;
	node_read(n, secret_members, ARRAY_SIZE(secret_members), target);
	if (node_member(n, "file", &file) == node_member(n, "env", &env))
		node_error(n, "give one of \"file\" and \"env\"");
}

static void read_url(const struct node *n, void *target)
{
	struct secret_ref *ref = target;
	const char *text;

	if (!node_is_string(n)) {
		read_secret(n, ref);
		return;
	}
	text = node_text(n);
	if ((strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0) ||
	    !is_one_line(text))
		node_error(n, "\"%s\" must start with \"https://\" or \"http://\"", node_key(n));
	else
		node_read_text(n, &ref->plain);
}

/* --- the keys -------------------------------------------------------------------------------- */

static void read_on(const struct node *n, void *target)
{
	static const char *const states[] = { "firing", "resolved" };
	struct hook_conf *h = target;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 1, ARRAY_SIZE(states), &n_nodes);
	bool on[ARRAY_SIZE(states)] = { false };
	size_t state;

	for (unsigned i = 0; i < n_nodes; i++)
		if (node_choice(&nodes[i], "state", states, ARRAY_SIZE(states), &state))
			on[state] = true;
	h->on_firing = on[0];
	h->on_resolved = on[1];
}

static bool is_header_name(const char *s)
{
	return *s && s[strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

bool hook_header_is_ours(const char *name)
{
	static const char *const ours[] = { "content-type",	"content-length",
					    "connection",	"transfer-encoding",
					    "webhook-id",	"webhook-timestamp",
					    "webhook-signature" };

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcasecmp(name, ours[i]) == 0)
			return true;
	return false;
}

static void check_header_name(const struct node *n, const struct hook_conf *h)
{
	const char *name = node_key(n);

	if (!is_header_name(name))
		node_error_key(n, "\"%s\" is no name of an HTTP header", name);
	else if (strcasecmp(name, "content-type") == 0)
		node_error_key(n, "header \"%s\" is set by \"content_type\"", name);
	else if (hook_header_is_ours(name))
		node_error_key(n, "header \"%s\" is set by kernelsight itself", name);
	/* node_map() has reported those that are the same to the letter */
	for (unsigned i = 0; i < h->n_headers; i++)
		if (strcasecmp(name, h->headers[i].name) == 0 &&
		    strcmp(name, h->headers[i].name) != 0)
			node_error_key(n, "header \"%s\" is there already, as \"%s\"", name,
				       h->headers[i].name);
}

static void read_header(const struct node *n, struct header_conf *header)
{
	header->name = xstrdup(node_key(n));
	if (node_is_string(n))
		read_line(n, &header->value.plain);
	else
		read_secret(n, &header->value);
}

static void read_headers(const struct node *n, void *target)
{
	struct hook_conf *h = target;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, HEADERS_MAX, &n_nodes);

	h->headers = xcalloc(n_nodes, sizeof(*h->headers));
	for (unsigned i = 0; i < n_nodes; i++) {
		check_header_name(&nodes[i], h);
		read_header(&nodes[i], &h->headers[h->n_headers++]);
	}
}

static void read_body(const struct node *n, void *target)
{
	struct hook_conf *h = target;

	h->body = read_template(n);
}

/* The program is named by the rule file alone, never by what an event holds. */
static void check_program(const struct node *n)
{
	const char *text = node_text(n);

	if (!text)
		return;
	if (text[0] != '/')
		node_error(n, "the program must be an absolute path, which starts with \"/\"");
	else if (strstr(text, "{{"))
		node_error(n,
			   "the program must not depend on the alert; use {{}} in its arguments");
}

static void read_argv(const struct node *n, void *target)
{
	struct hook_conf *h = target;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_list(n, 1, ARGV_MAX, &n_nodes);

	h->argv = xcalloc(n_nodes, sizeof(struct template *));
	if (n_nodes)
		check_program(&nodes[0]);
	for (unsigned i = 0; i < n_nodes; i++)
		h->argv[h->n_argv++] = read_template(&nodes[i]);
}

#define MEMBER(field) .offset = offsetof(struct hook_conf, field)
#define COMMON_MEMBERS                                                                             \
	{ .key = "type" }, { .key = "on", .read = read_on },                                       \
	{                                                                                          \
		.key = "timeout", .read = node_read_duration, MEMBER(timeout_ns),                  \
		.min = SECOND_NS, .max = HOUR_NS                                                   \
	}

static const struct member slack_members[] = {
	COMMON_MEMBERS,
	{ .key = "url", .read = read_secret, MEMBER(url), .required = true },
};

static const struct member pagerduty_members[] = {
	COMMON_MEMBERS,
	{ .key = "routing_key", .read = read_secret, MEMBER(routing_key), .required = true },
	{ .key = "url", .read = read_url, MEMBER(url) },
};

static const struct member webhook_members[] = {
	COMMON_MEMBERS,
	{ .key = "url", .read = read_url, MEMBER(url), .required = true },
	{ .key = "headers", .read = read_headers },
	{ .key = "body", .read = read_body },
	{ .key = "content_type", .read = read_line, MEMBER(content_type) },
	{ .key = "secret", .read = read_secret, MEMBER(signing_secret) },
};

static const struct member exec_members[] = {
	COMMON_MEMBERS,
	{ .key = "argv", .read = read_argv, .required = true },
	{ .key = "user", .read = read_line, MEMBER(user) },
	{ .key = "cooldown",
	  .read = node_read_duration,
	  MEMBER(cooldown_ns),
	  .max = DURATION_MAX_NS },
	{ .key = "max_per_hour",
	  .read = node_read_unsigned,
	  MEMBER(max_per_hour),
	  .min = 1,
	  .max = 3600 },
	{ .key = "concurrency",
	  .read = node_read_unsigned,
	  MEMBER(concurrency),
	  .min = 1,
	  .max = 64 },
};

static const struct member log_members[] = {
	COMMON_MEMBERS,
	{ .key = "path", .read = read_path, MEMBER(path), .required = true },
};

static const struct {
	const struct member *members;
	size_t n;
} types[HOOK_TYPES] = {
	[HOOK_SLACK] = { slack_members, ARRAY_SIZE(slack_members) },
	[HOOK_PAGERDUTY] = { pagerduty_members, ARRAY_SIZE(pagerduty_members) },
	[HOOK_WEBHOOK] = { webhook_members, ARRAY_SIZE(webhook_members) },
	[HOOK_EXEC] = { exec_members, ARRAY_SIZE(exec_members) },
	[HOOK_LOG] = { log_members, ARRAY_SIZE(log_members) },
};

static bool read_type(const struct node *n, struct hook_conf *h)
{
	size_t type;

	if (!node_choice(n, "type", type_names, HOOK_TYPES, &type))
		return false;
	h->type = (enum hook_type)type;
	h->on_firing = true;
	h->on_resolved = type != HOOK_EXEC;
	h->timeout_ns = (type == HOOK_EXEC ? 30 : 10) * NS_PER_S;
	h->concurrency = 4;
	return true;
}

void hook_conf_read(const struct node *n, struct hook_conf *h)
{
	struct node type;
	size_t len;
	const char *source = node_source(n, &len);

	h->identity = hash_keyed(0, source, len);
	if (!node_expect_object(n))
		return;
	if (!node_member(n, "type", &type))
		node_error(n, "missing key \"type\"");
	else if (read_type(&type, h))
		node_read(n, types[h->type].members, types[h->type].n, h);
}

/* --- freeing --------------------------------------------------------------------------------- */

static void secret_fini(struct secret_ref *ref)
{
	free(ref->plain);
	free(ref->file);
	free(ref->env);
}

void hook_conf_fini(struct hook_conf *h)
{
	secret_fini(&h->url);
	secret_fini(&h->routing_key);
	secret_fini(&h->signing_secret);
	for (unsigned i = 0; i < h->n_headers; i++) {
		free(h->headers[i].name);
		secret_fini(&h->headers[i].value);
	}
	for (unsigned i = 0; i < h->n_argv; i++)
		template_free(h->argv[i]);
	template_free(h->body);
	free(h->headers);
	free(h->argv);
	free(h->name);
	free(h->content_type);
	free(h->user);
	free(h->path);
}
