"""The program that bench/compare runs."""

import os
import sys

from .cli import main

# The measured programs must not inherit the path of this package.
os.environ.pop("PYTHONPATH", None)
sys.exit(main(sys.argv[1:]))
