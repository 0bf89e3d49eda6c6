"""Where to put instances, what to move, is it safe, how many more fit: the balancing model.

It imports only the ground floor (never objects, opcodes or rpc) and runs anywhere. The programs
around it are in `prog`; they alone talk to daemons.
"""

import os

# the arrays here are small or simple: threads of the linear algebra library only cost start-up
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
