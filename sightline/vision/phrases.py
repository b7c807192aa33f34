"""What people call the things in a scene: phrases, and the attribute values each one allows."""

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from sightline.vision.scenes import MAINTENANCE_COVER, ROAD_SIGN, UTILITY_POLE, Value


@dataclass(frozen=True, slots=True)
class Meaning:
    """Phrases that all say that ``field`` has one of ``values``.

    ``before`` holds phrases that stand before the noun ("leaning"), ``after`` those that follow it
    ("with a transformer"), ``nouns`` those that replace it ("stop sign").
    """

    field: str
    values: tuple[Value, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()


def _sign(value: str, *names: str) -> Meaning:
    return Meaning("sign_type", (value,), nouns=names)


NOUNS = MappingProxyType(
    {
        ROAD_SIGN: ("road sign", "traffic sign", "street sign", "sign", "signpost"),
        UTILITY_POLE: (
            "utility pole", "power pole", "telephone pole", "electricity pole", "electric pole",
            "telegraph pole", "pole", "power line pole",
        ),
        MAINTENANCE_COVER: (
            "maintenance cover", "manhole cover", "manhole", "utility cover", "access cover",
            "cover", "manhole lid", "hatch", "sewer cover", "drain cover",
        ),
    }
)  # fmt: skip
#: What a picture without any asset is called.
NOTHING = (
    "nothing", "no asset", "an empty street", "empty road", "bare ground", "something else",
    "no sign no pole no cover", "an abstract picture", "nothing to see",
)  # fmt: skip

VIEW = (
    Meaning("lighting", ("day",), ("daytime", "daylight", "sunlit"),
            ("by day", "in daylight", "during the day", "in the daytime", "day")),
    Meaning("lighting", ("night",), ("nighttime", "dark", "night"),
            ("at night", "in the dark", "by night", "after dark", "night time", "night")),
    Meaning("weather", ("clear",), ("dry",),
            ("in clear weather", "in dry weather", "without rain", "no rain", "clear", "dry",
             "in fine weather", "not raining")),
    Meaning("weather", ("rain",), ("rainy", "wet"),
            ("in the rain", "in rain", "during rain", "in rainy weather", "rain", "raining",
             "in wet weather")),
)  # fmt: skip

SIGN = (
    _sign("stop", "stop sign", "stop"),
    _sign("yield", "yield sign", "give way sign", "yield", "give way"),
    _sign("speed_limit", "speed limit sign", "speed limit", "speed sign", "maximum speed sign"),
    _sign("no_entry", "no entry sign", "do not enter sign", "no entry", "do not enter"),
    _sign("no_parking", "no parking sign", "no parking", "parking prohibited sign"),
    _sign("parking", "parking sign", "parking", "parking allowed sign", "car park sign"),
    _sign("pedestrian_crossing", "pedestrian crossing sign", "crosswalk sign", "crosswalk",
          "zebra crossing sign", "pedestrian crossing", "pedestrian sign"),
    _sign("warning_curve", "curve warning sign", "warning curve", "warning sign", "bend sign",
          "curve ahead sign", "bend warning sign", "warning curve sign"),
    _sign("one_way", "one way sign", "one way", "one way street sign", "arrow sign"),
    _sign("roundabout", "roundabout sign", "roundabout", "traffic circle sign"),
    Meaning("sign_type", ("yield", "warning_curve"), ("triangular", "triangle")),
    Meaning("sign_type", ("stop",), ("octagonal",)),
    Meaning("sign_type", ("parking", "pedestrian_crossing", "one_way", "roundabout"), ("blue",)),
    Meaning("condition", ("clean",), ("clean", "undamaged", "pristine", "legible"),
            ("in good condition", "in clean condition", "not faded without graffiti", "clean")),
    Meaning("condition", ("faded",), ("faded", "bleached", "worn", "washed out", "weathered"),
            ("in faded condition", "with faded colours", "with washed out colors", "faded")),
    Meaning("condition", ("graffiti",), ("vandalised", "vandalized", "spray painted", "tagged",
            "defaced", "graffitied", "graffiti"),
            ("with graffiti", "covered in graffiti", "covered with graffiti", "with spray paint",
             "with graffiti on it", "graffiti")),
    Meaning("condition", ("clean", "faded"), (), ("without graffiti", "no graffiti")),
    Meaning("occluded", (True,), ("occluded", "hidden", "obscured", "overgrown"),
            ("behind leaves", "occluded by leaves", "behind a branch", "covered by leaves",
             "hidden by a tree branch", "partly hidden", "occluded", "blocked by foliage")),
    Meaning("occluded", (False,), ("unobstructed", "unoccluded", "visible"),
            ("not occluded", "fully visible", "without leaves", "in full view", "not hidden")),
    Meaning("tilted", (True,), ("tilted", "leaning", "crooked", "bent", "slanted", "skewed"),
            ("on a leaning post", "tilted", "that leans", "tilted to one side")),
    Meaning("tilted", (False,), ("upright", "straight", "vertical"),
            ("not tilted", "standing upright", "on a straight post", "not leaning")),
)  # fmt: skip

POLE = (
    Meaning("material", ("wood",), ("wooden", "wood", "timber"),
            ("made of wood", "of wood", "of timber"), ("wood pole", "wooden pole")),
    Meaning("material", ("concrete",), ("concrete", "cement"),
            ("made of concrete", "of concrete"), ("concrete pole",)),
    Meaning("material", ("metal",), ("metal", "steel", "metallic"),
            ("made of metal", "of metal", "of steel"), ("metal pole", "steel pole")),
    Meaning("material", ("concrete", "metal"), ("non wooden",), ("not made of wood",)),
    Meaning("has_transformer", (True,), ("transformer",),
            ("with a transformer", "with transformer", "carrying a transformer", "transformer",
             "has transformer", "and a transformer")),
    Meaning("has_transformer", (False,), (),
            ("without a transformer", "without transformer", "no transformer",
             "with no transformer")),
    Meaning("has_street_lamp", (True,), ("street lamp",),
            ("with a street lamp", "with a street light", "with a lamp", "with a light",
             "with streetlight", "has street lamp", "street lamp", "and a lamp")),
    Meaning("has_street_lamp", (False,), (),
            ("without a street lamp", "without a lamp", "no street lamp", "no lamp",
             "without street light", "with no streetlight")),
    Meaning("leaning", (True,), ("leaning", "tilted", "crooked", "slanted", "tilting"),
            ("that leans", "leaning", "leaning to one side")),
    Meaning("leaning", (False,), ("upright", "straight", "vertical"),
            ("not leaning", "standing straight", "standing upright", "not tilted")),
)  # fmt: skip

COVER = (
    Meaning("shape", ("round",), ("round", "circular"), ("round shape",)),
    Meaning("shape", ("square",), ("square",), ("square shape",)),
    Meaning("shape", ("rectangular",), ("rectangular", "oblong"), ("rectangular shape",)),
    Meaning("shape", ("square", "rectangular"), ("angular",), ("not round",)),
    Meaning("condition", ("intact",), ("intact", "undamaged", "sound"),
            ("in good condition", "intact", "not damaged", "closed")),
    Meaning("condition", ("cracked",), ("cracked", "broken", "fractured"),
            ("with a crack", "with cracks", "cracked", "broken")),
    Meaning("condition", ("displaced",), ("displaced", "open", "shifted", "dislodged", "misplaced"),
            ("out of its frame", "not in its frame", "displaced", "half open", "with an open hole",
             "out of place")),
    Meaning("condition", ("cracked", "displaced"), ("damaged", "unsafe"), ("with damage",)),
)  # fmt: skip

MEANINGS = MappingProxyType(
    {
        ROAD_SIGN: SIGN + VIEW,
        UTILITY_POLE: POLE + VIEW,
        MAINTENANCE_COVER: COVER + VIEW,
    }
)


def meanings_of(asset_type: str, field: str, value: Value) -> tuple[Meaning, ...]:
    """Meanings that say exactly that a field has this one value."""
    return tuple(
        meaning
        for meaning in MEANINGS[asset_type]
        if meaning.field == field and meaning.values == (value,)
    )


@cache
def value_prompts(asset_type: str, field: str, value: Value) -> tuple[str, ...]:
    """Every plain wording of one value, for an ensemble of prompts."""
    prompts: list[str] = []
    noun = NOUNS[asset_type][0]
    for meaning in meanings_of(asset_type, field, value):
        prompts += [f"{word} {noun}" for word in meaning.before]
        prompts += [f"{noun} {word}" for word in meaning.after]
        prompts += meaning.nouns
    return tuple(prompts)
