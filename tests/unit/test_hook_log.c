/* SPDX-License-Identifier: BSD-2-Clause */
/* The hook that appends alerts to a file. */
#include "hook_rig.h"

#include <sys/stat.h>

static char dir[] = "/tmp/kernelsight-log-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void the_log_hook_appends_lines(void **state)
{
	AUTO_RIG r;
	AUTO_FREE char *path = xasprintf("%s/alerts", dir);
	char text[64] = "";
	struct stat st;
	FILE *f;

	(void)state;
	rig_init(&r);
	rig_hook(&r, HOOK_LOG)->path = path;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{\"n\":1}");
	rig_deliver(&r, ALERT_RESOLVED, 2, "{\"n\":2}");
	rig_run_until_idle(&r);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, f), 16);
	(void)fclose(f);
	assert_string_equal(text, "{\"n\":1}\n{\"n\":2}\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0); /* nothing beyond 0640 */
	assert_int_equal(unlink(path), 0);
}

static void a_full_disk_is_tried_again(void **state)
{
	AUTO_RIG r;
	char path[] = "/dev/full";

	(void)state;
	rig_init(&r);
	rig_hook(&r, HOOK_LOG)->path = path;
	rig_start(&r);
	rig_deliver(&r, ALERT_FIRING, 1, "{}");
	rig_run_until_logged(&r, "next try in ");
	assert_int_equal(rig_stats(&r).queued, 1);
	assert_true(rig_stats(&r).retried >= 1);
	assert_log(&r, "cannot write to /dev/full: No space left on device; next try in ");
}

static void a_log_without_a_path_is_refused(void **state)
{
	AUTO_RIG r;

	(void)state;
	rig_init(&r);
	rig_hook(&r, HOOK_LOG);
	assert_no_start(&r,
			"rules.json:7: hook hook0: a log hook needs a \"path\"; standard output "
			"has each alert without a hook");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_hook_appends_lines),
		cmocka_unit_test(a_full_disk_is_tried_again),
		cmocka_unit_test(a_log_without_a_path_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
