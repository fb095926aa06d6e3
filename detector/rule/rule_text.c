/* SPDX-License-Identifier: BSD-2-Clause */
/* What a rule says in words: its name, why, summary and labels. */
#include <string.h>

#include "rule/rule_read.h"
#include "util/utf8.h"

bool name_is_valid(const struct node *n, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);
	AUTO_FREE char *message = NULL;

	if (len > 0 && len <= RULE_NAME_MAX && strspn(name, allowed) == len)
		return true;
	message =
		xasprintf("bad name \"%s\"; a name is 1 to %d of the characters A-Z a-z 0-9 _ . -",
			  name, RULE_NAME_MAX);
	(name == node_key(n) ? node_error_key : node_error)(n, "%s", message);
	return false;
}

struct template *read_template(const struct node *n)
{
	const char *text = node_text(n), *message = NULL;
	size_t offset = 0;
	struct template *t = text ? template_parse(text, &offset, &message) : NULL;

	if (text && !t)
		node_error_at(n, offset, "%s", message);
	return t;
}

/* Is it a text of at most that many characters? They go into each alert. */
static bool fits(const struct node *n, size_t max)
{
	const char *text = node_text(n);
	size_t len = text ? strlen(text) : 0;

	if (text && utf8_prefix(text, len, max) < len)
		node_error(n, "longer than %zu characters; that is the limit", max);
	return text && utf8_prefix(text, len, max) == len;
}

void read_name(const struct node *n, void *target)
{
	const char *name = node_text(n);

	if (name && name_is_valid(n, name))
		node_read_text(n, target);
}

void read_why(const struct node *n, void *target)
{
	struct rule *r = target;

	if (fits(n, WHY_MAX))
		node_read_text(n, &r->why);
}

void read_summary(const struct node *n, void *target)
{
	struct rule *r = target;
	long at;

	r->summary = read_template(n);
	at = r->summary ? template_path_at(r->summary, "summary") : -1;
	if (at >= 0)
		node_error_at(n, (size_t)at, "a summary cannot have itself in it");
}

static void read_label(const struct node *n, struct label *label)
{
	label->name = xstrdup(node_key(n));
	(void)name_is_valid(n, node_key(n));
	if (!fits(n, LABEL_MAX))
		return;
	node_read_text(n, &label->value);
	if (!strstr(label->value, "{{"))
		return;
	label->rendered = read_template(n);
}

/* Labels are rendered before there are labels, and these before the summary. */
static void check_label(const struct node *n, const struct label *label, const char *path)
{
	long at = label->rendered ? template_path_at(label->rendered, path) : -1;

	if (at >= 0)
		node_error_at(n, (size_t)at, "a label cannot have \"%s\" in it", path);
}

void read_labels(const struct node *n, void *target)
{
	struct rule *r = target;
	unsigned n_nodes;
	AUTO_FREE struct node *nodes = node_map(n, LABELS_MAX, &n_nodes);

	r->labels = xcalloc(n_nodes, sizeof(*r->labels));
	for (unsigned i = 0; i < n_nodes; i++)
		read_label(&nodes[i], &r->labels[r->n_labels++]);
	for (unsigned i = 0; i < n_nodes; i++) {
		check_label(&nodes[i], &r->labels[i], "summary");
		check_label(&nodes[i], &r->labels[i], "labels");
		for (unsigned j = 0; j < n_nodes; j++) {
			AUTO_FREE char *path = xasprintf("labels.%s", r->labels[j].name);

			check_label(&nodes[i], &r->labels[i], path);
		}
	}
}
