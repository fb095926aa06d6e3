/* SPDX-License-Identifier: BSD-2-Clause */
/* Exec hooks to scripts in a directory of their own, in which they write what they saw. */
#ifndef TESTS_EXEC_RIG_H
#define TESTS_EXEC_RIG_H

#include "hook_rig.h"

#include <sys/stat.h>

static char dir[] = "/tmp/kernelsight-exec-XXXXXX";

/* Programs run as nobody if we are root, and must be able to write there. */
static inline int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) && chmod(dir, 0777) == 0 ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* An executable script in the directory; the text of it follows "#!/bin/sh\ncd DIR\n". */
static inline struct hook_conf *to_script(struct rig *r, const char *name, const char *text)
{
	struct hook_conf *conf = rig_hook(r, HOOK_EXEC);
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\ncd %s\n%s\n", dir, text);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
	conf->argv = xcalloc(8, sizeof(struct template *));
	conf->argv[conf->n_argv++] = rig_template(path);
	return conf;
}

static inline void add_argument(struct hook_conf *conf, const char *text)
{
	conf->argv[conf->n_argv++] = rig_template(text);
}

/* The content of a file of the directory; empty if there is none. Lends until the next but three.
 */
static inline const char *content(const char *name)
{
	static char texts[4][16384];
	static unsigned next;
	char *text = texts[next++ % ARRAY_SIZE(texts)];
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	size_t n = 0;

	if (f) {
		n = fread(text, 1, sizeof(texts[0]) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	return text;
}

static inline void forget(const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, name);

	(void)unlink(path);
}

#endif
