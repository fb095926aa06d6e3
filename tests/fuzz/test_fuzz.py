# SPDX-License-Identifier: BSD-2-Clause
"""Each fuzz target over its seeds, and two seconds beyond: `make fuzz` in short."""
import glob
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(ROOT, "tests", "fuzz")
SECONDS = 2
PROBE = b"int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }\n"


def why_no_fuzzer():
    """Why there is no libFuzzer here, in words; None if there is one."""
    compiler = os.environ.get("CLANG", "clang")
    with tempfile.TemporaryDirectory() as folder:
        command = [compiler, "-fsanitize=fuzzer,address", "-x", "c", "-", "-o",
                   os.path.join(folder, "probe")]
        try:
            done = subprocess.run(command, input=PROBE, capture_output=True, timeout=60)
        except FileNotFoundError:
            return "there is no %s" % compiler
    if done.returncode:
        return "%s cannot link libFuzzer: %s" % (
            compiler, done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return None


class Fuzz(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = why_no_fuzzer()
        if reason:
            raise unittest.SkipTest(reason)

    def test_each_target_stands_its_seeds(self):
        sources = sorted(glob.glob(os.path.join(HERE, "fuzz_*.c")))
        self.assertTrue(sources)
        for source in sources:
            name = os.path.basename(source)[len("fuzz_"):-len(".c")]
            with self.subTest(name):
                self.fuzz(name)

    def fuzz(self, name):
        seeds = os.path.join(HERE, "seeds", name)
        target = os.path.join("build", "fuzz", name)
        built = subprocess.run(["make", "--no-print-directory", f"-j{os.cpu_count()}", target], cwd=ROOT,
                               capture_output=True, timeout=900)
        self.assertEqual(built.returncode, 0, built.stderr.decode(errors="replace"))
        self.assertTrue(os.listdir(seeds))
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run(
                [os.path.join(ROOT, target), "-max_total_time=%d" % SECONDS, "-timeout=10",
                 "-rss_limit_mb=2048", "-artifact_prefix=%s/" % folder, folder, seeds],
                capture_output=True, timeout=120)
            self.assertEqual(ran.returncode, 0, ran.stderr.decode(errors="replace")[-4000:])


if __name__ == "__main__":
    unittest.main()
