"""Runs nginx: ab's load on two workers, compression, a proxy hop, large headers, a reload during requests, and a graceful
end.
"""

import hashlib
import re
import signal
import urllib.request

import harness

CONFIGURATION = """
daemon off; worker_processes 2; pid nginx.pid; error_log error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log access.log; server_tokens off; types {{ text/plain txt; }}
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  gzip on; gzip_min_length 100; gzip_types text/plain; large_client_header_buffers 8 32k; etag off;
  server {{
    listen 127.0.0.1:{port}; root files; keepalive_requests 1000;
    location /proxy/ {{ proxy_pass http://127.0.0.1:{port}/; proxy_buffers 4 8k; }}
    location /empty {{ return 204; }}
    location /made {{ return 200 "$request_method $arg_n $http_x_large\\n"; }}
  }}
}}
"""
FILES = {"small.txt": 200, "page.txt": 12_000, "large.txt": 400_000}


def fetch(port: int, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return answer.status, answer.read()


def body(side: harness.Side) -> None:
    port = harness.free_port()
    files = side.work / "files"
    files.mkdir()
    for name, size in FILES.items():
        (files / name).write_text("".join(f"line {n}\n" for n in range(size // 8))[:size])
    (side.work / "nginx.conf").write_text(CONFIGURATION.format(port=port))
    side.dir.chmod(0o755)  # a master that is root has workers of another user
    (side.work / "error.log").touch()
    server = side.start(["nginx", "-p", side.work, "-c", "nginx.conf", "-e", "error.log"])

    def answers() -> bool:
        harness.check(server.poll() is None, "nginx ended at its start: " + (side.work / "error.log").read_text())
        try:
            return fetch(port, "empty", {})[0] == 204
        except OSError:
            return False

    harness.wait_until(answers, "nginx answers")

    def load(path: str, requests: int, *words: str) -> None:
        report = side.run(["ab", "-q", "-n", str(requests), "-c", "20", *words, f"http://127.0.0.1:{port}/{path}"], note=False)
        wanted = r"^(Complete requests|Failed requests|Non-2xx responses|HTML transferred|Document Length):\s*(.*)$"
        side.note(f"ab {path} {words}", "\n".join(" ".join(found) for found in re.findall(wanted, report, re.MULTILINE)))
        harness.check(f"Complete requests:      {requests}\n" in report and "Failed requests:        0\n" in report, report)

    load("small.txt", 4000, "-k")
    load("page.txt", 2000, "-k", "-H", "Accept-Encoding: gzip")
    load("large.txt", 300)
    load("proxy/page.txt", 1000)
    side.check_mapped(server.pid)
    old_workers = harness.descendants(server.pid)
    server.send_signal(signal.SIGHUP)
    harness.wait_until(lambda: not set(old_workers) & set(harness.descendants(server.pid)), "the reload ends the old workers")
    load("proxy/large.txt", 200, "-k")
    side.check_mapped(server.pid)
    for path in [*FILES, "proxy/large.txt", "made?n=5"]:
        for headers in ({}, {"Accept-Encoding": "gzip"}, {"X-Large": "h" * 20_000}):
            status, content = fetch(port, path, headers)
            side.note(f"{path} {list(headers)}", f"{status} {len(content)} {hashlib.sha256(content).hexdigest()}")
    side.stop(server, signal.SIGQUIT)
    errors = (side.work / "error.log").read_text()
    harness.check(not re.search(r"\[(alert|emerg|crit|error)\]", errors), f"nginx reported:\n{errors}")


harness.main(body, ["nginx", "ab"])
