"""Helpers of the real-program tests.

A test is one function `body(side)`, which is called twice: with the side "glibc" (nothing preloaded) and with the side "library"
(the allocator under test preloaded). Everything that it notes must be equal on both sides. This includes the output and exit
status of every program that it runs. Values that may differ (times, addresses, the scratch folder) are filtered before they are
noted.

The harness checks that the library really served the processes. The dynamic linker logs the symbols that it binds
(LD_DEBUG=bindings), and each process of the library's side must have bound `malloc` to the library.

Every process ends with the test. The driver is the subreaper of all processes that it starts, and kills the remaining ones at its
end.
"""

from __future__ import annotations

import ctypes
import difflib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

INPUT = Path(__file__).resolve().parent / "input"
# Below ctest's own limit (CMakeLists.txt), so that this driver ends a hanging test and cleans up.
TOTAL_SECONDS = 280
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """A failure of the test. The text says why."""


def check(condition: bool, text: str) -> None:
    if not condition:
        raise Failure(text)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"{what}: not within {seconds} s")
        time.sleep(0.02)


def pause(seconds: float) -> None:
    time.sleep(seconds)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent() -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Side:
    """One of the two runs: its scratch folder, its environment, and its notes."""

    def __init__(self, name: str, library: Path | None, baseline: Path | None) -> None:
        self.name = name
        self.library = library
        self.preload = library or baseline
        self.dir = Path(tempfile.mkdtemp(prefix="ashlar-programs-"))
        self.dir.chmod(0o755)
        self.work = self.dir / "work"
        self.work.mkdir()
        self.links = self.dir / "links"
        self.links.mkdir()
        self.links.chmod(0o1777)  # servers that give up root log here too
        self.notes: list[str] = []

    def env(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        env = {
            "PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.work),
            "TMPDIR": str(self.work),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }
        if self.preload:
            env["LD_PRELOAD"] = str(self.preload)
        if self.library:
            env |= {"LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": str(self.links / "pid")}
            if "ASHLAR_OPTIONS" in os.environ:
                env["ASHLAR_OPTIONS"] = os.environ["ASHLAR_OPTIONS"]
        return env | (extra or {})

    def note(self, title: str, text: str) -> None:
        """Records `text`, which must be the same on both sides."""
        self.notes += [f"== {title}", *text.replace(str(self.dir), "DIR").splitlines()]

    def start(self, argv: Iterable[object], *, env: dict[str, str] | None = None, **options) -> subprocess.Popen:
        """Starts a program of this side, which ends with the driver at the latest."""
        options.setdefault("cwd", self.work)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen(
            [str(word) for word in argv], env=self.env(env), preexec_fn=_die_with_parent, start_new_session=True, **options
        )

    def run(
        self,
        argv: Iterable[object],
        *,
        stdin: bytes | None = None,
        env: dict[str, str] | None = None,
        timeout: float = 120,
        keep: Callable[[str], str] = lambda text: text,
        note: bool = True,
        status: int = 0,
        **options,
    ) -> str:
        """Runs a program to its end, and notes its output (through `keep`), standard error and exit status. Returns the output."""
        argv = [str(word) for word in argv]
        title = " ".join(argv).replace(str(self.dir), "DIR").replace("\n", " ")[:120]
        process = self.start(
            argv, env=env, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )
        try:
            out_bytes, err_bytes = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise Failure(f"[{self.name}] {title}: still running after {timeout} s") from error
        out, err = out_bytes.decode(errors="replace"), err_bytes.decode(errors="replace")
        if process.returncode != status:
            raise Failure(f"[{self.name}] {title}: exit status {process.returncode}, expected {status}\n{out[-2000:]}\n{err[-4000:]}")
        if note:
            self.note(title, keep(out))
            self.note("standard error", keep(err))
        return out

    def stop(self, process: subprocess.Popen, how: signal.Signals = signal.SIGTERM, status: int = 0) -> None:
        """Asks a server to end, and notes that it ended well."""
        process.send_signal(how)
        try:
            ended = process.wait(60)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"[{self.name}] server {process.args}: still running 60 s after {how.name}") from error
        check(ended == status, f"[{self.name}] server {process.args}: exit status {ended} after {how.name}, expected {status}")

    def check_mapped(self, pid: int) -> None:
        """Checks that the running process `pid` and its children have the library mapped."""
        if not self.library:
            return
        for one in [pid, *descendants(pid)]:
            try:
                maps = Path(f"/proc/{one}/maps").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            # An ending process has an empty map.
            check(not maps or str(self.library) in maps, f"process {one} does not have {self.library} mapped")

    def check_links(self, programs: Iterable[str]) -> None:
        """Checks that every process took malloc from the library, and that each of `programs` was among them."""
        if not self.library:
            return
        # The log of a process has a part for each program that it executed. A part begins where libc binds its own malloc.
        begin = re.compile(r"(?=binding file \S*libc\.so\.6 \[\d+\] to \S+ \[\d+\]: normal symbol `malloc')")
        seen: set[str] = set()
        for log in self.links.iterdir():
            for part in begin.split(log.read_text(errors="replace")):
                if started := re.search(r"initialize program: (.*)", part):
                    check(f"to {self.library} [0]: normal symbol `malloc'" in part, f"{started[1]}: malloc was not bound to {self.library}")
                    seen.add(Path(started[1]).name)
        missing = set(programs) - seen
        check(not missing, f"not seen running with the library: {sorted(missing)}; seen: {sorted(seen)}")


def descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                parent = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, []).append(int(entry))
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _end_everything() -> None:
    """Kills and reaps everything that this driver started, including orphans, whose subreaper it is."""
    while left := descendants(os.getpid()):
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def _stop_on_signal(number: int, _frame: object) -> None:
    raise Failure(f"took more than {TOTAL_SECONDS} s" if number == signal.SIGALRM else f"stopped by {signal.Signals(number).name}")


def _compare(sides: list[Side]) -> None:
    difference = list(difflib.unified_diff(sides[0].notes, sides[1].notes, sides[0].name, sides[1].name, lineterm="", n=2))
    check(not difference, "the two runs differ:\n" + "\n".join(difference[:100]))
    check(len(sides[0].notes) > 1, "the test noted nothing")


def main(body: Callable[[Side], None], programs: Iterable[str], baseline: str | None = None) -> None:
    """Runs `body` on both sides and ends the process, with status 0 if they agree and 1 if not.

    `programs` must have been seen running with the library. `baseline` is preloaded on the side of glibc, for a program that is
    linked with another allocator.
    """
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit(f"usage: {sys.argv[0]} LIBRARY   (the shared library of the allocator to test)")
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop_on_signal)
    signal.alarm(TOTAL_SECONDS)
    library = Path(sys.argv[1]).resolve()  # as /proc/PID/maps shows it
    sides: list[Side] = []
    try:
        for name, preload in (("glibc", None), ("library", library)):
            sides.append(Side(name, preload, Path(baseline) if baseline else None))
            began = time.monotonic()
            body(sides[-1])
            sides[-1].check_links(programs)
            print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
        _compare(sides)
        result = 0
        print(f"equal: {len(sides[0].notes)} lines")
    except Failure as failure:
        result = 1
        print(f"FAILED: {failure}")
    finally:
        signal.alarm(0)
        _end_everything()
        for side in sides:
            shutil.rmtree(side.dir, ignore_errors=True)
    sys.exit(result)
