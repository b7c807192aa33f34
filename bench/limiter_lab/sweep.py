"""Tries our limiter with other constants: one line a set of them, means over seeds.

    python -m bench.limiter_lab.sweep --scenario eight --round-trip 2 --seeds 6 \\
      "" unseen_peers.quota_finder.HINTS_BELOW=1 \\
      "unseen_peers.growth.RECOVERY_S=6 unseen_peers.growth.CUT=0.85"

An empty set is the limiter as it is. A round trip is in seconds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from statistics import mean
from types import ModuleType
from unittest.mock import patch

from bench.limiter_lab.competitors import seen, unseen
from bench.limiter_lab.scenario_runs import BY_NAME, runs

Constants = Mapping[str, Mapping[str, float]]
"""Numbers by the module of ``worker.limiting`` that they are in, and by their names."""


def read_constants(text: str) -> Constants:
    """Return the values of ``module.CONSTANT=number ...``, by module and name.

    Raises:
        ValueError, ModuleNotFoundError: it is none, or there is no such constant to replace.
    """
    by_module: dict[str, dict[str, float]] = {}
    for part in text.split():
        name, _, value = part.partition("=")
        module, _, constant = name.rpartition(".")
        if constant not in vars(_module(module)):
            raise ValueError(f"{name} is no constant of the limiter")
        by_module.setdefault(module, {})[constant] = float(value)
    return by_module


@contextmanager
def changed(constants: Constants) -> Iterator[None]:
    """Let the limiter use these constants."""
    with ExitStack() as stack:
        for module, own in constants.items():
            stack.enter_context(patch.dict(vars(_module(module)), own))
        yield


def _module(name: str) -> ModuleType:
    return import_module(f"worker.limiting.{name}")


def main() -> None:
    """Print a table of what each set of constants brings in each scenario."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("constants", nargs="*", default=[{}], type=read_constants)
    parser.add_argument("--scenario", action="append", choices=BY_NAME, required=True)
    parser.add_argument("--round-trip", action="append", type=float)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seen", action="store_true", help="workers see each other")
    options = parser.parse_args()
    policy = seen if options.seen else unseen
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for name in options.scenario:
        for round_trip_s in options.round_trip or (2.0,):
            print(f"{BY_NAME[name].title}, {round_trip_s:g} s, {options.seeds} runs")
            for constants in options.constants:
                with changed(constants):
                    rows = runs(BY_NAME[name], policy, round_trip_s, seeds, told_peers=options.seen)
                measures = ", ".join(
                    f"{key} {mean(row[key] for row in rows):.3g}" for key in rows[0]
                )
                print(f"  {_named(constants)}: {measures}", flush=True)


def _named(constants: Constants) -> str:
    named = (
        f"{module}.{constant}={value:g}"
        for module, own in constants.items()
        for constant, value in own.items()
    )
    return " ".join(named) or "as it is"


if __name__ == "__main__":
    main()
