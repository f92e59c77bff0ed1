"""Checks of one model, or of one family inside a mixture, on its own example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from unseen.algorithms.batch import Batch
from unseen.core.block import Cells, rng
from unseen.core.capabilities import Completing, Decoding, Generative, Mixing, Predictive, Projecting
from unseen.core.example import Example
from unseen.core.model import Assigning, Latent, Model, Penalised, Starting
from unseen.core.stats import Array, Kind, Params
from unseen.core.stop import Converged, MaxIterations
from unseen.core.unit import Unit
from unseen.core.written import written
from unseen.fit import fit
from unseen.loop import run
from unseen.testing.setting import Setting, close, same_params, same_stats, set_up, sum_of
from unseen.testing.tasks import tasks_travel

Check = Callable[[Setting], None]


def reaches_known_answer(s: Setting) -> None:
    """A converged fit has the published log-likelihood."""
    options = {"restarts": 10, "seed": 0, "tol": 1e-11, "max_iterations": 20_000, **s.example.options}
    result = fit(s.example.model, s.example.data, **options)
    assert result.converged, result.outcome.message
    gap = result.loglik - s.example.loglik
    assert gap > -1e-4, f"log-likelihood {result.loglik:.6f} is short of {s.example.loglik:.6f}"
    assert s.example.at_least or gap < 1e-4, f"log-likelihood {result.loglik:.6f} exceeds {s.example.loglik:.6f}"
    assert len(s.example.source) > 10, "an example names its published source"


def example_is_valid(s: Setting) -> None:
    """The example's parameters are valid, finite and read-only, and have a size."""
    verdict = s.model.valid(s.params)
    assert verdict, verdict.broken
    assert s.model.size(s.params) > 0
    assert all(not v.flags.writeable for v in s.params.values())


def names_what_is_broken(s: Setting) -> None:
    """Parameters that are not finite are refused, with words."""
    for name in s.params:
        bad = Params({**s.params, name: np.full_like(np.asarray(s.params[name], float), np.nan)})
        assert s.model.valid(bad).broken, f"{name!r} full of NaN passed as valid"


def objective_never_falls(s: Setting) -> None:
    """Thirty iterations of batch EM from the example's parameters never lower the log-likelihood."""
    done = run(s.model, s.problem.engine, s.params, Batch(), MaxIterations(30))
    gains = np.diff([r.objective for r in done.trace])
    assert (gains >= -1e-10 * (1 + abs(done.trace[-1].objective))).all(), f"fell by {-gains.min():.3g}"


def prior_never_falls(s: Setting) -> None:
    """Neither does the penalised log-likelihood with a prior of two pseudo-rows."""
    if not isinstance(s.model, Penalised):
        return
    prior = s.model.prior(2.0)
    done = run(s.model, s.problem.engine, s.params, Batch(), MaxIterations(15), prior)
    gains = np.diff([r.objective for r in done.trace])
    assert (gains >= -1e-10 * (1 + abs(done.trace[-1].objective))).all(), f"fell by {-gains.min():.3g}"


def fixed_point_stays(s: Setting) -> None:
    """At a converged fit another EM step changes the log-likelihood by nothing."""
    rule = Converged(1e-13) | MaxIterations(3000)
    done = run(s.model, s.problem.engine, s.params, Batch(), rule)
    before = s.model.expect(done.params, s.block)
    after = s.model.expect(s.model.maximize(before, done.params), s.block)
    close(before.loglik, after.loglik, 1e-7, "log-likelihood at the fixed point")


def statistics_add(s: Setting) -> None:
    """Two parts have the statistics of the whole."""
    if s.block.units > 1:
        half = s.block.units // 2
        parts = [s.taken(np.arange(half)), s.taken(np.arange(half, s.block.units))]
        same_stats(s.model.expect(s.params, s.block), sum_of(s.model, s.params, parts))


def order_does_not_matter(s: Setting) -> None:
    """Permuted units have the same statistics, and so have permuted rows of a bag."""
    rng = np.random.default_rng(0)
    shuffled = s.taken(rng.permutation(s.block.units))
    if s.model.unit is Unit.BAG and shuffled.offsets is not None:
        unit = np.repeat(np.arange(shuffled.units), np.diff(shuffled.offsets))
        shuffled = shuffled.take(np.lexsort((rng.random(shuffled.rows), unit)))
    same_stats(s.model.expect(s.params, s.block), s.model.expect(s.params, shuffled))


def weights_are_copies(s: Setting) -> None:
    """A unit of weight 3 is three units, in the statistics and in the parameters they imply."""
    if s.model.kind is Kind.BOUND:
        return
    times = 1 + np.arange(s.block.units)[::-1] % 3
    own = np.ones(s.block.rows) if s.block.weights is None else s.block.weights
    copies = s.taken(np.repeat(np.arange(s.block.units), times))
    weighted = s.model.expect(s.params, replace(s.block, weights=own * np.repeat(times, s.lengths())))
    repeated = s.model.expect(s.params, copies)
    same_stats(replace(weighted, units=0), replace(repeated, units=0))
    same_params(s.model.maximize(weighted, s.params), s.model.maximize(repeated, s.params), 1e-8)


def size_is_fixed(s: Setting) -> None:
    """Statistics are no larger for more rows."""
    few = s.taken(np.arange(max(1, s.block.units // 3)))
    a, b = s.model.expect(s.params, few), s.model.expect(s.params, s.block)
    assert {k: v.shape for k, v in a.sums.items()} == {k: v.shape for k, v in b.sums.items()}
    assert all(v.dtype == np.float64 for v in b.sums.values()), "statistics are summed in double precision"


def missing_row_says_nothing(s: Setting) -> None:
    """A unit without any observed cell has log-density 0, if the model takes missing cells at all."""
    if s.model.kind is Kind.BOUND or s.block.labels is not None:
        return
    one = s.taken(np.arange(1))
    empty = replace(one, cells=tuple(_hidden(c) for c in one.cells), weights=None)
    close(s.model.expect(s.params, empty).loglik, 0.0, 1e-9, "log-likelihood of an empty unit")


def hidden_value_says_nothing(s: Setting) -> None:
    """Whatever number lies under the mask, the statistics are the same."""
    if not s.loose or s.model.kind is Kind.BOUND:
        return
    mask = np.random.default_rng(1).random((len(s.block.cells), s.block.rows)) < 0.3
    blocks = []
    for value in (0, 1):
        cells = []
        for hide, c in zip(mask, s.block.cells, strict=True):
            seen = np.ones(c.values.shape, bool) if c.observed is None else c.observed.copy()
            seen[0] &= ~hide
            cells.append(Cells(np.where(seen, c.values, c.values.dtype.type(value)), seen))
        blocks.append(replace(s.block, cells=tuple(cells)))
    same_stats(s.model.expect(s.params, blocks[0]), s.model.expect(s.params, blocks[1]))


def expect_is_pure(s: Setting) -> None:
    """The E-step changes neither its block nor its answer when asked twice."""
    before = [(c.values.copy(), None if c.observed is None else c.observed.copy()) for c in s.block.cells]
    first, second = s.model.expect(s.params, s.block), s.model.expect(s.params, s.block)
    for (values, observed), c in zip(before, s.block.cells, strict=True):
        assert np.array_equal(values, c.values), "the E-step changed its data"
        assert observed is None or (c.observed is not None and np.array_equal(observed, c.observed))
    assert first.loglik == second.loglik
    assert all(np.array_equal(first.sums[k], second.sums[k]) for k in first.sums)


def posterior_agrees(s: Setting) -> None:
    """Responsibilities are distributions, and the rows' log-densities add up to the log-likelihood."""
    density = s.model.log_density(s.params, s.block)
    assert density.shape == (s.block.rows,)
    if isinstance(s.model, Assigning):
        r, same = s.model.posterior(s.params, s.block)
        assert r.shape == (s.model.cardinality, s.block.rows)
        assert (r >= 0).all() and np.allclose(r.sum(axis=0), 1)
        close(same, density, 1e-12, "log-density beside responsibilities")
    w = np.ones(s.block.rows) if s.block.weights is None else s.block.weights
    close(float(w @ density), s.model.expect(s.params, s.block).loglik, 1e-9, "sum of log-densities")


def one_step_gives_both(s: Setting) -> None:
    """Statistics and posterior taken in one E-step are those of two."""
    if isinstance(s.model, Assigning):
        stats, r = s.model.with_posterior(s.params, s.block)
        same_stats(stats, s.model.expect(s.params, s.block))
        close(r, s.model.posterior(s.params, s.block)[0], 1e-12, "responsibilities from one E-step")
        told = np.full_like(r, np.nan)

        def meet(a: int, part: Array) -> None:
            told[:, a : a + part.shape[1]] = part

        same_stats(s.model.in_parts(s.params, s.block, meet), stats)
        close(told, r, 1e-12, "responsibilities told in parts")


def imputes_only_holes(s: Setting) -> None:
    """Observed cells come back as they are; completions and samples are finite and of the right shape."""
    if not isinstance(s.model, Completing) or not s.loose:
        return
    holes = np.random.default_rng(2).random(s.block.rows) < 0.3
    cells = []
    for c in s.block.cells:
        seen = np.ones(c.values.shape, bool) if c.observed is None else c.observed.copy()
        seen[-1, holes] &= c.given
        cells.append(Cells(np.where(seen, c.values, c.values.dtype.type(0)), seen, c.given))
    block = replace(s.block, cells=tuple(cells))
    for completion in (s.model.impute(s.params, block), s.model.draw(s.params, block, rng(0, 0, 0))):
        for c, out in zip(block.cells, completion, strict=True):
            assert c.observed is not None
            assert out.shape == c.values.shape and np.isfinite(out).all()
            assert np.array_equal(out[c.observed], c.values[c.observed])


def describes_itself(s: Setting) -> None:
    """Its description has one entry per part for every column, and tells nothing of a column that is left out."""
    told = s.model.description(s.params)
    columns = {name for slot in s.model.slots for name in slot.columns}
    if told.views:
        assert {e["column"] for e in told.views} == columns
    for e in told.views:
        assert len(e["mean"] if "mean" in e else e["probabilities"]) == told.count
    if told.shares is not None:
        assert told.shares.shape == (told.count,) and abs(told.shares.sum() - 1) < 1e-6
    for column in columns:
        left = told.without({column})
        assert column not in {e["column"] for e in left.views} | {f.value for f in left.facts}
        assert not any(column in (*t.rows, *t.columns, t.column) for t in left.tables)


def outputs_are_told(s: Setting) -> None:
    """What it says of rows has a name and a kind for each column, one number for each row, and the log-density."""
    said: dict[tuple[str, str], Array] = {}
    for output in s.model.outputs():
        arrays = output.of(s.params, s.block)
        assert len(arrays) == len(output.columns), output.name
        said |= dict(zip(output.columns, arrays, strict=True))
    names = [name for name, _ in said]
    assert len(set(names)) == len(names), "two outputs have one name"
    for (name, kind), values in said.items():
        assert values.shape == (s.block.rows,), name
        assert kind != "integer" or values.dtype.kind == "i", name
    close(said["log_density", "number"], s.model.log_density(s.params, s.block), 1e-12, "log-density among outputs")


def shares_can_be_others(s: Setting) -> None:
    """What other shares of the components do to a row follows from its responsibilities."""
    if not isinstance(s.model, Mixing):
        return
    pi = s.model.shares(s.params)
    assert abs(pi.sum() - 1) < 1e-8 and (pi >= 0).all()
    others = (pi + pi[::-1] + 1 / len(pi)) / 3
    moved = s.model.with_shares(s.params, others)
    assert s.model.valid(moved) and np.array_equal(s.model.shares(moved), others)
    r, density = s.model.posterior(s.params, s.block)
    ratio = np.divide(others, pi, out=np.zeros_like(pi), where=pi > 0)
    close(s.model.posterior(moved, s.block)[1], density + np.log(ratio @ r), 1e-9, "log-density at other shares")


def binding_is_apart(s: Setting) -> None:
    """What the user wrote stays what it was, is all that is shown, and is all that binding depends on."""
    plain = written(s.model)
    assert plain == written(s.example.model), "binding changed what the user wrote"
    assert repr(s.model) == repr(plain), "what binding learned is shown: declare those fields by learned()"
    assert plain.bind(s.problem.profile) == s.problem.model, "binding depends on what an earlier binding learned"


def capabilities_are_declared(s: Setting) -> None:
    """A model inherits each capability that it has: nobody looks for methods."""
    for capability in (
        Penalised,
        Starting,
        Assigning,
        Latent,
        Completing,
        Generative,
        Mixing,
        Predictive,
        Decoding,
        Projecting,
    ):
        methods = [n for n in capability.__abstractmethods__ - Model.__abstractmethods__ if n != "posterior"]
        if methods and all(hasattr(s.model, n) for n in methods):
            assert isinstance(s.model, capability), f"it has {', '.join(methods)} and is no {capability.__name__}"


def _hidden(cells: Cells) -> Cells:
    return Cells(np.zeros_like(cells.values), np.zeros(cells.values.shape, bool))


MODEL_CHECKS: tuple[Check, ...] = (
    reaches_known_answer,
    example_is_valid,
    names_what_is_broken,
    objective_never_falls,
    prior_never_falls,
    fixed_point_stays,
    statistics_add,
    order_does_not_matter,
    weights_are_copies,
    size_is_fixed,
    missing_row_says_nothing,
    hidden_value_says_nothing,
    expect_is_pure,
    posterior_agrees,
    one_step_gives_both,
    imputes_only_holes,
    describes_itself,
    outputs_are_told,
    shares_can_be_others,
    binding_is_apart,
    capabilities_are_declared,
    tasks_travel,
)


def check_model(example: Example) -> None:
    """Run every check of this suite on one example; an AssertionError says which invariant broke."""
    setting = set_up(example)
    for check in MODEL_CHECKS:
        check(setting)
