"""Uses memory like Python programs do. Every line printed depends on the data only."""

import gc
import hashlib
import json
import multiprocessing
import random
import re
import threading


def digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def documents(seed: int, count: int) -> list:
    rng = random.Random(seed)
    return [
        {"id": n, "name": "x" * rng.randrange(200), "tags": [str(rng.random()) for _ in range(rng.randrange(12))], "sub": {"n": {"v": n}}}
        for n in range(count)
    ]


def json_round_trips(seed: int) -> str:
    data = documents(seed, 2500)
    for _ in range(3):
        data = json.loads(json.dumps(data, sort_keys=True))
    return digest(data)


def regular_expressions(seed: int) -> str:
    rng = random.Random(seed)
    text = " ".join(f"{rng.choice(['alpha', 'beta', 'gamma'])}={rng.randrange(10**6)}" for _ in range(20000))
    found = re.findall(r"(\w+)=(\d+?)(?=\D|$)", text)
    changed = re.sub(r"(a\w*)=(\d+)", lambda match: match[2] + "=" + match[1], text)
    return digest([found, changed, re.split(r"[=\s]+", changed)])


class Node:
    def __init__(self, other: "Node | None") -> None:
        self.other, self.back, self.payload = other, None, bytearray(64)
        if other:
            other.back = self


def cyclic_garbage() -> str:
    gc.collect()
    freed = 0
    for _ in range(20):
        head = None
        for _ in range(5000):
            head = Node(head)
        head = None
        freed += gc.collect() > 0
    return f"{freed} collections freed cycles"


def in_threads() -> list[str]:
    results = [""] * 6

    def work(index: int) -> None:
        results[index] = json_round_trips(index) + regular_expressions(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def growing_buffers() -> str:
    """Repeatedly calls realloc for one large block, between small ones."""
    large, small = bytearray(), []
    for n in range(3000):
        large += bytes([n % 251]) * 1024
        small.append(bytes(n % 700))
    return digest((hashlib.sha256(large).hexdigest(), sum(map(len, small))))


if __name__ == "__main__":
    print("json", json_round_trips(1))
    print("re", regular_expressions(1))
    print("gc", cyclic_garbage())
    print("buffers", growing_buffers())
    print("threads", in_threads())
    background = threading.Thread(target=in_threads)
    background.start()  # so that the children are forked from a process whose other threads allocate
    with multiprocessing.get_context("fork").Pool(4, maxtasksperchild=2) as pool:
        print("fork", pool.map(json_round_trips, range(12), chunksize=1))
    background.join()
