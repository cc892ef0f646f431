"""``python -m wsanalytics`` is the command ``wsanalytics``."""

import sys

from wsanalytics.cli import main

sys.exit(main())
