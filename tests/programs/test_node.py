"""Runs node: objects, JSON, buffers, compression, and worker threads that allocate natively and end."""

import harness


def body(side: harness.Side) -> None:
    side.run(["node", "--max-old-space-size=512", harness.INPUT / "workload.js"])


harness.main(body, ["node"])
