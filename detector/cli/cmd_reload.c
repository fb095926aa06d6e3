/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight reload`: has the running daemon read its rules again. */
#include "cli/control_client.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/control.h"

static const struct cli_option options[] = {
	{ "socket", .read = option_text },
};

static int run(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf reply = { 0 };
	CLEANUP(buf_fini) struct buf messages = { 0 };
	const char *socket = NULL;
	int code;
	bool ok;

	if (!options_read(&cmd_reload, argc, argv, options, ARRAY_SIZE(options), &socket, &code))
		return code;
	if (optind < argc)
		return usage_error(&cmd_reload, "unexpected argument ", argv[optind]);
	ok = control_ask(&cmd_reload, control_path(socket), "{\"command\":\"reload\"}", &reply);
	if (reply_lines(&(struct reply){ reply.data, reply.len }, "messages", &messages))
		fprintf(ok ? stdout : stderr, "%s", buf_str(&messages));
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct command cmd_reload = {
	.name = "reload",
	.usage = "[--socket PATH]",
	.help = "Have the running daemon read its rules again.\n\n"
		"      --socket PATH  of the daemon to ask; without it $KERNELSIGHT_SOCKET or\n"
		"                     " CONTROL_PATH "\n"
		"  -h, --help         this text\n\n"
		"The rules are checked first. If anything is wrong with them or their hooks, it says\n"
		"what, and the rules before stay. Rules that judge the same as before keep their state.\n\n"
		"Exit status: 0 the new rules are at work, 1 they are not.\n",
	.run = run,
};
