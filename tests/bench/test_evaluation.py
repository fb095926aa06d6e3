# SPDX-License-Identifier: BSD-2-Clause
"""The arithmetic by which the benchmarks judge: intervals, ratios, and what is said to be met."""
import random
import unittest

import evaluation
from evaluation import compare, estimate, low_decile, piece_costs, ratio, verdict_line, wanted


class Estimate(unittest.TestCase):
    def test_nothing_tells_nothing(self):
        self.assertIsNone(estimate([]))

    def test_six_are_the_fewest_whose_range_has_95_percent(self):
        self.assertLess(estimate([1, 2, 3, 4, 5])["confidence"], 0.95)
        told = estimate([6, 2, 5, 3, 4, 1])
        self.assertEqual((told["from"], told["value"], told["to"]), (1, 3.5, 6))
        self.assertEqual(told["confidence"], 1 - 2 / 2**6)

    def test_more_leave_out_the_outermost(self):
        told = estimate(range(1, 10))
        self.assertEqual((told["from"], told["to"]), (2, 8))
        self.assertEqual(told["confidence"], 1 - 2 * (1 + 9) / 2**9)

    def test_holds_the_true_median_as_often_as_it_says(self):
        chance = random.Random(7)
        for n in (6, 9, 13):
            samples = [[chance.expovariate(1) for _ in range(n)] for _ in range(4001)]
            told = [estimate(values) for values in samples]
            held = sum(t["from"] <= 0.6931 <= t["to"] for t in told) / len(told)
            self.assertAlmostEqual(held, told[0]["confidence"], delta=0.015)


class Ratio(unittest.TestCase):
    def test_is_taken_pair_by_pair(self):
        self.assertEqual(ratio([2, 30, 4], [1, 10, 2])["value"], 2)

    def test_of_what_is_not_clearly_over_nothing_is_not_told(self):
        self.assertIsNone(ratio([-17, 5, 6], [239, 200, 210]))
        self.assertIsNone(ratio([5, 5, 6], [239, -319, 210]))
        self.assertIsNone(ratio([], [1]))


class Wanted(unittest.TestCase):
    def verdict(self, *values):
        return wanted("x", estimate(values), 1.25)["verdict"]

    def test_is_judged_by_the_whole_interval(self):
        self.assertEqual(self.verdict(1.1, 1.2, 1.24), "met")
        self.assertEqual(self.verdict(1.25, 1.3, 1.4), "NOT MET")
        self.assertEqual(self.verdict(1.1, 1.2, 1.25), "not told")
        self.assertEqual(wanted("x", None, 1)["verdict"], "not told")

    def test_a_number_is_its_own_interval(self):
        self.assertEqual(wanted("x", 0.9, 1)["verdict"], "met")
        self.assertEqual(wanted("x", 1, 1)["verdict"], "NOT MET")

    def test_its_line_says_what_is_known(self):
        self.assertEqual(verdict_line(wanted("loss", 3, 1, " %")),
                         "NOT MET   loss: 3 % (wanted: under 1 %)")
        self.assertEqual(verdict_line(wanted("cost", None, 2)),
                         "not told by this run  cost (wanted: under 2)")
        self.assertEqual(verdict_line(wanted("cost", estimate([1, 3, 2, 1, 2, 3]), 2)),
                         "not told by this run  cost: 2 (1 to 3 with 97% confidence) (wanted: under 2)")


class Compare(unittest.TestCase):
    ROWS = [{"empty": {"bare_ns": 100, "ns": 110}, "ours": {"bare_ns": 100, "ns": 112}},
            {"empty": {"bare_ns": 200, "ns": 220}, "ours": {"bare_ns": 200, "ns": 224}},
            {"empty": {"bare_ns": 100, "ns": 108}, "ours": {"bare_ns": 100, "ns": 116}}]

    def test_what_is_added_is_against_the_same_repetition(self):
        ours = compare(self.ROWS, "empty", None)["tracers"]["ours"]
        self.assertEqual((ours["added_ns"]["from"], ours["added_ns"]["to"]), (12, 24))
        self.assertEqual(ours["of_floor"]["value"], 1.2)
        self.assertIsNone(ours["of_peer"])

    def test_a_peer_that_is_missing_leaves_the_rest(self):
        told = compare(self.ROWS, "empty", "not installed")
        self.assertIsNone(told["tracers"]["ours"]["of_peer"])
        self.assertEqual(told["bare_ns"], 100)


class Samples(unittest.TestCase):
    def test_cost_of_a_piece(self):
        self.assertEqual(piece_costs([(0, 100, 10), (1, 150, 20), (2, 350, 30)]), [5, 20])

    def test_low_decile_is_a_measurement(self):
        self.assertEqual(low_decile([9, 3, 7]), 3)
        self.assertEqual(low_decile(range(1, 101)), 10)

    def test_ranks(self):
        self.assertEqual(evaluation.percentile([1, 2, 3, 4], 50), 2)


if __name__ == "__main__":
    unittest.main()
