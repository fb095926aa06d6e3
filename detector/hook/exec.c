/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hooks that run a program: argv as rendered, never a shell; the alert document on standard input,
 * a few of its parts in an environment that holds nothing else. What the program starts ends with it
 * as long as it stays in its process group. A program is run once for an alert, not for its repeats,
 * and never again: only its author could know whether a second run is harmless.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "hook/exec_args.h"
#include "hook/hook.h"
#include "hook/limits.h"
#include "hook/spawn.h"
#include "util/clock.h"

#define MAX_WAIT_NS  (60 * NS_PER_S) /* an action later than this may meet another situation */
#define GRACE_NS     (2 * NS_PER_S)  /* from SIGTERM to SIGKILL */
#define OUTPUT_BYTES 16384
#define DRAIN_READS  8 /* what a pipe can hold, and an end for a writer outside the group */

struct run {
	LIST_ENTRY(run) link;
	struct hook *hook;
	struct delivery *delivery;
	struct child child;
	struct watch *ended;
	struct watch *printed;
	struct timer *deadline;
	struct buf output; /* the first OUTPUT_BYTES */
	bool timed_out;
};

struct exec {
	char *program;
	bool change_user;
	struct spawn_user user;
	struct limits *limits;
	LIST_HEAD(, run) runs;
};

/* --- preparing ------------------------------------------------------------------------------- */

/* The program is named by the rule file alone: its path holds no {{...}}. */
static char *program_of(const struct hook_conf *conf)
{
	struct buf path = { 0 };
	const char *missing;

	(void)template_render(conf->argv[0], "{}", 2, ESCAPE_NONE, &path, &missing);
	return buf_steal(&path);
}

static char *check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return xasprintf("program %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return xasprintf("program %s is not a regular file", path);
	if (access(path, X_OK) < 0)
		return xasprintf("program %s is not executable", path);
	return NULL;
}

static char *choose_user(struct exec *x, const char *name)
{
	bool root = geteuid() == 0;

	if (!name && !root)
		return NULL;
	if (!spawn_user_find(name ? name : "nobody", &x->user))
		return xasprintf("there is no user \"%s\"", name ? name : "nobody");
	if (!root && x->user.uid != geteuid())
		return xasprintf("only root can run a program as user \"%s\"", name);
	x->change_user = root;
	return NULL;
}

static bool prepare(struct hook *h, char **ret_error)
{
	const struct hook_conf *conf = h->conf;
	struct exec *x = h->impl = xcalloc(1, sizeof(*x));

	LIST_INIT(&x->runs);
	x->program = program_of(conf);
	*ret_error = check_program(x->program);
	if (!*ret_error)
		*ret_error = choose_user(x, conf->user);
	if (*ret_error)
		return false;
	x->limits = limits_new(conf->cooldown_ns, conf->max_per_hour, conf->on_firing);
	return true;
}

static const char *refuse(struct hook *h, const struct delivery *d)
{
	struct exec *x = h->impl;
	uint64_t now_ns = loop_now_ns(h->env->loop);

	if (now_ns - d->queued_ns > MAX_WAIT_NS && !limits_undoes(x->limits, d->alert))
		return "it waited too long";
	return limits_refuse(x->limits, d->alert, now_ns);
}

/* --- a run ----------------------------------------------------------------------------------- */

/* Ends the group; gives the leader's status as spawn_end(). */
static int run_end(struct run *r)
{
	loop_unwatch(r->ended);
	loop_unwatch(r->printed);
	r->ended = r->printed = NULL;
	return spawn_end(&r->child);
}

static void run_free(struct run *r)
{
	(void)run_end(r);
	loop_timer_free(r->deadline);
	LIST_REMOVE(r, link);
	buf_fini(&r->output);
	free(r);
}

/* Reads once, as read(2), and keeps what fits. */
static ssize_t read_output(struct run *r)
{
	char block[OUTPUT_BYTES];
	ssize_t n = read(r->child.out_fd, block, sizeof(block));
	size_t room = OUTPUT_BYTES - r->output.len;

	if (n > 0)
		buf_add(&r->output, block, (size_t)n < room ? (size_t)n : room);
	return n;
}

static void on_output(void *ctx, int fd, unsigned events)
{
	struct run *r = ctx;

	(void)fd;
	(void)events;
	if (read_output(r) == 0) {
		/* the other end is closed, which the loop would report for ever */
		loop_unwatch(r->printed);
		r->printed = NULL;
	}
}

/* Says why a run failed; NULL if it did not. */
static char *failure(const struct run *r, const char *failed_step, int error, int status)
{
	const struct exec *x = r->hook->impl;

	if (failed_step)
		return xasprintf("%s: %s: %s", x->program, failed_step, strerror(error));
	if (r->timed_out)
		return xasprintf("%s did not end within %.1f s and was ended", x->program,
				 (double)r->hook->conf->timeout_ns / NS_PER_S);
	if (status < 0)
		return xasprintf("%s ended, it is not known how", x->program);
	if (WIFSIGNALED(status))
		return xasprintf("%s was ended by signal %d (%s)", x->program, WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
	return status == 0 ? NULL
			   : xasprintf("%s exited with status %d", x->program, WEXITSTATUS(status));
}

static void on_end(void *ctx, int fd, unsigned events)
{
	struct run *r = ctx;
	struct exec *x = r->hook->impl;
	AUTO_FREE char *what = NULL;
	const char *failed_step;
	int error = 0;

	(void)fd;
	(void)events;
	for (int i = 0; i < DRAIN_READS && read_output(r) > 0; i++)
		;
	failed_step = spawn_error(&r->child, &error);
	if (failed_step)
		limits_take_back(x->limits, r->delivery->alert);
	what = failure(r, failed_step, error, run_end(r));
	hook_done(r->hook, r->delivery,
		  &(struct outcome){ .verdict = what ? VERDICT_REFUSED : VERDICT_DELIVERED,
				     .what = what,
				     .detail = buf_str(&r->output),
				     .detail_len = r->output.len });
	run_free(r);
}

static void on_deadline(void *ctx)
{
	struct run *r = ctx;

	spawn_signal(&r->child, r->timed_out ? SIGKILL : SIGTERM);
	if (!r->timed_out)
		loop_timer_set(r->deadline, GRACE_NS);
	r->timed_out = true;
}

/* A descriptor that reads as the document and that nobody can change. -errno if there is none. */
static int open_doc(const struct alert *a)
{
	int fd = memfd_create("alert", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pwrite(fd, a->doc, a->doc_len, 0);
	if (n != (ssize_t)a->doc_len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		int err = n >= 0 && n != (ssize_t)a->doc_len ? ENOSPC : errno;

		(void)close(fd);
		return -err;
	}
	return fd;
}

/* Starts the program. Returns 0 or -errno. */
static int start(struct run *r, const struct strings *argv)
{
	struct hook *h = r->hook;
	const struct exec *x = h->impl;
	CLEANUP(strings_fini) struct strings env = { 0 };
	int doc_fd = open_doc(r->delivery->alert);
	int err;

	if (doc_fd < 0)
		return doc_fd;
	exec_env(r->delivery->alert, &env);
	err = spawn(&(struct spawn_conf){ .argv = argv->list,
					  .envp = env.list,
					  .stdin_fd = doc_fd,
					  .user = x->change_user ? &x->user : NULL },
		    &r->child);
	(void)close(doc_fd);
	if (err)
		return err;
	r->ended = loop_watch(h->env->loop, r->child.pidfd, LOOP_READ, PRIORITY_SIGNAL, on_end, r);
	if (!r->ended)
		return -errno;
	r->printed =
		loop_watch(h->env->loop, r->child.out_fd, LOOP_READ, PRIORITY_HOOK, on_output, r);
	r->deadline = loop_timer_new(h->env->loop, on_deadline, r);
	loop_timer_set(r->deadline, h->conf->timeout_ns);
	return 0;
}

static void give_up(struct hook *h, struct delivery *d, const char *what)
{
	struct exec *x = h->impl;

	limits_take_back(x->limits, d->alert);
	hook_done(h, d, &(struct outcome){ .verdict = VERDICT_REFUSED, .what = what });
}

static void run_program(struct hook *h, struct delivery *d)
{
	struct exec *x = h->impl;
	CLEANUP(strings_fini) struct strings argv = { 0 };
	AUTO_FREE char *fault = exec_argv(h->conf, d->alert, &argv);
	AUTO_FREE char *what = NULL;
	struct run *r;
	int err;

	if (fault) {
		give_up(h, d, fault);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	*r = (struct run){ .hook = h, .delivery = d, .child = SPAWN_NO_CHILD };
	LIST_INSERT_HEAD(&x->runs, r, link);
	err = start(r, &argv);
	if (err) {
		what = xasprintf("cannot start %s: %s", argv.list[0], strerror(-err));
		run_free(r);
		give_up(h, d, what);
	}
}

static void describe(struct hook *h, const struct alert *a, struct buf *out)
{
	CLEANUP(strings_fini) struct strings argv = { 0 };
	AUTO_FREE char *fault = exec_argv(h->conf, a, &argv);

	if (fault) {
		buf_addf(out, "would fail: %s", fault);
		return;
	}
	buf_adds(out, "would run:");
	for (unsigned i = 0; i < argv.n; i++)
		buf_addf(out, " %s", argv.list[i]);
}

/* --- the end --------------------------------------------------------------------------------- */

static void stop(struct hook *h)
{
	struct exec *x = h->impl;
	struct run *r;

	LIST_FOREACH(r, &x->runs, link)
	spawn_signal(&r->child, SIGTERM);
}

static void wait_until(int pidfd, uint64_t deadline_ns)
{
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	uint64_t now_ns = clock_monotonic_ns();

	if (now_ns < deadline_ns)
		(void)poll(&ended, 1, (int)((deadline_ns - now_ns) / NS_PER_MS) + 1);
}

static void free_exec(struct hook *h, uint64_t deadline_ns)
{
	struct exec *x = h->impl;
	struct run *r;

	if (!x)
		return;
	while ((r = LIST_FIRST(&x->runs))) {
		wait_until(r->child.pidfd, deadline_ns);
		run_free(r);
	}
	limits_free(x->limits);
	free(x->program);
	free(x);
}

const struct hook_ops hook_exec_ops = {
	.ignores_repeats = true,
	.prepare = prepare,
	.refuse = refuse,
	.send = run_program,
	.describe = describe,
	.stop = stop,
	.free = free_exec,
};
