# SPDX-License-Identifier: BSD-2-Clause
"""The documentation says what the program does: its tables, examples, links, options and, on the
live kernel, the first minutes that README.md promises."""
import contextlib
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from ks import ROOT, Lines, RunningDaemon, needs_kernel, run, wait_for

ALERTS_PAGE = ROOT / "docs" / "alerts.md"
PAGES = sorted([ROOT / "README.md", ROOT / "hooks" / "README.md", *ROOT.glob("docs/*.md")])


def blocks(page, language):
    """The code blocks of a page in a language, as (line, text)."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, m.group(1))
            for m in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)]


def block_with(page, language, words):
    return next(text for _, text in blocks(page, language) if words in text)


def shown_alert():
    return json.loads(block_with(ALERTS_PAGE, "json", '"incident"'))


def shape(document):
    """The names of the members, and of theirs, in order; not of those that rules choose freely."""
    return [(name, shape(value) if name not in ("key", "labels") else None)
            for name, value in document.items()] if isinstance(document, dict) else None


def free_port():
    """One that nobody is given who asks for any: below those of the kernel's choice."""
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def is_rule_file(text):
    try:
        document = json.loads(text)
    except ValueError:
        # a broken rule file must not be passed over
        return '"version"' in text and '"rules"' in text
    return isinstance(document, dict) and {"version", "rules"} <= document.keys() and \
        "tests" not in document


def is_test_file(text):
    return '"version"' in text and '"tests"' in text


def anchors(page):
    """The anchors of a page's headings, as they are made for Markdown on the web."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


class Pages(unittest.TestCase):
    def test_events_md_is_what_the_program_generates(self):
        text = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
        generated = run("fields", "--markdown").stdout
        self.assertEqual(text[text.index("\n## ") + 1:], generated)

    def check_files(self, is_one, command):
        """Runs the command on each example that is such a file; returns how many there are."""
        checked = 0
        for page in PAGES:
            for line, text in blocks(page, "json"):
                if not is_one(text):
                    continue
                with self.subTest(page=page.name, line=line), tempfile.TemporaryDirectory() as d:
                    path = Path(d) / "example.json"
                    path.write_text(text, encoding="utf-8")
                    done = run(*command, path)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                checked += 1
        return checked

    def test_every_rule_file_passes_the_check(self):
        self.assertGreater(self.check_files(is_rule_file, ["check", "--strict"]), 10)

    def test_every_file_of_tests_passes(self):
        self.assertGreater(self.check_files(is_test_file, ["test"]), 0)

    def test_every_relative_link_leads_somewhere(self):
        for page in PAGES:
            text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                to = page.parent / path if path else page
                with self.subTest(page=page.name, link=target):
                    self.assertTrue(to.exists(), "no such file")
                    if anchor:
                        self.assertIn(anchor, anchors(to))

    def test_every_command_and_option_exists(self):
        commands = set(re.findall(r"^  (\w+)  ", run("--help").stdout, re.M))
        helps = {name: run(name, "--help").stdout for name in commands}
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            # up to what ends a command line: a pipe, a quote, a bracket, the end of the line
            for name, rest in re.findall(r"kernelsight (?!-)([a-z]+) ([^\n|;&`()<>]*)", text):
                for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest):
                    with self.subTest(page=page.name, command=f"{name} {rest}", option=option):
                        self.assertIn(name, commands)
                        self.assertRegex(helps[name], rf"(?<![\w-]){option}(?![\w-])")

    def test_every_make_target_exists(self):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            for target in re.findall(r"(?:`|^    )(?:sudo )?make ([a-z][a-z-]*)", text, re.M):
                with self.subTest(page=page.name, target=target):
                    self.assertRegex(makefile, rf"(?m)^{target}:")

    def test_the_table_of_members_has_those_of_the_alert_shown(self):
        table = ALERTS_PAGE.read_text(encoding="utf-8").split("## Members")[1].split("\n## ")[0]
        named = {name.split(".")[0]
                 for row in re.findall(r"^\| (`.*?) \|", table, re.M)
                 for name in re.findall(r"`([a-z_.]+)`", row)}
        self.assertEqual(named, set(shown_alert()))

    @unittest.skipUnless(shutil.which("clang"), "clang is not installed")
    def test_the_source_of_adding_a_source_compiles(self):
        page = ROOT / "docs" / "adding-a-source.md"
        with tempfile.TemporaryDirectory() as directory:
            bpf = Path(shutil.copytree(ROOT / "bpf", Path(directory) / "bpf"))
            table = (bpf / "events.def").read_text()
            end = "#undef PROCESS_CONTEXT"
            self.assertEqual(table.count(end), 1)
            block = block_with(page, "c", "EVENT(")
            (bpf / "events.def").write_text(table.replace(end, block + end))
            program = bpf / "exec_tracer.bpf.c"
            program.write_text(block_with(page, "c", "SEC("))
            done = subprocess.run(["clang", "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_x86",
                                   "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter",
                                   "-Werror", "-c", "-o", "/dev/null", program],
                                  capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)


@needs_kernel
class FirstMinutes(unittest.TestCase):
    """The commands of README.md, word for word but for the port, the file's place and `sudo`."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-", dir=ROOT / "build")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def make_slow_call(self):
        command = block_with(ROOT / "README.md", "sh", "dd if=/dev/zero")
        subprocess.run(["sh", "-c", command], cwd=self.directory, check=True, capture_output=True)

    def check_start_lines(self, said):
        for page in PAGES:
            for line in re.findall(r"^ *(\w+ +attached: .*?)(?:, \.\.\.)?$",
                                   page.read_text(encoding="utf-8"), re.M):
                with self.subTest(page=page.name, line=line):
                    self.assertTrue(any(text.strip().startswith(line) for text in said), said)

    def test_the_slow_call_fires_a_shipped_rule(self):
        with RunningDaemon(None, "-r", ROOT / "rules") as daemon:
            self.make_slow_call()
            _, alert = daemon.wait_alert("slow-syscall",
                                         where=lambda a: a["key"] == {"comm": "dd",
                                                                      "syscall_name": "write"})
            self.check_start_lines(daemon.err.texts())
        self.assertEqual(shape(alert), shape(shown_alert()))
        self.assertGreater(alert["value"], 10)
        self.assertRegex(alert["summary"], r"^write in dd\[\d+\] took [\d.]+ \w+ \(limit 10 ms\), mostly (working|blocked|waiting for a CPU)$")

    def start_receiver(self, port):
        command = block_with(ROOT / "README.md", "sh", "Receiver")
        self.assertEqual(command.count("9000"), 1)
        command = command.replace("9000", str(port)).replace("python3", sys.executable, 1)
        receiver = subprocess.Popen(["sh", "-c", "exec " + command], stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL)
        self.addCleanup(receiver.stdout.close)
        self.addCleanup(receiver.wait)
        self.addCleanup(receiver.terminate)

        def listens():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", port)) == 0
        wait_for(listens, 10, "receiver")
        return Lines(receiver.stdout)

    def test_the_rule_of_ones_own_posts_to_the_receiver(self):
        port = free_port()
        rules = block_with(ROOT / "README.md", "json", '"webhook"')
        self.assertEqual(rules.count("9000"), 1)
        rules = json.loads(rules.replace("9000", str(port)))
        # an incident that ends soon enough for a test
        rules["rules"][0]["keep"] = "1s"
        posted = self.start_receiver(port)
        with RunningDaemon(rules):
            self.make_slow_call()

            def bodies():
                texts = [post["text"] for post in posted.json() if "comm=dd" in post["text"]]
                writes = [text for text in texts if "syscall_name=write" in text]
                return writes if len(writes) > 1 else None
            fired, resolved = wait_for(bodies, 20, "two posts")[:2]
        measure = r"latency_ms [\d.]+ \w+, limit 5 ms \(comm=dd, syscall_name=write\), dd\[\d+\]"
        self.assertRegex(fired, rf"^warning on \S+: {measure}$")
        self.assertRegex(resolved, rf"^warning on \S+: resolved after [\d.]+ \w+: {measure}$")


if __name__ == "__main__":
    unittest.main()
