#!/usr/bin/env python3
"""Tests ashlar metrics --listen: its answers, clients and processes that keep it busy, and Prometheus itself."""
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from test_metrics import DOCUMENTS, HOSTILE, PAGE, PATIENCE, MetricsCase, Server, by, parse
from tool_case import FAILED, OK, PLAIN, TOOL, USAGE, Holder, Process, ashlar

KEPT = 1  # seconds for which the server gives the same figures


class Exporter:
    """ashlar metrics --listen."""

    def __init__(self, *arguments, address="127.0.0.1:0"):
        self.process = subprocess.Popen([TOOL, "metrics", *map(str, arguments), "--listen", address], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=PLAIN)
        self.url = self.process.stdout.readline().strip().removeprefix("listening at ")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)

    def get(self, path="/metrics", method="GET", data=None, **headers):
        request = urllib.request.Request(self.url.removesuffix("/metrics") + path, method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()


def half_requests(exporter, count):
    """Connections that sent a part of a request."""
    host, port = re.match(r"http://([\d.]+):(\d+)/", exporter.url).groups()
    connections = [socket.create_connection((host, int(port))) for _ in range(count)]
    for connection in connections:
        try:
            connection.sendall(b"GET /met")
        except ConnectionError:  # it was closed for a newer one
            pass
    return connections


def is_open(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


class Listening(MetricsCase):
    @classmethod
    def setUpClass(cls):
        run = ashlar("metrics", os.getpid(), "--listen", "no-port")
        if "libmicrohttpd" in run.stderr:
            raise unittest.SkipTest("built without libmicrohttpd")

    def test_answers_in_the_format_that_is_asked_for(self):
        with Holder() as holder, Exporter(holder.pid) as exporter:
            status, headers, text = exporter.get(Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
            self.assertEqual((status, headers["Content-Type"]), (200, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
            before = by(parse(self, text)["ashlar_cache_live_objects"], "cache").get(("malloc-1024",), 0)
            holder.allocate(5000, 1000)
            time.sleep(KEPT)
            status, headers, text = exporter.get()
            self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
            self.assertRegex(text, rf'(?m)^ashlar_cache_live_objects\{{.*cache="malloc-1024"\}} {int(before) + 5000}$')
            self.assertNotIn("# EOF", text)

    def test_is_for_reading_only(self):
        with Holder() as holder, Exporter(holder.pid) as exporter:
            self.assertEqual(exporter.get("/")[0], 404)
            self.assertEqual(exporter.get("/metrics/../etc/passwd")[0], 404)
            self.assertEqual(exporter.get(method="HEAD")[::2], (200, ""))
            for method in ("POST", "PUT", "DELETE"):
                status, headers, _ = exporter.get(method=method, data=b"x" * 100000)
                self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
            self.assertEqual(exporter.get()[0], 200)

    def test_many_connections_that_say_nothing_do_not_stop_it(self):
        with Holder() as holder, Exporter(holder.pid) as exporter:
            host, port = re.match(r"http://([\d.]+):(\d+)/", exporter.url).groups()
            idle = [socket.create_connection((host, int(port))) for _ in range(10)]
            self.assertEqual(exporter.get()[0], 200)
            for connection in idle:
                connection.close()

    def test_connections_that_send_half_a_request_do_not_shut_out_others(self):
        """If the answer had to wait until they time out, all would be closed by then."""
        with Holder() as holder, Exporter(holder.pid) as exporter:
            idle = half_requests(exporter, 40)
            self.assertEqual(exporter.get()[0], 200)
            left = sum(map(is_open, idle))
            for connection in idle:
                connection.close()
        self.assertTrue(10 <= left <= 16, f"{left} of 40 connections are open after another client was answered")

    def test_ends_at_once_though_all_connections_are_taken(self):
        for count in (15, 16, 40):
            with self.subTest(count=count), Holder() as holder, Exporter(holder.pid) as exporter:
                idle = half_requests(exporter, count)
                time.sleep(0.2)
                exporter.process.send_signal(signal.SIGTERM)
                self.assertEqual(exporter.process.wait(timeout=PATIENCE), OK)
                self.assertEqual(exporter.process.stderr.read(), "")
                for connection in idle:
                    connection.close()

    def test_one_client_cannot_have_all_connections(self):
        with Holder() as holder, Exporter(holder.pid, address="0.0.0.0:0") as exporter:
            port = int(re.search(r":(\d+)/", exporter.url).group(1))
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(16)]
            other = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=("127.0.0.2", 0))
            other.request("GET", "/metrics")
            self.assertEqual(other.getresponse().status, 200)
            left = sum(map(is_open, idle))
            other.close()
            for connection in idle:
                connection.close()
        self.assertTrue(1 <= left <= 4, f"{left} of 16 connections are open while another client is answered")

    def test_a_body_of_a_request_is_skipped(self):
        with Holder() as holder, Exporter(holder.pid) as exporter:
            for method in ("GET", "HEAD"):
                for data in (b"x", b"x" * 100000):
                    self.assertEqual(exporter.get(method=method, data=data)[0], 200)

    def test_processes_are_read_once_a_second_at_most(self):
        with Holder() as holder, Exporter(holder.pid) as exporter:
            live = r'(?m)^ashlar_cache_live_objects\{.*cache="malloc-1024"\} (\d+)$'
            for _ in range(20):
                begun = time.monotonic()
                time.sleep(KEPT)  # the next one is read anew
                before = exporter.get()[2]
                holder.allocate(1, 1000)
                after = exporter.get()[2]
                if time.monotonic() - begun < 2 * KEPT:
                    self.assertEqual(re.findall(live, before), re.findall(live, after))
                    return
        self.skipTest("the machine is too busy")

    def test_memory_for_one_process_does_not_keep_back_the_others(self):
        with Holder() as holder, Process(HOSTILE, "later", 12) as hostile, Exporter(holder.pid, hostile.pid) as exporter:
            self.assertEqual(exporter.get()[0], 200)
            status = Path(f"/proc/{exporter.process.pid}/status").read_text()
            limit = (int(re.search(r"VmSize:\s+(\d+) kB", status).group(1)) << 10) + (8 << 20)
            resource.prlimit(exporter.process.pid, resource.RLIMIT_AS, (limit, limit))
            hostile.process.stdin.write("\n")
            hostile.process.stdin.flush()
            self.assertEqual(hostile.process.stdout.readline(), "ready\n")
            time.sleep(KEPT)
            status, _, text = exporter.get()
        self.assertEqual(status, 200, text)
        self.assertEqual(re.findall('(?m)^ashlar_process_info.*pid="([0-9]+)"', text), [str(holder.pid)])
        self.assertIn('ashlar_processes{state="unreadable"} 1', text)

    def test_ends_though_a_process_keeps_it_waiting(self):
        with Process(HOSTILE, "waits") as hostile, Exporter(hostile.pid) as exporter:
            hostile.process.stdin.write("\n")
            hostile.process.stdin.flush()
            if hostile.process.stdout.readline() != "ready\n":
                self.skipTest("no userfaultfd here")
            host, port = re.match(r"http://([\d.]+):(\d+)/", exporter.url).groups()
            time.sleep(KEPT)
            with socket.create_connection((host, int(port))) as client:
                client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                self.assertEqual(hostile.process.stdout.readline(), "waits\n")
                exporter.process.send_signal(signal.SIGTERM)
                self.assertEqual(exporter.process.wait(timeout=PATIENCE), FAILED)
            self.assertIn("keeps the command waiting", exporter.process.stderr.read())

    def test_ends_with_a_signal(self):
        for end in (signal.SIGINT, signal.SIGTERM):
            with Holder() as holder, Exporter(holder.pid) as exporter:
                self.assertEqual(exporter.get()[0], 200)
                exporter.process.send_signal(end)
                self.assertEqual(exporter.process.wait(timeout=PATIENCE), OK)

    def test_goes_on_when_a_process_ends(self):
        with Holder() as stays:
            with Holder() as ends:
                exporter = Exporter(stays.pid, ends.pid)
                self.assertEqual(len(re.findall("(?m)^ashlar_process_info", exporter.get()[2])), 2)
            time.sleep(KEPT)
            with exporter:
                text = exporter.get()[2]
        self.assertEqual(re.findall('(?m)^ashlar_process_info.*pid="([0-9]+)"', text), [str(stays.pid)])
        self.assertIn('ashlar_processes{state="unreadable"} 1', text)

    def test_addresses_that_it_cannot_have(self):
        with Holder() as holder, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.fails(FAILED, f"cannot listen at 127.0.0.1:{port}: Address already in use", "metrics", holder.pid, "--listen", f"127.0.0.1:{port}")
            for address in ("nonsense", "127.0.0.1:", "127.0.0.1:port", "127.0.0.1:99999", "127.0.0.1:-1"):
                self.fails(USAGE, f'--listen "{address}": ', "metrics", holder.pid, "--listen", address)

    def test_prometheus_scrapes_it(self):
        self.needs("prometheus")
        with Holder() as holder, Exporter(holder.pid) as exporter:
            (self.folder / "prometheus.yml").write_text(json.dumps({
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(DOCUMENTS / "ashlar.rules.yml")],
                "scrape_configs": [{"job_name": "ashlar", "static_configs": [{"targets": [re.sub("http://|/metrics", "", exporter.url)]}]}]}))
            with Server("prometheus", f"--config.file={self.folder / 'prometheus.yml'}", f"--storage.tsdb.path={self.folder / 'data'}",
                        address="--web.listen-address") as server:
                text = server.wait_for("/api/v1/query?query=sum(ashlar_resident_bytes)by(pid)", f'"pid":"{holder.pid}"')
                kind = server.wait_for("/api/v1/metadata?metric=ashlar_purged_bytes", "counter")
        self.assertGreater(float(json.loads(text)["data"]["result"][0]["value"][1]), PAGE)
        self.assertIn('"unit":"bytes"', kind)


if __name__ == "__main__":
    unittest.main()
