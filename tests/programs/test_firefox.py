"""Runs firefox-esr, which draws a local page without a screen. None of its processes may crash.

Firefox has a malloc of its own and some of the operators, so that its processes are not checked for binding malloc to the library.
strace tells which signal ends a process: children that crash are not seen otherwise.
"""

import hashlib
import re

import harness

# No text: fonts differ between machines, and there may be none.
PAGE = """<!DOCTYPE html>
<style>body { margin: 0; background: #246 } div { height: 20px }</style>
<script>
for (let i = 0; i < 24; ++i) {
  const bar = document.createElement('div');
  bar.style.width = (i * 37 % 100) + '%';
  bar.style.background = `rgb(${i * 10}, ${255 - i * 10}, ${i * 53 % 255})`;
  document.body.appendChild(bar);
}
const values = [];
for (let i = 0; i < 200000; ++i) values.push({ n: i * 7919 % 200000, text: 'value ' + i });
values.sort((a, b) => a.n - b.n);
document.body.style.background = values[5].n === 5 ? '#362' : '#f00';
// A sound, for which a process of its own is started.
const samples = 8000, wave = new DataView(new ArrayBuffer(44 + samples));
const put = (at, text) => [...text].forEach((letter, i) => wave.setUint8(at + i, letter.charCodeAt(0)));
put(0, 'RIFF'); put(8, 'WAVEfmt '); put(36, 'data');
for (const [at, value] of [[4, 36 + samples], [16, 16], [24, 8000], [28, 8000], [40, samples]]) wave.setUint32(at, value, true);
for (const [at, value] of [[20, 1], [22, 1], [32, 1], [34, 8]]) wave.setUint16(at, value, true);
for (let i = 0; i < samples; ++i) wave.setUint8(44 + i, 128 + i % 50);
const sound = new Audio(URL.createObjectURL(new Blob([wave.buffer], { type: 'audio/wav' })));
sound.muted = true;
sound.load();
new OfflineAudioContext(1, samples, 8000).decodeAudioData(wave.buffer.slice(0));
for (const end = Date.now() + 500; Date.now() < end;) ;
</script>
"""
PREFERENCES = """
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("network.dns.disabled", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,");
"""
ENVIRONMENT = {"LD_DEBUG": "", "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_HEADLESS_WIDTH": "640", "MOZ_HEADLESS_HEIGHT": "480"}


def body(side: harness.Side) -> None:
    profile = side.work / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(PREFERENCES)
    (side.work / "page.html").write_text(PAGE)
    picture, trace, log = side.work / "picture.png", side.work / "trace", side.work / "log"
    # strace itself runs without the library.
    preload = ["-E", f"LD_PRELOAD={side.preload}"] if side.preload else []
    with open(log, "w") as output:
        browser = side.start(
            ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=execve", "-o", trace, *preload, "firefox-esr", "--headless",
             "--no-remote", "--profile", profile, "--window-size", "640,480", "--screenshot", picture, f"file://{side.work}/page.html"],
            env=ENVIRONMENT | {"LD_PRELOAD": ""}, stdout=output, stderr=output)
        mapped = False
        for _ in range(450):
            if browser.poll() is not None:
                break
            processes = harness.descendants(browser.pid)
            mapped = mapped or bool(processes and side.library and has_library(processes, str(side.library)))
            harness.pause(0.1)
    said = log.read_text(errors="replace")
    harness.check(browser.returncode == 0, f"[{side.name}] firefox-esr: status {browser.returncode}\n{said[-3000:]}")
    harness.check(mapped or not side.library, "no process had the library mapped")
    crashes = re.findall(r".*killed by SIG(?!KILL|TERM).*", trace.read_text(errors="replace"))
    harness.check(not crashes, f"[{side.name}] processes crashed:\n" + "\n".join(crashes) + f"\n{said[-3000:]}")
    harness.check("ashlar:" not in said and "AbnormalShutdown" not in said, f"[{side.name}] firefox-esr said:\n{said[-3000:]}")
    side.note("picture", f"{picture.stat().st_size} {hashlib.sha256(picture.read_bytes()).hexdigest()}")
    side.note("processes ended", "all")


def has_library(processes: list[int], library: str) -> bool:
    for pid in processes:
        try:
            with open(f"/proc/{pid}/maps") as maps:
                if library in maps.read():
                    return True
        except OSError:
            continue
    return False


harness.main(body, [])
