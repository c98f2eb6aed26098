"""Runs sqlite3: a million rows in memory, indexes, joins, window functions, text, deletes, and an integrity check."""

import harness


def body(side: harness.Side) -> None:
    side.run(["sqlite3", "-batch", ":memory:"], stdin=(harness.INPUT / "workload.sql").read_bytes())


harness.main(body, ["sqlite3"])
