"""The pages of the course plans: an overview, one page a plan, and the files beside them."""

from __future__ import annotations

import html
import math
from pathlib import Path

from tools import plans
from tools.notebooks import configuration
from tools.pages import EDIT_NOTE, cell, chapter_link, chinese
from tools.plans import MINUTES_PER_CODE_CELL, START, WORDS_PER_MINUTE, Item, Plan, Session

FILES = "Calendar (.ics)", "Table (.csv)"
FIRST_DAY = f"{START:%A} {START.day} {START:%B %Y}"


def files(root: Path) -> dict[str, str]:
    """Return the generated pages, and the calendars and tables that lie beside them.

    Args:
        root: the checkout. One that has no plans has none of these files.

    Returns:
        The text of each file by its name in ``book/``.

    Raises:
        SystemExit: data/plans.yaml breaks a rule.
    """
    if not (root / "data" / "plans.yaml").exists():
        return {}
    loaded, config = plans.load(root), configuration(root)
    result = {"plans.md": overview(loaded)}
    for plan in loaded:
        exports = {"ics": plans.calendar(plan, START, config), "csv": plans.table(plan, START)}
        result |= {f"plan-{plan.slug}.{suffix}": text for suffix, text in exports.items()}
        result[f"plan-{plan.slug}.md"] = plan_page(plan, exports)
    return result


def overview(loaded: list[Plan]) -> str:
    """Return the page that lists the plans."""
    rows = "\n".join(
        f"| [{cell(plan.title)}](plan-{plan.slug}.md)<br>{chinese(cell(plan.chinese))}"
        f"<br>{cell(plan.audience)} "
        f"| {len(plan.lessons)} sessions<br>chapters ready: {_ready(plan)}<br>"
        f"{duration(plan.total('minutes'))}<br>{_file(plan, 'ics')} · {_file(plan, 'csv')} |"
        for plan in loaded
    )
    return f"""{EDIT_NOTE}# Course plans

Orders in which to teach or study this book. Each maps its sessions to chapters and assignments, and
says what is still missing: a chapter marked *planned* is not written yet and adds no time.

| Plan | What it holds |
| --- | --- |
{rows}

Five plans follow the order of the course outlines that the [topic map](topic-map.md) names, session
by session; every topic of an outline is taught by a chapter of its plan. The other two are made for
this book.

## How times are estimated

- **Reading**: {WORDS_PER_MINUTE} words a minute, and {MINUTES_PER_CODE_CELL} minute for each code
  cell with its output. Doing the exercises comes on top.
- **Running**: the seconds that the chapter took when it was [last run](run-times.md).
- **Assignments**: the minutes that the assignment names.

A chapter that a later session comes back to is marked *again* and counted once.

## Dates

A plan holds no dates. In the files above, the first session is on {FIRST_DAY}; each session of a
plan without hours takes a week. On the page of a plan you can choose another day, and both files
follow. Without a browser:

```bash
python -m tools.plans export {loaded[0].slug} --start 2027-03-01 --to plan.ics
```

A name that ends in `.csv` gives the table.
"""


STATES = {"ready": "complete", "in part": "in part", "planned": "planned"}


def plan_page(plan: Plan, exports: dict[str, str]) -> str:
    """Return the page of a plan; ``exports`` are the texts of the files beside it."""
    rows = "\n".join(_row(session) for session in plan.sessions)
    states = [session.state for session in plan.lessons]
    counts = {name: states.count(state) for state, name in STATES.items()}
    shown = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    reading, work = duration(plan.total("reading")), duration(plan.total("work"))
    running = duration(plan.total("running") / 60)
    return f"""{EDIT_NOTE}# {plan.title}

{chinese(plan.chinese)}

- Chapters ready: **{_ready(plan)}**
- Sessions: **{shown}**
- Reading **{reading}**, running **{running}**, assignments **{work}**;
  what is planned is not counted. [How times are estimated](plans.md#how-times-are-estimated).

**{plan.audience}** {plan.about}

{_downloads(plan, exports)}

| Session | Chapters and assignments |
| --- | --- |
{rows}
"""


def _row(session: Session) -> str:
    lines = [f"**{cell(session.label)}**", cell(session.title)]
    if minutes := sum(item.minutes for item in session.items):
        lines.append(duration(minutes))
    note = [f"*{cell(session.note)}*"] if session.note else []
    contents = [*(f"• {_item(item)}" for item in session.items), *note]
    return f"| {'<br>'.join(lines)} | {'<br>'.join(contents)} |"


def _item(item: Item) -> str:
    """Return a chapter or an assignment as a cell of the table shows it."""
    if item.kind == "assignment":
        size = f"{duration(item.work)}, {item.points:g} points"
        if item.status == "planned":
            return f"Assignment: {cell(item.title)} (planned)"
        return f"[Assignment: {cell(item.title)}](assignments.md) ({size})"
    if item.status == "planned":
        return f"{cell(item.title)} (planned)"
    size = "again" if item.status == "again" else duration(item.minutes)
    return f"{chapter_link(item.name, item.title)} ({size})"


def _downloads(plan: Plan, exports: dict[str, str]) -> str:
    """Return the links to the files, and the field that moves them, which plans.js shows."""
    links = " · ".join(
        f'<a href="plan-{plan.slug}.{suffix}" download="plan-{plan.slug}.{suffix}" '
        f'data-text="{html.escape(text).replace(chr(13), "").replace(chr(10), "&#10;")}">{name}</a>'
        for (suffix, text), name in zip(exports.items(), FILES, strict=True)
    )
    return f"""<div id="plan-files">
<p>{links}. The first day is <output for="plan-start">{FIRST_DAY}</output>.</p>
<p hidden><label for="plan-start">Begin on another day:</label>
<input type="date" id="plan-start" value="{START}" min="2000-01-01" max="2999-12-31" required></p>
<script defer src="../_static/plans.js"></script>
</div>"""


def _file(plan: Plan, suffix: str) -> str:
    label = f"{plan.title}, {suffix}"
    href = f"plan-{plan.slug}.{suffix}"
    return f'<a href="{href}" download aria-label="{html.escape(label)}">.{suffix}</a>'


def _ready(plan: Plan) -> str:
    chapters = plan.chapters.values()
    return f"{sum(item.status == 'ready' for item in chapters)} of {len(chapters)}"


def duration(minutes: float) -> str:
    """Return a time in whole minutes, rounded up: ``3 h 5 min``, in one piece."""
    hours, rest = divmod(math.ceil(minutes), 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours)
    return " ".join(parts).replace(" ", "\N{NO-BREAK SPACE}")
