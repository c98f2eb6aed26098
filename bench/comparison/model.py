"""The parts of a comparison and how they are stored: rows, allocators, runs. Sizes are in KiB, times in seconds."""

from dataclasses import asdict, dataclass, field, fields

from .errors import CompareError

SCHEMA = 1
KINDS = ("single", "threads", "large", "idle", "program", "trace", "own")
DEBIAN_PEERS = ("glibc", "jemalloc", "mimalloc", "tcmalloc")


@dataclass
class Row:
    """One row of the comparison: a program with fixed arguments."""
    name: str
    kind: str
    what: str = ""
    command: list = field(default_factory=list)
    source: str = "workload"            # workload, program (bench/programs), trace or own (--run)
    idle_seconds: float = 0.0
    figure: str = ""                    # the metric to compare instead of the wall time

    @property
    def idles(self):
        return self.idle_seconds > 0


@dataclass
class Allocator:
    """One column: a library to preload, or none for the C library's own."""
    name: str
    path: str = ""
    version: str = ""
    sha256: str = ""
    debian: bool = False                # as the distribution ships it
    options: str = ""                   # ASHLAR_OPTIONS, of an Ashlar


@dataclass
class Metric:
    """A figure that the program printed itself."""
    name: str
    value: float
    unit: str
    better: str                         # lower or higher


@dataclass
class Run:
    """One execution of a row under an allocator."""
    row: str
    allocator: str
    round: int                          # 0 and below: warm-up, not counted
    error: str = ""                     # empty: the run succeeded
    wall: float = 0.0
    active: float = 0.0                 # wall time until the program began to idle, else equal to wall
    user: float = 0.0
    system: float = 0.0
    peak_kib: float = 0.0
    minor_faults: int = 0
    major_faults: int = 0
    idle_kib: float = 0.0               # resident at the end of idling, 0 if the program does not idle
    mapped: bool = False                # the allocator's library was seen in /proc/PID/maps
    server: bool = False                # the peak and the samples are those of the server whose pid was printed
    metrics: list = field(default_factory=list)
    phases: list = field(default_factory=list)     # [seconds, name]
    samples: list = field(default_factory=list)    # [seconds, resident KiB]
    stderr: str = ""

    @property
    def ok(self):
        return not self.error

    @property
    def counted(self):
        return self.round > 0


@dataclass
class Session:
    """A whole comparison, as the JSON file holds it."""
    date: str = ""
    machine: dict = field(default_factory=dict)
    project: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    allocators: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    runs: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def to_dict(self):
        return {"schema": SCHEMA, "tool": "bench/compare", **asdict(self)}

    @staticmethod
    def from_dict(data):
        """The inverse of to_dict. Raises CompareError if the data is anything else."""
        if not isinstance(data, dict) or data.get("tool") != "bench/compare":
            raise CompareError("not a result of bench/compare (no \"tool\": \"bench/compare\")")
        if data.get("schema") != SCHEMA:
            raise CompareError(f"schema {data.get('schema')!r}, expected {SCHEMA}")
        session = Session(**_known(Session, data))
        session.allocators = [_build(Allocator, item) for item in session.allocators]
        session.rows = [_build(Row, item) for item in session.rows]
        session.runs = [_build(Run, item) for item in session.runs]
        for run in session.runs:
            run.metrics = [_build(Metric, item) for item in run.metrics]
        _check_names(session)
        return session


def _known(kind, data):
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in data.items() if key in names}


def _build(kind, data):
    try:
        return kind(**_known(kind, data))
    except (TypeError, AttributeError) as error:
        raise CompareError(f"a {kind.__name__.lower()} is malformed: {error}") from None


def _check_names(session):
    rows = {row.name for row in session.rows}
    allocators = {allocator.name for allocator in session.allocators}
    for run in session.runs:
        if run.row not in rows or run.allocator not in allocators:
            raise CompareError(f"a run names {run.row!r} under {run.allocator!r}, which the file does not describe")
