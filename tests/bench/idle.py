"""What `kernelsight run` with the shipped rules costs a machine on which nothing happens."""
import time

from evaluation import wanted
from harness import RULES, cpu_time_ns, in_kernel, kernelsight, memory_mb, status_of

NAME = "idle"
TITLE = "At rest"

# Falco 0.44.1 with two rules, measured earlier on a machine of this kind
FALCO = {"cpu_percent": 0.68, "wakeups_per_s": 95, "rss_mb": 55.8, "map_mb": 9.6}


def run(bench):
    seconds = bench.scaled(20, 5)
    with kernelsight(bench, "run", "-r", RULES) as program:
        time.sleep(2)  # what belongs to the start
        began = time.monotonic()
        cpu_ns = cpu_time_ns(program.pid)
        switches = status_of(program.pid, "voluntary_ctxt_switches")
        time.sleep(seconds)
        cpu_ns = cpu_time_ns(program.pid) - cpu_ns
        switches = status_of(program.pid, "voluntary_ctxt_switches") - switches
        took_s = time.monotonic() - began
        result = {"seconds": took_s, "cpu_percent": cpu_ns / took_s / 1e7,
                  "wakeups_per_s": switches / took_s,
                  **memory_mb(program.pid), **in_kernel(program.pid)}
    result["wanted"] = [
        wanted("CPU, of one core", result["cpu_percent"], FALCO["cpu_percent"], " %"),
        wanted("wake-ups a second", result["wakeups_per_s"], FALCO["wakeups_per_s"]),
        wanted("resident memory", result["rss_mb"], FALCO["rss_mb"], " MB"),
        wanted("maps in the kernel", result["map_mb"], FALCO["map_mb"], " MB"),
    ]
    return result


def table(result):
    yield f"CPU time         {result['cpu_percent']:8.3f} % of one core"
    yield f"wake-ups         {result['wakeups_per_s']:8.1f} a second"
    yield f"resident memory  {result['rss_mb']:8.1f} MB (its share, with libraries divided: " \
          f"{result['pss_mb']:.1f} MB)"
    yield f"BPF programs     {result['programs']:8d}"
    yield f"BPF maps         {result['map_mb']:8.1f} MB in {result['maps']}"
