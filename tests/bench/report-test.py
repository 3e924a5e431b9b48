#!/usr/bin/env python3
"""The report from a small file of results: right ratios, the latest run, a page that needs nothing else; and what the run does
when something is missing or goes wrong."""
import contextlib
import io
import json
import pathlib
import re
import sys
import tempfile
import unittest
import unittest.mock
import urllib.error
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True
import bench  # noqa: E402
import chart  # noqa: E402
import estimator  # noqa: E402
import needs  # noqa: E402
import plan  # noqa: E402
import report  # noqa: E402


def machine(run, **more):
    return {"run": run, "kind": "machine", "date": "2026-01-01T10:00+00:00", "cpu": "A <fast> one", "cores": 2, "kernel": "6.1",
            "revision": "abc", "pairs": 2, "seconds": 8, "quick": False, "load1": 0.1, **more}


def measured(run, side, pair, cpu, bench="audio", case="3 talking", size=100, **more):
    return {"run": run, "kind": "run", "bench": bench, "case": case, "size": size, "side": side, "pair": pair, "cpu": cpu,
            "threads": 5, "rss_mib": 20.5, "steal": 0.0, **more}


RECORDS = [
    machine("1"), machine("2"),
    measured("1", "mixroom", 0, 9.0), measured("1", "janus", 0, 9.0),
    measured("2", "mixroom", 0, 0.1, mib_each=0.25), measured("2", "janus", 0, 1.0),
    measured("2", "mixroom", 1, 0.2, mib_each=0.35), measured("2", "janus", 1, 1.0, remark="did not keep up"),
    measured("1", "mixroom", 0, 0.04, size=10), measured("1", "janus", 0, 0.1, size=10),
    {"run": "2", "kind": "left out", "bench": "audio", "case": "3 talking", "size": 300, "side": "janus", "why": "needs <3> cores"},
    {"run": "2", "kind": "element", "bench": "tilemix", "size": 9, "subject": 0.01, "rival": "compositor", "rival_cost": 0.1,
     "ratio": 0.1, "ratio_min": 0.09, "ratio_max": 0.12, "runs": 7, "media": "clips", "unit": "core"},
]


def write_page(records):
    with tempfile.TemporaryDirectory() as folder:
        results, page = pathlib.Path(folder) / "results.jsonl", pathlib.Path(folder) / "report.html"
        results.write_text("".join(json.dumps(record) + "\n" for record in records))
        report.write(results, page)
        return page.read_text()


class Sorting(unittest.TestCase):
    def setUp(self):
        self.results = report.Results(RECORDS)

    def test_latest_run_of_each_size(self):
        self.assertEqual({r["run"] for r in self.results.of("audio", size=100)}, {"2"})
        self.assertEqual({r["run"] for r in self.results.of("audio", size=10)}, {"1"})

    def test_ratio_is_taken_pair_by_pair(self):
        self.assertEqual(self.results.ratios("audio", "3 talking", 100, "janus"), [0.1, 0.2])

    def test_a_pair_with_one_side_has_no_ratio(self):
        results = report.Results(RECORDS[:2] + [measured("2", "mixroom", 0, 0.1), measured("2", "janus", 1, 1.0)])
        self.assertEqual(results.ratios("audio", "3 talking", 100, "janus"), [])

    def test_outputs_are_compared_by_what_they_add(self):
        of_programme = dict(bench="programme", case="1080p30 to all ways out", size=1)
        results = report.Results([machine("1"), measured("1", "mixroom", 0, 0.9, added=0.4, fps=30, mbps=4.1, **of_programme),
                                  measured("1", "bare encodes", 0, 0.32, added=0.32, **of_programme)])
        self.assertAlmostEqual(results.ratios("programme", "1080p30 to all ways out", 1, "bare encodes")[0], 1.25)
        self.assertIn("1.25", report.programme_part(results))
        self.assertIn("reached", report.goals_part(results))

    def test_viewers_are_compared_by_what_they_add(self):
        of_viewers = dict(bench="viewers", case="one programme", size=1000)
        results = report.Results([machine("1"), measured("1", "mixroom", 0, 0.9, added=0.6, **of_viewers),
                                  measured("1", "bare loop", 0, 0.4, added=0.4, **of_viewers)])
        self.assertAlmostEqual(results.ratios("viewers", "one programme", 1000, "bare loop")[0], 1.5)

    def test_aims_beside_another_size_and_of_other_figures(self):
        threads = plan.Goal("audio", "3 talking", 100, None, 1.0, "threads", beside_size=10)
        delay = plan.Goal("audio", "3 talking", 100, "janus", 0.5, "delay_ms")
        records = [machine("1"), machine("2"), measured("2", "mixroom", 0, 0.1, threads=8, delay_ms=36),
                   measured("2", "janus", 0, 1.0, delay_ms=144), measured("2", "mixroom", 0, 0.1, size=10, threads=4)]
        results = report.Results(records)
        self.assertEqual(report.measured_goal(results, threads), [2.0])
        self.assertEqual(report.measured_goal(results, delay), [0.25])
        of_other_run = report.Results(records[:4] + [measured("1", "mixroom", 0, 0.1, size=10, threads=4)])
        self.assertEqual(report.measured_goal(of_other_run, threads), [])

    def test_ours_comes_first(self):
        self.assertEqual(self.results.sides("audio", "3 talking"), ["mixroom", "janus"])


class Page(unittest.TestCase):
    def setUp(self):
        self.page = write_page(RECORDS)

    def test_needs_nothing_else(self):
        for pattern in (r"<script", r"\bsrc=", r"<link", r"url\(", r"@import", r"https?://"):
            self.assertIsNone(re.search(pattern, self.page), pattern)

    def test_is_light_and_dark(self):
        self.assertIn("prefers-color-scheme: dark", self.page)

    def test_what_was_found(self):
        self.assertIn("0.150 <small>0.100–0.200</small>", self.page)
        self.assertIn("did not keep up", self.page)
        self.assertIn("compositor", self.page)

    def test_goals_are_judged(self):
        self.assertIn("not reached", self.page)  # 0.15 of Janus, where 0.10 is aimed at
        self.assertIn('<b class="yes">reached', self.page)  # 0.30 MiB each

    def test_text_is_escaped(self):
        self.assertIn("A &lt;fast&gt; one", self.page)
        self.assertIn("needs &lt;3&gt; cores", self.page)
        self.assertNotIn("<fast>", self.page)

    def test_nothing_measured_is_a_page_too(self):
        self.assertIn("</html>", write_page([]))


class Drawing(unittest.TestCase):
    def test_is_well_formed_and_inside(self):
        drawn = chart.draw([("a & b", [(1, 0.5, 0.4, 0.6), (100, 2.0, 1.5, 2.5)]), ("c", [(1, 0.5, 0.5, 0.5)])], "people", "cores", "t")
        root = xml.etree.ElementTree.fromstring(drawn)
        for mark in root.iter("circle"):
            self.assertTrue(0 <= float(mark.get("cx")) <= chart.WIDTH and 0 <= float(mark.get("cy")) <= chart.HEIGHT)
        self.assertEqual(len(list(root.iter("polyline"))), 2)

    def test_labels_do_not_lie_on_each_other(self):
        placed = sorted(chart.spread_out([250.0, 250.0, 251.0, 20.0]))
        self.assertTrue(all(b - a >= chart.LABEL_PX - 1e-6 for a, b in zip(placed, placed[1:])))
        self.assertTrue(placed[-1] <= chart.HEIGHT - chart.BOTTOM)

    def test_nothing_to_draw(self):
        self.assertEqual(chart.draw([("a", [])], "people", "cores", "t"), "")

    def test_costs_of_nothing(self):
        xml.etree.ElementTree.fromstring(chart.draw([("a", [(1, 0.0, 0.0, 0.0)])], "people", "cores", "t"))


class Series(unittest.TestCase):
    def setUp(self):
        flow = {"run": "2", "kind": "series", "scenario": "two", "title": "Two & more", "step_s": 0.1, "wait_p95_ms": 12.5,
                "arrived_bps": 500000, "capacity_bps": [1000000] * 20 + [0] * 10, "estimate_bps": [900000] * 30,
                "sent_bps": [0] * 30, "queue_ms": [0] * 30}
        self.records = [machine("2"), {**flow, "flow": 0}, {**flow, "flow": 1}]

    def test_is_drawn_inside(self):
        part = estimator.part([r for r in self.records if r["kind"] == "series"])
        root = xml.etree.ElementTree.fromstring(f"<div>{part.replace('<br>', '')}</div>")
        for line in (*root.iter("polyline"), *root.iter("polygon")):
            for x, y in (point.split(",") for point in line.get("points").split()):
                self.assertTrue(0 <= float(x) <= estimator.WIDTH and 0 <= float(y) <= chart.HEIGHT)
        self.assertEqual(len(list(root.iter("polyline"))), 6)  # of two clients: sent, estimate, queue

    def test_is_on_the_page(self):
        page = write_page(self.records)
        self.assertIn("Two &amp; more", page)
        self.assertIn("client 2", page)

    def test_a_rate_holds_until_the_next(self):
        self.assertEqual(estimator.stairs([(0, 5), (1, 5), (2, 3)]), [(0, 5), (2, 5), (2, 3), (2, 3)])


class Planning(unittest.TestCase):
    def test_goals_are_about_what_is_measured(self):
        cases = {(c.bench, c.name, c.size): c for c in plan.cases(plan.BENCHES, False)}
        for goal in plan.GOALS:
            case = cases[(goal.bench, goal.name, goal.size)]
            self.assertTrue(goal.rival is None or goal.rival in case.sides, goal)

    def test_what_would_not_fit_is_known_beforehand(self):
        small = plan.Case("audio", "3 talking", 100, ("janus",), last={"janus": {"cpu": 1.1}})
        self.assertAlmostEqual(plan.expected_cores("janus", 300, [small]), 3.3)
        self.assertEqual(plan.expected_cores("floor", 300, [small]), 0.0)

    def test_what_viewers_add_is_beyond_the_room_with_one(self):
        sizes = [case.size for case in plan.cases(("viewers",), False, [100, 1000])]
        self.assertEqual(sizes, [1, 100, 1000])


class Running(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        folder = pathlib.Path(temporary.name)
        self.context = bench.Context(folder / "source", folder / "build", folder, {}, 1.0, 1.0, False, "1")

    def measure(self, case, pair, side, answer):
        """Returns what was printed. answer: figures, or what is raised."""
        with contextlib.redirect_stdout(io.StringIO()) as printed, \
                unittest.mock.patch.dict(bench.SIDES, {side: unittest.mock.Mock(side_effect=[answer])}):
            bench.measure(self.context, case, side, pair, bench.Progress(1))
        return printed.getvalue()

    def written(self):
        return report.read(self.context.out / "results.jsonl")

    def test_what_goes_wrong_ends_one_measurement(self):
        case = plan.Case("audio", "3 talking", 10, ("mixroom", "janus"))
        for error in (RuntimeError("Janus did not start"), urllib.error.URLError("refused"), OSError("no process"),
                      json.JSONDecodeError("bad", "", 0), KeyError("plugindata"), bench.sides.SideError("no")):
            printed = self.measure(case, 0, "janus", error)
            self.assertIn("failed: ", printed)
        self.assertEqual([r["kind"] for r in self.written()], 6 * ["failure"])
        self.assertEqual(self.written()[0]["why"], "RuntimeError: Janus did not start")

    def test_what_viewers_add_is_taken_within_a_pair(self):
        one, many = (plan.Case("viewers", "one programme", size, ("mixroom", "bare loop")) for size in (1, 100))
        self.measure(one, 0, "mixroom", {"cpu": 0.3})
        self.measure(one, 1, "mixroom", {"cpu": 0.5})
        for pair in range(3):
            self.measure(many, pair, "mixroom", {"cpu": 0.75})
        found = [r for r in self.written() if r["size"] == 100]
        self.assertEqual([r.get("added") for r in found], [0.45, 0.25, None])
        self.assertIn("no ratio", found[2]["remark"])

    def test_a_missing_program_comes_with_what_helps(self):
        for case in plan.cases(plan.BENCHES, False):
            for side in case.sides:
                why = needs.missing(self.context, side, case)
                self.assertRegex(why, r"apt-get install \S+|ninja -C \S+")

    def test_elements_are_asked_for_in_either_codec(self):
        case = plan.Case("video", "VP8", 4, ("stock, one encoder",), codec="vp8")
        with unittest.mock.patch("sides.has_program", return_value=True), unittest.mock.patch("sides.has_elements", return_value=False):
            self.assertIn("gstreamer1.0-plugins-good", needs.missing(self.context, "stock, one encoder", case))

    def test_without_media_what_needs_none_is_left(self):
        with contextlib.redirect_stdout(io.StringIO()) as printed, unittest.mock.patch("shutil.which", return_value=None):
            kept = needs.keep_measurable(self.context, self.context.out / "media", ["audio", "elements", "storm", "estimator"])
        self.assertEqual(kept, ["elements", "estimator"])
        self.assertIn("audio, storm left out: the media that is sent cannot be made without ffmpeg and espeak-ng", printed.getvalue())
        self.assertIn("apt-get install ffmpeg espeak-ng", printed.getvalue())


if __name__ == "__main__":
    unittest.main()
