"""Who the process of an event is: texts taken when it starts, for processes that are gone at once."""
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import children
import ks

ECHO = os.path.realpath("/bin/echo")
ID = "3f4d0e6c1b2a59788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
CGROUPS = Path("/sys/fs/cgroup/memory")
if not CGROUPS.is_dir():
    CGROUPS = Path("/sys/fs/cgroup")

# Every write of these, however short.
WRITES = ("(comm in ('echo', 'sh') or exe like '/memfd:*') and syscall_name == 'write' and "
          "latency_ms >= 0")


def echo(*args, **kwargs):
    """Runs /bin/echo to its end; its pid."""
    process = subprocess.Popen(["/bin/echo", *args], stdout=subprocess.DEVNULL, **kwargs)
    process.wait()
    return process.pid


def own_comm():
    return Path("/proc/self/comm").read_text().rstrip("\n")


class Cgroup:
    """A cgroup of that path, made for a test with all above it that are not there."""

    def __init__(self, path):
        self.path = CGROUPS / path.lstrip("/")
        self._made = []

    def __enter__(self):
        for path in [*reversed(self.path.parents), self.path]:
            if not path.exists():
                try:
                    path.mkdir()
                except OSError as error:
                    self.__exit__()
                    raise unittest.SkipTest(f"no cgroups can be made here: {error}")
                self._made.append(path)
        return self

    def __exit__(self, *_):
        for path in reversed(self._made):
            ks.wait_for(lambda: not list(map(int, (path / "cgroup.procs").read_text().split())),
                        5, "end of the processes in " + str(path))
            path.rmdir()
        self._made = []

    def join(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))


@ks.needs_kernel
class Programs(unittest.TestCase):
    """One `kernelsight events` for all tests: each looks for the processes that it started."""

    @classmethod
    def setUpClass(cls):
        cls.events = ks.RunningEvents("syscall", "--where", WRITES, "--stats")
        cls.events.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.events.stop()

    def of(self, pid, n=1):
        def found():
            events = [e for e in self.events.events() if e["pid"] == pid]
            return events if len(events) >= n else None
        return ks.wait_for(found, 10, f"{n} events of {pid}")

    def test_short_lived_ones_have_their_whole_command_line(self):
        pids = {}
        for i in range(97):
            pids[echo("number", str(i), "of 97")] = i
        for pid, i in pids.items():
            event, = self.of(pid)
            self.assertEqual(event["cmdline"], f"/bin/echo number {i} of 97")
            self.assertEqual(event["exe"], ECHO)
            self.assertEqual(event["parent_comm"], own_comm())
            self.assertEqual(event["user"], "root")
            self.assertEqual(event["container_id"], "")

    def test_hostile_arguments_stay_one_text(self):
        event, = self.of(echo('","exe":"/bin/sh', "new\nline\t\x1b[2J", "\\", b"\xff\xfe\xc3"))
        self.assertEqual(event["cmdline"], '/bin/echo ","exe":"/bin/sh new\nline\t\x1b[2J \\ '
                                           '\ufffd\ufffd\ufffd')
        self.assertEqual(event["exe"], ECHO)

    def test_a_long_command_line_is_cut_and_marked(self):
        fits = "x" * (4096 - len("/bin/echo") - 2)
        event, = self.of(echo(fits))
        self.assertEqual(event["cmdline"], "/bin/echo " + fits)
        event, = self.of(echo(fits + "y"))
        self.assertEqual(event["cmdline"], "/bin/echo " + fits + "y...")
        event = self.of(echo(*["argument"] * 10007))[0]
        self.assertEqual(event["cmdline"],
                         ("/bin/echo" + " argument" * 10007)[:4096] + "...")

    def test_an_exec_chain_shows_the_program_of_each_moment(self):
        process = subprocess.Popen(["/bin/sh", "-c", "echo one; exec /bin/echo two; true"],
                                   stdout=subprocess.DEVNULL)
        process.wait()
        first, second = self.of(process.pid, 2)
        self.assertEqual((first["exe"], first["cmdline"]),
                         (os.path.realpath("/bin/sh"),
                          "/bin/sh -c echo one; exec /bin/echo two; true"))
        self.assertEqual((second["exe"], second["cmdline"]), (ECHO, "/bin/echo two"))
        self.assertEqual(first["start_time_s"], second["start_time_s"])

    def test_a_copy_without_exec_has_its_parents_program(self):
        with children.Child(lambda: (children.set_comm(b"echo"), os.write(2, b""))) as child:
            event = self.of(child.pid)[0]
        self.assertEqual(event["exe"], os.readlink("/proc/self/exe"))
        own = Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
        self.assertEqual(event["cmdline"], own[:4096].decode())
        self.assertEqual(event["parent_comm"], own_comm())

    def test_users_have_names(self):
        event, = self.of(echo("who", user=65534))
        self.assertEqual((event["uid"], event["user"]), (65534, "nobody"))
        event, = self.of(echo("who", user=4242424))
        self.assertEqual((event["uid"], event["user"]), (4242424, ""))

    def test_a_program_on_another_mount_has_its_whole_path(self):
        with tempfile.TemporaryDirectory(prefix="kernelsight 'test'\n") as directory:
            if subprocess.run(["mount", "-t", "tmpfs", "none", directory]).returncode:
                self.skipTest("no tmpfs can be mounted here")
            try:
                deep = Path(directory, *"abcdefghijklmnopqrstuvwxyz", "echo")
                deep.parent.mkdir(parents=True)
                shutil.copy(ECHO, deep)
                process = subprocess.Popen([deep, "deep"], stdout=subprocess.DEVNULL)
                process.wait()
                event, = self.of(process.pid)
                self.assertEqual(event["exe"], str(deep))
            finally:
                subprocess.run(["umount", directory], check=True)

    def test_a_program_that_is_in_no_directory_says_so(self):
        def work():
            descriptor = os.memfd_create("echo")
            os.write(descriptor, Path(ECHO).read_bytes())
            os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
            os.execve(descriptor, ["echo", "memory"], {})

        with children.Child(work) as child:
            event, = self.of(child.pid)
        self.assertEqual(event["exe"], "/memfd:echo (deleted)")
        self.assertEqual(event["cmdline"], "echo memory")

    def test_containers_and_units_are_named(self):
        top = f"/kernelsight-test-{os.getpid()}"
        pod = f"/kubepods-burstable-pod1f2e_{os.getpid()}.slice"
        for path, container, unit in [
                (f"{top}/docker/{ID}", ID, ""),
                (f"{top}.slice/docker-{ID}.scope", ID, f"docker-{ID}.scope"),
                (f"{top}.slice{pod}/cri-containerd-{ID}.scope", ID, f"cri-containerd-{ID}.scope"),
                (f"{top}.slice/crio-{ID}.scope/container", ID, f"crio-{ID}.scope"),
                (f"{top}.slice/libpod-{ID}.scope/container/system.slice/a.service", ID,
                 f"libpod-{ID}.scope"),
                (f"{top}.slice/libpod-conmon-{ID}.scope", "", f"libpod-conmon-{ID}.scope"),
                (f"{top}.slice/quo\"te.service", "", "quo\"te.service"),
                (f"{top}/" + "/".join(["x" * 250] * 3), "", "")]:
            with self.subTest(path), Cgroup(path) as cgroup:
                event, = self.of(echo("from inside", preexec_fn=cgroup.join))
                self.assertEqual((event["cgroup"], event["container_id"], event["unit"]),
                                 (path, container, unit))

    def test_who_moves_is_found_where_he_is(self):
        with Cgroup(f"/kernelsight-test-{os.getpid()}.slice/before.service") as before, \
                Cgroup(f"/kernelsight-test-{os.getpid()}.slice/after.service") as after:
            def work():
                children.set_comm(b"echo")
                for cgroup in before, after:
                    cgroup.join()
                    os.write(2, b"")

            with children.Child(work) as child:
                events = self.of(child.pid, 4)  # two of them into cgroup.procs
        shown = [e["unit"] for e in events if e["ret"] == 0]
        self.assertEqual(shown, ["before.service", "after.service"])


@ks.needs_kernel
class Life(unittest.TestCase):
    def test_who_ran_before_it_started_is_known(self):
        with tempfile.TemporaryDirectory(prefix="kernelsight-test-") as directory:
            program = Path(directory, "echo")
            shutil.copy(os.path.realpath("/bin/sh"), program)
            script = "while :; do sleep 0.02; done # 'quoted'\n"
            process = subprocess.Popen([program, "-c", script])
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            program.unlink()
            with ks.RunningEvents("syscall", "--where", "comm == 'echo'") as events:
                # not at once, if it was starting one of its own children just then (state D)
                event = ks.wait_for(lambda: [e for e in events.events() if e["cmdline"]], 10,
                                    "event with its command line")[0]
        self.assertEqual(event["pid"], process.pid)
        self.assertEqual(event["exe"], f"{program} (deleted)")
        self.assertEqual(event["cmdline"], f"{program} -c {script}")
        self.assertEqual(event["parent_comm"], own_comm())

    def test_a_title_that_a_program_gives_itself_is_seen(self):
        title = b"postgres: walwriter"

        def work():
            stat = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
            start, end = int(stat[45]), int(stat[46])  # arg_start, arg_end: fields 48 and 49
            children.set_comm(b"retitled")
            ctypes.memset(start, 0, end - start)
            ctypes.memmove(start, title, len(title))
            while True:
                time.sleep(0.02)

        with ks.RunningEvents("syscall", "--where", "comm == 'retitled'") as events, \
                children.Child(work):
            ks.wait_for(lambda: any(e["cmdline"] == title.decode() for e in events.events()), 10,
                        "event with the title")
            first = events.events()[0]
        self.assertEqual(first["exe"], os.readlink("/proc/self/exe"))

    def test_a_pid_that_is_used_again_is_another_process(self):
        with ks.RunningEvents("sched", "--where", "comm == 'echo'") as events:
            time.sleep(1 - time.time() % 1)  # both in one second: one tick shows both
            pid = echo("the first")
            again = clone_as(pid, ["/bin/echo", "the", "second"])
            ks.wait_for(lambda: sum(e["pid"] == pid for e in events.events()) >= 2, 10,
                        "events of both")
        self.assertEqual(again, pid)
        shown = {e["start_time_s"]: e["cmdline"] for e in events.events() if e["pid"] == pid}
        self.assertEqual([shown[start] for start in sorted(shown)],
                         ["/bin/echo the first", "/bin/echo the second"])

    def test_threads_of_the_kernel_have_no_program(self):
        with ks.RunningEvents("sched", "--where", "kernel_thread == 1 and ppid == 2") as events:
            event = ks.wait_for(events.events, 20, "event of a thread of the kernel")[0]
        self.assertEqual([event[k] for k in ("exe", "cmdline", "parent_comm", "user", "cgroup",
                                             "container_id", "unit")],
                         ["", "", "kthreadd", "root", "/", "", ""])

    def test_a_storm_of_forks_leaves_nothing_behind(self):
        # while the reader stands still the ring may fill up
        ks.once_in(5, self.storm_of_forks)

    def storm_of_forks(self):
        n = 10007
        with ks.RunningEvents("sched", "--where", "comm == 'storm'", "--stats") as events:
            def resident_kib():
                status = Path(f"/proc/{events.process.pid}/status").read_text()
                return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

            before = resident_kib()
            with subprocess.Popen([ks.TOOLS / "storm", "processes", str(n)]) as storm:
                self.assertEqual(storm.wait(), 0)
            time.sleep(1.2)
            grown = resident_kib() - before
        line = next(t for t in events.err.texts() if t.startswith("processes: "))
        ledger = (r"told (\d+) = filtered (\d+) \+ emitted (\d+) \+ lost (\d+); not run 0; known (\d+), "
                  r"of these ended (\d+)")
        self.assertRegex(line, ledger)
        told, filtered, emitted, lost, known, ended = map(int, re.search(ledger, line).groups())
        self.assertEqual(told, filtered + emitted + lost)
        self.assertEqual(lost, 0, line)
        self.assertGreaterEqual(emitted, 2 * n)
        self.assertGreaterEqual(ended, n)
        self.assertLess(known, 2 * n)
        self.assertLess(grown, 16 << 10)
        shown = [e for e in events.events() if e["exited"] and e["ppid"] == storm.pid]
        self.assertGreater(len(shown), n // 2)
        for event in shown:
            self.assertEqual(event["cmdline"], f"{ks.TOOLS}/storm processes {n}")

    def test_who_ended_unseen_is_found_to_have_ended(self):
        """The ring is full when 307 processes end, as nobody reads it; the next walk shows who is gone."""
        sleepers = 307
        with ks.RunningEvents("sched", "--where", "comm == 'nobody'", "--stats") as events:
            asleep = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(sleepers)]
            time.sleep(1.1)
            events.process.send_signal(signal.SIGSTOP)
            subprocess.run([ks.TOOLS / "storm", "processes", "20000"], check=True)
            for process in asleep:
                process.kill()
                process.wait()
            events.process.send_signal(signal.SIGCONT)
            time.sleep(3.2)
            living = sum(name.isdigit() for name in os.listdir("/proc"))
        line = next(t for t in events.err.texts() if t.startswith("processes: "))
        lost, known, ended, walks = (int(re.search(word + r" (\d+)", line)[1]) for word in
                                     ("lost", "known", "of these ended", "walks"))
        self.assertGreater(lost, 2 * sleepers)
        self.assertGreaterEqual(walks, 2)
        self.assertLess(known - ended, living + sleepers // 2, line)

    def test_rules_can_ask_for_it_and_alerts_show_it(self):
        rule = {"name": "in-a-container", "on": "syscall", "by": ["container_id"],
                "where": "unit == 'kernelsight-test.service' and syscall_name == 'write' and "
                         "cmdline like '*/bin/echo*the end'",
                "when": {"value": "latency_ms", "above": 0},
                "summary": "{{comm}} in {{container_id}} of {{process.unit}}, {{unit}}"}
        path = f"/kernelsight-test-{os.getpid()}.slice/kernelsight-test.service/{ID}"
        with Cgroup(path) as cgroup, ks.RunningDaemon({"rules": [rule]}) as daemon:
            argument = "x" * 1000
            pid = echo(argument, "the end", preexec_fn=cgroup.join)
            _, alert = daemon.wait_alert("in-a-container")
        self.assertEqual(alert["key"], {"container_id": ID})
        self.assertEqual(alert["summary"], f"echo in {ID} of kernelsight-test.service, ms")
        wanted = {"pid": pid, "comm": "echo", "exe": ECHO, "uid": 0, "user": "root",
                  "cmdline": f"/bin/echo {argument} the end", "ppid": os.getpid(),
                  "parent": own_comm(), "cgroup": path, "container_id": ID,
                  "unit": "kernelsight-test.service"}
        self.assertEqual(alert["process"], wanted)
        for key in ("exe", "cmdline", "user", "cgroup", "container_id", "unit"):
            self.assertEqual(alert["event"][key], wanted[key])


class CloneArgs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls",
        "set_tid", "set_tid_size", "cgroup")]


def clone_as(pid, argv):
    """Runs a program under that pid, which must be free (clone3(2) with set_tid); returns the pid. It is made
    by a child, which has no other threads: one of them might hold the interpreter's lock at that moment,
    and in the copy for ever."""
    def work():
        tid = ctypes.c_int(pid)
        args = CloneArgs(exit_signal=signal.SIGCHLD, set_tid=ctypes.addressof(tid), set_tid_size=1)
        null = os.open("/dev/null", os.O_WRONLY)
        made = children.libc.syscall(435, ctypes.byref(args), ctypes.sizeof(args))
        if made == 0:
            os.dup2(null, 1)
            os.execv(argv[0], argv)
        if made < 0:
            return -ctypes.get_errno()
        os.waitpid(made, 0)
        return made
    _, made = children.in_child(work)
    if made < 0:
        raise unittest.SkipTest("clone3 cannot choose the pid: " + os.strerror(-made))
    return made


if __name__ == "__main__":
    unittest.main()
