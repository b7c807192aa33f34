"""Likely mistakes of the first hour: what a newcomer types, and what the program answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """A command as it is typed, its exit code, and a part of the sentence that it prints.

    The folder holds ``photos`` (imported, and worked on), and the files of ``FILES``.
    """

    command: str
    code: int
    sentence: str


HEADER = "observation_id,asset_id,asset_type,gcs_uri"
FILES = {
    "web.csv": f"{HEADER}\n1,1,road_sign,https://example.com/1.jpg\n",
    "office.csv": f"{HEADER};capture_time\n".replace(",", ";")
    + "1;1;road_sign;gs://b/1.jpg;01/05/2024 10:00\n",
    "swapped.csv": f"{HEADER},lat,lon\n1,1,road_sign,gs://b/1.jpg,155000,463000\n",
    "book.xlsx": "PK",
    "notes/read.me": "nothing to see",
    "torn/torn.jpg": "not a picture",
    "roads.geojson": '{"type": "FeatureCollection", "features": []}',
    "benches.toml": 'name = "benches"\n',
}

MISTAKES = (
    # --- names ----------------------------------------------------------------------------------
    Mistake("sightline wrok", 2, "Did you mean 'work'"),
    Mistake("sightline work --drian", 2, "--drain"),
    Mistake("sightline enqueue --task road_sign", 2, "did you mean road_signs?"),
    Mistake("sightline import photos --asset-type road_signs", 2, "did you mean road_sign?"),
    Mistake("sightline import photos --asset-type lamp", 2, "--new-type"),
    Mistake('sightline search "a pole" --asset-type pole', 2, "utility_pole"),
    Mistake("sightline search --answer road_signs.lightning=night", 2, "did you mean lighting?"),
    Mistake("sightline search --answer road_signs.lighting=nigth", 2, "did you mean night?"),
    Mistake("sightline stats road_sings", 2, "did you mean road_signs?"),
    Mistake("sightline cancel 20260101-000000-abcdef", 2, "`sightline status` lists them"),
    # --- files ----------------------------------------------------------------------------------
    Mistake("sightline import photo", 2, "photo does not exist"),
    Mistake("sightline import notes", 1, "no photographs and no rows"),
    Mistake("sightline import torn", 1, "neither JPEG, PNG nor WebP"),
    Mistake("sightline import photos/IMG_0.jpg", 2, "give its folder"),
    Mistake("sightline import book.xlsx", 2, "save the sheet as CSV"),
    Mistake("sightline import web.csv", 1, "is on the web"),
    Mistake("sightline import office.csv", 1, "--date-format"),
    Mistake("sightline import swapped.csv", 1, "bad_position"),
    Mistake("sightline similar photo.jpg", 2, "give an image file"),
    Mistake("sightline evaluate truth.jsonl", 2, "truth.jsonl"),
    Mistake("sightline tasks check benches.toml", 2, "benches.toml, line 1"),
    Mistake("sightline export signs --task road_signs", 2, ".geojson"),
    Mistake("sightline export no/signs.csv --task road_signs", 2, "there is no folder"),
    # --- questions ------------------------------------------------------------------------------
    Mistake('sightline search "a red flower"', 2, "knows none of the words"),
    Mistake('sightline search "a pole" --from 2026-05-01 --until 2026-01-01', 2, "exchange them"),
    Mistake('sightline search "a pole" --near 152.09,5.12,500', 2, "--near"),
    Mistake('sightline search "a pole" --box 5.1,52.1', 2, "WEST,SOUTH,EAST,NORTH"),
    Mistake('sightline search "a pole" --from 2031-01-01', 0, "--from 2031-01-01"),
    Mistake('sightline search "a pole" --polygon roads.geojson', 2, "roads.geojson"),
    Mistake('sightline search "a pole" --top 0', 2, "--top"),
    Mistake('sightline sql "drop table classifications"', 2, "not a single SELECT"),
    Mistake('sightline sql "select * from signs"', 2, "show tables"),
    # --- projects and clouds ---------------------------------------------------------------------
    Mistake("sightline --home elsewhere status", 2, "elsewhere"),
    Mistake("sightline --config sightlin.toml status", 2, "sightlin.toml"),
    Mistake("sightline enqueue", 0, "nothing to publish"),
    Mistake("sightline dead-letters replay", 2, "--yes"),
    Mistake("sightline doctor --cloud", 1, "--project PROJECT"),
)
