"""Prints problems for z3, always the same, with known answers."""

import random


def pigeons(count):
    """One hole too few: no solution."""
    holes = range(count - 1)
    lines = [f"(declare-const p{p}h{h} Bool)" for p in range(count) for h in holes]
    lines += ["(assert (or " + " ".join(f"p{p}h{h}" for h in holes) + "))" for p in range(count)]
    lines += [f"(assert (not (and p{p}h{h} p{q}h{h})))" for h in holes for p in range(count) for q in range(p)]
    return lines


def distributes(bits):
    """Multiplication distributes over addition: no counterexample."""
    lines = [f"(declare-const {name} (_ BitVec {bits}))" for name in "abc"]
    return lines + ["(assert (distinct (bvmul a (bvadd b c)) (bvadd (bvmul a b) (bvmul a c))))"]


def graph(nodes, edges, colours, seed):
    """Colours for the nodes of a random graph, as integers: easily found."""
    rng = random.Random(seed)
    lines = [f"(declare-const n{n} Int)(assert (and (<= 0 n{n}) (< n{n} {colours})))" for n in range(nodes)]
    return lines + [f"(assert (distinct n{a} n{b}))" for a, b in (rng.sample(range(nodes), 2) for _ in range(edges))]


def arrays(length):
    """Stores in two orders give the same array: no counterexample."""
    lines = ["(declare-const start (Array Int Int))"] + [f"(declare-const i{n} Int)" for n in range(length)]
    lines += ["(assert (distinct " + " ".join(f"i{n}" for n in range(length)) + "))"]
    ends = []
    for order in (range(length), reversed(range(length))):
        term = "start"
        for n in order:
            term = f"(store {term} i{n} {n})"
        ends.append(term)
    return lines + [f"(assert (distinct {ends[0]} {ends[1]}))"]


def equations(variables, count, seed):
    """Linear equations that a known assignment satisfies."""
    rng = random.Random(seed)
    solution = [rng.randrange(20) for _ in range(variables)]
    lines = [f"(declare-const v{n} Int)(assert (and (<= 0 v{n}) (<= v{n} 20)))" for n in range(variables)]
    for _ in range(count):
        factors = [rng.randrange(1, 9) for _ in solution]
        terms = " ".join(f"(* {factor} v{n})" for n, factor in enumerate(factors))
        lines.append(f"(assert (= (+ {terms}) {sum(factor * value for factor, value in zip(factors, solution))}))")
    return lines


for problem in (pigeons(8), distributes(6), graph(300, 900, 5, 3), arrays(9), equations(9, 4, 2)):
    print("(push)", *problem, "(check-sat)", "(pop)", sep="\n")
