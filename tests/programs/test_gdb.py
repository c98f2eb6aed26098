"""Runs gdb: it calls functions in a running program, with texts as arguments, for which it calls the program's malloc."""

import re

import harness

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
int f(const char* text) { return (int)strlen(text); }
int main(void) {
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
  puts("ready");
  fflush(stdout);
  for (;;) {
    free(malloc(5000));
    usleep(100);
  }
}
"""
COMMANDS = ('print (long)malloc(100) != 0', 'call f("text")', 'call (int)puts("x")', 'call (int)fflush(0)',
            'call (unsigned long)strlen("hello")', 'print malloc(40) != 0', 'call free(malloc(3))')


TYPES = ("whatis malloc", "whatis calloc", "whatis free")
# What this gdb says where it cannot write the registers of this machine's processor: it cannot call any function then.
UNABLE = "Couldn't write extended state status"


def gdb(side: harness.Side, pid: int, *commands: str) -> str:
    arguments = [word for command in commands for word in ("-ex", command)]
    # The shell adds what gdb says on standard error, and its exit status is that of the last command only.
    return side.run(["bash", "-c", '"$@" 2>&1 || true', "bash", "gdb", "-nx", "-batch", "-p", pid, *arguments], note=False, timeout=100)


def body(side: harness.Side) -> None:
    (side.work / "program.c").write_text(PROGRAM)
    side.run(["gcc", "-g", "-O0", "-w", "program.c", "-o", "program"])
    printed = side.work / "printed"
    with open(printed, "w") as output:
        program = side.start([side.work / "program"], stdout=output)
    harness.wait_until(lambda: "ready" in printed.read_text(), "the program is ready")
    types = gdb(side, program.pid, *TYPES)
    harness.check("void (void)" not in types, f"[{side.name}] gdb takes a function for one without arguments:\n{types}")
    if UNABLE in gdb(side, program.pid, "print (int)getpid()"):
        print(f"{side.name}: this gdb can call no function on this machine; only the types were looked at")
        side.note("types", "looked at")
    else:
        told = gdb(side, program.pid, *COMMANDS)
        side.note("values", "\n".join(re.findall(r"^\$\d+ = .*", told, re.MULTILINE)))
        side.note("printed", printed.read_text())
        harness.check(told.count("= ") >= 5 and "No memory" not in told, told)
    harness.check(program.poll() is None, f"the program ended with {program.returncode}")
    program.kill()
    program.wait()


harness.main(body, ["gdb", "program"])
