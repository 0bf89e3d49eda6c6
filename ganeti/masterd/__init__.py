"""The master daemon's parts: what it knows, what it answers, how it comes and goes."""
