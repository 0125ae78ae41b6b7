from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.parsing.tables import TableReader
from eagleray.errors import SourceError
from indexes.storage import open_store
from ray_jobs.plans.questions import plan_questions
from ray_jobs.sources.questions import describe_questions, open_questions, read_piece

TABLES = TableReader(ParserPool(ParseLimits()))


def write(path, columns, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **more)
    return path


def open_paths(url):
    return [item.path for item in open_questions(str(url), open_store=open_store).files]


def test_a_file_a_folder_and_a_folder_named_like_a_file_are_found(tmp_path):
    one = write(tmp_path / "in" / "b.parquet", {"query": ["a"]})
    write(tmp_path / "in" / "more" / "a.parquet", {"query": ["a"]})
    write(tmp_path / "in" / "_temporary" / "x.parquet", {"query": ["a"]})
    write(tmp_path / "spark.parquet" / "part-0.parquet", {"query": ["a"]})
    (tmp_path / "in" / "readme.txt").write_text("not questions")
    assert open_paths(one) == ["b.parquet"]
    assert open_paths(tmp_path / "in") == ["b.parquet", "more/a.parquet"]
    assert open_paths(tmp_path / "spark.parquet") == ["part-0.parquet"]


def open_one(url):
    source = open_questions(url, open_store=open_store)
    (item,) = source.files
    return source.store, item


@pytest.mark.parametrize("name", ["absent", "absent.parquet", "empty", "text.txt"])
def test_nothing_to_read_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("not questions")
    with pytest.raises(SourceError):
        open_paths(tmp_path / name)


def test_a_column_by_its_former_name_is_read_by_its_name_and_told(tmp_path, caplog):
    columns = {"where": ["year = 1", None], "query": ["a", "b"]}
    store, item = open_one(str(write(tmp_path / "q.parquet", columns)))
    file, _ = describe_questions(store, item, TABLES)
    ((piece,),) = [partition.pieces for partition in plan_questions((file,))]
    assert read_piece(store, piece, TABLES).to_pydict() == {"query": ["a", "b"], "filter": ["year = 1", None]}
    assert "where is now called filter" in caplog.text


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"question": ["a"]}, "found question"),
        ({"query": ["a"], "price": [1]}, "found query, price"),
        ({"query": [1]}, "column query must be text"),
        ({"query": ["a"], "as_of": [1.5]}, "column as_of must be a timestamp"),
        ({"query": ["a"], "groups": ["rates"]}, "column groups must be a list of text"),
        ({"query": ["a"], "id": [1.5]}, "column id must be"),
        ({"query": ["a"], "where": [1]}, "column filter must be text"),
        ({"query": ["a"], "where": ["b"], "filter": ["b"]}, "found query, where, filter"),
    ],
)
def test_columns_that_are_not_those_of_questions_are_refused(tmp_path, columns, told):
    store, item = open_one(str(write(tmp_path / "q.parquet", columns)))
    with pytest.raises(SourceError, match=told):
        describe_questions(store, item, TABLES)


def test_what_is_no_parquet_file_is_refused(tmp_path):
    (tmp_path / "q.parquet").write_bytes(b"no such thing")
    store, item = open_one(str(tmp_path / "q.parquet"))
    with pytest.raises(SourceError, match="no readable Parquet file"):
        describe_questions(store, item, TABLES)


def test_pieces_hold_the_rows_of_their_plan_whatever_the_row_groups(tmp_path):
    queries = [f"question {number}" for number in range(12_000)]
    path = write(tmp_path / "q.parquet", {"query": queries, "id": list(range(12_000))}, row_group_size=5_000)
    store, item = open_one(str(path))
    file, _ = describe_questions(store, item, TABLES)
    assert file.group_rows == (5_000, 5_000, 2_000)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    found = [
        read_piece(store, piece, TABLES)
        for partition in plan_questions([file], max_rows=4_500)
        for piece in partition.pieces
    ]
    assert pa.concat_tables(found)["query"].to_pylist() == queries
    assert found[0].column_names == ["id", "query"]
