"""`python -m repro.cli`, as torchrun starts it."""

import sys

from repro.cli.main import main

sys.exit(main())
