"""``python -m producer``: the same as ``sightline enqueue``."""

import sys

from sightline.cli import main

if __name__ == "__main__":
    sys.exit(main(["enqueue", *sys.argv[1:]]))
