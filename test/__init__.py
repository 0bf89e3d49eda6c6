"""Tests: unit (a mirror of the package), golden, drivers, vcluster, bench."""
