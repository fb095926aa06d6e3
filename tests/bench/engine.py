"""What the engine costs for an event: with many rules, with many keys, and beside other programs.

Events are in memory, one core: tests/bench/engine_load.c says what the rules are. Besides, the same
work from JSON lines: count per process over 10 s (`kernelsight replay`, sec, syslog-ng with
grouping-by), and the condition alone (jq).
"""
import json
import random
import resource
import subprocess

from evaluation import median, wanted
from harness import Missing

NAME = "engine"
TITLE = "Cost of an event in the engine"

RULES = [10, 100, 1000, 10_000]
KEYS = [1, 1000, 1_000_000]
LINE_KEYS = 1000
LIMIT = 10**9  # of events in 10 s: never reached


def load(bench, kind, rules, matching, keys):
    events = bench.scaled(4_000_000, 1_000_000)
    argv = [bench.build / "tests" / "bench" / "engine_load", kind, rules, matching, keys, events]
    rounds = [json.loads(subprocess.run([str(a) for a in argv], capture_output=True, check=True,
                                        timeout=300).stdout)
              for _ in range(bench.scaled(5, 1))]
    return {value: median([r[value] for r in rounds]) for value in rounds[0]}


def write_events(bench, n):
    """Slow calls of many processes, 1,000 a second of their own time, as `kernelsight events` has
    them."""
    path = bench.directory / "events.jsonl"
    numbers = random.Random(1)
    with path.open("w") as out:
        for i in range(n):
            pid = numbers.randrange(LINE_KEYS) + 1000
            event = {"timestamp": 1_795_000_000_000_000_000 + i * 1_000_000, "pid": pid, "tid": pid,
                     "syscall": 74, "syscall_name": "fsync",
                     "latency_ms": numbers.randrange(20_000) / 1000, "comm": f"worker-{pid % 7}",
                     "ret": 0, "ppid": 1, "uid": 1000, "start_time_s": pid / 1000}
            out.write(json.dumps(event, separators=(",", ":")) + "\n")
    return path


def rule_file(bench):
    rule = {"name": "busy", "why": "benchmark", "on": "syscall", "where": "latency_ms > 5ms",
            "by": ["pid"], "when": {"value": "count()", "window": "10s", "above": LIMIT}}
    path = bench.directory / "engine.json"
    path.write_text(json.dumps({"version": 1, "rules": [rule]}))
    return path


def sec_file(bench):
    """latency_ms over 5, by pid."""
    path = bench.directory / "engine.sec"
    path.write_text(rf"""type=SingleWithThreshold
ptype=RegExp
pattern="pid":(\d+),.*"latency_ms":(?:[5-9]|\d\d)
desc=busy $1
action=write - busy $1
window=10
thresh={LIMIT}
""")
    return path


def syslog_ng_file(bench):
    path = bench.directory / "engine.syslog-ng"
    path.write_text(f"""@version: current
options {{ log-msg-size(65536); stats-freq(0); keep-timestamp(no); }};
source events {{ stdin(flags(no-parse)); }};
parser json {{ json-parser(prefix(".e.")); }};
filter slow {{ "${{.e.latency_ms}}" > "5" }};
parser groups {{
  grouping-by(key("${{.e.pid}}") scope(global) timeout(10)
    trigger("$(context-length)" >= "{LIMIT}")
    aggregate(value("MESSAGE" "busy ${{.e.pid}}")));
}};
destination nowhere {{ file("/dev/null"); }};
filter triggered {{ match("busy" value("MESSAGE")) }};
log {{ source(events); parser(json); filter(slow); parser(groups); filter(triggered);
  destination(nowhere); }};
""")
    return path


def commands(bench, events):
    state = bench.directory
    return {
        "kernelsight replay": ([bench.kernelsight, "replay", "--json", "--on", "syscall", "-r",
                                rule_file(bench), "-"], events),
        "sec": (["sec", f"--conf={sec_file(bench)}", "--input=-", "--notail", "--quiet"], events),
        # it reads pipes, not files, from its standard input
        "syslog-ng": (["sh", "-c", 'cat | exec "$@"', "sh", "syslog-ng", "--foreground", "--no-caps", "-f", syslog_ng_file(bench), "-R",
                       state / "persist", "-p", state / "pid", "-c", state / "control"], events),
        "jq, the condition alone": (["jq", "-c", "select(.latency_ms > 5)"], events),
    }


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def time_command(argv, events):
    """CPU seconds; raises Missing if the program is not there or fails."""
    before = cpu_s()
    try:
        with events.open() as lines:
            done = subprocess.run([str(a) for a in argv], stdin=lines, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=300, text=True, check=False)
    except FileNotFoundError as error:
        raise Missing(str(error)) from None
    if done.returncode != 0:
        raise Missing(f"{argv[0]}: {done.stderr.strip()[-300:]}")
    return cpu_s() - before


def per_second(bench, name, n):
    """Lines a second of CPU time; what it takes to start is measured alone, and left out."""
    empty = bench.directory / "none.jsonl"
    empty.write_text("")
    events = bench.directory / "events.jsonl"
    argv, _ = commands(bench, events)[name]
    rounds = []
    for _ in range(bench.scaled(5, 1)):
        start_s = time_command(argv, empty)
        rounds.append(n / max(time_command(argv, events) - start_s, 1e-6))
    return median(rounds)


def lines_per_second(bench):
    n = bench.scaled(200_000, 20_000)
    result = {}
    for name in commands(bench, write_events(bench, n)):
        try:
            result[name] = per_second(bench, name, n)
        except Missing as missing:
            print(f"  left out: {missing}", flush=True)
            result[name] = None
    return result


def run(bench):
    grid = {f"{rules} rules, {keys} keys": load(bench, "own", rules, 10, keys)
            for rules in RULES for keys in KEYS}
    kinds = {kind: {keys: load(bench, kind, 10, 10, keys) for keys in KEYS}
             for kind in ("shared", "own", "mix")}
    one = load(bench, "own", 1, 1, 1_000_000)
    lines = lines_per_second(bench)
    others = [v for k, v in lines.items() if k != "kernelsight replay" and v]
    ours = lines["kernelsight replay"]
    many = max(grid[f"10000 rules, {k} keys"]["ns"] / grid[f"10 rules, {k} keys"]["ns"]
               for k in KEYS)
    return {
        "grid": grid, "kinds": kinds, "one_rule": one, "lines": lines,
        "wanted": [
            wanted("10 rules on the same events, 1,000 keys", kinds["shared"][1000]["ns"], 200,
                   " ns"),
            wanted("10 rules with a condition each, 1,000 keys", kinds["own"][1000]["ns"], 200,
                   " ns"),
            wanted("10,000 rules of which 10 can match, beside those 10", many, 2, " times"),
            wanted("1,000,000 keys beside 1,000, 10 rules on the same events",
                   kinds["shared"][1_000_000]["ns"] / kinds["shared"][1000]["ns"], 1.5, " times"),
            wanted("1,000,000 keys beside 1,000, 10 rules with a condition each",
                   kinds["own"][1_000_000]["ns"] / kinds["own"][1000]["ns"], 1.5, " times"),
            wanted("memory of a key for a threshold on a count", one["bytes_per_key"], 200,
                   " bytes"),
            wanted("time of the best of the others beside replay's, from JSON lines",
                   max(others) / ours if others and ours else None, 1, " times"),
        ],
    }


def table(result):
    yield "10 rules with a condition each match an event, the others ask for another name:"
    yield ""
    yield f"{'':>14}" + "".join(f"{k:>12,} keys" for k in KEYS)
    for rules in RULES:
        yield f"{rules:>8,} rules" + "".join(
            f"{result['grid'][f'{rules} rules, {k} keys']['ns']:>14.0f} ns" for k in KEYS)
    yield ""
    yield "10 rules:"
    for kind, text in (("shared", "on the same events, ten windows"),
                       ("own", "with a condition each"), ("mix", "mixed")):
        yield f"{text:>32}" + "".join(
            f"{result['kinds'][kind][k]['ns']:>14.0f} ns" for k in KEYS)
    yield ""
    ticks = {kind: result["kinds"][kind][1_000_000]["longest_tick_ms"] for kind in result["kinds"]}
    yield "longest tick with 1,000,000 keys: " + ", ".join(
        f"{kind} {ms:.1f} ms" for kind, ms in ticks.items())
    yield f"memory of a key, one rule on a count: {result['one_rule']['bytes_per_key']:.0f} bytes"
    yield ""
    yield "from JSON lines, count per process over 10 s where latency_ms > 5:"
    for name, rate in result["lines"].items():
        yield f"{name:>32}" + (f"{rate:>14,.0f} lines/s" if rate else "   not measured")
