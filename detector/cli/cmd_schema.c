/* SPDX-License-Identifier: BSD-2-Clause */
/* `kernelsight schema`: the JSON Schema of rule files. */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rule/rule_schema.h"

static int run(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf text = { 0 };
	int code;

	if (!options_read(&cmd_schema, argc, argv, NULL, 0, NULL, &code))
		return code;
	if (optind < argc)
		return usage_error(&cmd_schema, "no argument expected, not ", argv[optind]);
	rule_schema_write(&text);
	printf("%s", buf_str(&text));
	return EXIT_SUCCESS;
}

const struct command cmd_schema = {
	.name = "schema",
	.usage = "",
	.help = "Print the JSON Schema of rule files, for editors that complete and check.\n\n"
		"  -h, --help  show this text\n\n"
		"The same is in rules/schema.json. A rule file names it with \"$schema\".\n",
	.run = run,
};
