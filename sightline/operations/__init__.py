"""What Sightline does, one use case per module; the command line, Python and the pages call these.

An operation takes an open ``Engine`` or ``Warehouse`` (or the settings, if it opens its own
resources), typed arguments, and ``progress``; it returns a frozen dataclass. It never prints and
never reads options.
"""
