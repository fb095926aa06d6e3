/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/exec_args.h"

#include <stdlib.h>
#include <string.h>

void strings_fini(struct strings *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->list[i]);
	free(s->list);
}

/* Takes text. */
static void strings_add(struct strings *s, char *text)
{
	s->list = xrealloc(s->list, s->n + 2, sizeof(char *));
	s->list[s->n++] = text;
	s->list[s->n] = NULL;
}

/* Variables from the document: from the first of two paths that it has. */
static const struct {
	const char *name;
	const char *path;
	const char *other_path;
	/* Left out where it is 0, "not known": to kill(1) and renice(1) that would mean their own
	 * process group. */
	bool is_process;
} from_doc[] = {
	{ "VALUE", "value", NULL, false },    { "PID", "event/pid", "process/pid", true },
	{ "TID", "event/tid", NULL, true },   { "COMM", "event/comm", "process/comm", false },
	{ "HOST", "host/name", NULL, false }, { "START_TIME", "event/start_time_s", NULL, false },
};

static void set_env(struct strings *env, const char *name, const char *value)
{
	strings_add(env, xasprintf("KERNELSIGHT_%s=%s", name, value));
}

static void set_env_from_doc(const struct alert *a, struct strings *env)
{
	for (size_t i = 0; i < ARRAY_SIZE(from_doc); i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		const char *other = from_doc[i].other_path;

		if (!alert_text(a, from_doc[i].path, &text) &&
		    !(other && alert_text(a, other, &text)))
			continue;
		if (!from_doc[i].is_process || strtoll(buf_str(&text), NULL, 10) > 0)
			set_env(env, from_doc[i].name, buf_str(&text));
	}
}

void exec_env(const struct alert *a, struct strings *env)
{
	strings_add(env, xstrdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
	strings_add(env, xstrdup("HOME=/"));
	strings_add(env, xstrdup("LANG=C.UTF-8"));
	set_env(env, "STATE", a->state == ALERT_FIRING ? "firing" : "resolved");
	set_env(env, "SEVERITY", severity_name(a->severity));
	set_env(env, "RULE", a->rule);
	set_env(env, "ID", a->id);
	set_env(env, "INCIDENT", a->incident);
	set_env(env, "SUMMARY", a->summary);
	set_env(env, "KEY", a->key);
	set_env_from_doc(a, env);
}

char *exec_argv(const struct hook_conf *conf, const struct alert *a, struct strings *argv)
{
	for (unsigned i = 0; i < conf->n_argv; i++) {
		CLEANUP(buf_fini) struct buf text = { 0 };
		const char *missing = NULL;

		if (template_render(conf->argv[i], a->doc, a->doc_len, ESCAPE_NONE, &text,
				    &missing))
			return xasprintf("argument %u names {{%s}}, which the alert does not have",
					 i, missing);
		if (text.len && memchr(text.data, '\0', text.len))
			return xasprintf("argument %u would hold a NUL byte", i);
		strings_add(argv, buf_steal(&text));
	}
	return NULL;
}
