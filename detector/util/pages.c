/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Smaller ones come from the heap. */
#define LARGE_BYTES (4u << 20)

void *pages_new(size_t size)
{
	void *p;

	if (size < LARGE_BYTES)
		return xcalloc(1, size);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return xcalloc(1, SIZE_MAX); /* ends the process as any allocation that fails */
	(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void pages_free(void *p, size_t size)
{
	if (size < LARGE_BYTES)
		free(p);
	else if (p)
		(void)munmap(p, size);
}
