"""The one exception that ends the command with a message and no traceback."""


class CompareError(Exception):
    """Something the user can put right: the text names the option or file, and what was expected."""


def quoted_list(names):
    """Names for an error message: a, b, c."""
    return ", ".join(names) if names else "none"
