/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 64 /* no name is longer, and a longer word is no typing mistake */

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: Levenshtein's distance with neighbours swapped counted as one. Keeps
 * the last three rows of the table, row i for the first i bytes of a. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = min(above[j] + 1, row[j - 1] + 1);
			row[j] = min(row[j], above[j - 1] + !same_letter(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]))
				row[j] = min(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *nearest(const char *word, const char *const *names, size_t n)
{
	size_t len = strlen(word);
	size_t best = SIZE_MAX;
	const char *found = NULL;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t name_len = strlen(names[i]);
		size_t longer = len > name_len ? len : name_len;
		size_t distance;

		if (name_len > WORD_MAX)
			continue;
		distance = edit_distance(word, len, names[i], name_len);
		if (distance < best && distance <= (longer < 6 ? 1 : longer / 3)) {
			best = distance;
			found = names[i];
		}
	}
	return found;
}
