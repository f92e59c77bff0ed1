"""How the command line spells the knobs that messages name.

Messages name a knob for every surface, ``(prior=1; --prior 1)``, and end with what only Python offers, ``, or in Python
take SQUAREM``. On the command line the options are left, in the production loop the keys of its file.
"""

from __future__ import annotations

import re

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
    "--criterion": "model.criterion",
    "--components": "model.components",
    "--covariance": "model.covariance",
    "--family": "model.family",
    "--ignore": "data.ignore",
    **{f"--{o.name.replace('_', '-')}": f"data.read.{o.name}" for o in READ},
}


def on_command_line(text: str, config: bool = False) -> str:
    """A message as this command can follow it; ``config`` says that it takes its knobs from unseen.yaml.

    >>> on_command_line("use a prior (prior=1; --prior 1), or in Python another floor.")
    'use a prior (--prior 1).'
    >>> on_command_line("use a prior (prior=1; --prior 1)", config=True)
    'use a prior (fit.prior: 1)'
    """
    text = _PYTHON.sub("", _BOTH.sub(r"(\1)", text))
    text = re.sub(r"criterion='(\w+)'(?: or '\w+')?", r"--criterion \1", text)
    for name in ("max_iterations", "max_seconds"):
        text = re.sub(rf"(?<![.\w]){name}\b", "--" + name.replace("_", "-"), text)
    if config:
        for option, key in KEYS.items():
            text = re.sub(rf"{option} (?=[^\s)])", f"{key}: ", text).replace(option, key)
    return text
