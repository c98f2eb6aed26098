"""Checks how often rows of bench/workloads take locks that processors share: check_locks.py BENCH LIBRARY WORKLOADS ROW=LIMIT...

Each row runs on 64 threads on as many fake processors under the counting library. LIMIT is the maximum of acquisitions in
1000 pairs of malloc and free. A limit above the aim is four times the largest number seen, since the counts depend on when
threads meet.
"""
import sys
from pathlib import Path

AT = 64
SCALE = 0.01


def main():
    bench, library, workloads = map(Path, sys.argv[1:4])
    sys.path.insert(0, str(bench))
    from comparison.rows import load_workloads      # pylint: disable=import-outside-toplevel
    from scalability import counts, report, threads  # pylint: disable=import-outside-toplevel
    rows = {row.name: row for row in load_workloads(bench / "workloads" / "rows.json", workloads)}
    failed = False
    for word in sys.argv[4:]:
        name, limit = word.split("=")
        counted, _ = counts.count(threads.command(rows[name], SCALE, AT), library, 120, AT)
        found = counted.shared_locks()
        most = ", ".join(f"{rank} {times:.1f}" for rank, times in list(counted.by_rank().items())[:4])
        good = found <= float(limit) and not counted.lost
        print(f"{'ok' if good else 'FAILED'}: {name}: {found:.2f} acquisitions of shared locks in 1000 pairs, limit {limit}, "
              f"aim {report.AIM:g} ({counted.pairs:.0f} pairs; {most}; not in the table {counted.lost})")
        failed |= not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
