"""Runs z3: propositional, bit-vector, arithmetic and quantified problems, each with its known answer."""

import harness


def body(side: harness.Side) -> None:
    out = side.run(["z3", "-smt2", "smt.random_seed=1", "sat.random_seed=1", harness.INPUT / "workload.smt2"])
    harness.check(out.split() == ["unsat", "unsat", "sat", "unsat", "sat"], f"z3 answered {out.split()}")


harness.main(body, ["z3"])
