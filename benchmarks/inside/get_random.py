"""aivcs: read objects in the order of a list, by one call or one by one: LIST REPOSITORY HOW."""

from __future__ import annotations

import sys

import aivcs


def main() -> None:
    """Read them all; every byte is verified by the library."""
    _, source, folder, how = sys.argv
    with open(source) as file:  # noqa: PTH123 - quick to start
        digests = file.read().split()
    with aivcs.open(folder) as repo:
        if how == "many":
            for _ in repo.objects.get_many(digests):
                pass
        else:
            for digest in digests:
                repo.objects.get(digest)


if __name__ == "__main__":
    main()
