/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/suggest.h"

#include "util/nearest.h"

char *suggest(const char *word, const char *const *names, size_t n)
{
	const char *near = nearest(word, names, n);
	struct buf out = { 0 };

	if (near) {
		buf_addf(&out, "; did you mean \"%s\"?", near);
		return buf_steal(&out);
	}
	buf_adds(&out, n ? "; allowed are " : "; there is none");
	for (size_t i = 0; i < n; i++)
		buf_addf(&out, "%s%s", i ? ", " : "", names[i]);
	return buf_steal(&out);
}

char *suggest_source(const char *word)
{
	unsigned n;
	const struct event_type *types = event_types(&n);
	AUTO_FREE const char **names = xcalloc(n, sizeof(*names));

	for (unsigned i = 0; i < n; i++)
		names[i] = types[i].name;
	return suggest(word, names, n);
}

char *suggest_field(const char *word, const struct event_type *type,
		    bool (*usable)(const struct field *f))
{
	AUTO_FREE const char **names = xcalloc(type->n_fields, sizeof(*names));
	size_t n = 0;

	for (unsigned i = 0; i < type->n_fields; i++)
		if (usable(&type->fields[i]))
			names[n++] = type->fields[i].name;
	return suggest(word, names, n);
}
