"""``python -m worker``: the same as ``sightline work``."""

import sys

from sightline.cli import main

if __name__ == "__main__":
    sys.exit(main(["work", *sys.argv[1:]]))
