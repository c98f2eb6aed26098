"""Runs redis: redis-benchmark's loads, a data set of every type, a snapshot by a forked child, and a restart from it."""

import harness

COMMANDS = "ping,set,get,incr,lpush,rpush,lpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset"


def data_set() -> bytes:
    """Commands in redis' own protocol: all types, sizes that grow past their compact forms, and a third deleted again."""
    commands = []
    for n in range(6000):
        commands += [
            ["SET", f"string{n}", "v" * (n * 37 % 3000)],
            ["HSET", f"hash{n % 50}", f"field{n}", str(n)],
            ["RPUSH", f"list{n % 20}", "e" * (n % 300)],
            ["ZADD", f"sorted{n % 10}", str(n * 7919 % 1009), f"member{n}"],
            ["SADD", f"set{n % 30}", str(n)],
        ]
        if n % 3 == 0:
            commands += [["DEL", f"string{n}"], ["APPEND", f"string{n - 2}", "x" * 5000]]
    return b"".join(
        f"*{len(words)}\r\n".encode() + b"".join(f"${len(word)}\r\n{word}\r\n".encode() for word in words) for words in commands
    )


def body(side: harness.Side) -> None:
    socket = side.work / "redis.sock"
    (side.work / "log").touch()
    server_line = ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", side.work, "--save", "", "--enable-debug-command", "yes",
                   "--logfile", side.work / "log"]

    def client(*words: str, **options) -> str:
        return side.run(["redis-cli", "-s", socket, *words], **options).strip()

    def start():
        server = side.start(server_line)
        harness.wait_until(lambda: socket.exists() or server.poll() is not None, "redis-server's socket")
        harness.check(server.poll() is None, f"redis-server ended at its start:\n{(side.work / 'log').read_text()}")
        harness.wait_until(lambda: client("ping", note=False) == "PONG", "redis-server's data loaded")
        return server

    server = start()
    report = side.run(["redis-benchmark", "-s", socket, "-q", "--csv", "-t", COMMANDS, "-n", "8000", "-c", "20", "-P", "8"], note=False)
    side.note("benchmark", "\n".join(line.split(",")[0] for line in report.splitlines()))
    side.run(["redis-benchmark", "-s", socket, "-q", "--csv", "-t", "set,get", "-n", "30000", "-r", "10000", "-d", "1500", "--threads", "2"], note=False)
    side.check_mapped(server.pid)
    client("flushall")
    client("--pipe", stdin=data_set())
    client("config", "set", "maxmemory-policy", "allkeys-lru")
    client("eval", "local s = '' for i = 1, 20000 do s = s .. i % 10 end return #s", "0")
    before = client("debug", "digest")
    client("bgsave", note=False)
    harness.wait_until(lambda: "rdb_bgsave_in_progress:0" in client("info", "persistence", note=False), "the snapshot")
    harness.check("rdb_last_bgsave_status:ok" in client("info", "persistence", note=False), "the snapshot failed")
    client("memory", "purge")
    side.stop(server)
    harness.check(not socket.exists(), "redis-server left its socket")
    server = start()
    harness.check(client("debug", "digest") == before, "the data set read back is another one")
    client("dbsize")
    side.stop(server)


# Debian's redis-server is linked with jemalloc: preloading libc puts glibc's malloc first.
harness.main(body, ["redis-server", "redis-cli", "redis-benchmark"], baseline="libc.so.6")
