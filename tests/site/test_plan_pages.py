"""The course plans on the built site: their files, and in a browser the choice of a first day."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tools.browser import Visit, axe_findings, visit
from tools.notebooks import ROOT
from tools.plans import START, load

SLUGS = [plan.slug for plan in load(ROOT)]
PAGES = ["plans", *(f"plan-{slug}" for slug in SLUGS)]
FIELD = "Begin on another day:"
LINKS = {"ics": "Calendar (.ics)", "csv": "Table (.csv)"}


def shifted(text: str, days: int) -> str:
    """Return a calendar or a table with the days of its sessions moved, line by line."""
    lines = []
    for line in text.split("\r\n"):
        name, colon, value = line.partition(":")
        if re.fullmatch(r"DT(START|END)(;VALUE=DATE)?", name):
            moved = date.fromisoformat(value[:8]) + timedelta(days=days)
            line = name + colon + moved.isoformat().replace("-", "") + value[8:]
        elif re.match(r"\d{4}-\d\d-\d\d,", line):
            moved = date.fromisoformat(line[:10]) + timedelta(days=days)
            line = moved.isoformat() + line[10:]
        lines.append(line)
    return "\r\n".join(lines)


def download(seen: Visit, suffix: str) -> tuple[str, str]:
    """Follow a link by keyboard; return the file's name and text."""
    link = seen.page.get_by_role("link", name=LINKS[suffix])
    link.focus()
    with seen.page.expect_download() as info:
        seen.page.keyboard.press("Enter")
    return info.value.suggested_filename, Path(info.value.path()).read_bytes().decode()


@pytest.mark.parametrize("slug", SLUGS)
def test_the_files_lie_beside_the_page(html: Path, slug: str) -> None:
    calendar = (html / "book" / f"plan-{slug}.ics").read_bytes().decode()
    assert calendar.startswith("BEGIN:VCALENDAR\r\n")
    assert re.search(rf"^DTSTART[^:]*:{START:%Y%m%d}", calendar, re.MULTILINE)
    table = (html / "book" / f"plan-{slug}.csv").read_bytes().decode()
    assert table.startswith("\ufeffdate,session,")
    assert table.splitlines()[1].startswith(f"{START},")


@pytest.mark.parametrize("slug", ["university-term", "one-day-bootcamp"])
def test_a_reader_chooses_the_first_day(
    chromium: Browser, address: str, html: Path, slug: str
) -> None:
    with visit(chromium, f"{address}/book/plan-{slug}.html") as seen:
        for chosen in (START, date(2028, 2, 24), date(2026, 9, 1)):  # a leap year, and earlier
            seen.page.get_by_label(FIELD).fill(chosen.isoformat())
            shown = f"{chosen:%A} {chosen.day} {chosen:%B %Y}"
            expect(seen.page.locator("#plan-files output")).to_have_text(shown)
            for suffix in LINKS:
                name, text = download(seen, suffix)
                static = (html / "book" / name).read_bytes().decode()
                assert name == f"plan-{slug}.{suffix}"
                assert text == shifted(static, (chosen - START).days)
                assert chosen.isoformat() in text or f"{chosen:%Y%m%d}" in text
        seen.page.get_by_label(FIELD).fill("")  # no date: the last one stays, and is shown
        assert download(seen, "ics")[1] == shifted(
            (html / "book" / f"plan-{slug}.ics").read_bytes().decode(), (chosen - START).days
        )
        expect(seen.page.locator("#plan-files output")).to_have_text(shown)
        assert seen.errors == []
        assert seen.offsite == []


def test_the_keyboard_alone_chooses_a_day(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/book/plan-{SLUGS[0]}.html") as seen:
        seen.page.get_by_role("link", name=LINKS["csv"]).focus()
        seen.page.keyboard.press("Tab")
        expect(seen.page.get_by_label(FIELD)).to_be_focused()
        seen.page.keyboard.press("ArrowUp")  # the month, as the browser writes dates here
        expect(seen.page.locator("#plan-files output")).to_have_text("Thursday 4 February 2027")


def test_from_a_folder_too(chromium: Browser, html: Path) -> None:
    with visit(chromium, (html / "book" / f"plan-{SLUGS[0]}.html").as_uri()) as seen:
        seen.page.get_by_label(FIELD).fill("2027-01-11")
        assert "DTSTART;VALUE=DATE:20270111\r\n" in download(seen, "ics")[1]


def test_without_scripts_there_is_the_file_and_no_field(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{address}/book/plan-{SLUGS[0]}.html")
        expect(page.get_by_label(FIELD)).to_be_hidden()
        expect(page.locator("#plan-files output")).to_be_visible()
        with page.expect_download() as info:
            page.get_by_role("link", name=LINKS["ics"]).click()
        assert Path(info.value.path()).read_bytes().startswith(b"BEGIN:VCALENDAR")
    finally:
        context.close()


def test_only_plans_load_the_script(html: Path) -> None:
    loading = [path for path in html.rglob("*.html") if "plans.js" in path.read_text("utf-8")]
    assert sorted(path.stem for path in loading) == sorted(f"plan-{slug}" for slug in SLUGS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plans", "plan-university-term"])
def test_axe_finds_nothing_serious(chromium: Browser, address: str, name: str, scheme: str) -> None:
    found = axe_findings(chromium, f"{address}/book/{name}.html", scheme=scheme)
    assert [(finding["id"], finding["nodes"][0]["html"]) for finding in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_the_whole_table(chromium: Browser, address: str, name: str) -> None:
    """Neither the page nor the table's own box scrolls sideways."""
    with visit(chromium, f"{address}/book/{name}.html", width=360, height=740) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        box = "document.querySelector('.pst-scrollable-table-container')"
        assert seen.page.evaluate(f"{box}.scrollWidth - {box}.clientWidth") == 0
