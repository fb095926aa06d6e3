# SPDX-License-Identifier: BSD-2-Clause
"""`kernelsight check --live`: do the rules get what they read on this machine?"""
import subprocess
import unittest

from ks import PATIENCE, PROGRAM, ROOT, needs_kernel, run


@needs_kernel
class Live(unittest.TestCase):
    def test_the_shipped_rules_get_what_they_read(self):
        done = run("check", "--live", "--strict", ROOT / "rules")
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 0)

    def test_without_the_right_to_attach(self):
        done = subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", PROGRAM,
                               "check", "--live", ROOT / "rules" / "10-slow-syscalls.json"],
                              capture_output=True, text=True, timeout=30 * PATIENCE)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"^kernelsight check: --live: .*\n$")


if __name__ == "__main__":
    unittest.main()
