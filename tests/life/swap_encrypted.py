#!/usr/bin/env python3
"""Tests swap areas that the kernel encrypts: swap_encrypted.py PROGRAM WORK refused|disk

refused   on a file system without fscrypt no area is made, and one line says what to do
disk      on ext4 with the feature encrypt, in a file that is mounted for the test: a pattern that the program and its child write is nowhere
          in the bytes of the disk, also if the process is killed, and no folder is left; without encryption it is there. Needs root and
          loop devices, and is skipped elsewhere.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIP = 77
PATTERN = "a secret that must not reach the disk in plain text 0123456789--"
PATTERNS = (PATTERN.encode(), PATTERN[::-1].encode())


def run(program, folder, mode):
    return subprocess.run([program, folder, PATTERN, mode], capture_output=True, text=True, timeout=300, check=False)


def test_refused(program, work):
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else work)  # tmpfs has no fscrypt
    try:
        done = run(program, folder, "refused")
        lines = done.stderr.splitlines()
        assert done.returncode == 0, done
        assert lines[0].startswith(f"ashlar: ashlar_swapon(): {folder} is in no file system that encrypts"), lines
        assert "dm-crypt" in lines[0] and "kept cannot be encrypted" in lines[1] and len(lines) == 2, lines
        assert not os.listdir(folder)
        option = {**os.environ, "ASHLAR_OPTIONS": f"swap={folder}:64m,swap_encrypt", "LD_PRELOAD": ""}
        done = subprocess.run([program, folder, PATTERN, "refused"], env=option, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr.splitlines()[0].startswith(f"ashlar: swap={folder}:67108864: no swap area was made: its path is in no"), done.stderr
    finally:
        shutil.rmtree(folder)
    return 0


def is_on_disk(image):
    with open(image, "rb") as file:
        data = file.read()
    return [pattern in data for pattern in PATTERNS]


def test_disk(program, work):
    tools = [shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") for name in ("mkfs.ext4", "mount", "umount")]
    if os.geteuid() != 0 or None in tools:
        print("SKIP: needs root, mkfs.ext4 and mount")
        return SKIP
    mkfs, mount, umount = tools
    with tempfile.TemporaryDirectory(dir=work) as place:
        image, folder = Path(place) / "disk", Path(place) / "mounted"
        folder.mkdir()
        for mode, expected in (("encrypt", [False, False]), ("killed", [False, False]), ("plain", [True, True])):
            with open(image, "wb") as file:
                file.truncate(256 << 20)
            if subprocess.run([mkfs, "-q", "-O", "encrypt", image], capture_output=True, check=False).returncode != 0 or subprocess.run(
                    [mount, "-o", "loop", image, folder], capture_output=True, check=False).returncode != 0:
                print("SKIP: no ext4 with the feature encrypt can be made or mounted")
                return SKIP
            try:
                done = run(program, str(folder), mode)
                left = [name for name in os.listdir(folder) if name != "lost+found"]
            finally:
                subprocess.run([umount, folder], check=True)
            if mode == "encrypt" and "is in no file system" in done.stderr:
                print("SKIP: the kernel has no fscrypt")
                return SKIP
            assert done.stdout == "done\n" or (mode == "killed" and done.returncode == -9), (mode, done)
            assert left == [], left
            assert is_on_disk(image) == expected, (mode, is_on_disk(image))
    return 0


def main():
    program, work, mode = sys.argv[1:]
    return test_refused(program, work) if mode == "refused" else test_disk(program, work)


if __name__ == "__main__":
    sys.exit(main())
