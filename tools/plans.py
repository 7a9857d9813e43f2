"""Course plans: the pages, tables and calendars made from data/plans.yaml.

python -m tools.plans export university-term --start 2027-03-01 --to term.ics
python -m tools.plans export university-term --start 2027-03-01 --to term.csv
"""

from __future__ import annotations

import argparse
import csv
import difflib
import io
import math
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import yaml

from tools.assignments import facts
from tools.notebooks import ROOT, Book, configuration, write
from tools.pages import finished_chapters, kept_seconds, read_csv
from tools.rules import Chapter, words

# How reading time is estimated: prose at this rate, and a while for each code cell and its output.
WORDS_PER_MINUTE = 200
MINUTES_PER_CODE_CELL = 1

# The Monday on which the files on the site start: a plan itself holds no dates.
START = date(2027, 1, 4)

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
HOURS = re.compile(r"(\d\d):([0-5]\d)–(\d\d):([0-5]\d)")

COLUMNS = (
    *("date", "session", "title", "kind", "name", "item", "status"),
    *("reading_minutes", "running_seconds", "assignment_minutes", "points", "note"),
)


@dataclass(frozen=True)
class Item:
    """A chapter, an assignment or a break, as a session holds it.

    Its status is `ready`, `planned`, or `again` for a chapter that an earlier session has read.
    """

    kind: str
    name: str
    title: str
    status: str
    reading: int = 0  # minutes
    running: float = 0.0  # seconds
    work: int = 0  # minutes
    points: float = 0.0

    @property
    def minutes(self) -> int:
        """All its time, in whole minutes so that what a page shows adds up."""
        return math.ceil(self.reading + self.running / 60 + self.work)


@dataclass(frozen=True)
class Session:
    """A week or an hour of a plan; its times count from the midnight at which the plan begins.

    A session without items is a break.
    """

    label: str
    title: str
    items: tuple[Item, ...]
    note: str
    begins: timedelta
    ends: timedelta

    @property
    def state(self) -> str:
        """`ready` where all of it exists, `planned` where nothing does, else `in part`."""
        planned = sum(item.status == "planned" for item in self.items)
        return "ready" if not planned else "planned" if planned == len(self.items) else "in part"


@dataclass(frozen=True)
class Plan:
    """A course plan. `source` is the number of the outline that it follows, if it follows one."""

    slug: str
    title: str
    chinese: str
    audience: str
    about: str
    source: str
    sessions: tuple[Session, ...]

    @property
    def lessons(self) -> list[Session]:
        return [session for session in self.sessions if session.items]

    @property
    def timed(self) -> bool:
        return HOURS.fullmatch(self.sessions[0].label) is not None

    @property
    def chapters(self) -> dict[str, Item]:
        """Each chapter as its first session holds it, by name."""
        items = [item for session in self.sessions for item in session.items]
        return {item.name: item for item in reversed(items) if item.kind == "chapter"}

    def total(self, what: str) -> float:
        """Return the sum of `reading`, `running`, `work` or `minutes` over all that exists."""
        return sum(getattr(item, what) for session in self.sessions for item in session.items)


def load(root: Path) -> list[Plan]:
    """Read the plans, and from the notebooks what each chapter and assignment takes.

    Args:
        root: the checkout.

    Returns:
        The plans in the file's order. An assignment that has no notebook is planned.

    Raises:
        SystemExit: the file breaks a rule; the message says where, and what is wrong.
    """
    path = root / "data" / "plans.yaml"
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SystemExit(f"{path} is missing: it holds the course plans") from error
    except yaml.YAMLError as error:
        raise SystemExit(f"data/plans.yaml is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(entries, list) or not entries:
        raise SystemExit("data/plans.yaml: must be a list of plans, each with a slug")
    known = _chapters(root), _assignments(root)
    plans = [_plan(f"plan {number}", entry, *known) for number, entry in enumerate(entries, 1)]
    slugs = [plan.slug for plan in plans]
    for slug in slugs:
        if slugs.count(slug) > 1:
            _wrong(f"plan {slug}", "there are two plans with this slug: rename one")
    return plans


def _chapters(root: Path) -> dict[str, Item]:
    book, done, items = Book(root), set(finished_chapters(root)), {}
    for row in read_csv(root / "data" / "chapters.csv"):
        name = row["chapter"]
        item = Item("chapter", name, row["title"], "planned")
        if name in done:
            running = kept_seconds(book.executed(name)) or 0.0
            reading = reading_minutes(Chapter(book, name))
            item = replace(item, status="ready", reading=reading, running=running)
        items[name] = item
    return items


def reading_minutes(chapter: Chapter) -> int:
    """Return the minutes that reading a chapter takes, folded solutions and exercises aside."""
    prose = words(chapter.prose) / WORDS_PER_MINUTE
    return math.ceil(prose + MINUTES_PER_CODE_CELL * sum(1 for _ in chapter.code()))


def _assignments(root: Path) -> dict[str, Item]:
    return {
        fact.slug: Item(
            *("assignment", fact.slug, fact.title, "ready"), work=fact.minutes, points=fact.points
        )
        for fact in facts(root)
    }


def _plan(where: str, entry: Any, chapters: dict[str, Item], assignments: dict[str, Item]) -> Plan:
    texts = "slug", "title", "chinese", "audience", "about"
    values = _fields(where, entry, (*texts, "sessions"), {"source": ""})
    if not SLUG.fullmatch(values["slug"]):
        _wrong(where, f"the slug {values['slug']!r} is not in lower-case-words")
    where = f"plan {values['slug']}"
    sessions: list[Session] = []
    met: set[str] = set()
    for number, fields in enumerate(values.pop("sessions")):
        session = _session(f"{where}, session {number + 1}", number, fields, chapters, assignments)
        here = f"{where}, session {session.label!r}"
        last = sessions[-1] if sessions else session
        if bool(HOURS.fullmatch(session.label)) != bool(HOURS.fullmatch(last.label)):
            _wrong(here, "some labels are times such as 09:00–10:30 and some are not")
        if session is not last and session.begins < last.ends:
            _wrong(here, f"begins before {last.label!r} ends")
        for item in session.items:
            if item.kind == "assignment" and item.name in met:
                _wrong(here, f"the assignment {item.name} was set before")
        sessions.append(replace(session, items=tuple(_again(i, met) for i in session.items)))
        met |= {item.name for item in session.items}
    return Plan(**values, sessions=tuple(sessions))


def _session(
    where: str,
    number: int,
    entry: Any,
    chapters: dict[str, Item],
    assignments: dict[str, Item],
) -> Session:
    optional = {"chapters": [], "assignments": [], "note": "", "break": False}
    values = _fields(where, entry, ("label", "title"), optional)
    label = values["label"]
    where = f"{where} ({label})"
    for name in (*values["chapters"], *values["assignments"]):
        if not isinstance(name, str):
            _wrong(where, f"{name!r} is no name of a chapter or an assignment")
        if name in values["chapters"] and name not in chapters:
            _wrong(where, f"unknown chapter {name!r}.{_nearest(name, chapters)}")
    items = [chapters[name] for name in values["chapters"]]
    for slug in values["assignments"]:
        missing = Item("assignment", slug, slug, "planned")
        items.append(assignments.get(slug, missing))
    if len({item.name for item in items}) < len(items):
        _wrong(where, "names something twice")
    if bool(items) == values["break"]:
        _wrong(where, "must name a chapter or an assignment, or else say `break: true`")
    begins, ends = timedelta(weeks=number), timedelta(weeks=number + 1)
    if hours := HOURS.fullmatch(label):
        first, minute, last, end = map(int, hours.groups())
        begins, ends = timedelta(hours=first, minutes=minute), timedelta(hours=last, minutes=end)
        if not begins < ends <= timedelta(days=1):
            _wrong(where, "must end after it begins, and by 24:00")
    return Session(label, values["title"], tuple(items), values["note"], begins, ends)


def _again(item: Item, met: set[str]) -> Item:
    repeated = item.name in met and item.status == "ready"
    return Item(item.kind, item.name, item.title, "again") if repeated else item


def _fields(
    where: str, entry: Any, required: tuple[str, ...], optional: dict[str, Any]
) -> dict[str, Any]:
    """Return the entry's values, what it leaves out filled in."""
    if not isinstance(entry, dict):
        _wrong(where, f"must hold lines of `key: value`, not {entry!r}")
    for key in entry:
        if key not in (known := (*required, *optional)):
            _wrong(where, f"unknown key {key!r}. The keys are {', '.join(known)}")
    for key in required:
        if not entry.get(key):
            _wrong(where, f"has no {key}")
    for key, value in entry.items():
        wanted = list if key == "sessions" else type(optional.get(key, ""))
        if not isinstance(value, wanted):
            _wrong(where, f"{key} is {value!r}; it must be of type {wanted.__name__}")
    return optional | entry


def _wrong(where: str, what: str) -> NoReturn:
    raise SystemExit(f"data/plans.yaml: {where}: {what}")


def _nearest(given: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.4)
    return f" Did you mean {near[0]}?" if near else ""


def table(plan: Plan, start: date) -> str:
    """Return a plan as CSV with a line for each chapter, assignment and break, ended by CRLF.

    Args:
        plan: the plan.
        start: the day of its first session.
    """
    text = io.StringIO()
    text.write("\ufeff")  # without it some spreadsheets take UTF-8 for something older
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for session in plan.sessions:
        day = (start + session.begins).isoformat()
        for item in session.items or (Item("break", "", "", ""),):
            numbers = item.reading, round(item.running, 1), item.work, item.points
            about = item.kind, item.name, item.title, item.status
            shown = (f"{number:g}" if number else "" for number in numbers)
            lines.writerow((day, session.label, session.title, *about, *shown, session.note))
    return text.getvalue()


def calendar(plan: Plan, start: date, config: dict[str, Any]) -> str:
    """Return a plan as iCalendar (RFC 5545), its lines folded and ending in CRLF.

    A session with hours becomes an event without time zone, which every calendar shows at those
    hours; any other takes the whole seven days.

    Args:
        plan: the plan.
        start: the day of its first session.
        config: what `_config.yml` holds, for the book's title and address.
    """
    base = config["html"]["baseurl"]
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{_text(config['title'])}//Plans//EN"]
    lines += ["CALSCALE:GREGORIAN", f"X-WR-CALNAME:{_text(f'{plan.title} ({plan.chinese})')}"]
    for number, session in enumerate(plan.sessions, start=1):
        midnight = datetime.combine(start, time())
        begins, ends = midnight + session.begins, midnight + session.ends
        form, kind = ("%Y%m%dT%H%M%S", "") if plan.timed else ("%Y%m%d", ";VALUE=DATE")
        contents = [_line(item, base) for item in session.items]
        summary = session.title if plan.timed else f"{session.label}: {session.title}"
        description = "\n".join([*contents, *filter(None, [session.note])])
        lines += [
            "BEGIN:VEVENT",
            f"UID:{plan.slug}-{number}@{urlsplit(base).netloc}",
            f"DTSTAMP:{START:%Y%m%d}T000000Z",  # required; a clock here would change every build
            f"DTSTART{kind}:{begins:{form}}",
            f"DTEND{kind}:{ends:{form}}",
            f"SUMMARY:{_text(summary)}",
            *([f"DESCRIPTION:{_text(description)}"] if description else []),
            f"URL:{base}book/plan-{plan.slug}.html",
            "TRANSP:" + ("OPAQUE" if plan.timed else "TRANSPARENT"),
            "END:VEVENT",
        ]
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _line(item: Item, base: str) -> str:
    """Return what an event says of a chapter or an assignment."""
    if item.kind == "assignment":
        done = f"{item.work} min" if item.status == "ready" else item.status
        return f"Assignment: {item.title} ({done})"
    if item.status == "planned":
        return f"{item.title} (planned)"
    return f"{item.title}: {base}notebooks/{item.name}.html"


def _text(value: str) -> str:
    """Return a value of iCalendar's type TEXT."""
    return re.sub(r"([\\;,])", r"\\\1", value).replace("\n", "\\n")


def _folded(line: str) -> str:
    """Return the line in pieces of at most 75 octets, none of which splits a character."""
    pieces, size = [""], 0
    for character in line:
        octets = len(character.encode())
        if size + octets > 75:
            pieces.append("")
            size = 1  # the blank that begins a continuation
        pieces[-1] += character
        size += octets
    return "\r\n ".join(pieces)


def main(argv: list[str] | None = None) -> int:
    """Write a plan's calendar or table to a file. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="export")
    command = commands.add_parser("export", help="write a plan as a calendar or a table")
    command.add_argument("slug", help="the plan, e.g. university-term")
    command.add_argument("--start", default=START.isoformat(), help="first day, e.g. 2027-03-01")
    command.add_argument("--to", type=Path, required=True, help="FILE.ics or FILE.csv")
    command.add_argument("--root", type=Path, default=ROOT, help="the checkout (default: this one)")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    plans = {plan.slug: plan for plan in load(root)}
    if options.slug not in plans:
        known = ", ".join(plans)
        guess = _nearest(options.slug, plans)
        raise SystemExit(f"unknown plan {options.slug!r}: there are {known}.{guess}")
    plan = plans[options.slug]
    try:
        start = date.fromisoformat(options.start)
        last = start + plan.sessions[-1].ends
    except (ValueError, OverflowError) as error:
        raise SystemExit(f"--start {options.start!r} is no date such as 2027-03-01") from error
    if options.to.suffix == ".ics":
        text = calendar(plan, start, configuration(root))
    elif options.to.suffix == ".csv":
        text = table(plan, start)
    else:
        raise SystemExit(f"--to {options.to}: the name must end in .ics or .csv")
    write(options.to, text)
    print(f"{options.to}: {len(plan.sessions)} sessions from {start} to {last}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
