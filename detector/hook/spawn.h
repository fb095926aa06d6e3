/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program started by fork and exec with as little as possible: no shell, no inherited descriptor
 * but the three standard ones, no signal settings of ours, no way to gain privileges, a session and
 * so a process group of its own. What the program starts is signalled and ended as long as it is in
 * that group; what has left it, by setsid(2) or setpgid(2), is out of reach and lives on. Nothing
 * here waits, but spawn_end() for a little.
 */
#ifndef HOOK_SPAWN_H
#define HOOK_SPAWN_H

#include <sys/types.h>

#include "util/base.h"

#define SPAWN_GROUPS_MAX   64
#define SPAWN_KILL_WAIT_MS 200

/* Whom the program runs as. */
struct spawn_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[SPAWN_GROUPS_MAX];
	int n_groups;
};

struct spawn_conf {
	char *const *argv; /* argv[0] is the path of the program */
	char *const *envp;
	int stdin_fd;
	const struct spawn_user *user; /* NULL: whom we run as */
};

struct child {
	pid_t pid;    /* leads its group; 0: none */
	int pidfd;    /* readable when the program has ended */
	int out_fd;   /* what it prints on either output; does not block */
	int error_fd; /* why it could not be started, if it could not */
};

#define SPAWN_NO_CHILD ((struct child){ .pidfd = -1, .out_fd = -1, .error_fd = -1 })

/* Looks a user up. False if there is none of that name. */
bool spawn_user_find(const char *name, struct spawn_user *ret_user);

/* Returns 0 and writes *ret_child, or -errno. Whether the program itself could be started is known
 * when the child has ended: spawn_error(). */
int spawn(const struct spawn_conf *conf, struct child *ret_child);

/* Sends a signal to the whole group. */
void spawn_signal(const struct child *c, int sig);
/* Of an ended child: the step of its start that failed (static) and errno; NULL if none did. */
const char *spawn_error(const struct child *c, int *ret_errno);
/*
 * Kills what is left of the group, reaps the leader and closes the descriptors. Gives the status as
 * waitpid() does; -1 if there is none, which can only be when the leader was still running and does
 * not die of SIGKILL within SPAWN_KILL_WAIT_MS (it may hang in the kernel).
 */
int spawn_end(struct child *c);

#endif
