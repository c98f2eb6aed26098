"""Runs java: the compiler in memory, threads, direct buffers, compression and the collector's own native memory."""

import harness


def body(side: harness.Side) -> None:
    # In C2's own thread, compilation takes its memory from malloc; a small heap keeps the collector at work.
    side.run(["java", "-Xmx192m", "-XX:-UsePerfData", harness.INPUT / "Workload.java"])


harness.main(body, ["java"])
