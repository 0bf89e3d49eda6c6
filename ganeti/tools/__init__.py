"""Programs beside the daemons and the gnt-* commands; no part of the cluster imports them."""
