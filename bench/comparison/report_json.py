"""Writes sessions to JSON files after every round of a row, and reads them for --load."""

import json
import os

from .errors import CompareError
from .model import Session


def save(session, path):
    """Replaces the file atomically, so that an interrupted run leaves a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.write_text(json.dumps(session.to_dict(), separators=(",", ":")) + "\n")
        fresh.replace(path)
    except OSError as error:
        raise CompareError(f"cannot write {path}: {error.strerror}") from None


def load(path):
    """Returns the session of --load FILE. Raises CompareError if the file has none."""
    try:
        return Session.from_dict(json.loads(path.read_text()))
    except OSError as error:
        raise CompareError(f"--load {path}: {error.strerror}; expected a JSON file of bench/compare") from None
    except ValueError as error:
        raise CompareError(f"--load {path}: no JSON: {error}; expected a JSON file of bench/compare") from None
    except CompareError as error:
        raise CompareError(f"--load {path}: {error}") from None
