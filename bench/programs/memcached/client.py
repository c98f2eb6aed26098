"""Works on a memcached by its text protocol: client.py SOCKET ROUNDS. Values grow from round to round; each is checked when it is read."""

import random
import socket
import sys

KEYS = 20000


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def send(self, commands):
        self.socket.sendall(b"".join(commands))

    def read(self):
        """One answer to get: the value, or None."""
        head = self.lines.readline().split()
        if head == [b"END"]:
            return None
        value = self.lines.read(int(head[3]) + 2)[:-2]
        if self.lines.readline() != b"END\r\n":
            sys.exit("memcached: END was expected")
        return value

    def expect(self, line):
        found = self.lines.readline()
        if found != line:
            sys.exit(f"memcached: {line!r} was expected, not {found!r}")


def value_of(key, size):
    return (b"%d " % key * (size // 2 + 1))[:size]


def main():
    rng = random.Random(5)
    connections = [Connection(sys.argv[1]) for _ in range(16)]
    for number in range(int(sys.argv[2])):
        typical = 40 << number % 8
        for start in range(0, KEYS, 50):
            connection = connections[start // 50 % len(connections)]
            keys = [rng.randrange(KEYS) for _ in range(50)]
            connection.send(b"set %d 0 0 %d\r\n%s\r\n" % (key, size, value_of(key, size))
                            for key, size in ((key, rng.randrange(typical, 2 * typical)) for key in keys))
            for _ in keys:
                connection.expect(b"STORED\r\n")
            keys = [rng.randrange(KEYS) for _ in range(50)]
            connection.send(b"get %d\r\n" % key for key in keys)
            for key in keys:
                value = connection.read()
                if value is not None and value != value_of(key, len(value)):
                    sys.exit(f"memcached: the value of {key} changed")


main()
