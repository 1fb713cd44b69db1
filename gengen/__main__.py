"""`python -m gengen` is the command `gengen`."""

import sys

from gengen.cli.console import main

sys.exit(main())
