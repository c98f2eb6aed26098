"""Runs postgres: initdb, pgbench's load from several clients, larger queries with parallel workers, and a clean end."""

import os
import pwd
import signal
from pathlib import Path

import harness

QUERIES = """
SELECT count(*), sum(delta) FROM pgbench_history;
SELECT sum(abalance) = (SELECT sum(delta) FROM pgbench_history) FROM pgbench_accounts;
SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET work_mem = '1MB';
SELECT bid, count(*), md5(string_agg(aid::text, ',' ORDER BY aid DESC)) FROM pgbench_accounts GROUP BY bid ORDER BY bid;
SELECT md5(string_agg(j::text, '')) FROM (SELECT jsonb_build_object('n', n, 'list', array[n, n + 1], 'text', repeat('x', n % 500)) AS j
  FROM generate_series(1, 20000) n) s;
SELECT count(*) FROM pgbench_accounts a JOIN pgbench_accounts b ON a.aid = b.aid + 1 WHERE a.filler = b.filler;
SELECT count(*), max(length(m)) FROM (SELECT regexp_replace(repeat(n::text, 20), '(1+)', '<\\1>', 'g') m FROM generate_series(1, 10000) n) s;
DO $$ DECLARE total numeric := 0; BEGIN FOR i IN 1..30000 LOOP total := total + i * 1.5; END LOOP; RAISE NOTICE '%', total; END $$;
SELECT 1 / 0;
"""


def installed() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    harness.check(bool(versions), "no postgres below /usr/lib/postgresql")
    return versions[-1].parent


def body(side: harness.Side) -> None:
    binaries = installed()
    # The server refuses to run as root.
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(side.work, user.pw_uid, user.pw_gid)
    switch = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    data = side.work / "data"
    connect = ["-h", side.work, "-U", "tester"]

    def tool(name: str, *words: object, **options) -> str:
        return side.run([binaries / name, *words], **switch, **options)

    tool("initdb", "-D", data, "-U", "tester", "--no-sync", "-A", "trust", "--locale=C", "--encoding=UTF8")
    server = side.start(
        [binaries / "postgres", "-D", data, "-k", side.work, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB"],
        stdout=open(side.work / "log", "wb"), stderr=-2, **switch,
    )
    ready = [binaries / "pg_isready", "-q", *connect]
    harness.wait_until(lambda: side.start(ready, **switch).wait() == 0 or server.poll() is not None, "postgres ready")
    harness.check(server.poll() is None, f"postgres ended at its start:\n{(side.work / 'log').read_text()}")
    tool("createdb", *connect, "bench")
    tool("pgbench", *connect, "-i", "-s", "2", "-q", "bench", note=False)
    report = tool("pgbench", *connect, "-c", "6", "-j", "2", "-t", "200", "--random-seed=5", "bench", note=False)
    side.note("pgbench", "\n".join(line for line in report.splitlines() if line.startswith("number of")))
    tool("pgbench", *connect, "-C", "-S", "-c", "4", "-t", "25", "-M", "prepared", "bench", note=False)
    side.check_mapped(server.pid)
    tool("psql", *connect, "-X", "-v", "VERBOSITY=terse", "-f", "-", "bench", stdin=QUERIES.encode())
    side.stop(server, signal.SIGINT)
    log = (side.work / "log").read_text()
    harness.check("PANIC" not in log and "terminated by signal" not in log, f"a server process has failed:\n{log[-3000:]}")


harness.main(body, ["initdb", "postgres", "pgbench", "psql"])
