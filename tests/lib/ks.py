"""Runs the built kernelsight for tests, on the live kernel."""
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(os.environ.get("KERNELSIGHT", ROOT / "build" / "kernelsight"))
# how much slower than usual this machine may be: an emulated one takes its time
PATIENCE = float(os.environ.get("KERNELSIGHT_PATIENCE", "1"))
TOOLS = Path(os.environ.get("KERNELSIGHT_BUILD", ROOT / "build")) / "tests" / "tools"


def needs_kernel(cls):
    """Skips a test class where BPF cannot be loaded, with the reason in words."""
    if os.geteuid() != 0:
        return unittest.skip("needs root to load BPF programs")(cls)
    if not Path("/sys/kernel/btf/vmlinux").exists():
        return unittest.skip("this kernel has no BTF")(cls)
    return cls


def run(*args, timeout=30, **kwargs):
    """Runs the program to its end; a CompletedProcess with text output."""
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, timeout=timeout * PATIENCE,
                          errors="replace", **kwargs)


def wait_for(condition, timeout_s, what):
    """The first true value of condition(); fails after timeout_s, or longer on a slow machine."""
    deadline = time.monotonic() + timeout_s * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout_s} s still no {what}")
        time.sleep(0.01)


def once_in(times, attempt):
    """What attempt() returns, made again if it fails, up to so many times: for what holds on a machine that
    no other stops in the middle of it. A defect fails every time; then all failures are told."""
    failures = []
    while True:
        try:
            return attempt()
        except AssertionError as failure:
            failures.append(str(failure))
        if len(failures) == times:
            raise AssertionError(f"failed {times} times:\n" + "\n".join(failures))


class Lines:
    """The lines of a pipe with the monotonic time each arrived at, read in the background."""

    def __init__(self, pipe):
        self.lines = []
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe):
        try:
            for line in pipe:
                self.lines.append((time.monotonic(), line.decode(errors="replace").rstrip("\n")))
        except ValueError:
            pass  # a test closed the pipe

    def join(self):
        self._thread.join(30 * PATIENCE)

    def texts(self):
        return [text for _, text in list(self.lines)]

    def json(self):
        return [json.loads(text) for text in self.texts()]


class Running:
    """A kernelsight that runs until the `with` ends: use RunningDaemon or RunningEvents."""

    def __init__(self, *args, env=None):
        self.process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                        env=dict(os.environ, **(env or {})))
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def __enter__(self):
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """SIGTERM, and SIGKILL if that does not help; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.out.join()
        self.err.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode

    def said(self, text):
        return any(text in line for line in self.err.texts())


class RunningDaemon(Running):
    """`kernelsight run` with rules given as a Python object (or the shipped ones). It gives nothing up
    on a machine that is busy with other tests, unless asked to."""

    def __init__(self, rules=None, *args, env=None):
        self._directory = tempfile.TemporaryDirectory(prefix="kernelsight-test-")
        if rules is not None:
            path = Path(self._directory.name) / "rules.json"
            self.rules_path = path
            self.write_rules(rules)
            args = ("-r", path, *args)
        self.socket = Path(self._directory.name) / "control.sock"
        super().__init__("run", "--cpu-budget", "off", *args, env={"KERNELSIGHT_SOCKET": str(self.socket), **(env or {})})

    def write_rules(self, rules):
        """Puts other rules where the daemon reads them from."""
        self.rules_path.write_text(json.dumps({"version": 1, **rules}, indent=1))

    def ask(self, command, *args):
        """A command such as `status`, put to this daemon; a CompletedProcess."""
        return run(command, "--socket", self.socket, *args)

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError("kernelsight ended: " + "\n".join(self.err.texts()))
            return self.said("watching")
        wait_for(ready, 20, "line 'watching' from kernelsight")

    def stop(self):
        code = super().stop()
        self._directory.cleanup()
        return code

    def alerts(self, rule=None, state=None):
        """(arrival, document) of the alerts so far, of one rule and state if given."""
        found = []
        for when, text in list(self.out.lines):
            alert = json.loads(text)
            if rule in (None, alert["rule"]["name"]) and state in (None, alert["state"]):
                found.append((when, alert))
        return found

    def wait_alert(self, rule, state="firing", timeout_s=10, where=lambda alert: True):
        """The first such alert as (arrival, document)."""
        def first():
            return next((a for a in self.alerts(rule, state) if where(a[1])), None)
        return wait_for(first, timeout_s, f"{state} alert of {rule}")


class RunningEvents(Running):
    """`kernelsight events SOURCE ...`."""

    def __init__(self, *args):
        known = {json.loads(line)["source"] for line in run("fields", "--json").stdout.splitlines()}
        self._sources = [a for a in args if a in known]
        super().__init__("events", *args)

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError("kernelsight ended: " + "\n".join(self.err.texts()))
            return all(self.said("watching " + source) for source in self._sources)
        wait_for(ready, 20, "line 'watching' from kernelsight events")

    def events(self):
        return self.out.json()

    def timed_events(self):
        """Each event with how late it came, in ms: between what it is about and when it was read here."""
        wall_s = time.time() - time.monotonic()
        events = [(when, json.loads(text)) for when, text in list(self.out.lines)]
        return [((when + wall_s) * 1e3 - event["timestamp"] / 1e6, event) for when, event in events]

    def ledger(self, source=None):
        """After stop(): what --stats prints of a source, as numbers by word."""
        line = next(t for t in self.err.texts()
                    if ": seen " in t and (source is None or t.startswith(source + ":")))
        return {word: int(n) for word, n in re.findall(
            r"(seen|filtered|aggregated|emitted|lost|ring full|no storage|map full|rate limited|"
            r"not run|user space) (\d+)", line)}
