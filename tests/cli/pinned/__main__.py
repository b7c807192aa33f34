"""Write down anew what commands print."""

from tests.cli.pinned import main

main()
