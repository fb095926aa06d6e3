# SPDX-License-Identifier: BSD-2-Clause
"""rules/schema.json: what the program generates, with the keys that `kernelsight check` allows, and
right about right and wrong rule files."""
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

from ks import ROOT, run

try:
    import jsonschema
except ImportError:
    jsonschema = None

RULES = ROOT / "tests" / "rules"
# Files of tests/rules/bad that are wrong in what only kernelsight knows: names, conditions, formulas,
# units, templates, other rules.
BEYOND_A_SCHEMA = {
    "all-reported", "body", "clear", "conditions", "duplicate-keys", "few-rules", "formula",
    "headers", "label-names", "labels", "long-list", "names-of-conditions", "no-hooks",
    "no-such-field", "rule-twice", "templates", "texts", "value", "where"}
KEY = "no-such-key-anywhere-at-all"


def schema():
    return json.loads((ROOT / "rules" / "schema.json").read_text(encoding="utf-8"))


def allowed_keys(document):
    """The keys that check names as allowed where the document has KEY."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        said = run("check", path).stderr
    return set(re.search(f'unknown key "{KEY}"; allowed are (.*)', said).group(1).split(", "))


def rule(**more):
    return {"version": 1, "rules": [{"name": "x", "on": "sched",
                                     "when": {"value": "count()", "window": "5s", "above": 1},
                                     **more}]}


def hook(kind):
    return {"version": 1, "hooks": {"x": {"type": kind, KEY: 1}}}


class Schema(unittest.TestCase):
    def test_it_is_what_the_program_generates(self):
        text = (ROOT / "rules" / "schema.json").read_text(encoding="utf-8")
        self.assertEqual(text, run("schema").stdout, "`make schema` writes it anew")

    def test_it_has_the_keys_that_check_allows(self):
        leaf = {"value": "count()", "window": "5s", "above": 1}
        defs = schema()["$defs"]
        tree = {"all", "any", "absent"}
        composites = {"sequence", "together", "within"}
        self.assertEqual(set(schema()["properties"]), allowed_keys({"version": 1, KEY: 1}))
        for name, document, beyond in [
                ("event_rule", rule(**{KEY: 1}), composites),
                ("composite_rule", {"version": 1, "rules": [{"sequence": [], KEY: 1}]}, set()),
                ("defaults", {"version": 1, "defaults": {KEY: 1}}, set()),
                ("leaf", rule(when={**leaf, KEY: 1}), tree),
                ("absent", rule(when={"absent": "5s", KEY: 1}), set()),
                ("with", rule(**{"with": {KEY: 1}}), set()),
                ("clear", rule(clear={KEY: 1}), set()),
                ("limits", rule(critical={KEY: 1}), set()),
                ("change", rule(when={**leaf, "change": {KEY: 1}}), set()),
                ("baseline", rule(when={**leaf, "baseline": {KEY: 1}}), set()),
                ("hits", rule(**{"for": {KEY: 1}}), set()),
                ("flap", rule(flap={KEY: 1}), set()),
                ("hook_slack", hook("slack"), set()),
                ("hook_pagerduty", hook("pagerduty"), set()),
                ("hook_webhook", hook("webhook"), set()),
                ("hook_exec", hook("exec"), set()),
                ("hook_log", hook("log"), set())]:
            with self.subTest(name):
                self.assertEqual(set(defs[name]["properties"]), allowed_keys(document) - beyond)

    def test_it_names_the_sources_and_their_keys(self):
        text = json.dumps(schema())
        for line in run("fields", "--json").stdout.splitlines():
            source = json.loads(line)
            rules = next(c["then"]["properties"] for c in schema()["$defs"]["event_rule"]["allOf"]
                         if c["if"]["properties"]["on"]["const"] == source["source"])
            self.assertEqual(rules["by"]["items"]["enum"],
                             [f["name"] for f in source["fields"] if f["role"] == "key"])
            for field in source["fields"]:
                self.assertIn(field["name"], rules["where"]["description"])
            self.assertIn(source["source"], text)


@unittest.skipUnless(jsonschema, "python3-jsonschema is not installed")
class Validation(unittest.TestCase):
    def setUp(self):
        self.validator = jsonschema.Draft202012Validator(schema())

    def test_it_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(schema())

    def test_right_files_are_valid(self):
        paths = [*RULES.glob("good/**/*.json"), *(ROOT / "rules").glob("[0-9]*.json")]
        self.assertGreater(len(paths), 8)
        for path in paths:
            with self.subTest(path.name):
                errors = self.validator.iter_errors(json.loads(path.read_text(encoding="utf-8")))
                self.assertEqual([e.message for e in errors], [])

    def test_wrong_files_are_not(self):
        accepted, looked_at = set(), 0
        for path in RULES.glob("bad/*.json"):
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                continue
            looked_at += 1
            if self.validator.is_valid(document):
                accepted.add(path.stem)
        self.assertEqual(accepted, BEYOND_A_SCHEMA)
        self.assertGreater(looked_at - len(accepted), 15)

    def test_a_mistake_is_found_where_it_is(self):
        for where, wrong in [
                (["rules", 0], rule(whenn=1)),
                (["rules", 0, "by", 0], rule(by=["latency_ms"])),
                (["rules", 0, "keep"], rule(keep="5 parsecs")),
                (["rules", 0, "when", "above"],
                 rule(when={"value": "count()", "window": "5s", "above": "10furlongs"})),
                (["rules", 0, "when", "any"], rule(when={"any": []}))]:
            with self.subTest(where):
                places = [list(e.absolute_path) for e in self.validator.iter_errors(wrong)]
                self.assertIn(where, places)


if __name__ == "__main__":
    sys.exit(unittest.main())
