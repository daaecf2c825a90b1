"""Write the files that a list names to stdout as blobs for git fast-import: FEED LIST."""

import sys


def main() -> None:
    """Write one blob a file."""
    out = sys.stdout.buffer
    with open(sys.argv[1]) as listed:  # noqa: PTH123 - quick to start
        for line in listed:
            with open(line[:-1], "rb", buffering=0) as file:  # noqa: PTH123 - quick to start
                data = file.read()
            out.write(b"blob\ndata %d\n%b\n" % (len(data), data))


main()
