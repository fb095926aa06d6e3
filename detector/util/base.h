/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file needs: fixed-width short names, array helpers, scope-bound cleanup, and
 * allocation that ends the process instead of returning NULL. Tables that grow at run time are
 * bounded by their owners, so running out of memory means start-up on a machine without any.
 */
#ifndef UTIL_BASE_H
#define UTIL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	       (sizeof(a) / sizeof((a)[0]))
#define STRINGIFY(macro)       STRINGIFY_AS_IS(macro) /* what a macro stands for, as a literal */
#define STRINGIFY_AS_IS(token) #token
#define PRINTF(fmt, args)      __attribute__((format(printf, fmt, args)))

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* CLEANUP(buf_fini) struct buf b = {0}; runs buf_fini(&b) when b goes out of scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))
/* AUTO_FREE char *s = ...; frees s when it goes out of scope. */
#define AUTO_FREE CLEANUP(free_pointer)
void free_pointer(void *pointer_to_pointer);

/* Zeroed memory for n objects of size bytes; never NULL. */
void *xcalloc(size_t n, size_t size);
/* As realloc(3) for n objects; never NULL. */
void *xrealloc(void *p, size_t n, size_t size);
/* A copy of s, or NULL for NULL. */
char *xstrdup(const char *s);
/* A copy of the first len bytes of s, with a NUL behind. */
char *xstrndup(const char *s, size_t len);
/* A string made as by printf(3). */
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

/* What a noun has behind it after that number. */
static inline const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#endif
