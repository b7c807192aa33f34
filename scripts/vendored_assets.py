"""Fetches the page's JavaScript libraries and its land outlines from pinned npm packages.

    .venv/bin/python -m scripts.vendored_assets

Each package is packed by `npm pack`, and its SHA-512 is compared with the pin below. Named files
and the licence are copied to `sightline/web/static/vendor/`, beside a list of their hashes, which a
test recomputes. To take a new version, change its pin; npm prints the new hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "sightline" / "web" / "static" / "vendor"
HASHES = VENDOR / "hashes.json"
LAND_DIGITS = 2
"""Decimals of a degree in the land outlines, about a kilometre: their scale is 1:50 million."""


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned npm package, and what is taken from it."""

    name: str
    version: str
    sha512: str
    """Of the packed file, in base64, as npm writes it."""
    licence: str
    files: Mapping[str, str]
    """Path in the package to name in its folder below `vendor`."""


def _whole(content: bytes) -> bytes:
    return content


PACKAGES = (
    Package(
        "maplibre-gl",
        "6.17.0",
        "2chIZwpLGenoUQOcnm9Pk4SLbA8ppNFq8jlpXiq9vcYm3Y1wJ3fc82FL0GLwBaPYJCLzPv/mC46KEupVov75rQ==",
        "BSD-3-Clause",
        {
            "dist/maplibre-gl.mjs": "maplibre-gl.mjs",
            "dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
            "dist/maplibre-gl.css": "maplibre-gl.css",
            "LICENSE.txt": "LICENSE.txt",
        },
    ),
    Package(
        "uplot",
        "1.6.32",
        "KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        "MIT",
        {
            "dist/uPlot.esm.js": "uPlot.esm.js",
            "dist/uPlot.min.css": "uPlot.min.css",
            "LICENSE": "LICENSE",
        },
    ),
    Package(
        "world-atlas",
        "2.0.2",
        "IXfV0qwlKXpckz1FhwXVwKRjiIhOnWttOskm5CtxMsjgE/MXAYRHWJqgXOpM8IkcPBoXnyTU5lFHcYa5ChG0LQ==",
        "ISC",
        {"land-50m.json": "land.json", "LICENSE": "LICENSE"},
    ),
)


def main() -> None:
    """Fetch the packages, and write their files and the list of hashes."""
    for package in PACKAGES:
        folder = VENDOR / package.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in fetched(package):
            (folder / name).write_bytes(content)
            print(f"{package.name}/{name}: {len(content):,} bytes")
    HASHES.write_text(json.dumps(hash_list(), indent=2) + "\n")


def fetched(package: Package) -> Iterator[tuple[str, bytes]]:
    """Return the files to keep of a package.

    Raises:
        SystemExit: the package is not the pinned one.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = f"{package.name}@{package.version}"
        subprocess.run(["npm", "pack", "--silent", source], cwd=folder, check=True)
        packed = next(Path(folder).glob("*.tgz"))
        digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if digest != package.sha512:
            raise SystemExit(f"{source} has the SHA-512 {digest}, not the pinned one; check it")
        with tarfile.open(packed) as members:
            for path, name in package.files.items():
                member = members.extractfile(f"package/{path}")
                if member is None:
                    raise SystemExit(f"{source} has no file {path}; correct its list of files")
                yield name, PREPARED.get(path, _whole)(member.read())


def hash_list() -> list[dict[str, object]]:
    """Return the packages with the SHA-256 of each file as it is in the folder."""
    return [
        {
            "package": package.name,
            "version": package.version,
            "sha512": package.sha512,
            "licence": package.licence,
            "files": {
                name: hashlib.sha256((VENDOR / package.name / name).read_bytes()).hexdigest()
                for name in package.files.values()
            },
        }
        for package in PACKAGES
    ]


def land_outlines(topology: bytes) -> bytes:
    """Return the land of a TopoJSON file as one GeoJSON MultiPolygon, rounded.

    In TopoJSON, polygons refer to arcs, `~n` to a reversed one, whose positions are quantised
    differences (https://github.com/topojson/topojson-specification).
    """
    document = json.loads(topology)
    (scale_x, scale_y), (move_x, move_y) = (
        document["transform"][k] for k in ("scale", "translate")
    )
    arcs = []
    for arc in document["arcs"]:
        x = y = 0
        positions = []
        for step_x, step_y in arc:
            x, y = x + step_x, y + step_y
            positions.append((x * scale_x + move_x, y * scale_y + move_y))
        arcs.append(positions)

    def ring(indices: list[int]) -> list[list[float]]:
        positions: list[list[float]] = []
        for index in indices:
            for x, y in arcs[~index][::-1] if index < 0 else arcs[index]:
                position = [round(x, LAND_DIGITS), round(y, LAND_DIGITS)]
                if positions[-1:] != [position]:
                    positions.append(position)
        return positions

    land = document["objects"]["land"]
    polygons = [
        [outline for indices in polygon if len(outline := ring(indices)) >= 4]
        for geometry in land.get("geometries", [land])
        for polygon in geometry["arcs"]
    ]
    outlines = {"type": "MultiPolygon", "coordinates": [polygon for polygon in polygons if polygon]}
    return json.dumps(outlines, separators=(",", ":")).encode()


PREPARED: Mapping[str, Callable[[bytes], bytes]] = {"land-50m.json": land_outlines}
"""What is done to a file, by its path in the package; others are copied as they are."""


if __name__ == "__main__":
    main()
