"""Course plans: the book's own data, and on a tiny book what is computed, shown and exported."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from nbformat import NotebookNode, writes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import pages, plan_pages, plans, rules
from tools.notebooks import ROOT, Book
from tools.plans import START

SYLLABUS = pages.read_csv(ROOT / "data" / "syllabus.csv")
OUTLINES = ("000", "001", "002", "003", "004")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def book_plans() -> dict[str, plans.Plan]:
    return {plan.slug: plan for plan in plans.load(ROOT)}


def places(row: dict[str, str], outline: str) -> Iterator[str]:
    """Yield where an outline asks for a topic, without the longer text behind it in brackets."""
    own = re.sub(r"\[[^\]]*\]", "", row["source"])
    for part in own.split(" · "):
        number, _, place = part.strip().partition(" ")
        if number == outline:
            yield place


def session_places(outline: str, session: plans.Session) -> list[str]:
    """Return a pattern for each place of its outline that a session's label or title names."""
    label = session.label
    if outline == "001":
        course, week = re.findall(r"\d+", label)
        return [rf"\b{course}\.{week}\.\d"]
    if outline == "002":
        kind = {"Theory": "T", "Case": "C", "Cases": "C", "Topic": "S"}[label.split()[0]]
        return [rf"\b{kind}{re.escape(name)}(?![\d.])" for name in numbers(label)]
    if outline == "003":
        return [rf"\bp{session.title.removeprefix('Part ')[0]}\b"]
    return [rf"§{re.escape(name)}(?!\d)" for name in numbers(label)]


def numbers(label: str) -> Iterator[str]:
    """Yield the numbers of a label such as `§9.1–9.3, 9.5` or `§8.L1–8.L4` one by one."""
    for first, last in re.findall(r"([\d.L]+)(?:–([\d.L]+))?", label):
        stem, count = re.fullmatch(r"(.*?)(\d+)", first).groups()
        until = re.fullmatch(r".*?(\d+)", last or first)[1]
        yield from (f"{stem}{number}" for number in range(int(count), int(until) + 1))


def test_numbers_of_a_label() -> None:
    assert list(numbers("§9.1–9.3, 9.10")) == ["9.1", "9.2", "9.3", "9.10"]
    assert list(numbers("§8.L3–8.L4")) == ["8.L3", "8.L4"]
    assert list(numbers("§12")) == ["12"]


# The book's own plans.


def test_there_is_a_plan_for_each_outline_a_term_and_a_bootcamp(book_plans) -> None:
    assert sorted(filter(None, (plan.source for plan in book_plans.values()))) == list(OUTLINES)
    assert len(book_plans["university-term"].lessons) == 12
    for plan in book_plans.values():
        assert CHINESE.search(plan.chinese), plan.slug
        assert len({session.label for session in plan.sessions}) == len(plan.sessions), plan.slug


@pytest.mark.parametrize("outline", OUTLINES)
def test_every_topic_of_an_outline_has_its_chapter_in_the_plan(book_plans, outline: str) -> None:
    plan = next(plan for plan in book_plans.values() if plan.source == outline)
    rows = [row for row in SYLLABUS if list(places(row, outline))]
    assert len(rows) > 20
    assert [(r["id"], r["chapter"]) for r in rows if r["chapter"] not in plan.chapters] == []


@pytest.mark.parametrize("outline", ["001", "002", "003", "004"])
def test_a_session_teaches_what_its_outline_asks_for_there(book_plans, outline: str) -> None:
    """000 names its places by line, which no label shows."""
    plan = next(plan for plan in book_plans.values() if plan.source == outline)
    missing, found = [], 0
    for session in plan.lessons:
        patterns = session_places(outline, session)
        held = {item.name for item in session.items}
        for row in SYLLABUS:
            asked = any(re.search(p, place) for p in patterns for place in places(row, outline))
            found += asked
            if asked and row["chapter"] not in held:
                missing.append((session.label, row["id"], row["chapter"]))
    assert missing == []
    assert found > 20


def test_the_bootcamp_is_a_day_that_exists_and_fits(book_plans) -> None:
    plan = book_plans["one-day-bootcamp"]
    assert plan.sessions[0].begins == timedelta(hours=9)
    assert {item.status for item in plan.chapters.values()} == {"ready"}
    for session in plan.lessons:
        chapters = sum(item.minutes for item in session.items if item.kind == "chapter")
        assert timedelta(minutes=chapters) <= session.ends - session.begins, session.label
    for before, after in zip(plan.sessions, plan.sessions[1:], strict=False):
        assert before.ends == after.begins, "a gap in the day"


def test_the_assignments_exist_and_come_after_their_chapters(book_plans) -> None:
    problems = []
    for plan in book_plans.values():
        met = set()
        for session in plan.sessions:
            met |= {item.name for item in session.items}
            for item in session.items:
                if item.kind != "assignment":
                    continue
                path = ROOT / "notebooks" / "assignments" / item.name / f"{item.name}.ipynb"
                if not path.exists():
                    problems.append(f"{plan.slug}, {session.label}: {item.name} does not exist")
                    continue
                facts = json.loads(path.read_text(encoding="utf-8"))["metadata"]["d2lcourse"]
                if facts["chapter"] not in met:
                    problems.append(f"{plan.slug}, {session.label}: {item.name} comes too early")
    assert problems == []


def test_the_checks_know_every_generated_page(book_plans) -> None:
    made = {f"plan-{slug}.md" for slug in book_plans} | {"plans.md"}
    assert {path for path in rules.generated(ROOT) if path.startswith("book/plan")} == {
        f"book/{name}" for name in made
    }


# A tiny book.


def put(path: Path, content: str | NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else writes(content), encoding="utf-8")


PLANS = """
- slug: weeks
  title: Two | weeks
  chinese: 两周
  audience: For testers.
  about: It is short.
  source: "000"
  sessions:
    - label: Week 1
      title: First, one; then\\more
      chapters: [a/one, b/three]
      assignments: [first-steps]
    - label: Week 2
      title: 第二周的标题很长很长，长到一行七十五个字节无论如何也放不下，所以必须折行
      chapters: [a/two, a/one, b/three]
      note: "Bring paper, pens; a *ruler*."
- slug: day
  title: A day
  chinese: 一天
  audience: For the quick.
  about: It is shorter.
  sessions:
    - {label: 09:00–10:30, title: Start, chapters: [a/one]}
    - {label: 10:30–10:45, title: Coffee, break: true}
    - {label: 20:00–24:00, title: End, chapters: [a/two]}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two chapters, one of them run, a third planned, and an assignment."""
    root = tmp_path / "a book"
    config = "title: A book\nrepository: {url: https://github.com/someone/book}\n"
    put(root / "_config.yml", config + "html: {baseurl: https://books.example/one/}\n")
    put(root / "_toc.yml", "chapters:\n- file: notebooks/a/one\n- file: notebooks/a/two\n")
    chapters = "chapter,title,part\na/one,The *first*,Alpha\na/two,Second,Alpha\nb/three,Third,B\n"
    put(root / "data" / "chapters.csv", chapters)
    put(root / "data" / "plans.yaml", PLANS)
    prose = (
        "# The *first*\n\n" + "word " * 398 + "\n\n<details>\n\n" + "folded " * 500 + "</details>"
    )
    one = [new_markdown_cell(prose), new_code_cell(rules.colab_cell(root)), new_code_cell("1 + 1")]
    put(Book(root).source("a/one"), new_notebook(cells=[*one, new_code_cell("2 + 2")]))
    two = [new_markdown_cell("# Second\n\n" + "word " * 250)]
    put(Book(root).source("a/two"), new_notebook(cells=two))
    run = new_notebook(metadata={"d2lcourse": {"seconds": 90.04}})
    put(Book(root).executed("a/one"), run)
    cells = [new_markdown_cell("# Assignment: first steps\n\nDo this.")]
    for points, grade in ((2, True), (3, True), (4, False)):
        facts = {"grade": grade, "points": points, "grade_id": f"q{points}", "solution": False}
        cells.append(new_code_cell("assert True", metadata={"nbgrader": facts}))
    facts = {"assignment": "first-steps", "chapter": "a/one", "minutes": 75}
    folder = root / "notebooks" / "assignments" / "first-steps"
    homework = new_notebook(cells=cells, metadata={"d2lcourse": facts})
    put(folder / "first-steps.ipynb", homework)
    put(folder / "notes.ipynb", new_notebook())
    return root


@pytest.fixture
def weeks(root: Path) -> plans.Plan:
    return plans.load(root)[0]


def test_times_come_from_the_notebooks(weeks: plans.Plan) -> None:
    one, three, homework = weeks.sessions[0].items
    # 400 words (two of them the title's) at 200 a minute, and two cells that are not the Colab one.
    assert (one.reading, one.running, one.minutes) == (4, 90.04, 6)
    assert (three.status, three.minutes) == ("planned", 0)
    assert (homework.title, homework.work, homework.points) == ("First steps", 75, 5)
    two, again, _ = weeks.sessions[1].items
    assert (two.reading, two.running) == (2, 0.0)
    assert (again.status, again.minutes) == ("again", 0)
    totals = [weeks.total(what) for what in ("reading", "running", "work", "minutes")]
    assert totals == [6, 90.04, 75, 83]


def test_pages_say_what_exists(root: Path) -> None:
    files = plan_pages.files(root)
    overview, page = (files[name].replace("\xa0", " ") for name in ("plans.md", "plan-weeks.md"))
    assert "[Two \\| weeks](plan-weeks.md)" in overview
    assert "| 2 sessions<br>chapters ready: 2 of 3<br>1 h 23 min<br>" in overview
    assert "- Chapters ready: **2 of 3**\n- Sessions: **2 in part**\n" in page
    assert "Reading **6 min**, running **2 min**, assignments **1 h 15 min**" in page
    assert '<span lang="zh-Hans">两周</span>' in page
    first = "• [The \\*first\\*](../notebooks/a/one.ipynb) (6 min)<br>• Third (planned)<br>"
    assert f"{first}• [Assignment: First steps](assignments.md) (1 h 15 min, 5 points) |" in page
    assert "• [The \\*first\\*](../notebooks/a/one.ipynb) (again)<br>" in page
    assert "*Bring paper, pens; a \\*ruler\\*.*" in page
    day = files["plan-day.md"].replace("\xa0", " ")
    assert "- Sessions: **2 complete**\n" in day
    assert "| **10:30–10:45**<br>Coffee |  |" in day


def test_the_stage_gets_pages_and_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "package_pages", lambda root: [])
    put(root / "data" / "glossary.csv", "english,chinese,definition,definition_zh,chapter\n")
    put(root / "data" / "syllabus.csv", "id,topic,chinese,kind,source,chapter,also\n")
    pages.write(root / "src", root)
    paths = [*(root / "src" / "book").glob("plan*"), *(root / "src" / "extra" / "book").iterdir()]
    made = {path.name: path.read_bytes() for path in paths}
    files = {f"plan-{slug}.{kind}" for slug in ("weeks", "day") for kind in ("ics", "csv")}
    assert {path.name for path in paths if path.parent.parent.name == "extra"} == files
    assert set(made) == {"plans.md", "plan-weeks.md", "plan-day.md", *files}
    assert {name: text.encode() for name, text in plan_pages.files(root).items()} == made
    (root / "data" / "plans.yaml").unlink()
    assert plan_pages.files(root) == {}


# Exports.


def events(text: str) -> list[dict[str, str]]:
    """Parse iCalendar: unfold, split, unescape; the name keeps its parameters."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    for line in text.split("\r\n"):
        assert len(line.encode()) <= 75, line
    found: list[dict[str, str]] = []
    lines = text.replace("\r\n ", "").split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2] == "END:VCALENDAR"
    for line in lines[:-1]:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found and name not in ("BEGIN", "END"):
            assert name not in found[-1], line
            found[-1][name] = re.sub(
                r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value, flags=re.DOTALL
            )
    return found


def test_a_calendar_of_weeks(root: Path, weeks: plans.Plan) -> None:
    text = plans.calendar(weeks, date(2028, 2, 24), plans.configuration(root))
    first, second = events(text)
    assert first["DTSTART;VALUE=DATE"] == "20280224"
    assert first["DTEND;VALUE=DATE"] == second["DTSTART;VALUE=DATE"] == "20280302"
    assert second["DTEND;VALUE=DATE"] == "20280309"
    assert first["SUMMARY"] == "Week 1: First, one; then\\more"
    assert second["SUMMARY"] == f"Week 2: {weeks.sessions[1].title}"
    assert "SUMMARY:Week 1: First\\, one\\; then\\\\more\r\n" in text
    assert first["DESCRIPTION"].splitlines() == [
        "The *first*: https://books.example/one/notebooks/a/one.html",
        "Third (planned)",
        "Assignment: First steps (75 min)",
    ]
    assert second["DESCRIPTION"].splitlines()[-1] == "Bring paper, pens; a *ruler*."
    assert [event["UID"] for event in (first, second)] == [
        "weeks-1@books.example",
        "weeks-2@books.example",
    ]
    moved = events(plans.calendar(weeks, START, plans.configuration(root)))
    for name in ("UID", "DTSTAMP", "SUMMARY"):
        assert moved[1][name] == second[name], "another start makes the same events"


def test_a_calendar_of_hours_has_no_zone(root: Path) -> None:
    day = plans.load(root)[1]
    text = plans.calendar(day, date(2027, 12, 31), plans.configuration(root))
    times = [(event["DTSTART"], event["DTEND"]) for event in events(text)]
    assert times == [
        ("20271231T090000", "20271231T103000"),
        ("20271231T103000", "20271231T104500"),
        ("20271231T200000", "20280101T000000"),
    ]
    assert [event["SUMMARY"] for event in events(text)] == ["Start", "Coffee", "End"]


def test_lines_are_folded_between_characters() -> None:
    line = "SUMMARY:" + "深a" * 80
    pieces = plans._folded(line).split("\r\n")
    assert "".join([pieces[0], *(piece[1:] for piece in pieces[1:])]) == line
    assert all(piece.startswith(" ") for piece in pieces[1:])
    assert {72, 73, 74, 75} >= {len(piece.encode()) for piece in pieces[:-1]}


def test_a_table_is_read_back(weeks: plans.Plan) -> None:
    text = plans.table(weeks, date(2027, 3, 1))
    assert text.startswith("\ufeffdate,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["date"] for row in rows] == ["2027-03-01"] * 3 + ["2027-03-08"] * 3
    first, planned, homework, *rest = rows
    assert first["title"] == "First, one; then\\more"
    assert (first["reading_minutes"], first["running_seconds"]) == ("4", "90")
    assert (planned["status"], planned["reading_minutes"]) == ("planned", "")
    assert (homework["assignment_minutes"], homework["points"]) == ("75", "5")
    assert [row["status"] for row in rest] == ["ready", "again", "planned"]
    assert {row["note"] for row in rest} == {"Bring paper, pens; a *ruler*."}


def test_the_same_book_gives_the_same_files(root: Path) -> None:
    files = plan_pages.files(root)
    for path in (root / "notebooks").rglob("*.ipynb"):
        path.touch()
    assert plan_pages.files(root) == files


def export(root: Path, *words: str) -> int:
    return plans.main(["export", *words, "--root", str(root)])


def test_export_writes_either_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, kind in (("term.ics", "calendar"), ("term.csv", "table")):
        target = root / "new folder" / name
        assert export(root, "weeks", "--start", "2027-03-04", "--to", str(target)) == 0
        made = target.read_bytes().decode()
        more = [plans.configuration(root)] if kind == "calendar" else []
        assert made == getattr(plans, kind)(plans.load(root)[0], date(2027, 3, 4), *more)
        assert "2 sessions from 2027-03-04 to 2027-03-18" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["week", "--to", "a.ics"],
            "unknown plan 'week': there are weeks, day. Did you mean weeks?",
        ),
        (["weeks", "--to", "a.ics", "--start", "1.3.2027"], "'1.3.2027' is no date such as"),
        (["weeks", "--to", "a.ics", "--start", "2027-02-29"], "'2027-02-29' is no date such as"),
        (["weeks", "--to", "a.ics", "--start", "9999-12-31"], "'9999-12-31' is no date such as"),
        (["weeks", "--to", "a.pdf"], "a.pdf: the name must end in .ics or .csv"),
    ],
)
def test_export_says_what_is_wrong(root: Path, words: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as error:
        export(root, *words)
    assert message in str(error.value)
    assert not (root / "a.ics").exists()


# What a plan must be.

Change = Callable[[list], object]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[0].update(teacher="A"), "plan 1: unknown key 'teacher'. The keys are slug,"),
        (lambda p: p[0].pop("about"), "plan 1: has no about"),
        (lambda p: p[0].update(title=7), "plan 1: title is 7; it must be of type str"),
        (lambda p: p[0].update(slug="Weeks"), "the slug 'Weeks' is not in lower-case-words"),
        (lambda p: p[1].update(slug="weeks"), "plan weeks: there are two plans with this slug"),
        (lambda p: p[0].update(sessions=[]), "plan 1: has no sessions"),
        (lambda p: p.__setitem__(0, "weeks"), "plan 1: must hold lines of `key: value`"),
        (lambda p: p.clear(), "must be a list of plans"),
        (
            lambda p: p[0]["sessions"][0].update(chapters=["a/on"]),
            "plan weeks, session 1 (Week 1): unknown chapter 'a/on'. Did you mean a/one?",
        ),
        (lambda p: p[0]["sessions"][0].update(chapters="a/one"), "it must be of type list"),
        (lambda p: p[0]["sessions"][0].update(chapters=[{}]), "{} is no name of a chapter"),
        (lambda p: p[0]["sessions"][0].update(chapters=["a/one"] * 2), "names something twice"),
        (lambda p: p[0]["sessions"][0].update(break_=True), "unknown key 'break_'"),
        (lambda p: p[0]["sessions"][1].pop("title"), "plan weeks, session 2: has no title"),
        (
            lambda p: p[0]["sessions"][1].update(chapters=[]),
            "(Week 2): must name a chapter or an assignment, or else say `break: true`",
        ),
        (
            lambda p: p[1]["sessions"][0].update({"break": True}),
            "(09:00–10:30): must name a chapter or an assignment, or else say `break: true`",
        ),
        (
            lambda p: p[0]["sessions"][1].update(assignments=["first-steps"]),
            "session 'Week 2': the assignment first-steps was set before",
        ),
        (lambda p: p[1]["sessions"][1].update(label="Pause"), "some labels are times"),
        (
            lambda p: p[1]["sessions"][1].update(label="10:15–10:45"),
            "session '10:15–10:45': begins before '09:00–10:30' ends",
        ),
        (lambda p: p[1]["sessions"][2].update(label="20:00–24:30"), "and by 24:00"),
        (lambda p: p[1]["sessions"][2].update(label="20:00–19:00"), "must end after it begins"),
    ],
)
def test_a_wrong_plan_is_named(root: Path, change: Change, message: str) -> None:
    entries = yaml.safe_load(PLANS)
    change(entries)
    put(root / "data" / "plans.yaml", yaml.safe_dump(entries, allow_unicode=True))
    with pytest.raises(SystemExit) as error:
        plans.load(root)
    assert str(error.value).startswith("data/plans.yaml: ")
    assert message in str(error.value)


def test_a_file_that_is_missing_or_not_yaml(root: Path) -> None:
    put(root / "data" / "plans.yaml", "- slug: [\n")
    with pytest.raises(SystemExit, match=r"not YAML: .*line 2"):
        plans.load(root)
    (root / "data" / "plans.yaml").unlink()
    with pytest.raises(SystemExit, match="it holds the course plans"):
        plans.load(root)


def test_an_assignment_must_say_how_long_it_takes(root: Path) -> None:
    path = root / "notebooks" / "assignments" / "first-steps" / "first-steps.ipynb"
    put(path, path.read_text(encoding="utf-8").replace('"minutes": 75', '"minutes": null'))
    with pytest.raises(SystemExit, match=r"first-steps\.ipynb: its metadata give no minutes"):
        plans.load(root)


def test_an_assignment_without_a_notebook_is_planned(root: Path) -> None:
    put(root / "data" / "plans.yaml", PLANS.replace("[first-steps]", "[second-steps]"))
    item = plans.load(root)[0].sessions[0].items[2]
    assert (item.title, item.status, item.minutes) == ("second-steps", "planned", 0)
    assert Counter(session.state for session in plans.load(root)[0].sessions) == {"in part": 2}
