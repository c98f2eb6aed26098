"""The only exception that ends the command with a message and no traceback."""


class CompareError(Exception):
    """An error that the user can correct. The text names the option or file, and what was expected."""


def quoted_list(names):
    """Returns names for an error message: a, b, c."""
    return ", ".join(names) if names else "none"
