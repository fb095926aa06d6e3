"""The BPF objects that the build leaves next to the program are fit for other tools too."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import ks

OBJECTS = sorted(ks.PROGRAM.parent.glob("*.bpf.o"))
BPF_FS = Path("/sys/fs/bpf")


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def programs_in(path):
    """Of a source file, with those of its own headers."""
    text = path.read_text()
    headers = re.findall(r'^#include "(.*\.bpf\.h)"', text, re.M)
    return text.count('\nSEC("') + sum(programs_in(path.parent / name) for name in headers)


class Objects(unittest.TestCase):
    def test_there_is_one_for_each_program(self):
        sources = sorted((ks.ROOT / "bpf").glob("*.bpf.c"))
        self.assertEqual([o.stem for o in OBJECTS], [s.stem for s in sources])

    @unittest.skipUnless(shutil.which("llvm-objdump"), "llvm-objdump is not installed")
    def test_llvm_objdump_reads_them(self):
        for path in OBJECTS:
            with self.subTest(path.name):
                done = run("llvm-objdump", "-h", path)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("elf64-bpf", done.stdout)
                for section in ("license", ".maps", ".data.control", ".BTF", ".BTF.ext", "tp_btf/"):
                    self.assertIn(section, done.stdout)


@ks.needs_kernel
@unittest.skipUnless(shutil.which("bpftool"), "bpftool is not installed")
@unittest.skipUnless(os.path.ismount(BPF_FS), f"no BPF file system on {BPF_FS}")
class Loaded(unittest.TestCase):
    def test_bpftool_loads_every_program(self):
        for path in OBJECTS:
            with self.subTest(path.name):
                pins = BPF_FS / f"kernelsight-test-{os.getpid()}"
                try:
                    done = run("bpftool", "prog", "loadall", path, pins)
                    if "failed to find kernel BTF type ID" in done.stderr:
                        self.skipTest("this kernel lacks a hook that is optional")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    wanted = programs_in(ks.ROOT / "bpf" / f"{path.stem}.c")
                    self.assertEqual(len(list(pins.iterdir())), wanted)
                finally:
                    shutil.rmtree(pins, ignore_errors=True)
                self.assertFalse(pins.exists())


if __name__ == "__main__":
    unittest.main()
