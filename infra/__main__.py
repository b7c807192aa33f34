"""The entry point of ``pulumi up``; the program is a function, so that tests can run it too."""

from infra.program import program

program()
