#!/usr/bin/env bash
# Usage: make_venv.sh PYTHON FOLDER. An empty virtual environment with pip in it, whatever this machine lacks.
# Debian and Ubuntu ship python3 without ensurepip, so `python3 -m venv` alone often fails there.
set -euo pipefail
python="$1" folder="$2" tool="$2.virtualenv"

fail() { echo "unseen: $*" >&2; exit 1; }
has_pip() { "$folder/bin/python" -m pip --version >/dev/null 2>&1; }

command -v "$python" >/dev/null 2>&1 ||
    fail "there is no '$python' here; install Python 3.11 or newer, or say which one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "'$python' is $("$python" --version 2>&1), but 3.11 or newer is needed; say which one: make PYTHON=/path/to/python3"

if [ -x "$folder/bin/python" ] && has_pip; then exit 0; fi

rm -rf "$folder"
if "$python" -m venv "$folder" >/dev/null 2>&1 && has_pip; then exit 0; fi

echo "unseen: 'python3 -m venv' does not work here (no ensurepip), taking virtualenv from pip" >&2
rm -rf "$folder" "$tool"
trap 'rm -rf "$tool"' EXIT
if "$python" -m pip install -qq --target "$tool" virtualenv &&
    PYTHONPATH="$tool" "$python" -m virtualenv --quiet "$folder" && has_pip; then exit 0; fi

rm -rf "$folder"
fail "cannot make a virtual environment: '$python' has neither a working 'venv' nor a pip that can fetch" \
    "'virtualenv'; as root, 'apt-get install python3-venv python3-pip' gives both"
