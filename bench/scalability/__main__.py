"""The program that bench/scaling runs."""

import os
import sys

from .cli import main

# What it measures is not to inherit where this package lies.
os.environ.pop("PYTHONPATH", None)
sys.exit(main(sys.argv[1:]))
