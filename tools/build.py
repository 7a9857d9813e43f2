"""Build the site from the executed chapters: ``python -m tools.build``.

Stages the tree in ``_build/src``, runs Jupyter Book on it with every warning an error, and puts
the result in ``_build/html`` in one move, so that a failed or interrupted build leaves the old
site as it was. When nothing has changed since the last build, it says so and stops.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tools import formulas, lean, npm, previews, stage
from tools.notebooks import arguments, configuration, toc_files
from tools.serve import serve

# The fingerprint lies in the site itself: it appears with the site and goes with it.
FINGERPRINT = ".fingerprint"

# What the demos load of ONNX Runtime.
ONNXRUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")

# What the themes bring along and no page of ours loads.
UNUSED = (
    *("_static/vendor", "_static/locales", "_static/**/*.map", ".buildinfo"),
    *("_static/basic.css", "_static/*webpack-macros.html"),  # in our own sheet; a template
)

REDIRECT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={first}">
<p><a href="{first}">{title}</a></p>
</html>
"""

NOT_FOUND = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Page not found - {title}</title>
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}}
a{{color:inherit}}</style>
<h1>This page is not in the book</h1>
<p>It may have moved. Try the <a href="{base}book/index.html">first page</a>
or the <a href="{base}search.html">search</a>.</p>
</html>
"""


def fingerprint(staged: str) -> str:
    """One hash of everything the site is made from: the staged tree, these tools, the libraries."""
    libraries = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme")
    parts = [staged, *(f"{name} {importlib.metadata.version(name)}" for name in libraries)]
    parts.append(f"onnxruntime-web {npm.installed() and npm.version('onnxruntime-web')}")
    for name in ("build.py", "formulas.js", "formulas.py", "lean.py", "previews.py"):
        parts.append(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def copy_onnxruntime(site: Path) -> None:
    """Put ONNX Runtime into ``site/onnxruntime``, if npm could install it and demos need it."""
    if not any((site / "demos").rglob("*.onnx")):
        return
    if problem := npm.install():
        print(
            f"npm could not install ONNX Runtime:\n{problem}\n"
            "The book is built all the same; demos that run a model will show their picture only. "
            "With a network, `python -m tools.npm` and `make book` put them in.",
            file=sys.stderr,
        )
        return
    target = site / "onnxruntime"
    target.mkdir()
    for name in ONNXRUNTIME:
        shutil.copyfile(npm.module("onnxruntime-web") / "dist" / name, target / name)
    print(f"The demos run on ONNX Runtime {npm.version('onnxruntime-web')}, taken from npm.")


def finish(site: Path, source: Path) -> None:
    """Add what a web host needs to the pages, and take away what no page loads."""
    import yaml

    config = configuration(source)
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    title = config["title"]
    copy_onnxruntime(site)
    (site / "index.html").write_text(REDIRECT.format(title=title, first=f"{toc['root']}.html"))
    # A host shows 404.html at any depth, so its links cannot be relative to the page.
    base = urlsplit(config["html"]["baseurl"]).path
    (site / "404.html").write_text(NOT_FOUND.format(title=title, base=base))
    formulas.add(site)
    lean.make(site)
    for pattern in UNUSED:
        for path in list(site.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    previews.add(site, list(toc_files(toc)), config["html"]["baseurl"], title)
    (site / ".nojekyll").touch()  # GitHub Pages would leave out _static and _images


def readable(warnings: str, source: Path) -> str:
    """Sphinx's warnings with paths of the repository, and notebook cells by their number."""
    warnings = warnings.replace(f"{source}{os.sep}", "")
    # MyST-NB counts lines as 10,000 times the cell, plus the line, plus one.
    return re.sub(
        r"\.ipynb:(\d+)(\d{4}):",
        lambda m: f".ipynb, cell {m[1]}, line {max(int(m[2]) - 1, 1)}:",
        warnings,
    )


@contextlib.contextmanager
def _captured_stderr() -> Iterator[io.StringIO]:
    with io.StringIO() as stream, contextlib.redirect_stderr(stream):
        yield stream


def run_jupyter_book(source: Path, site: Path, doctrees: Path) -> str:
    """Build ``source`` into the new folder ``site``.

    Returns:
        What went wrong, one warning or error a line; empty when nothing did.

    Raises:
        KeyboardInterrupt: The build was interrupted.
    """
    # Imported here: a build with nothing to do should not wait two seconds for Sphinx.
    from jupyter_book.sphinx import build_sphinx  # type: ignore[import-untyped]
    from sphinx.util.console import nocolor

    nocolor()
    with _captured_stderr() as stderr:
        result = build_sphinx(
            source,
            site,
            path_config=source / "_config.yml",
            noconfig=True,
            confoverrides={
                "external_toc_path": str(source / "_toc.yml"),
                "latex_individualpages": False,
            },
            doctreedir=doctrees,
            quiet=True,
            warningiserror=True,
            keep_going=True,
        )
        warnings = stderr.getvalue().strip()
    if isinstance(result, KeyboardInterrupt):
        raise result
    if result == 0:
        return ""
    return readable(warnings, source) or f"Jupyter Book failed: {result!r}"


def make(source: Path, new: Path, doctrees: Path) -> str:
    """Make the whole site in the new folder ``new``; return what went wrong, as above.

    Sphinx keeps what it has parsed in ``doctrees`` and does not warn again of what it parsed
    before. So that folder is kept only from builds that ended well.
    """
    unproven = doctrees.with_name("doctrees.new")
    for folder in (new, unproven):
        shutil.rmtree(folder, ignore_errors=True)
    if doctrees.exists():
        doctrees.rename(unproven)
    problems = run_jupyter_book(source, new, unproven)
    if not problems:
        try:
            finish(new, source)
        except ValueError as error:  # a formula that cannot be set
            return str(error)
        unproven.rename(doctrees)
    return problems


def swap(new: Path, site: Path) -> None:
    """Put the finished folder ``new`` in the place of ``site``."""
    old = site.with_name("html.old")
    shutil.rmtree(old, ignore_errors=True)
    if site.exists():
        site.rename(old)
    new.rename(site)
    shutil.rmtree(old, ignore_errors=True)


def build(root: Path, *, part: str | None = None, notebook: str | None = None) -> int:
    """Build the book of ``root``, or a part or a notebook of it, into ``root/_build/html``.

    Args:
        root: The repository's root.
        part: Build only this part's chapters, for example ``"foundations"``.
        notebook: Build only this chapter, for example ``"foundations/tensors"``.

    Returns:
        The exit status: 0 built or already up to date, 1 there were warnings or errors.
    """
    work = root / "_build"
    source, site, new = work / "src", work / "html", work / "html.new"
    started = time.perf_counter()
    key = fingerprint(stage.stage(root, part=part, notebook=notebook))
    recorded = site / FINGERPRINT
    if recorded.is_file() and recorded.read_text() == key:
        print("The site is up to date.")
    else:
        print("Building the site ...", flush=True)
        try:
            problems = make(source, new, work / "doctrees")
            if problems:
                print(f"The site was not built; {site} is as it was.\n", file=sys.stderr)
                print(problems, file=sys.stderr)
                return 1
            (new / FINGERPRINT).write_text(key)
            swap(new, site)
        except OSError as error:
            reason = error.strerror or error
            raise SystemExit(f"the site could not be written to {new} ({reason})") from error
        finally:
            shutil.rmtree(new, ignore_errors=True)
        pages = sum(1 for folder in ("book", "notebooks") for _ in (site / folder).rglob("*.html"))
        print(f"Built {pages} pages in {time.perf_counter() - started:.0f} s.")
    print(f"The book is at {(site / 'index.html').as_uri()}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and build. Returns the exit status."""
    parser = arguments(__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--serve", action="store_true", help="then serve it on 127.0.0.1")
    options = parser.parse_args(argv)
    root = options.root.resolve()
    try:
        status = build(root, part=options.part, notebook=options.notebook)
    except KeyboardInterrupt:
        print("\nInterrupted; the site is as it was.", file=sys.stderr)
        return 130
    if status == 0 and options.serve:
        return serve(root / "_build" / "html")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
