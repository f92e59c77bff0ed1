"""`--model NAME`: a command whose options are its own and those that the kind of model declares."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

from unseen.cli.options import Components, Finite
from unseen.core.option import COLUMN, COMPONENTS, FIT, FLAG, INTEGER, NUMBER, Option

F = TypeVar("F", bound=Callable[..., Any])
MIXTURE = "mixture"
AT = "model"


def kinds() -> tuple[str, ...]:
    """The names of the files in ``unseen.models``, none of which is imported: --help does not wait for numpy."""
    import unseen

    room = Path(unseen.__file__).parent / "models"
    return tuple(sorted(p.stem for p in room.glob("[a-z]*.py")))


def options_of(kind: str) -> tuple[Option, ...]:
    """What a kind of model declares."""
    if kind == MIXTURE:
        return (COMPONENTS,)
    from unseen.store.kinds import model

    return model(kind).options


def as_click(option: Option) -> click.Option:
    """An option of a model as the command line has it."""
    names = [option.name, f"--{option.name.replace('_', '-')}", *(["-k"] if option.order else [])]
    if option.unit and option.name != "unit":
        names.append("--unit")
    told = f"  [default: {option.told}]" if option.told else ""
    if option.kind == FLAG:
        if option.optional:  # it may be found in the data, or be said to be so or not
            names[-1] += f"/--no-{option.name.replace('_', '-')}"
        return click.Option(names, is_flag=True, default=None, help=option.sentence + told)
    if option.order:
        told = f"{option.sentence}  [default: from 1 to 8, until the criterion gets worse]"
        return click.Option(names, type=Components(), help=told)
    types: dict[str, Any] = {
        INTEGER: click.IntRange(min=None if option.least is None else int(option.least)),
        NUMBER: Finite(min=option.least, min_open=option.above),
    }
    given = option.told or ("" if option.default is None else str(option.default))
    return click.Option(
        names,
        type=click.Choice(option.choices) if option.choices else types.get(option.kind, click.STRING),
        metavar=None if option.choices or option.kind in types else "COL" if option.kind == COLUMN else "TEXT",
        help=option.sentence + (f"  [default: {given}]" if given else ""),
        default=option.default,
        multiple=option.many,
    )


def fit_options(command: F) -> F:
    """Add what a fit is asked for, whatever the model."""
    for option in reversed(FIT):
        made = as_click(option)
        click.option(*made.opts, type=made.type, help=made.help, default=made.default)(command)
    return command


class ModelCommand(click.Command):
    """A command with ``--model``: the options of the kind that was asked for stand behind it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[AT] = _asked(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if (hint := _elsewhere(error.option_name, ctx.meta[AT])) is None:
                raise
            raise click.UsageError(hint, ctx) from None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        params = list(super().get_params(ctx))
        place = next(i for i, p in enumerate(params) if p.name == AT) + 1
        taken = {name for p in params for name in p.opts}
        kind = ctx.meta.get(AT, MIXTURE)
        own = [as_click(option) for option in options_of(kind)]
        hidden = not_for(kind)
        rest = [_hidden(p) if p.name in hidden else p for p in params[place:]]
        return [*params[:place], *(o for o in own if not taken & set(o.opts)), *rest]


def not_for(kind: str) -> tuple[str, ...]:
    """The options of a fit that mean nothing for a kind: --help does not show them, and the fit refuses them."""
    if kind == MIXTURE:
        return ()
    from unseen.core.capabilities import Structured
    from unseen.core.model import Latent
    from unseen.store.kinds import model

    cls = model(kind)
    families = () if issubclass(cls, Structured) else ("family", "covariance")
    return families if issubclass(cls, Latent) else (*families, "labels")


def _hidden(param: click.Parameter) -> click.Parameter:
    """The same option, unseen in --help."""
    made = copy.copy(param)
    if isinstance(made, click.Option):
        made.hidden = True
    return made


def _asked(args: Sequence[str]) -> str:
    """The kind that some arguments name, wherever they do."""
    found = MIXTURE
    for i, arg in enumerate(args):
        if arg == "--":
            break
        if arg == "--model" and i + 1 < len(args):
            found = args[i + 1]
        elif arg.startswith("--model="):
            found = arg.partition("=")[2]
    return found


def _elsewhere(name: str, kind: str) -> str | None:
    """What to say of an option that this kind does not have, and another one does or nearly does."""
    plain = name.lstrip("-").replace("-", "_")
    having = [other for other in kinds() if other != kind and any(o.name == plain for o in options_of(other))]
    own = [f"--{o.name.replace('_', '-')}" for o in options_of(kind)]
    if having:
        return f"--model {kind} has no option {name}: that is one of {', '.join(having)}; its own are {', '.join(own)}"
    near = get_close_matches(name, own, 1)
    return f"No such option: {name}; the nearest is {near[0]}" if near else None
