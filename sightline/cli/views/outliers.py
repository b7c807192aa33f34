"""What ``sightline outliers`` shows."""

from __future__ import annotations

from sightline.cli.output import print_table, remark, say
from sightline.operations.outliers import Outlier, Outliers
from sightline.tasks import value_text


def outliers_json(result: Outliers) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {
        "task": result.task.name,
        "fingerprint": result.task.fingerprint,
        "embedded_by": result.embedded_by,
        "answers": result.answers,
        "without_vector": result.without_vector,
        "neighbours": result.neighbours,
        "at_least": result.at_least,
        "fields": [
            {"field": field.field, "known": field.known, "outliers": field.outliers}
            for field in result.fields
        ],
        "outliers": [_outlier_json(outlier) for outlier in result.outliers],
    }


def _outlier_json(outlier: Outlier) -> dict[str, object]:
    image, disagreement = outlier.image, outlier.disagreement
    return {
        "observation_id": image.observation_id,
        "asset_id": image.asset_id,
        "gcs_uri": image.gcs_uri,
        "latitude": image.latitude,
        "longitude": image.longitude,
        "field": outlier.field,
        "value": disagreement.value,
        "expected": disagreement.expected,
        "score": round(disagreement.score, 4),
        "neighbours": [
            {
                "observation_id": neighbour.subject_id,
                "value": neighbour.value,
                "similarity": neighbour.cosine,
            }
            for neighbour in disagreement.neighbours
        ],
    }


def print_outliers(result: Outliers) -> None:
    """Print the outliers of each field, and the answers to review first."""
    compared = result.answers - result.without_vector
    say(f"{result.task.name}: {compared:,} answers compared with those about similar images")
    print_table(
        "", ("field", "known", "outliers"),
        [(field.field, field.known, field.outliers) for field in result.fields],
    )  # fmt: skip
    lines = [_line(outlier) for outlier in result.outliers]
    if lines:
        columns = ("score", "observation", "field", "answered", "neighbours", "votes", "nearest")
        print_table("to review, most certain first", columns, lines)
    if result.without_vector:
        remark(
            f"{result.without_vector:,} answers are about images without a vector by"
            f" {result.embedded_by}; run `sightline enqueue` and `sightline work`"
        )


def _line(outlier: Outlier) -> tuple[object, ...]:
    disagreement = outlier.disagreement
    return (
        round(disagreement.score, 4),
        outlier.image.observation_id,
        outlier.field,
        value_text(disagreement.value),
        value_text(disagreement.expected),
        f"{disagreement.votes} of {len(disagreement.neighbours)}",
        disagreement.neighbours[0].subject_id,
    )
