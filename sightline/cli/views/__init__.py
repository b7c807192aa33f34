"""How results are shown: as the JSON of ``--json``, and as text and tables for people."""
