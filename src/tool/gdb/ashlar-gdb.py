"""gdb: commands about the heap of the program that is debugged, which runs or is a core file.

    ashlar info             what its memory is used for
    ashlar block ADDRESS    everything about the block around an address; ADDRESS is any expression of the program's
    ashlar who ADDRESS      what points to that block
    ashlar walk             the blocks that it holds; --class NAME and --min BYTES choose some
    ashlar leaks            the blocks that nothing points to; with the options of the command

The work is done by the command ashlar(1), which reads the process while gdb has it stopped. "set ashlar-command PATH"
names the command, if it is neither in PATH nor beside the library with which gdb has loaded this file. A process that
gdb reaches by a server (gdbserver, rr) cannot be read.
"""
import os
import re
import shutil
import subprocess

import gdb


class AshlarCommand(gdb.Parameter):
    """The path of the command ashlar(1)."""

    set_doc = "Set the path of the command ashlar(1)"
    show_doc = "Show the path of the command ashlar(1)"

    def __init__(self):
        super().__init__("ashlar-command", gdb.COMMAND_DATA, gdb.PARAM_OPTIONAL_FILENAME)
        self.value = ""

    def get_set_string(self):
        return ""

    def get_show_string(self, value):
        return f'The command is "{value or find_tool()}".'


PARAMETER = AshlarCommand()
# The library for which gdb loads this file, or None where a user does. Only a folder that gdb trusts leads it here; other
# libraries of the program are of the program's choice, and what lies beside them is not run.
LIBRARY = os.path.realpath(gdb.current_objfile().filename) if gdb.current_objfile() else None
# Of a word, which gdb takes for a negative number where its type is signed.
WORD = (1 << 64) - 1


def find_tool():
    """Returns the path of the command: the one that was set, the one in PATH, or the one of the installation that gdb trusts."""
    if PARAMETER.value:
        return PARAMETER.value
    found = shutil.which("ashlar")
    if found:
        return found
    for up in ("../bin", "../../bin") if LIBRARY else ():
        path = os.path.normpath(os.path.join(os.path.dirname(LIBRARY), up, "ashlar"))
        if os.access(path, os.X_OK):
            return path
    raise gdb.GdbError('The command ashlar is not found: "set ashlar-command PATH" names it.')


def core_file():
    """Returns the path of the core file that is debugged, or None."""
    found = re.search(r"Local core dump file:\s*[`'](.*)', file type", gdb.execute("info files", to_string=True))
    return found.group(1) if found else None


def target():
    """Returns the words that name the program on the command's line."""
    core = core_file()
    if core:
        return ["--core", core]
    inferior = gdb.selected_inferior()
    if inferior.pid == 0:
        raise gdb.GdbError("No program runs, and there is no core file.")
    # gdb 11 and older do not know the connection.
    connection = getattr(inferior, "connection", None)
    if connection is not None and connection.type != "native":
        raise gdb.GdbError(f'The program is reached by the target "{connection.type}": only a process that this gdb runs or is '
                           'attached to can be read, or a core file (generate-core-file writes one).')
    return [str(inferior.pid)]


def registers():
    """Returns the registers of all threads, which no other process can read while gdb has this one stopped."""
    if core_file():
        return []
    words = []
    selected, frame = gdb.selected_thread(), gdb.selected_frame()
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            top = gdb.newest_frame()
            values = []
            for register in top.architecture().registers("general"):
                value = top.read_register(register)
                if value.type.sizeof == 8:
                    values.append(f"{int(value) & WORD:x}")
            words += ["--registers", f"{thread.ptid[1] or thread.ptid[0]}:{','.join(values)}"]
    finally:
        selected.switch()
        frame.select()
    return words


def run(words):
    """Runs the command and shows its output."""
    try:
        done = subprocess.run([find_tool(), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        raise gdb.GdbError(f"{find_tool()}: {error.strerror}") from error
    text = done.stdout.decode(errors="replace")
    if done.returncode == 0:
        gdb.write(text)
        return
    how = f"signal {-done.returncode} ended it" if done.returncode < 0 else f"it ended with status {done.returncode}"
    raise gdb.GdbError(text.rstrip("\n") or f"{find_tool()}: {how}, and it wrote nothing.")


class Ashlar(gdb.Command):
    """Commands about the heap of a program that has Ashlar: info, block, who, walk, leaks."""

    def __init__(self):
        super().__init__("ashlar", gdb.COMMAND_DATA, prefix=True)


class Report(gdb.Command):
    """A report. The reports and their texts are defined below."""

    COMPLETES = gdb.COMPLETE_NONE

    def __init__(self, name, text, words, more=()):
        self.__doc__ = text
        self.words, self.more = words, more
        super().__init__(f"ashlar {name}", gdb.COMMAND_DATA, self.COMPLETES)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        options = gdb.string_to_argv(argument)
        run([self.words, *target(), *options, *(registers() if "registers" in self.more else [])])


class AddressReport(Report):
    """A report about an address, which is its first argument."""

    COMPLETES = gdb.COMPLETE_EXPRESSION

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if not argument:
            raise gdb.GdbError("An address is needed: any expression of the program.")
        address = address_of(argument)
        run([self.words, *target(), f"{address:x}", *(registers() if "registers" in self.more else [])])


def address_of(expression):
    """Returns the value of an expression of the program, as one word."""
    try:
        value = gdb.parse_and_eval(expression)
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        if value.type.strip_typedefs().code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_FUNC):
            value = value.address
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_VOID:
            raise gdb.GdbError(f"{expression} has no value.")
        return int(value) & WORD
    except gdb.error as error:
        raise gdb.GdbError(str(error)) from None


Ashlar()
Report("info", "What the program's memory is used for, like ashlar doctor.", "doctor")
Report("walk", "The blocks that the program holds, like ashlar walk: ashlar walk [--class NAME] [--min BYTES]", "walk")
Report("leaks", "The blocks that nothing points to, like ashlar leaks: ashlar leaks [--top N] [--min BYTES]", "leaks", ("registers",))
AddressReport("block", "Everything about the block around an address, like ashlar page: ashlar block EXPRESSION", "page")
AddressReport("who", "What points to the block around an address, like ashlar who: ashlar who EXPRESSION", "who", ("registers",))
