"""How the command line spells the knobs that messages name.

Messages name a knob for every surface, ``(prior=1; --prior 1)``, and end with what only Python offers, ``, or in Python
take SQUAREM``. On the command line the options are left, in the production loop the keys of its file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from unseen.core.option import FLAG
from unseen.core.reading import READ

_BOTH = re.compile(r"\((?:[^()]|\([^()]*\))*?; (--[^()]*)\)")
_PYTHON = re.compile(r",? or in Python [^,;.:]*")
#: options by their keys in unseen.yaml
KEYS = {
    "--prior": "fit.prior",
    "--restarts": "fit.restarts",
    "--max-iterations": "fit.max_iterations",
    "--max-seconds": "limits.seconds",
    "--tol": "fit.tol",
    "--algorithm": "fit.algorithm",
    "--engine": "fit.engine",
    "--start": "fit.start",
    "--criterion": "model.criterion",
    "--components": "model.components",
    "--covariance": "model.covariance",
    "--family": "model.family",
    "--ignore": "data.ignore",
    "--weights": "data.weights",
    "--labels": "data.labels",
    **{f"--{o.name.replace('_', '-')}": f"data.read.{o.name}" for o in READ},
}
#: those whose keys hold lists, and those that say yes or no
LISTS = {"--ignore", *(f"--{o.name}" for o in READ if o.many)}
FLAGS = {f"--{o.name.replace('_', '-')}" for o in READ if o.kind == FLAG}
#: options of commands that no key stands for
NO_KEY = {"--checkpoint", "--every", "--prefix", "--resume", "--unknown"}
# what is advised, in parentheses: an option, and all that is no word of ours after it; elsewhere what must be a value
_ADVISED = re.compile(r"--(no-)?([a-z][a-z-]*)(?: (?!if |or --)((?:(?! if it | or --).)+))?")
_NAMED = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(KEYS, key=len, reverse=True))})(?![\w-])( (?:\d|bic|icl|out)\S*)?")


def on_command_line(text: str, config: bool = False) -> str:
    """A message as this command can follow it; ``config`` says that it takes its knobs from unseen.yaml.

    >>> on_command_line("use a prior (prior=1; --prior 1), or in Python another floor.")
    'use a prior (--prior 1).'
    >>> on_command_line("use a prior (prior=1; --prior 1)", config=True)
    'use a prior (fit.prior: 1)'
    """
    text = _PYTHON.sub("", text)
    text = _BOTH.sub(lambda found: f"({_keys(found[1]) if config else found[1]})", text)
    text = re.sub(r"criterion='(\w+)'(?: or '\w+')?", r"--criterion \1", text)
    text = re.sub(r"\bstart='(\w+)'", r"--start \1" if not config else r"fit.start: \1", text)
    for name in ("max_iterations", "max_seconds"):
        text = re.sub(rf"(?<![.\w]){name}\b", "--" + name.replace("_", "-"), text)
    if config:  # what stands between backticks is a command
        parts = text.split("`")
        text = "`".join(part if i % 2 else _NAMED.sub(_named, part) for i, part in enumerate(parts))
    return text


def in_settings(value: Any) -> Any:
    """What a retrain found, with all knobs as keys of unseen.yaml: a message, or lists and objects of them."""
    if isinstance(value, Mapping):
        return {key: in_settings(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [in_settings(inner) for inner in value]
    return on_command_line(value, config=True) if isinstance(value, str) else value


def _keys(advice: str) -> str:
    return _ADVISED.sub(lambda found: _key(f"--{found[2]}", found[3] or "", bool(found[1])), advice)


def _named(found: re.Match[str]) -> str:
    return _key(found[0].split(" ")[0], (found[1] or "").strip())


def _key(option: str, value: str, no: bool = False) -> str:
    """An option with its value as a line of unseen.yaml; those of kinds of models stand under ``model``."""
    if option in NO_KEY:
        return f"{option} {value}".strip()
    key = KEYS.get(option, f"model.{option[2:].replace('-', '_')}")
    if option in FLAGS:
        value = "false" if no else "true"
    elif option == "--family" and "=" in value:
        column, _, family = value.rpartition("=")
        value = f"{{{column}: {family}}}"
    elif option in LISTS and value:
        value = f"[{value}]"
    return f"{key}: {value}" if value else key
