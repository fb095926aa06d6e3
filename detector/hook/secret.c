/* SPDX-License-Identifier: BSD-2-Clause */
#include "hook/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/close_fd.h"

#define HIDDEN_MIN_BYTES 4
#define PART_MIN_BYTES	 8
#define PART_ENDS	 " \t/?&=:;,\""

void secrets_fini(struct secrets *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->texts[i]);
	free(s->texts);
	*s = (struct secrets){ 0 };
}

void secrets_add(struct secrets *s, const char *text)
{
	if (strlen(text) < HIDDEN_MIN_BYTES)
		return;
	s->texts = xrealloc(s->texts, s->n + 1, sizeof(char *));
	s->texts[s->n++] = xstrdup(text);
}

void secrets_add_parts(struct secrets *s, const char *text)
{
	secrets_add(s, text);
	while (*text) {
		size_t len = strcspn(text, PART_ENDS);

		if (len >= PART_MIN_BYTES) {
			AUTO_FREE char *part = xstrndup(text, len);

			secrets_add(s, part);
		}
		text += len;
		text += strspn(text, PART_ENDS);
	}
}

/* Bytes of the longest secret that text starts with; 0 if it starts with none. */
static size_t secret_at(const struct secrets *s, const char *text, size_t len)
{
	size_t longest = 0;

	for (unsigned i = 0; i < s->n; i++) {
		size_t n = strlen(s->texts[i]);

		if (n > longest && n <= len && !memcmp(text, s->texts[i], n))
			longest = n;
	}
	return longest;
}

void secrets_hide(const struct secrets *s, const char *text, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len;) {
		size_t n = secret_at(s, text + at, len - at);

		if (n)
			buf_adds(out, "***");
		else
			buf_addc(out, text[at]);
		at += n ? n : 1;
	}
}

bool secret_given(const struct secret_ref *ref)
{
	return ref->plain || ref->file || ref->env;
}

/* Reads at most one byte more than a secret may have. Returns 0 or -errno. */
static int read_up(int fd, struct buf *out)
{
	char block[4096];
	ssize_t n = 1;

	while (n > 0 && out->len <= SECRET_MAX_BYTES) {
		n = read(fd, block, sizeof(block));
		if (n < 0)
			return -errno;
		buf_add(out, block, (size_t)n);
	}
	return 0;
}

static char *read_file(const char *path, struct buf *out, char **ret_warning)
{
	/* not to hang on a named pipe */
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st) < 0)
		return xasprintf("cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return xasprintf("%s is not a regular file", path);
	err = read_up(fd, out);
	if (err)
		return xasprintf("cannot read %s: %s", path, strerror(-err));
	if (st.st_mode & (S_IRGRP | S_IROTH))
		*ret_warning = xasprintf("%s holds a secret and others may read it (mode %04o)",
					 path, (unsigned)(st.st_mode & 07777));
	return NULL;
}

/* Gives a message if the text can be no secret. */
static char *check(const struct buf *text, const char *where)
{
	if (text->len == 0)
		return xasprintf("%s is empty", where);
	if (text->len > SECRET_MAX_BYTES)
		return xasprintf("%s is longer than %d bytes", where, SECRET_MAX_BYTES);
	if (memchr(text->data, '\0', text->len))
		return xasprintf("%s holds a NUL byte", where);
	return NULL;
}

static char *read_ref(const struct secret_ref *ref, struct buf *out, char **ret_warning)
{
	const char *value = ref->env ? getenv(ref->env) : ref->plain;

	if (ref->file)
		return read_file(ref->file, out, ret_warning);
	if (!value)
		return xasprintf("the environment variable %s is not set", ref->env);
	buf_adds(out, value);
	return NULL;
}

char *secret_read(const struct secret_ref *ref, char **ret_error, char **ret_warning)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	AUTO_FREE char *where = ref->env ? xasprintf("the environment variable %s", ref->env)
					 : xstrdup(ref->file ? ref->file : "the text");

	*ret_error = read_ref(ref, &text, ret_warning);
	if (*ret_error)
		return NULL;
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.data[--text.len] = '\0';
	*ret_error = check(&text, where);
	return *ret_error ? NULL : buf_steal(&text);
}
