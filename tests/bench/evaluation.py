# SPDX-License-Identifier: BSD-2-Clause
"""The arithmetic of the figures: what repeated measurements tell, and whether what was wanted is met.

An estimate is {"value", "from", "to", "confidence"}: the median of the measurements, and an interval in
which the true median is with that confidence, whatever the distribution. None stands for "not told".
"""
import statistics
from math import comb

CONFIDENCE = 0.95


def median(values):
    return statistics.median(values)


def percentile(values, p):
    """By the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * p // 100) - 1)]


def confidence_of(n, rank):
    """That the median is between the rank-th least and the rank-th greatest of n measurements.

    The number of measurements below the true median is as that of heads in n throws of a coin.
    """
    return 1 - 2 * sum(comb(n, heads) for heads in range(rank)) / 2**n


def estimate(values):
    """None without values. Fewer than 6 do not reach CONFIDENCE: the interval is then all of them."""
    if not values:
        return None
    ordered = sorted(values)
    rank = 1
    while 2 * (rank + 1) <= len(ordered) and confidence_of(len(ordered), rank + 1) >= CONFIDENCE:
        rank += 1
    return {"value": median(ordered), "from": ordered[rank - 1], "to": ordered[-rank],
            "confidence": confidence_of(len(ordered), rank)}


def ratio(ours, theirs):
    """Estimate of ours/theirs, pair by pair; None where not all of both are over 0.

    What is not clearly over 0 is noise, and so is its ratio to anything.
    """
    if not ours or not theirs or min(ours) <= 0 or min(theirs) <= 0:
        return None
    return estimate([a / b for a, b in zip(ours, theirs)])


def wanted(text, value, limit, unit=""):
    """One thing that is aimed at: value, an estimate or a number, is to be below limit."""
    if value is None:
        return {"text": text, "value": None, "limit": limit, "unit": unit, "verdict": "not told"}
    if not isinstance(value, dict):
        value = {"value": value, "from": value, "to": value, "confidence": None}
    if value["to"] < limit:
        verdict = "met"
    elif value["from"] >= limit:
        verdict = "NOT MET"
    else:
        verdict = "not told"
    return {"text": text, **value, "limit": limit, "unit": unit, "verdict": verdict}


def verdict_line(want):
    unit, limit = want["unit"], f"wanted: under {want['limit']:g}{want['unit']}"
    if want["value"] is None:
        return f"not told by this run  {want['text']} ({limit})"
    verdict = "not told by this run" if want["verdict"] == "not told" else want["verdict"]
    between = ""
    if want["confidence"]:
        between = f" ({want['from']:.3g} to {want['to']:.3g} with {want['confidence']:.0%} confidence)"
    return f"{verdict:8}  {want['text']}: {want['value']:.3g}{unit}{between} ({limit})"


def compare(repetitions, floor, peer):
    """What each tracer of `repetitions` costs: dictionaries from the tracer to {"bare_ns", "ns"}.

    "added" and the ratios to the floor and the peer are estimates, one value for each repetition.
    """
    def of(name, value):
        return [r[name][value] for r in repetitions]

    def added(name):
        if name not in repetitions[0]:
            return []
        return [ns - bare_ns for ns, bare_ns in zip(of(name, "ns"), of(name, "bare_ns"))]

    return {
        "repetitions": len(repetitions),
        "confidence": estimate(range(len(repetitions)))["confidence"],
        "bare_ns": median([row["bare_ns"] for r in repetitions for row in r.values()]),
        "tracers": {name: {
            "ns": median(of(name, "ns")),
            "added_ns": estimate(added(name)),
            "of_bare": ratio(of(name, "ns"), of(name, "bare_ns")),
            "of_floor": ratio(added(name), added(floor)),
            "of_peer": ratio(added(name), added(peer)),
        } for name in repetitions[0]},
    }


def low_decile(values):
    """What is left when nothing disturbs: of a machine that does other things too, the steadiest."""
    return percentile(values, 10)


def piece_costs(samples):
    """ns a piece between each two samples that follow each other: (at, cost, pieces) as load.h has it."""
    return [(b[1] - a[1]) / (b[2] - a[2]) for a, b in zip(samples, samples[1:])]
