"""What Sightline does, one use case a module; every face (command line, Python, page) calls these.

An operation takes an open ``Engine`` or ``Warehouse`` (or the settings, where it opens things of
its own), typed arguments, and ``progress``; it returns a frozen dataclass. It never prints and
never reads options.
"""
