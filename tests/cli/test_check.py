# SPDX-License-Identifier: BSD-2-Clause
"""`kernelsight check` over the rule files of tests/rules, with the exact messages.

good/NAME.json must pass (with the warnings of good/NAME.err if there are any), bad/NAME.json or the
files of bad/NAME/ must fail with the messages of bad/NAME.err. After a wanted change of messages,
`python3 tests/cli/test_check.py --accept` writes the .err files anew: read the diff.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
from ks import PATIENCE  # noqa: E402
from messages import message_formats, unseen  # noqa: E402
RULES = os.path.join(ROOT, "tests", "rules")
BINARY = os.path.abspath(
    os.environ.get("KERNELSIGHT", os.path.join(ROOT, "build", "kernelsight")))

# Files whose messages each need a case in bad/ or good/.
SOURCES = [*Path(ROOT, "detector", "rule").glob("*.c"),
           Path(ROOT, "detector", "daemon", "rule_check.c")]
# No rule file can provoke these.
NOT_PROVOKED = {"not enough memory", "error %d"}


def check(*args, cwd=RULES):
    done = subprocess.run([BINARY, "check", *args], cwd=cwd, capture_output=True,
                          timeout=60 * PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def cases(folder):
    """The cases of good or bad, as paths relative to tests/rules."""
    found = glob.glob(os.path.join(RULES, folder, "*"))
    return sorted(os.path.relpath(path, RULES) for path in found if not path.endswith(".err"))


def expected_messages(case):
    return os.path.join(RULES, re.sub(r"\.json$", "", case) + ".err")


class Check(unittest.TestCase):
    maxDiff = None

    def test_right_rules_pass(self):
        for case in cases("good"):
            with self.subTest(case):
                code, out, err = check(case)
                self.assertEqual(err, read(expected_messages(case)))
                self.assertRegex(out, r"\A(%s\S*: \d+ rules?, \d+ hooks?: ok\n)+\Z" % re.escape(case))
                self.assertEqual(code, 0)

    def test_wrong_rules_fail_with_these_messages(self):
        for case in cases("bad"):
            with self.subTest(case):
                code, out, err = check(case)
                self.assertEqual(err, read(expected_messages(case)))
                self.assertEqual(out, "")
                self.assertEqual(code, 1)

    def test_every_message_has_a_case(self):
        pinned = "".join(read(path) for path in glob.glob(os.path.join(RULES, "*", "*.err")))
        self.assertEqual(unseen(SOURCES, pinned) - NOT_PROVOKED, set())

    def test_the_message_list_is_not_empty(self):
        self.assertGreater(len(message_formats(SOURCES)), 60)

    def test_no_secret_is_printed(self):
        for case in cases("bad"):
            self.assertNotIn("topsecret", check(case)[2])
            self.assertNotIn("R0123456789", check(case)[2])

    def test_counts_rules_and_hooks_of_each_file(self):
        code, out, _ = check("good/shared-hooks")
        self.assertEqual(out, "good/shared-hooks/10-hooks.json: 0 rules, 2 hooks: ok\n"
                              "good/shared-hooks/20-rules.json: 2 rules, 0 hooks: ok\n")
        self.assertEqual(code, 0)

    def test_files_given_together_are_one_set(self):
        code, _, err = check("good/shared-hooks/20-rules.json")
        self.assertEqual(code, 1)
        self.assertIn('no hook "chat"; there is none', err)
        code, out, err = check("good/shared-hooks/20-rules.json", "good/shared-hooks/10-hooks.json")
        self.assertEqual((code, err), (0, ""))

    def test_strict_lets_warnings_fail(self):
        self.assertEqual(check("good/warnings.json")[0], 0)
        code, out, err = check("--strict", "good/warnings.json")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, read(expected_messages("good/warnings.json")))
        self.assertEqual(check("--strict", "good/every-key.json")[0], 0)

    def test_each_text_that_a_field_can_have_is_known(self):
        rules, wrong = [], []
        for line in subprocess.run([BINARY, "fields", "--json"], capture_output=True, text=True,
                                   check=True, timeout=60).stdout.splitlines():
            source = json.loads(line)
            for field in source["fields"]:
                for text in field.get("one_of", []):
                    text = text.replace("[0-9]*", "31")
                    for texts, into in ((text, rules), (text + "_", wrong)):
                        into.append({"name": f"r{len(into)}", "on": source["source"],
                                     "where": f"{field['name']} in ('{texts}')", "notify": False,
                                     "when": {"value": "count()", "window": "5s", "above": 1}})
        self.assertGreater(len(rules), 40)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.json")
            for some, expected in ((rules, 0), (wrong, 1)):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump({"version": 1, "rules": some}, file)
                code, _, err = check(path)
                self.assertEqual(code, expected, err)
        self.assertEqual(len(re.findall(" is never ", err)),
                         sum("status" not in r["where"] and "errno" not in r["where"]
                             for r in wrong))

    def test_a_directory_is_read_in_byte_order_without_dot_files(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ["b.json", "B.json", "10.json", "9.json", ".hidden.json", "notes.txt"]:
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write("not json" if name[0] == "." or name[-1] == "t" else '{"version":1}')
            code, out, _ = check(folder + "/")
            self.assertEqual(code, 0)
            self.assertEqual([os.path.basename(line.split(": ")[0]) for line in out.splitlines()],
                             ["10.json", "9.json", "B.json", "b.json"])
            self.assertIn(folder + "/10.json", out)

    def test_files_that_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            missing = os.path.join(folder, "none.json")
            self.assertEqual(check(missing), (
                2, "", "kernelsight check: %s: No such file or directory\n" % missing))
            self.assertEqual(check(folder), (
                2, "", "kernelsight check: %s: no *.json in this directory\n" % folder))
            large = os.path.join(folder, "large.json")
            with open(large, "wb") as file:
                file.write(b" " * (4 * 1024 * 1024 + 1))
            self.assertEqual(check(large), (
                2, "", "kernelsight check: %s: larger than 4 MiB\n" % large))
            with open(large, "wb") as file:
                file.write(b'{"version":1}' + b" " * (4 * 1024 * 1024 - 13))
            self.assertEqual(check(large)[0], 0)

    def test_a_hostile_file_is_refused_quickly(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.json")
            for text in ['{"version":1,"rules":[' + "{}," * 900000 + "{}]}",
                         "{" + '"k":1,' * 600000 + '"version":1}',
                         '{"version":1,"rules":[' + '{"by":[1,2,3],"x":0},' * 999 + "{}]}",
                         "[" * 4000000]:
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                code, out, err = check(path)
                self.assertEqual((code, out), (1, ""))
                self.assertLess(len(err), 100000)

    def test_usage(self):
        usage = "usage: kernelsight check [--strict] [--live] FILE|DIR...\n"
        self.assertEqual(check(), (2, "", "kernelsight check: no rule file given\n" + usage))
        self.assertEqual(check("--stric", "good/every-key.json")[0], 0)
        self.assertEqual(check("--nonsense"), (
            2, "", "kernelsight check: unrecognized option '--nonsense'\n"))
        for option in ["--help", "-h"]:
            code, out, err = check(option)
            self.assertEqual((code, err), (0, ""))
            self.assertTrue(out.startswith(usage))
            self.assertIn("--strict", out)


def accept():
    for case in cases("good") + cases("bad"):
        _, _, err = check(case)
        if err:
            with open(expected_messages(case), "w", encoding="utf-8") as file:
                file.write(err)


if __name__ == "__main__":
    if sys.argv[1:] == ["--accept"]:
        accept()
    else:
        unittest.main()
