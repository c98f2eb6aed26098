#!/usr/bin/env python3
"""Tests ashlar metrics: the text, its figures, hostile names, the file for node_exporter, and the rules for Prometheus."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from tool_case import FAILED, HOLDER, NO_PROCESS, OK, ROOT, USAGE, Holder, Process, ToolCase, no_such_pid

STATIC_HOLDER = os.environ["ASHLAR_TEST_STATIC_HOLDER"]
HOSTILE = os.environ["ASHLAR_TEST_HOSTILE"]
DOCUMENTS = ROOT / "docs/prometheus"
PAGE = 4096
MIB = 1 << 20
PATIENCE = 60  # seconds for another program to start, on a busy machine
POINT = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')


def unescaped(value):
    return re.sub(r"\\(.)", lambda c: "\n" if c[1] == "n" else c[1], value)


def parse(case, text):
    """{name: {frozenset of labels: value}} of OpenMetrics text, whose form is checked line by line."""
    points, family, names = {}, None, set()
    case.assertTrue(text.endswith("\n# EOF\n"))
    for line in text.splitlines()[:-1]:
        comment = re.fullmatch(r"# (TYPE|UNIT|HELP) (\w+) (.+)", line)
        if comment:
            what, name, rest = comment.groups()
            if what == "TYPE":
                case.assertNotIn(name, names, "a family comes once, in one piece")
                names.add(name)
                family = (name, {"gauge": "", "counter": "_total", "info": "_info"}[rest])
            case.assertEqual(name, family[0])
            if what == "UNIT":
                case.assertTrue(name.endswith("_" + rest) and rest in ("bytes", "seconds"), line)
            continue
        point = POINT.fullmatch(line)
        case.assertIsNotNone(point, line)
        name, labels, value = point.groups()
        case.assertEqual(name, "".join(family))
        labels = frozenset((n, unescaped(v)) for n, v in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        case.assertNotIn(labels, points.setdefault(name, {}), "each series comes once")
        points[name][labels] = float(value)
    return points


def by(points, *names):
    """The values of a metric by some of its labels."""
    return {tuple(dict(labels).get(name) for name in names): value for labels, value in points.items()}


class MetricsCase(ToolCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def read(self, *arguments):
        return parse(self, self.succeeds("metrics", *arguments))

    def needs(self, program):
        if not shutil.which(program):
            self.skipTest(f"no {program} here")


class Text(MetricsCase):
    def test_figures_are_those_of_the_other_reports(self):
        with Holder(options="decay_ms=0") as holder:
            holder.allocate(5000, 1000)
            holder.allocate(10, 200000)
            holder.allocate(1, 40 << 20)
            holder.allocate(2000, 0)
            os.kill(holder.pid, signal.SIGSTOP)
            try:
                points = self.read(holder.pid)
                doctor, slabs, zones = (self.json_of(report, holder.pid, "--json") for report in ("doctor", "slabinfo", "zoneinfo"))
                memory = {line["name"]: line.get("share") for line in self.json_of("meminfo", holder.pid, "--json")["lines"]}
            finally:
                os.kill(holder.pid, signal.SIGCONT)
        uses = by(points["ashlar_resident_bytes"], "use")
        for (use,), value in uses.items():
            self.assertEqual(value, doctor["split"][use], use)
        self.assertEqual(sum(uses.values()), doctor["split"]["sum"])
        self.assertEqual(sum(points["ashlar_process_resident_bytes"].values()), doctor["smaps"]["process_rss"])
        self.assertEqual(sum(points["ashlar_huge_page_bytes"].values()), doctor["split"]["huge"])
        self.assertLessEqual(doctor["split"]["huge"], memory["AnonHugePages"])
        self.assertLessEqual(sum(uses.values()), doctor["smaps"]["process_rss"])
        live = {(cache["name"],): cache["live"] for cache in slabs["caches"] if cache["slabs"]}
        self.assertEqual(by(points["ashlar_cache_live_objects"], "cache"), live)
        self.assertGreaterEqual(live[("malloc-1024",)], 3011)
        pages = {(cache["name"],): PAGE * cache["pages"] for cache in slabs["caches"] if cache["slabs"]}
        self.assertEqual(by(points["ashlar_cache_slab_bytes"], "cache"), pages)
        for metric, field in (("purged_bytes_total", "nr_purged"), ("refaulted_bytes_total", "nr_refaults"), ("hold_bytes", "nr_hold"),
                              ("advised_bytes_total", "nr_advised"), ("watermark_bytes", "high"), ("peak_bytes", "nr_live_max")):
            expected = {(str(zone["node"]), zone["zone"]): PAGE * zone[field] for zone in zones["zones"]}
            self.assertEqual(by(points["ashlar_" + metric], "node", "zone"), expected, metric)
        self.assertGreater(sum(points["ashlar_purged_bytes_total"].values()), 0)

    def test_figures_are_so_in_every_mode(self):
        for options in ("harden", "slab_debug", "slob", "profile=1", "numa_fake=2", "hugepages=always"):
            with self.subTest(options=options), Holder(options=options) as holder:
                holder.allocate(3000, 700)
                holder.allocate(10, 200000)
                holder.allocate(5, 0)
                os.kill(holder.pid, signal.SIGSTOP)
                try:
                    points = self.read(holder.pid)
                    split = self.json_of("doctor", holder.pid, "--json")["split"]
                    slabs = self.json_of("slabinfo", holder.pid, "--json")["caches"]
                finally:
                    os.kill(holder.pid, signal.SIGCONT)
                uses = by(points["ashlar_resident_bytes"], "use")
                self.assertEqual(uses, {(use,): split[use] for (use,) in uses})
                self.assertEqual(sum(uses.values()), split["sum"])
                live = {}
                for cache in slabs:
                    if cache["slabs"]:
                        live[(cache["name"],)] = live.get((cache["name"],), 0) + cache["live"]
                self.assertEqual(by(points.get("ashlar_cache_live_objects", {}), "cache"), live)

    def test_kernels_figures(self):
        with Holder() as holder:
            holder.allocate(1000, 5000)
            stat = Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()
            points = self.read(holder.pid)
            group = Path(f"/proc/{holder.pid}/cgroup").read_text()
        faults = by(points["ashlar_page_faults_total"], "kind")
        self.assertEqual((faults[("minor",)], faults[("major",)]), (float(stat[7]), float(stat[9])))
        started = sum(points["ashlar_start_time_seconds"].values())
        self.assertLess(abs(time.time() - started), 600)
        (labels,) = map(dict, points["ashlar_process_info"])
        self.assertIn(labels["cgroup"], group)
        self.assertEqual((labels["pid"], labels["comm"], labels["exe"]), (str(holder.pid), "tool_holder", "tool_holder"))

    def test_tells_of_the_profile(self):
        for options, on, rate in (("", 0, 0), ("profile=64k", 1, 65536)):
            with Holder(options=options) as holder:
                points = self.read(holder.pid)
            self.assertEqual(list(points["ashlar_profile_on"].values()), [on])
            self.assertEqual(list(points["ashlar_profile_rate_bytes"].values()), [rate])

    def test_hostile_names_are_escaped(self):
        for name in ('q"uote', "back\\slash", "new\nline", "esc\x1b[31m", 'a\\"b\\n', "\u202elrm"):
            program = self.folder / name
            shutil.copy(HOLDER, program)
            with self.subTest(name=ascii(name)), Process(str(program)) as holder:
                text = self.succeeds("metrics", holder.pid)
                (labels,) = map(dict, parse(self, text)["ashlar_process_info"])
                shown = name.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
                self.assertEqual((labels["comm"], labels["exe"]), (shown, shown))
                self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\u202e]")

    def test_names_that_are_no_utf8(self):
        program = self.folder / "bytes\udcff"
        shutil.copy(HOLDER, program)
        with Process(str(program)) as holder:
            (labels,) = map(dict, self.read(holder.pid)["ashlar_process_info"])
        self.assertEqual(labels["comm"], "bytes\\xff")

    def test_is_what_others_parse(self):
        reads = ("import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse; "
                 "print(len([f for f in parse(sys.stdin.read()) if f.documentation]))")
        python = "/usr/bin/python3"  # the one that Debian's package is for
        if subprocess.run([python, "-c", "import prometheus_client"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no prometheus_client here")
        with Holder() as one, Holder() as two:
            text = self.succeeds("metrics", one.pid, two.pid)
        run = subprocess.run([python, "-c", reads], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stdout), (OK, f"{text.count('# HELP')}\n"), run.stderr)

    def test_promtool_finds_no_fault(self):
        self.needs("promtool")
        with Holder() as holder:
            text = self.succeeds("metrics", holder.pid, "--format", "prometheus")
        run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (OK, "", ""))

    def test_series_are_bounded(self):
        with Holder() as holder:
            for size in range(16, 33000, 64):
                holder.allocate(1, size)
            self.assertLess(len(self.succeeds("metrics", holder.pid).splitlines()), 400)

    def test_zones_of_a_made_up_table_are_one_a_node_and_bounded(self):
        for count, expected in ((1, 1), (3, 2), (2000, 64)):
            with self.subTest(count=count), Process(HOSTILE, "zones", count) as holder:
                points = self.read(holder.pid)
                zones = self.json_of("zoneinfo", holder.pid, "--json")["zones"]
                self.assertEqual(len(points["ashlar_peak_bytes"]), expected)
                self.assertLessEqual(len(zones), 1024)
                self.assertEqual(list(points["ashlar_approximate"].values()), [1])

    def test_a_large_heap_has_a_zone_of_huge_pages_by_option(self):
        with Holder(options="hugepages=dense") as holder:
            holder.allocate(40, MIB)
            holder.allocate(20000, 1000)
            holder.allocate(10, 200000)
            zones = {zone["zone"]: zone for zone in self.json_of("zoneinfo", holder.pid, "--json")["zones"]}
            points = by(self.read(holder.pid)["ashlar_peak_bytes"], "node", "zone")
            blocks = self.succeeds("buddyinfo", holder.pid)
        self.assertEqual(set(zones), {"Normal", "Huge"})
        huge = zones["Huge"]
        self.assertGreaterEqual(huge["nr_slab"], 20000 * 1000 // PAGE)
        self.assertGreaterEqual(huge["nr_run"], 10 * 200000 // PAGE)
        self.assertEqual(huge["nr_slab"] + huge["nr_run"], huge["nr_live"])
        self.assertEqual(points[("0", "Huge")], PAGE * huge["nr_live_max"])
        self.assertRegex(blocks, r"(?m)^Node 0, zone     Huge +\d")

    def test_caches_whose_names_print_alike_are_one(self):
        with Process(HOSTILE, "twins") as holder:
            live = by(self.read(holder.pid)["ashlar_cache_live_bytes"], "cache")
        self.assertEqual(live[("twin\\u202e",)], 3072)


class Processes(MetricsCase):
    def test_of_all_that_have_it(self):
        with Holder() as preloaded, Process(STATIC_HOLDER, library="") as static, Holder(preload=False) as without:
            found = {labels["pid"] for labels in map(dict, self.read("--all")["ashlar_process_info"])}
            listed = [process["pid"] for process in self.json_of("top", "--json", "-n", 1)["processes"]]
        for process, expected in ((preloaded, True), (static, True), (without, False)):
            self.assertEqual(str(process.pid) in found, expected)
            self.assertEqual(process.pid in listed, expected)

    def test_one_that_is_named_twice_comes_once(self):
        with Holder() as one, Holder() as two:
            points = self.read(two.pid, one.pid, two.pid)
        self.assertEqual(by(points["ashlar_processes"], "state"), {("read",): 2, ("unreadable",): 0})

    def test_wrong_command_lines(self):
        self.fails(USAGE, "metrics: give numbers of processes, or --all", "metrics")
        self.fails(USAGE, "metrics: give numbers of processes, or --all", "metrics", "1", "--all")
        self.fails(USAGE, "metrics: ", "metrics", "--all", "--format", "xml")
        self.fails(USAGE, "metrics: ", "metrics", "--all", "--listen", "127.0.0.1:0", "--textfile", "x")
        self.fails(USAGE, "metrics: PID: ", "metrics", "one")
        self.fails(NO_PROCESS, "there is no process", "metrics", no_such_pid())


class TextFile(MetricsCase):
    def test_is_replaced_as_a_whole(self):
        file = self.folder / "ashlar.prom"
        with Holder() as holder:
            for _ in range(2):
                before = file.stat().st_ino if file.exists() else 0
                old = file.open("rb") if before else None
                self.assertEqual(self.succeeds("metrics", holder.pid, "--textfile", file), "")
                self.assertNotEqual(file.stat().st_ino, before)
                if old:
                    self.assertTrue(old.read().endswith(b"\n"))  # a reader that had it open has it whole
                    old.close()
        self.assertEqual([path.name for path in self.folder.iterdir()], ["ashlar.prom"])
        umask = os.umask(0)
        os.umask(umask)
        self.assertEqual(file.stat().st_mode & 0o777, 0o666 & ~umask)

    def test_a_link_stays(self):
        target, link, nowhere = (self.folder / name for name in ("target", "link.prom", "nowhere.prom"))
        target.write_text("before\n")
        link.symlink_to(target)
        nowhere.symlink_to(self.folder / "missing")
        with Holder() as holder:
            self.succeeds("metrics", holder.pid, "--textfile", link)
            self.fails(FAILED, f"cannot replace {nowhere}: the link leads nowhere", "metrics", holder.pid, "--textfile", nowhere)
        self.assertTrue(link.is_symlink())
        self.assertIn("ashlar_process_info", target.read_text())
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["link.prom", "nowhere.prom", "target"])

    def test_what_cannot_be_written(self):
        with Holder() as holder:
            self.fails(FAILED, "cannot write /no/such.prom: No such file", "metrics", holder.pid, "--textfile", "/no/such.prom")
            self.fails(FAILED, "cannot replace /dev/null: ", "metrics", holder.pid, "--textfile", "/dev/null")
            self.fails(FAILED, f"cannot replace {self.folder}: ", "metrics", holder.pid, "--textfile", self.folder)
            file = self.folder / "kept.prom"
            file.write_text("before\n")
            self.fails(NO_PROCESS, "there is no process", "metrics", no_such_pid(), "--textfile", file)
        self.assertEqual(file.read_text(), "before\n")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["kept.prom"])

    def test_node_exporter_reads_it(self):
        self.needs("prometheus-node-exporter")
        with Holder() as holder:
            self.succeeds("metrics", holder.pid, "--textfile", self.folder / "ashlar.prom")
        with Server("prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
                    f"--collector.textfile.directory={self.folder}", address="--web.listen-address") as server:
            text = server.wait_for("/metrics", "ashlar_process_info")
        self.assertIn("node_textfile_scrape_error 0", text)
        self.assertIn("# TYPE ashlar_purged_bytes_total counter", text)
        self.assertIn(f'pid="{holder.pid}"', text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """Another program that serves HTTP, with the option that names its address."""

    def __init__(self, *words, address):
        self.base = f"127.0.0.1:{free_port()}"
        self.process = subprocess.Popen([*map(str, words), f"{address}={self.base}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)

    def wait_for(self, path, wanted):
        """What it answers as soon as that contains some words."""
        text = ""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"http://{self.base}{path}", timeout=300) as answer:
                    text = answer.read().decode()
                if wanted in text:
                    return text
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"{wanted!r} is not in {text[:2000]!r}")


class Documents(MetricsCase):
    """The rules and the dashboard."""

    def names(self):
        with Holder() as holder:
            text = self.succeeds("metrics", holder.pid)
        self.assertIn("# TYPE", text)
        families = re.findall("(?m)^# TYPE (\\w+) (\\w+)", text)
        return {name + {"counter": "_total", "info": "_info"}.get(kind, "") for name, kind in families}, {name for name, _ in families}

    def test_name_metrics_that_are_there(self):
        series, families = self.names()
        for file in sorted(DOCUMENTS.iterdir()):
            used = set(re.findall(r"\bashlar_\w+", file.read_text()))
            self.assertTrue(used, file)
            self.assertLessEqual(used, series, file)
        page = (ROOT / "docs/prometheus.md").read_text()
        self.assertEqual(set(re.findall(r"`(ashlar_\w+)`", page)) - {"ashlar_processes"}, families - {"ashlar_processes"})

    def test_rules_are_valid(self):
        self.needs("promtool")
        for words in (("check", "rules", "ashlar.rules.yml"), ("test", "rules", "ashlar.rules.test.yml")):
            run = subprocess.run(["promtool", *words], cwd=DOCUMENTS, capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, OK, run.stdout + run.stderr)

    def test_dashboard_holds_together(self):
        board = json.loads((DOCUMENTS / "grafana-dashboard.json").read_text())
        variables = {variable["name"] for variable in board["templating"]["list"]} | {"__rate_interval"}
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))
        for panel in board["panels"]:
            for target in panel["targets"]:
                self.assertLessEqual(set(re.findall(r"\$\{?(\w+)", target["expr"])), variables)
        self.check_expressions([target["expr"] for panel in board["panels"] for target in panel["targets"]])

    def check_expressions(self, expressions):
        """promtool knows whether they are PromQL: as rules, with Grafana's variables filled in."""
        if not shutil.which("promtool"):
            return
        rules = [{"record": f"panel:{i}", "expr": re.sub(r"\$__rate_interval", "5m", e)} for i, e in enumerate(expressions)]
        file = self.folder / "panels.yml"
        file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
        run = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, OK, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
