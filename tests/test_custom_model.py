"""The contract is small: textbook EM models as a user writes them, run by `unseen.fit`."""

import numpy as np
import pytest

import unseen
from unseen import SQUAREM, Incremental, ModelError, Params, Stats
from unseen.core.block import Slot
from unseen.core.stats import Kind, Validity
from unseen.core.unit import Unit

# they are no dataclasses, so no run can keep them: tests/test_foreign_kinds.py has such as can be kept
pytestmark = pytest.mark.filterwarnings("ignore:this fit can be used, but not saved")


class OneNumber:
    """What the models below share: they read all columns as numbers, and every parameter is a probability."""

    kind, unit, slots = Kind.FREE, Unit.ROW, ()

    def bind(self, profile):
        self.slots = (Slot(profile.names),)
        return self

    def valid(self, params):
        return Validity("" if all(((p >= 0) & (p <= 1)).all() for p in params.values()) else "not a probability")

    def size(self, params):
        return sum(p.size for p in params.values())


class Linkage(OneNumber):
    """Rao's 197 animals in cells 1/2 + t/4, (1-t)/4, (1-t)/4, t/4: the first cell hides two."""

    def expect(self, params, block):
        t = float(params["t"])
        y = block.cells[0].values
        p = np.array([0.5 + t / 4, (1 - t) / 4, (1 - t) / 4, t / 4])
        hidden = y[0] * (t / 4) / p[0]
        sums = {"heads": (hidden + y[3]).sum(), "tails": (y[1] + y[2]).sum()}
        return Stats(sums, block.units, block.weight, float((y * np.log(p)[:, None]).sum()))

    def maximize(self, stats, params):
        return Params(t=stats.sums["heads"] / (stats.sums["heads"] + stats.sums["tails"]))


class BloodGroups(OneNumber):
    """Phenotypes A, B, AB, O hide genotypes: gene counting (Ceppellini, Siniscalco & Smith 1955)."""

    def expect(self, params, block):
        a, b, o = params["genes"]
        na, nb, nab, no = block.cells[0].values.sum(axis=1)
        pa, pb = a * a + 2 * a * o, b * b + 2 * b * o
        aa, bb = na * a * a / pa, nb * b * b / pb  # expected homozygotes
        genes = np.array([na + aa + nab, nb + bb + nab, (na - aa) + (nb - bb) + 2 * no])
        loglik = na * np.log(pa) + nb * np.log(pb) + nab * np.log(2 * a * b) + no * np.log(o * o)
        return Stats({"genes": genes}, block.units, block.weight, float(loglik))

    def maximize(self, stats, params):
        return Params(genes=stats.sums["genes"] / stats.sums["genes"].sum())

    def size(self, params):
        return 2


class Coins(OneNumber):
    """Sets of ten tosses, each with one of two coins, nobody knows which (Do & Batzoglou 2008)."""

    def expect(self, params, block):
        heads, p = block.cells[0].values, params["bias"][:, None]
        log = heads * np.log(p) + (10 - heads) * np.log(1 - p)
        top = np.logaddexp.reduce(log)
        r = np.exp(log - top)
        sums = {"heads": (r * heads).sum(axis=1), "tosses": 10 * r.sum(axis=1)}
        return Stats(sums, block.units, block.weight, float((top - np.log(2)).sum()))

    def maximize(self, stats, params):
        return Params(bias=stats.sums["heads"] / stats.sums["tosses"])


ANIMALS = np.array([[125.0, 18, 20, 34]])
BLOOD = np.array([[186.0, 38, 13, 284]])
TOSSES = {"heads": np.array([5, 9, 8, 4, 7])}


def test_genetic_linkage():
    """Rao; Dempster, Laird & Rubin (1977), section 1."""
    steps = [unseen.fit(Linkage(), ANIMALS, start=Params(t=0.5), max_iterations=n).params["t"] for n in (1, 2, 3)]
    assert steps == pytest.approx([0.608247423, 0.624321050, 0.626488879], abs=1e-9)
    fit = unseen.fit(Linkage(), ANIMALS, start=Params(t=0.5), tol=1e-14)
    assert fit.converged and fit.params["t"] == pytest.approx(0.626821497871, abs=1e-7)


@pytest.mark.parametrize("algorithm", [None, SQUAREM(), Incremental()])
def test_blood_groups(algorithm):
    start = Params(genes=[1 / 3, 1 / 3, 1 / 3])
    fit = unseen.fit(BloodGroups(), BLOOD, start=start, algorithm=algorithm, tol=1e-14)
    assert fit.converged
    assert fit.params["genes"] == pytest.approx([0.213590939, 0.050145329, 0.736263732], abs=1e-6)


@pytest.mark.parametrize("algorithm", [None, SQUAREM(), Incremental(2)])
def test_coins(algorithm):
    start = Params(bias=[0.6, 0.5])
    first = unseen.fit(Coins(), TOSSES, start=start, max_iterations=1, block_rows=2)
    assert first.params["bias"] == pytest.approx([0.713012, 0.581339], abs=1e-6)
    fit = unseen.fit(Coins(), TOSSES, start=start, algorithm=algorithm, tol=1e-14, block_rows=2)
    assert fit.params["bias"] == pytest.approx([0.796789067, 0.519583120], abs=1e-5)
    assert fit.loglik == pytest.approx(first.model.expect(fit.params, _all()).loglik)


def _all():
    from unseen.core.block import Block, Cells

    return Block(0, (Cells(TOSSES["heads"][None].astype(float)),), 5)


def test_the_result_of_a_custom_model_says_what_it_can():
    fit = unseen.fit(Coins(), TOSSES, start=Params(bias=[0.6, 0.5]))
    assert fit.size == 2 and np.isfinite(fit.bic) and len(fit.trace) == fit.iterations
    with pytest.raises(ModelError, match="Coins has no posterior"):
        fit.responsibilities(TOSSES)


def test_a_custom_model_without_a_start_asks_for_one():
    with pytest.raises(ModelError, match="start="):
        unseen.fit(Coins(), TOSSES)


def test_what_a_model_lacks_is_said_before_the_fit():
    start = Params(bias=[0.6, 0.5])
    with pytest.raises(ModelError, match="Coins has no prior"):
        unseen.fit(Coins(), TOSSES, start=start, prior=1.0)
    with pytest.raises(ModelError, match="start is not valid: not a probability"):
        unseen.fit(Coins(), TOSSES, start=Params(bias=[1.6, 0.5]))
