"""git: read all documents in an order, through ``git cat-file --batch``: ORDER FOLDER [OPTION]."""

from __future__ import annotations

import subprocess
import sys


def main() -> None:
    """Read them as a program does that needs them: each whole, by the size git tells."""
    _, order, folder, *options = sys.argv
    words = ["git", "--git-dir", folder, "cat-file", "--batch", *options]
    count = 0
    with (
        open(order, "rb") as names,  # noqa: PTH123 - quick to start
        subprocess.Popen(words, stdin=names, stdout=subprocess.PIPE) as git,
    ):
        answers = git.stdout
        while answers and (head := answers.readline()):
            size = int(head.rsplit(b" ", 1)[1])
            document = answers.read(size + 1)
            count += len(document) == size + 1
    with open(order, "rb") as names:  # noqa: PTH123 - quick to start
        wanted = sum(1 for _ in names)
    if git.returncode or count != wanted:
        sys.exit(f"git gave {count} of {wanted} documents")


if __name__ == "__main__":
    main()
