"""`python -m ganeti.tools.demo_guest`."""

import sys

from ganeti.tools.demo_guest import main

sys.exit(main())
