"""ensure-dirs: makes the directories of this node and sets modes and owners right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ganeti import constants
from ganeti.utils import directories, log


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the program."""
    parser = argparse.ArgumentParser(prog="ensure-dirs", allow_abbrev=False,
                                     description=__doc__)
    parser.add_argument("-d", "--debug", action="count", default=0, help="say everything")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is changed")
    parser.add_argument("-f", "--full-run", action="store_true", dest="full_run",
                        help="look at every job's file too")
    parser.add_argument("--version", action="version",
                        version=f"ensure-dirs (ganeti) {constants.RELEASE_VERSION}")
    options = parser.parse_args(argv)
    log.setup("ensure-dirs", debug=options.debug, stderr=bool(options.debug))
    try:
        changes = directories.ensure_directories() + directories.ensure_files()
        if options.full_run:
            changes += directories.ensure_jobs()
    except OSError as err:
        print(f"ensure-dirs: {err.filename or 'error'}: {err.strerror}", file=sys.stderr)
        return constants.EXIT_FAILURE
    if options.verbose:
        print("\n".join(changes) if changes else "Everything is as it should be")
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
