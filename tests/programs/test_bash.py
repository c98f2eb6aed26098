"""Runs bash: arrays, strings, functions, pipelines, here-documents and many subshells."""

import harness


def body(side: harness.Side) -> None:
    side.run(["bash", harness.INPUT / "workload.sh"])


harness.main(body, ["bash", "sort", "sed", "cksum"])
