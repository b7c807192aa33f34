"""A project read through the Python API: the same words and results as the command line's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sightline as sl
from sightline.operations.image_queries import ImageQuery
from tests.cli import embedded
from tests.cli.answered import IMAGES, SIGNS, answered_home
from tests.contracts.warehouse_rig import EMBEDDING

ANSWERS = IMAGES - 1


@pytest.fixture
def signs(tmp_path: Path) -> Iterator[sl.Workspace]:
    """Yield a workspace with answers."""
    answered_home(tmp_path)
    with sl.open(tmp_path) as workspace:
        yield workspace


@pytest.fixture
def vectors(tmp_path: Path) -> Iterator[sl.Workspace]:
    """Yield a workspace with answers and vectors."""
    asyncio.run(embedded.fill_folder(tmp_path / ".sightline" / "warehouse"))
    models = {"embed": EMBEDDING.model, "embed_dimension": EMBEDDING.dimension}
    with sl.open(tmp_path, settings={"models": models}) as workspace:
        yield workspace


def test_answers_are_a_table_with_a_column_a_field(signs: sl.Workspace) -> None:
    table = signs.answers("signs")
    assert len(table) == ANSWERS
    assert {field.name for field in SIGNS.fields} <= set(table.columns)
    kinds = [row["kind"] for row in table]
    assert (kinds.count("stop"), kinds.count("yield"), kinds.count("unknown")) == (7, 3, 1)
    (counted,) = table.to_duckdb().aggregate("count(*)").fetchall()
    assert counted == (ANSWERS,)


def test_filters_are_those_of_the_command_line(signs: sl.Workspace) -> None:
    assert len(signs.answers("signs", asset_type="utility_pole")) == 5
    assert len(signs.answers("signs", box=(5.0, 52.0, 5.0015, 53.0))) == 2
    with pytest.raises(
        sl.errors.ConfigurationError, match=r"asset_typ: not a filter .did you mean asset_type"
    ):
        signs.answers("signs", asset_typ="utility_pole")  # type: ignore[call-arg]  # a mistake


def test_statements_return_tables_and_write_nothing(signs: sl.Workspace) -> None:
    table = signs.sql("select kind, count(*) n from signs_current group by all order by n desc")
    assert table.to_arrow().to_pylist()[0] == {"kind": "stop", "n": 7}
    assert signs.sql("select 1 a where false").columns == ["a"]
    with pytest.raises(sl.errors.SightlineError):
        signs.sql("create table t as select 1")


def test_each_operation_is_a_method(signs: sl.Workspace, tmp_path: Path) -> None:
    (overview,) = signs.stats("signs").tasks
    assert overview.quality.answers == ANSWERS
    assert signs.count_answers("signs", "kind").groups[0].answers == 7
    assert signs.consolidate("signs", out=tmp_path / "signs.csv").assets == IMAGES // 2
    assert signs.export(tmp_path / "signs.geojson", task="signs").task.name == "signs"
    assert (tmp_path / "signs.geojson").is_file()
    assert "road_signs" in signs.tasks


def test_vectors_are_a_table_of_one_model_and_dimension(vectors: sl.Workspace) -> None:
    table = vectors.embeddings().to_arrow()
    column = table.schema.field("embedding")
    assert table.num_rows == embedded.IMAGES - 1
    assert column.type.list_size == EMBEDDING.dimension
    assert column.metadata[b"model"].decode() == EMBEDDING.model
    assert vectors.duplicates(at_least=0.99).groups > 0
    assert vectors.outliers("signs", neighbours=3).outliers[0].field


def test_hits_are_a_sequence_and_a_table(vectors: sl.Workspace) -> None:
    first = vectors.embeddings().to_arrow().column("observation_id")[0].as_py()
    hits = vectors.similar(first, top=3)
    assert len(hits) == 3
    scores = [hit.score for hit in hits if hit.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert hits.to_arrow().num_rows == 3
    assert hits[0].observation.observation_id != first


def test_a_notebook_shows_hits_tables_and_what_cannot_be_read(vectors: sl.Workspace) -> None:
    first = vectors.embeddings().to_arrow().column("observation_id")[0].as_py()
    html = vectors.similar(first, top=2)._repr_html_()
    assert html.count("<figure") == 2
    assert "<script" not in sl.workspace.Table.from_rows(["<script>"], [["<b>"]])._repr_html_()


def test_a_mistyped_folder_is_an_error_and_makes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "my-projct"
    with (
        sl.open(folder) as workspace,
        pytest.raises(sl.errors.NotFoundError, match=r"there is no project in .*my-projct; "),
    ):
        workspace.stats()
    assert not folder.exists()


def test_it_works_inside_a_running_event_loop(signs: sl.Workspace) -> None:
    async def in_a_notebook() -> int:
        return len(signs.answers("signs"))

    assert asyncio.run(in_a_notebook()) == ANSWERS


async def test_the_asynchronous_face_has_the_same_methods(tmp_path: Path) -> None:
    await asyncio.to_thread(answered_home, tmp_path)
    async with sl.open_async(tmp_path) as workspace:
        assert len(await workspace.answers("signs")) == ANSWERS
    methods = {name for name in dir(sl.AsyncWorkspace) if not name.startswith("_")}
    assert methods - {name for name in dir(sl.Workspace) if not name.startswith("_")} <= {
        "settings"
    }


def test_a_closed_workspace_leaves_no_thread_and_can_be_used_again(signs: sl.Workspace) -> None:
    import threading

    before = threading.active_count()
    signs.stats("signs")
    signs.close()
    assert threading.active_count() <= before
    assert len(signs.answers("signs")) == ANSWERS


@pytest.mark.parametrize("name", ["to_pandas", "to_geopandas"])
def test_an_optional_library_that_is_missing_is_named(
    signs: sl.Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("pandas", "geopandas"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(sl.errors.ConfigurationError, match=r"is not installed; run `pip install"):
        getattr(signs.answers("signs"), name)()


def test_the_package_is_imported_without_a_heavy_library() -> None:
    heavy = {"numpy", "pyarrow", "duckdb", "pydantic", "rich", "typer", "anyio", "asyncio"}
    completed = subprocess.run(
        [sys.executable, "-c", "import sightline, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not heavy & set(completed.stdout.split())


def test_a_file_is_named_as_the_import_names_it(tmp_path: Path) -> None:
    assert ImageQuery(tmp_path / "a b.jpg", "a b").uri.endswith("/a%20b.jpg")


def test_hits_and_outliers_are_written_as_pages(vectors: sl.Workspace, tmp_path: Path) -> None:
    first = vectors.embeddings().to_arrow().column("observation_id")[0].as_py()
    vectors.similar(first, top=2).to_html(tmp_path / "hits.html", title="alike")
    page = (tmp_path / "hits.html").read_text(encoding="utf-8")
    assert page.count("<figure") == 2
    assert "<title>alike</title>" in page
    outliers = vectors.outliers("signs", neighbours=3, html=tmp_path / "review.html").outliers
    review = (tmp_path / "review.html").read_text(encoding="utf-8")
    assert review.count("<figure") == len(outliers)
    with pytest.raises(sl.errors.ConfigurationError, match="already exists"):
        vectors.outliers("signs", html=tmp_path / "review.html")


def test_a_process_that_closes_nothing_ends_all_the_same(tmp_path: Path) -> None:
    script = """
import sightline as sl
workspace = sl.open("nowhere")
try:
    workspace.search("a stop sign")
except sl.errors.NotFoundError:
    print("there is no project")
"""
    completed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (completed.returncode, completed.stdout) == (0, "there is no project\n"), (
        completed.stderr
    )
