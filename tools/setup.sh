#!/bin/sh
# Make the virtual environment and put the pinned packages into it: `sh tools/setup.sh .venv`.
# PYTHON=... picks the interpreter, REQUIREMENTS=... another list of pins.
set -eu

venv=$1
requirements=${REQUIREMENTS:-requirements.txt}
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

# 1. A Python that is new enough, before anything else is done.
python=
found=
set -- python3 python python3.14 python3.13 python3.12 python3.11
if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; fi
for candidate in "$@"; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
    found="$found $candidate is $version."
done
if [ -z "$python" ]; then
    say "This book needs Python 3.11 or newer.${found:- No Python was found.}"
    say "Install one (https://www.python.org/downloads/), or name it: make PYTHON=/path/to/python3"
    exit 1
fi

# 2. The environment. One whose Python has gone, or that was left half made, is made anew.
bin=$venv/bin
[ -d "$venv/Scripts" ] && bin=$venv/Scripts
if ! "$bin/python" -m pip --version >/dev/null 2>&1; then
    echo "Making $venv with Python $version ..."
    if ! "$python" -m venv --clear "$venv"; then
        say "$python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv"
        exit 1
    fi
    [ -d "$venv/Scripts" ] && bin=$venv/Scripts
fi

# 3. The packages: what an interrupted download left is kept and used.
offline() {
    say "The packages could not be installed: check the network (behind a proxy, set HTTPS_PROXY) and"
    say "the room on the disk (6 GB), then run the same command again. What was downloaded is kept."
    exit 1
}
echo "Installing the packages of $requirements (about 6 GB the first time) ..."
"$bin/python" -m pip install --quiet "uv==0.13.9" || offline
"$bin/python" -m uv pip sync --quiet --python "$bin/python" "$requirements" || offline
"$bin/python" -m uv pip install --quiet --python "$bin/python" --no-deps --editable . || offline

# 4. What the site's demos run on. Without it the book is built all the same, and says what it lacks.
"$bin/python" -m tools.npm || true
