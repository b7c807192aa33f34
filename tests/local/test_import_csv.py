"""CSV files as offices export them: their separators, and what is broken in them, by row."""

from __future__ import annotations

import csv
import re
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import ConfigurationError
from sightline.local.importing.csv_dialect import dialect_of
from tests.local.imports import reasons
from tests.local.tables import HEADER, ROW, Folder, csv_of


@pytest.mark.parametrize(
    "header",
    [
        '"a,b,c,d,e,f";{}',
        '{};"one, two, three, four"',
        '"with ""quotes"", and, more, commas";{}',
        '"over\ntwo,lines,of,commas";{}',
    ],
)
def test_separators_inside_of_quotes_do_not_decide(folder: Folder, header: str) -> None:
    content = f"{header.format(HEADER.replace(',', ';'))}\n"
    cells = ROW.replace(",", ";")
    content += f"x;{cells}\n" if header.endswith("{}") else f"{cells};x\n"
    assert folder.load(content).imported == 1
    assert folder.rows()[0]["observation_id"] == "a"


@given(
    st.sampled_from(",;\t|"),
    st.lists(st.text("ab,;\t|\n \"'", min_size=1, max_size=8), min_size=1, max_size=5, unique=True),
)
@settings(max_examples=80, deadline=None)
def test_any_header_that_quotes_its_names_is_read_with_its_separator(
    tmp_path_factory: pytest.TempPathFactory, delimiter: str, names: list[str]
) -> None:
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    text = StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerow(["x", "y", *names])
    file.write_bytes(text.getvalue().encode())
    dialect = dialect_of(file, file.read_bytes())
    assert (dialect.delimiter, list(dialect.header)) == (delimiter, ["x", "y", *names])


def test_the_separator_line_of_a_spreadsheet_is_obeyed(folder: Folder) -> None:
    cells = ROW.replace(",", ";")
    report = folder.load(f"sep=;\r\n{HEADER.replace(',', ';')}\r\n{cells}\r\nragged\r\n;T;x\r\n")
    assert report.imported == 1
    assert reasons(report) == [("row 3", "ragged_row"), ("row 4", "empty_id")]


@pytest.mark.parametrize("before", [3, 5_000, 20_000])
def test_a_zero_byte_costs_its_row_wherever_it_is(folder: Folder, before: int) -> None:
    lines = [f"{number},T,gs://bucket/{number}.jpg" for number in range(before)]
    content = "\n".join([HEADER, *lines, "b\0d,T,gs://bucket/b.jpg", "z,T,gs://bucket/z.jpg"])
    report = folder.load(content)
    assert reasons(report) == [(f"row {before + 2}", "zero_byte")]
    assert report.imported == before + 1


@pytest.mark.parametrize("before", [0, 2, 30_000])
@pytest.mark.parametrize("cell", ['"open,T,gs://b/o', 'c,T,"gs://b/o'])
def test_a_quote_that_is_never_closed_is_told_with_its_row(
    folder: Folder, before: int, cell: str
) -> None:
    lines = [f"{number},T,gs://bucket/{number}.jpg" for number in range(before)]
    with pytest.raises(ConfigurationError) as caught:
        folder.load("\n".join([HEADER, *lines, cell, "x,T,gs://b/x", "y,T,gs://b/y\n"]))
    assert f"row {before + 2} (line {before + 2}) has a quote that is not closed" in str(
        caught.value
    )
    assert not list(folder.source.glob("*.parquet"))


def test_two_quotes_that_are_not_closed_are_told_where_the_row_is_ragged(folder: Folder) -> None:
    report = folder.load(f'{HEADER}\n"open,T,gs://b/o\nx,T,gs://b/x\ny,T,gs://b/"y\n{ROW}\n')
    assert [(refusal.where, refusal.detail) for refusal in report.refusals] == [
        ("row 2", "1 cells over 3 lines, in which a quote may not be closed, and the header has 3")
    ]


def test_a_quote_in_a_cell_that_is_not_quoted_stands_for_itself(folder: Folder) -> None:
    report = folder.load(csv_of("map_url", '5" pipe', "x"))
    assert report.imported == 2
    assert folder.rows()[0]["map_url"] == '5" pipe'


def test_utf_16_without_a_mark_is_named(folder: Folder) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        with pytest.raises(ConfigurationError, match="is UTF-16; save it as UTF-8") as caught:
            folder.load(f"{HEADER}\n{ROW}\n".encode(encoding))
        assert re.search(r"`iconv -f utf-16 -t utf-8 \S+\.csv > \S+-utf8\.csv`", str(caught.value))


@pytest.mark.parametrize("name", ["t.tsv", "t.txt", "t"])
def test_the_name_of_a_csv_does_not_matter(folder: Folder, name: str, tmp_path: Path) -> None:
    content = f"{HEADER}\n{ROW}\n".replace(",", "\t")
    assert folder.load(content, name).imported == 1
