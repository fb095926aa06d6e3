/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/syscalls.h"

#include <stdlib.h>
#include <string.h>

#include "util/nearest.h"

#define NATIVE(number, name) [number] = name,
#define COMPAT(number, name)
static const char *const native[] = {
#include "syscall_names.inc"
};
#undef NATIVE
#undef COMPAT

#define NATIVE(number, name)
#define COMPAT(number, name) [number] = name,
static const char *const compat_table[] = {
#include "syscall_names.inc"
};

static const char *lookup(const char *const *table, size_t n, uint32_t number)
{
	return number < n ? table[number] : NULL;
}

const char *syscall_name(uint32_t number, bool compat)
{
	if (compat)
		return lookup(compat_table, ARRAY_SIZE(compat_table), number);
	return lookup(native, ARRAY_SIZE(native), number);
}

static bool find_name(const char *const *table, size_t n, const char *name, size_t len,
		      uint32_t *ret_number)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i] && strncmp(table[i], name, len) == 0 && table[i][len] == '\0') {
			*ret_number = (uint32_t)i;
			return true;
		}
	}
	return false;
}

bool syscall_number(const char *name, size_t len, bool compat, uint32_t *ret_number)
{
	if (compat)
		return find_name(compat_table, ARRAY_SIZE(compat_table), name, len, ret_number);
	return find_name(native, ARRAY_SIZE(native), name, len, ret_number);
}

static const char *nearest_name(const char *name)
{
	const char *names[ARRAY_SIZE(native)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(native); i++)
		if (native[i])
			names[n++] = native[i];
	return nearest(name, names, n);
}

bool syscall_known(const char *name, const char **ret_near)
{
	uint32_t number;
	size_t len = strlen(name);

	if (syscall_number(name, len, false, &number) || syscall_number(name, len, true, &number))
		return true;
	*ret_near = nearest_name(name);
	return false;
}

/* In the order of strcmp(3). */
static const char *const takes_fd[] = {
	"_llseek",	"accept",	"accept4",	   "bind",
	"close",	"connect",	"copy_file_range", "dup",
	"dup2",		"dup3",		"epoll_ctl",	   "epoll_pwait",
	"epoll_pwait2", "epoll_wait",	"fadvise64",	   "fallocate",
	"fchdir",	"fchmod",	"fchown",	   "fcntl",
	"fcntl64",	"fdatasync",	"fgetxattr",	   "flistxattr",
	"flock",	"fremovexattr", "fsetxattr",	   "fstat",
	"fstat64",	"fstatfs",	"fsync",	   "ftruncate",
	"ftruncate64",	"getdents",	"getdents64",	   "getpeername",
	"getsockname",	"getsockopt",	"io_uring_enter",  "ioctl",
	"listen",	"lseek",	"pread64",	   "preadv",
	"preadv2",	"pwrite64",	"pwritev",	   "pwritev2",
	"read",		"readahead",	"readv",	   "recvfrom",
	"recvmmsg",	"recvmsg",	"sendfile",	   "sendfile64",
	"sendmmsg",	"sendmsg",	"sendto",	   "setsockopt",
	"shutdown",	"splice",	"sync_file_range", "syncfs",
	"tee",		"vmsplice",	"write",	   "writev",
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool syscall_takes_fd(uint32_t number, bool compat)
{
	const char *name = syscall_name(number, compat);

	return name &&
	       bsearch(name, takes_fd, ARRAY_SIZE(takes_fd), sizeof(takes_fd[0]), compare_names);
}
