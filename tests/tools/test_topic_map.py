"""The tables in data/, and that each finished chapter covers the topics they give it."""

import json
import re
from collections import Counter

import pytest

from tools.notebooks import ROOT, Book
from tools.pages import finished_chapters, read_csv

CHAPTERS = read_csv(ROOT / "data" / "chapters.csv")
SYLLABUS = read_csv(ROOT / "data" / "syllabus.csv")
GLOSSARY = read_csv(ROOT / "data" / "glossary.csv")
TITLES = {row["chapter"]: row["title"] for row in CHAPTERS}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_syllabus_rows_are_whole() -> None:
    assert not repeated([row["id"] for row in SYLLABUS])
    for row in SYLLABUS:
        assert re.fullmatch(r"[TE]\d{3}", row["id"]), row
        for column in ("topic", "source"):
            assert row[column].strip(), row
        assert CHINESE.search(row["chinese"]), row
        assert row["kind"] in {"theory", "practical", "case study", "tool", "career"}, row
        for chapter in [row["chapter"], *filter(None, row["also"].split("; "))]:
            assert chapter in TITLES, row


def test_every_chapter_has_a_topic_and_a_title_of_its_own() -> None:
    assert not repeated([row["chapter"] for row in CHAPTERS])
    assert not repeated([row["title"] for row in CHAPTERS])
    assert set(TITLES) == {row["chapter"] for row in SYLLABUS}
    for row in CHAPTERS:
        parts = {other["part"] for other in CHAPTERS if _folder(other) == _folder(row)}
        assert parts == {row["part"]}, row


def test_glossary_rows_are_whole_and_in_order() -> None:
    terms = [row["english"].casefold() for row in GLOSSARY]
    assert not repeated(terms)
    assert terms == sorted(terms)
    assert not repeated([row["chinese"] for row in GLOSSARY])
    for row in GLOSSARY:
        assert all(value and value == value.strip() for value in row.values()), row
        assert row["definition"].endswith("."), row
        assert row["definition_zh"].endswith("。"), row
        assert row["chapter"] in TITLES, row
        assert CHINESE.search(row["definition_zh"]), row
        assert CHINESE.search(row["chinese"]), row


@pytest.mark.parametrize("name", Book().chapters())
def test_a_finished_chapter_covers_its_topics(name: str) -> None:
    """Its metadata list the rows it covers: exactly those that the table gives it."""
    notebook = json.loads(Book().source(name).read_text(encoding="utf-8"))
    covered = notebook["metadata"].get("d2lcourse", {}).get("rows", [])
    assert sorted(covered) == sorted(row["id"] for row in SYLLABUS if row["chapter"] == name)


@pytest.mark.parametrize("name", Book().chapters())
def test_a_finished_chapter_has_the_title_that_the_map_shows(name: str) -> None:
    notebook = json.loads(Book().source(name).read_text(encoding="utf-8"))
    first = "".join(notebook["cells"][0]["source"])
    assert first.splitlines()[0] == f"# {TITLES[name]}"


@pytest.mark.parametrize("part", sorted({name.split("/")[0] for name in Book().chapters()}))
def test_the_part_opener_names_its_chapters_by_their_titles(part: str) -> None:
    text = (ROOT / "book" / f"{part}.md").read_text(encoding="utf-8")
    shown = dict(
        (name, title)
        for title, name in re.findall(r"\| \[(.+?)\]\(\.\./notebooks/(.+?)\.ipynb\) \|", text)
    )
    listed = [name for name in finished_chapters(ROOT) if name.startswith(f"{part}/")]
    assert {name: TITLES[name] for name in listed} == shown


def _folder(row: dict[str, str]) -> str:
    return row["chapter"].split("/")[0]
