/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Reads at most max - 1 bytes of a file and ends them with a NUL; -1 if it cannot be read. */
static ssize_t slurp(const char *path, char *buf, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, max - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

void host_info_init(struct host_info *h)
{
	struct utsname u;
	char boot_id[64];
	ssize_t n = slurp("/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));

	(void)uname(&u);
	h->name = xstrdup(u.nodename);
	h->kernel = xstrdup(u.release);
	h->boot_id = xstrndup(boot_id, n > 0 ? strcspn(boot_id, "\n") : 0);
}

void host_info_fini(struct host_info *h)
{
	free(h->name);
	free(h->kernel);
	free(h->boot_id);
}
