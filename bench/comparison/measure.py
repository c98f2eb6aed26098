"""Makes one run: starts the launcher, reads what the program prints, and looks at it from outside when something is due.

Between two such moments this process sleeps, so that a timed run has the machine for itself. In a timed run it wakes
only to look for the mapped library (a few times, until it is seen), for a server's peak, and, at the end of idling, for the
resident memory. A traced run (warm-up) also samples resident memory over time.
"""

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time

from . import processes
from .model import Metric, Run

SAMPLE_SECONDS = 0.025
SAMPLE_LIMIT = 800          # then every second one is dropped, and half as many are taken
SERVER_SECONDS = 0.05
IDLE_MARGIN = 0.15          # before the end of idling: the last moment that surely belongs to it
STDERR_BYTES = 2000
LOADER_ERROR = "from LD_PRELOAD cannot be preloaded"


class Watch:
    """Follows one run: parses its lines, and makes the measurements that are due."""

    def __init__(self, run, library, idle_seconds, trace):
        self.run, self.library, self.idle_seconds, self.trace = run, library, idle_seconds, trace
        self.pid = self.root_pid = 0
        self.start = time.monotonic()
        self.idling_since = None
        self.server_peak = self.own_peak = 0
        self.final = None
        self.due = {}
        self.sample_pause = SAMPLE_SECONDS
        self.pause = 0.01       # until the next look for the library; doubles

    def elapsed(self):
        return time.monotonic() - self.start

    def on_report(self, line):
        """Handles a line of the launcher."""
        data = json.loads(line)
        if "pid" in data:
            self.pid = self.root_pid = data["pid"]
            self.start = data["start_ns"] / 1e9
            if self.library:
                self.due["library"] = self.start + self.pause
            if self.trace:
                self.due["sample"] = self.start + 0.002
        else:
            self.final = data
            self.due.clear()

    def on_output(self, line):
        """Handles a line that the program printed. Most lines mean nothing here."""
        words = line.split()
        if not words:
            return
        if words[0] == "metric" and len(words) == 5 and words[4] in ("lower", "higher"):
            self._on_metric(words)
        elif words[0] == "phase" and len(words) == 2:
            self._on_phase(words[1])
        elif words[0] == "pid" and len(words) == 2 and words[1].isdigit():
            self.pid, self.run.server = int(words[1]), True
            self.due["server"] = time.monotonic()
        elif words[0] == "peak" and len(words) == 2 and words[1].isdigit():
            self.own_peak = int(words[1])       # KiB, without what the program itself needs: a replay's plan

    def _on_metric(self, words):
        try:
            self.run.metrics.append(Metric(words[1], float(words[2]), words[3], words[4]))
        except ValueError:
            pass

    def _on_phase(self, name):
        now = time.monotonic()
        self.run.phases.append([round(now - self.start, 4), name])
        if name == "idle" and self.idling_since is None:
            self.idling_since = now
            self.due["idle"] = now + max(self.idle_seconds - IDLE_MARGIN, 0)

    def wait_seconds(self):
        """Returns the time until the next measurement is due, or None."""
        return max(min(self.due.values()) - time.monotonic(), 0) if self.due else None

    def work(self):
        """Makes the measurements that are due."""
        now = time.monotonic()
        for what in [name for name, when in self.due.items() if when <= now]:
            getattr(self, f"_{what}")(now)

    def _library(self, now):
        if processes.maps_library(self.root_pid, self.library):
            self.run.mapped = True
            del self.due["library"]
            return
        self.pause = min(self.pause * 2, 0.5)
        self.due["library"] = now + self.pause

    def _sample(self, now):
        kib = processes.resident_kib(self.pid)
        if kib:
            self.run.samples.append([round(now - self.start, 3), kib])
        if len(self.run.samples) >= SAMPLE_LIMIT:
            self.run.samples = self.run.samples[::2]
            self.sample_pause *= 2
        self.due["sample"] = now + self.sample_pause

    def _server(self, now):
        self.server_peak = max(self.server_peak, processes.peak_kib(self.pid))
        self.due["server"] = now + SERVER_SECONDS

    def _idle(self, _now):
        self.run.idle_kib = processes.resident_exactly_kib(self.pid)
        del self.due["idle"]

    def fill(self):
        """Copies the launcher's figures into the run."""
        run, final = self.run, self.final
        run.wall = final["wall_ns"] / 1e9
        run.active = self.idling_since - self.start if self.idling_since else run.wall
        run.user, run.system = final["user_us"] / 1e6, final["system_us"] / 1e6
        run.peak_kib = self.server_peak if run.server and self.server_peak else self.own_peak or final["peak_kib"]
        run.minor_faults, run.major_faults = final["minor"], final["major"]


def failure(final, stderr):
    """Returns why a run failed, in a few words, or an empty text."""
    if final is None:
        return "the launcher ended without a report"
    if LOADER_ERROR in stderr:
        return "the library could not be loaded: " + next(s for s in stderr.splitlines() if LOADER_ERROR in s).strip()
    if final["exec_errno"]:
        return f"cannot execute: {os.strerror(final['exec_errno'])}"
    if final["timed_out"]:
        return "timed out"
    if final["signal"]:
        return f"killed by {signal.Signals(final['signal']).name}"
    if final["exit"]:
        return f"exit status {final['exit']}"
    return ""


def environment(allocator, row, settings):
    """Returns the program's environment: this process's, with no library preloaded except the allocator's."""
    variables = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "BENCH_PRELOAD")}
    if allocator.options:
        variables["ASHLAR_OPTIONS"] = allocator.options
    if row.source == "program":
        variables["BENCH_PRELOAD"] = allocator.path
        variables["BENCH_SCALE"] = f"{settings['scale']:g}"
    return variables


def measure(launcher, command, row, allocator, settings, round_number, idle_seconds, trace):
    """Executes the row once. Returns its Run, whose error says whether and why it failed."""
    run = Run(row.name, allocator.name, round_number)
    watch = Watch(run, allocator.path, idle_seconds, trace)
    preload = allocator.path if allocator.path and row.source != "program" else "-"
    read_end, write_end = os.pipe()
    # While the folder is removed, the children of a killed program may still write files.
    with tempfile.TemporaryFile() as stderr, \
            tempfile.TemporaryDirectory(prefix="bench-compare-", ignore_cleanup_errors=True) as folder:
        child = subprocess.Popen(
            [str(launcher), str(write_end), str(settings["timeout"]), preload, *command], pass_fds=[write_end],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
            cwd=None if row.source == "own" else folder,
            env=environment(allocator, row, settings), start_new_session=True)
        os.close(write_end)
        try:
            _follow(watch, read_end, child.stdout.fileno())
        finally:
            os.close(read_end)
            if watch.final is None:
                child.terminate()       # the launcher then kills all that it started
            child.stdout.close()
            child.wait()
        size = stderr.seek(0, os.SEEK_END)
        stderr.seek(max(size - STDERR_BYTES, 0))
        run.stderr = stderr.read().decode(errors="replace")
    run.error = failure(watch.final, run.stderr)
    if watch.final is not None:
        watch.fill()
    return run


def _follow(watch, report_fd, output_fd):
    """Reads both pipes until they end, and makes the measurements that are due meanwhile."""
    handlers = {report_fd: watch.on_report, output_fd: watch.on_output}
    rest = {report_fd: b"", output_fd: b""}
    with selectors.DefaultSelector() as selector:
        for fd in handlers:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(watch.wait_seconds()):
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fd)
                *lines, rest[key.fd] = (rest[key.fd] + data).split(b"\n")
                for line in lines:
                    handlers[key.fd](line.decode(errors="replace"))
            watch.work()
