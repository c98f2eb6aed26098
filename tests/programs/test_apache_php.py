"""Runs apache2 with mod_php: pages that PHP makes, in one process, and a graceful end."""

import hashlib
import pwd
import urllib.request
from pathlib import Path

import harness

CONFIGURATION = """
ServerRoot {dir}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {dir}/apache2.pid
ErrorLog {dir}/error.log
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule php_module {php}
{user}
TypesConfig /dev/null
DocumentRoot {dir}/pages
AddHandler application/x-httpd-php .php
AddOutputFilter DEFLATE php
"""
PAGE = """<?php
header('Content-Type: text/plain');
$rows = [];
for ($i = 0; $i < (int)$_GET['n']; ++$i) $rows["row $i"] = str_repeat(chr(97 + $i % 26), $i % 80);
echo json_encode($rows), "\\n", preg_replace('/a+/', 'b', implode(' ', $rows)), "\\n";
$document = new DOMDocument();
$document->loadXML('<list>' . str_repeat('<item/>', 1000) . '</list>');
echo $document->getElementsByTagName('item')->length, ' ', (new Collator('de_DE'))->compare('ä', 'z'), "\\n";
"""


def fetch(port: int, count: int, compressed: bool) -> bytes:
    headers = {"Accept-Encoding": "gzip"} if compressed else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/page.php?n={count}", headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return answer.read()


def is_user(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


def body(side: harness.Side) -> None:
    port = harness.free_port()
    modules = sorted(Path("/usr/lib/apache2/modules").glob("libphp*.so"))
    harness.check(len(modules) > 0, "there is no /usr/lib/apache2/modules/libphp*.so")
    (side.work / "pages").mkdir()
    (side.work / "pages" / "page.php").write_text(PAGE)
    # A server that is started by root gives up its rights for these; others keep their own.
    user = "User www-data\nGroup www-data" if is_user("www-data") else ""
    (side.work / "apache.conf").write_text(CONFIGURATION.format(dir=side.work, port=port, php=modules[0], user=user))
    server = side.start(["apache2", "-X", "-f", side.work / "apache.conf"])

    def answers() -> bool:
        log = side.work / "error.log"
        harness.check(server.poll() is None, f"apache2 ended at its start with {server.returncode}: " + (log.read_text() if log.exists() else ""))
        try:
            return len(fetch(port, 1, False)) > 0
        except OSError:
            return False

    harness.wait_until(answers, "apache2 answers")
    for count in (0, 10, 5000):
        for compressed in (False, True):
            for _ in range(20):
                content = fetch(port, count, compressed)
            side.note(f"{count} rows, compressed {compressed}", f"{len(content)} {hashlib.sha256(content).hexdigest()}")
    load = side.run(["ab", "-q", "-n", "500", "-c", "1", f"http://127.0.0.1:{port}/page.php?n=300"], note=False)
    harness.check("Complete requests:      500\n" in load and "Failed requests:        0\n" in load, load)
    side.check_mapped(server.pid)
    side.stop(server)
    errors = (side.work / "error.log").read_text()
    harness.check(not any(word in errors for word in ("exit signal", "PHP Fatal", "PHP Warning", "ashlar:")), f"apache2 reported:\n{errors}")


harness.main(body, ["apache2", "ab"])
