"""Runs python3 with every object from malloc: json, re, gc, threads, and multiprocessing with fork."""

import harness


def body(side: harness.Side) -> None:
    env = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    side.run(["/usr/bin/python3", "-B", harness.INPUT / "workload.py"], env=env)


harness.main(body, ["python3"])
