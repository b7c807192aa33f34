"""The attributes that a rendered scene can have, and how often each one occurs."""

from collections.abc import Mapping
from types import MappingProxyType

from numpy.random import Generator

ROAD_SIGN = "ASSET_CLASS_ROAD_SIGN"
UTILITY_POLE = "ASSET_CLASS_UTILITY_POLE"
MAINTENANCE_COVER = "ASSET_CLASS_MAINTENANCE_COVER"

Value = str | bool
Truth = Mapping[str, Value]

_VIEW: dict[str, tuple[Value, ...]] = {
    "lighting": ("day", "night"),
    "weather": ("clear", "rain"),
}

#: Values of every field, by asset type. Fields in ``VIEW_FIELDS`` belong to one photograph, the
#: others to the asset itself. Values of one field are equally likely, except for booleans.
ATTRIBUTES: Mapping[str, Mapping[str, tuple[Value, ...]]] = MappingProxyType(
    {
        ROAD_SIGN: {
            "sign_type": (
                "stop",
                "yield",
                "speed_limit",
                "no_entry",
                "no_parking",
                "parking",
                "pedestrian_crossing",
                "warning_curve",
                "one_way",
                "roundabout",
            ),
            "condition": ("clean", "faded", "graffiti"),
            "occluded": (True, False),
            "tilted": (True, False),
            **_VIEW,
        },
        UTILITY_POLE: {
            "material": ("wood", "concrete", "metal"),
            "has_transformer": (True, False),
            "has_street_lamp": (True, False),
            "leaning": (True, False),
            **_VIEW,
        },
        MAINTENANCE_COVER: {
            "shape": ("round", "square", "rectangular"),
            "condition": ("intact", "cracked", "displaced"),
            **_VIEW,
        },
    }
)
ASSET_TYPES = tuple(ATTRIBUTES)
VIEW_FIELDS = frozenset(_VIEW)
TRUE_SHARE = 0.45
#: The task that asks for the attributes of an asset type, as shipped under ``tasks/``.
TASK_OF = MappingProxyType(
    {
        ROAD_SIGN: "road_signs",
        UTILITY_POLE: "utility_poles",
        MAINTENANCE_COVER: "maintenance_covers",
    }
)


def draw_truth(asset_type: str, rng: Generator, known: Truth | None = None) -> dict[str, Value]:
    """Draw a value for every field of an asset type; fields in ``known`` keep their value.

    Raises ``ValueError`` for an asset type that cannot be rendered.
    """
    if asset_type not in ATTRIBUTES:
        raise ValueError(f"cannot render {asset_type!r}: choose one of {', '.join(ASSET_TYPES)}")
    truth: dict[str, Value] = {}
    for field, values in ATTRIBUTES[asset_type].items():
        if known is not None and field in known:
            truth[field] = known[field]
        elif values == (True, False):
            truth[field] = bool(rng.random() < TRUE_SHARE)
        else:
            truth[field] = values[int(rng.integers(len(values)))]
    return truth
