/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon may have threads (libcurl's resolver), so between fork and exec the child only makes
 * system calls, and changes its user by the bare calls: glibc's would address all threads.
 */
#include "hook/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook/close_fd.h"

#define ERROR_FD  3 /* in the child, closed by exec */
#define NOFILE	  1024
#define PWD_BYTES 65536

enum step {
	STEP_DESCRIPTORS,
	STEP_SESSION,
	STEP_LIMITS,
	STEP_USER,
	STEP_EXEC,
};

static const char *const step_names[] = {
	[STEP_DESCRIPTORS] = "cannot set up its descriptors",
	[STEP_SESSION] = "cannot give it a session",
	[STEP_LIMITS] = "cannot limit it",
	[STEP_USER] = "cannot become its user",
	[STEP_EXEC] = "cannot run the program",
};

struct failure {
	enum step step;
	int error;
};

bool spawn_user_find(const char *name, struct spawn_user *ret_user)
{
	AUTO_FREE char *strings = xcalloc(1, PWD_BYTES);
	struct spawn_user user = { .n_groups = SPAWN_GROUPS_MAX };
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, strings, PWD_BYTES, &found) != 0 || !found)
		return false;
	user.uid = found->pw_uid;
	user.gid = found->pw_gid;
	if (getgrouplist(name, user.gid, user.groups, &user.n_groups) < 0)
		user.n_groups = SPAWN_GROUPS_MAX; /* of more groups, the first */
	*ret_user = user;
	return true;
}

/* --- in the child ---------------------------------------------------------------------------- */

struct child_fds {
	int in;
	int out;
	int error;
};

/* Moves a descriptor out of the way of those that are set. A failure leaves *fd as it was. */
static int move_up(int *fd)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, ERROR_FD + 1);

	if (moved < 0)
		return -1;
	*fd = moved;
	return 0;
}

/* 0 to 2 and ERROR_FD become what they should be. fds->error works all the time. */
static int set_descriptors(struct child_fds *fds)
{
	if (move_up(&fds->error) < 0 || move_up(&fds->in) < 0 || move_up(&fds->out) < 0 ||
	    dup3(fds->error, ERROR_FD, O_CLOEXEC) < 0)
		return -1;
	fds->error = ERROR_FD;
	if (dup2(fds->in, 0) < 0 || dup2(fds->out, 1) < 0 || dup2(fds->out, 2) < 0)
		return -1;
	return (int)syscall(SYS_close_range, ERROR_FD + 1, ~0u, 0);
}

/*
 * By the system call itself: glibc keeps its own two signals, 32 and 33, from sigaction(3), but a
 * parent that used posix_spawn(3), as make and systemd do, has left them ignored.
 */
static void reset_signals(void)
{
	const struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} standard = { .handler = SIG_DFL }; /* the kernel's struct sigaction */
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)syscall(SYS_rt_sigaction, sig, &standard, NULL, sizeof(standard.mask));
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_limits(void)
{
	struct rlimit no_core = { 0, 0 };
	struct rlimit files = { NOFILE, NOFILE };
	struct rlimit now;

	if (getrlimit(RLIMIT_NOFILE, &now) < 0)
		return -1;
	if (now.rlim_max < NOFILE)
		files.rlim_cur = files.rlim_max = now.rlim_max;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int set_user(const struct spawn_user *user)
{
	if (!user)
		return 0;
	if (syscall(SYS_setgroups, user->n_groups, user->groups) < 0 ||
	    syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return -1;
	return (int)syscall(SYS_setresuid, user->uid, user->uid, user->uid);
}

static void become(const struct spawn_conf *conf, struct child_fds *fds, enum step *step)
{
	*step = STEP_DESCRIPTORS;
	if (set_descriptors(fds) < 0)
		return;
	reset_signals();
	*step = STEP_SESSION;
	if (setsid() < 0 || chdir("/") < 0)
		return;
	(void)umask(077);
	*step = STEP_LIMITS;
	if (set_limits() < 0)
		return;
	*step = STEP_USER;
	if (set_user(conf->user) < 0)
		return;
	*step = STEP_EXEC;
	execve(conf->argv[0], conf->argv, conf->envp);
}

static void __attribute__((noreturn)) run_child(const struct spawn_conf *conf, struct child_fds fds)
{
	struct failure failure;

	become(conf, &fds, &failure.step);
	failure.error = errno;
	(void)!write(fds.error, &failure, sizeof(failure));
	_exit(127);
}

/* --- in the parent --------------------------------------------------------------------------- */

static int make_pipe(int *ret_read, int *ret_write)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = ends[0];
	*ret_write = ends[1];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int fork_child(const struct spawn_conf *conf, struct child_fds fds, struct child *c)
{
	pid_t pid = fork();
	int err;

	if (pid == 0)
		run_child(conf, fds);
	if (pid < 0)
		return -errno;
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pidfd < 0) {
		err = -errno;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0); /* just born, so it dies at once */
		return err;
	}
	c->pid = pid;
	return 0;
}

int spawn(const struct spawn_conf *conf, struct child *ret_child)
{
	struct child c = SPAWN_NO_CHILD;
	CLEANUP(close_fd) int out = -1;
	CLEANUP(close_fd) int error = -1;
	int err = make_pipe(&c.out_fd, &out);

	if (!err)
		err = make_pipe(&c.error_fd, &error);
	if (!err)
		err = fork_child(conf, (struct child_fds){ conf->stdin_fd, out, error }, &c);
	if (err) {
		(void)spawn_end(&c);
		return err;
	}
	*ret_child = c;
	return 0;
}

void spawn_signal(const struct child *c, int sig)
{
	/* before it has a group of its own, there is only the child */
	if (kill(-c->pid, sig) < 0)
		(void)kill(c->pid, sig);
}

const char *spawn_error(const struct child *c, int *ret_errno)
{
	struct failure failure;

	if (read(c->error_fd, &failure, sizeof(failure)) != sizeof(failure))
		return NULL;
	*ret_errno = failure.error;
	return step_names[failure.step];
}

int spawn_end(struct child *c)
{
	struct pollfd ended = { .fd = c->pidfd, .events = POLLIN };
	int status = -1;

	if (c->pid > 0) {
		/* before the leader is reaped: as long as it is not, its group's number is its own
		 */
		spawn_signal(c, SIGKILL);
		(void)poll(&ended, 1, SPAWN_KILL_WAIT_MS);
		if (waitpid(c->pid, &status, WNOHANG) != c->pid)
			status = -1;
	}
	c->pid = 0;
	close_fd(&c->pidfd);
	close_fd(&c->out_fd);
	close_fd(&c->error_fd);
	return status;
}
