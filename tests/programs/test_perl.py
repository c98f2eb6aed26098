"""Runs perl: hashes, strings, regular expressions, sort, interpreter threads and fork."""

import harness


def body(side: harness.Side) -> None:
    side.run(["perl", harness.INPUT / "workload.pl"], env={"PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"})


harness.main(body, ["perl"])
