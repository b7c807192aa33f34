"""``pulumi up`` runs this; the program itself is a function, so that tests run it too."""

from infra.program import program

program()
