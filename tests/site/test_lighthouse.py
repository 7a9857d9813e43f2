"""Lighthouse's marks of the site; the one that depends on the machine is left to `make bench`."""

from __future__ import annotations

import os

import pytest

from tools import lighthouse, npm


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if problem := npm.install(dev=True):
        if os.environ.get("CI") == "true":
            pytest.fail(problem)
        pytest.skip(f"npm cannot install Lighthouse: {problem}")


@pytest.mark.parametrize("checked", lighthouse.PAGES)
def test_marks(address: str, checked: str) -> None:
    scores, findings = lighthouse.marks(f"{address}/{checked}.html")
    low = {name: scores[name] for name, bar in lighthouse.BARS.items() if scores[name] < bar}
    low.pop("performance", None)
    assert low == {}, findings
