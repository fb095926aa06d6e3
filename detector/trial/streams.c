/* SPDX-License-Identifier: BSD-2-Clause */
#include "trial/streams.h"

#include <stdlib.h>
#include <string.h>

/* Recordings by the time they began, which their ids sort by; streams without one come last. */
static int compare(const struct capture_reader *a, const struct capture_reader *b)
{
	const struct capture_header *x = capture_header(a), *y = capture_header(b);
	int order;

	if (!x || !y)
		return (x == NULL) - (y == NULL);
	order = strcmp(x->recording, y->recording);
	return order ? order : (x->part > y->part) - (x->part < y->part);
}

/* Stable: those that compare equal stay as they were named. */
static void sort(struct streams *s)
{
	for (unsigned i = 1; i < s->n; i++) {
		for (unsigned k = i; k > 0 && compare(s->files[k - 1], s->files[k]) > 0; k--) {
			struct capture_reader *swapped = s->files[k];

			s->files[k] = s->files[k - 1];
			s->files[k - 1] = swapped;
		}
	}
}

static bool check_twice(const struct streams *s, char **ret_error)
{
	for (unsigned i = 1; i < s->n; i++) {
		if (!capture_header(s->files[i]) || compare(s->files[i - 1], s->files[i]) != 0)
			continue;
		*ret_error = xasprintf("%s and %s are the same part of one recording",
				       capture_path(s->files[i - 1]), capture_path(s->files[i]));
		return false;
	}
	return true;
}

bool streams_open(struct streams *s, char *const *paths, unsigned n,
		  const struct event_type *fallback, char **ret_error)
{
	*s = (struct streams){ .files = xcalloc(n, sizeof(*s->files)) };
	for (unsigned i = 0; i < n; i++) {
		s->files[s->n] = capture_open(paths[i], fallback, ret_error);
		if (!s->files[s->n])
			return false;
		s->n++;
	}
	sort(s);
	return check_twice(s, ret_error);
}

void streams_fini(struct streams *s)
{
	for (unsigned i = 0; i < s->n; i++)
		capture_close(s->files[i]);
	free(s->files);
	*s = (struct streams){ 0 };
}

bool streams_continues(const struct streams *s, unsigned i)
{
	const struct capture_header *before = capture_header(s->files[i - 1]);
	const struct capture_header *here = capture_header(s->files[i]);

	if (!before || !here)
		return !before && !here;
	return strcmp(before->recording, here->recording) == 0;
}
