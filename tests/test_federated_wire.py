"""What leaves a site and what it refuses, byte by byte, and what becomes of a fit when a site ends."""

from __future__ import annotations

import os
import pickle
import signal
import struct
from functools import partial

import numpy as np
import pytest

import unseen
from tests.federation import MARK, FirstRow, Opens, Slow, cut, home, marked, of_numbers
from unseen import (
    DataError,
    EngineError,
    Gaussian,
    Mixture,
    Sites,
)
from unseen.core.coarse import GROUPS, coarsened
from unseen.core.encoding import Encoded
from unseen.core.tasks import CountRows, Expect
from unseen.core.wire import packed, unpacked
from unseen.engines.federated import Federated
from unseen.problem import pose
from unseen.search.holdout import Split
from unseen.sources.arrays import Arrays
from unseen.testing.engines import Walk

# ---- what is on the wire


class Wire:
    """All that came from sites, byte by byte."""

    def __init__(self, monkeypatch):
        self.came = []
        monkeypatch.setattr("unseen.core.site.heard", self._heard)

    def _heard(self, pipe):
        from unseen.core.pipes import heard

        self.came.append(answer := heard(pipe))
        return answer


def test_nothing_but_sums_leaves_a_site(monkeypatch):
    sizes, wire = [], Wire(monkeypatch)
    for times in (1, 3):
        data = {k: np.tile(v, times) for k, v in marked(5400).items()}
        wire.came.clear()
        with Sites(cut(data, home(5400 * times))) as sites:
            unseen.fit(Mixture(Gaussian("full"), 2), sites, seed=0, restarts=4, max_iterations=5)
        if times == 1:
            sent = b"".join(wire.came)
            for value in (MARK, 987_654.0, *data["x1"][:300], *data["x2"][:300]):
                for told in (struct.pack("<d", value), struct.pack(">d", value), repr(float(value)).encode()):
                    assert told not in sent
            assert struct.pack("<q", 987_654)[:4] not in sent and b"987654" not in sent
        sizes.append({kind: max(len(a) for a in wire.came if kind in a) for kind in (b"Profile", b"Stats", b"Closing")})
    # of each of four columns 64 groups at most: a key, a mean and a weight of eight bytes
    assert max(size[b"Profile"] for size in sizes) < 4 * GROUPS * 24 + 3000
    for kind in (b"Stats", b"Closing"):
        assert sizes[1][kind] <= sizes[0][kind] + 64, (
            f"{kind!r} grew from {sizes[0][kind]:,} to {sizes[1][kind]:,} bytes"
        )


def test_a_profile_holds_groups_of_rows():
    x = np.concatenate([np.zeros(30), np.random.default_rng(0).gamma(2.0, size=170)])
    profile = pose(Mixture(Gaussian(), 1), Arrays({"x": x}), engine="memory").profile
    column = coarsened(profile, 20)["x"]
    points, mass = column.table()
    assert 0.0 in points and mass[points == 0.0] == 30 and (mass >= 20 - 1e-9).all()
    assert not np.isin(points[points > 0], x).any()
    assert (column.mean, column.variance) == (profile["x"].mean, profile["x"].variance)
    assert abs(points @ mass / mass.sum() - x.mean()) < 1e-12 and column.low >= 0 and column.high < x.max()
    few = pose(Mixture(Gaussian(), 1), Arrays({"x": np.append(np.repeat(7.0, 40), 5037.25)}), engine="memory").profile
    points, mass = coarsened(few, 20)["x"].table()  # the one row is no difference of what is told
    assert len(points) == 1 and mass.tolist() == [41]


# ---- what a site refuses


def test_a_site_does_not_speak_of_few_rows():
    data = marked(100)
    with (
        Sites(cut(data, np.repeat([0, 1, 2], [50, 38, 12]))) as sites,
        pytest.raises(EngineError, match=r"site 'site 2': .* 12, fewer than the 20 .*least_rows"),
    ):
        unseen.fit(Mixture(Gaussian(), 1), sites)
    data["x1"][7:50] = np.nan
    with (
        Sites(cut(data, home(100, 2))) as sites,
        pytest.raises(DataError, match="site 'site 0': column 'x1' has 7 obs"),
    ):
        unseen.fit(Mixture(Gaussian(), 1), sites)


@pytest.mark.parametrize("share, side", [(0.01, "held"), (0.01, "training")])
def test_no_share_of_rows_tells_the_few_that_are_in_it_or_not(share, side):
    with Sites(cut(marked(150), home(150))) as sites:
        problem = pose(Mixture(Gaussian(), 1), sites)
        blocks = getattr(Split(share, 0), side)(Encoded(sites, problem.encoding))
        with pytest.raises(EngineError, match="fewer than the 20"):
            Federated(blocks).total(CountRows())


def test_only_known_questions_are_answered(tmp_path):
    with Sites(cut(marked(150), home(150))) as sites:
        problem = pose(Mixture(Gaussian(), 1), sites)
        engine = problem.engine
        with pytest.raises(EngineError, match="FirstRow may not travel"):
            engine.total(FirstRow())
        with pytest.raises(EngineError, match="mkdir may not travel"):
            engine.total(Opens(str(tmp_path / "made")))
        with pytest.raises(EngineError, match="Params is no question"):
            engine.total(problem.model.vague())
        site, good = sites.sites[0], packed(CountRows())
        with pytest.raises(EngineError, match="CountRows is no part of its rows"):
            site.ask(packed((good, good)))
        for bad in (b"", b"nothing", pickle.dumps(3), packed((good, b"x"))):
            with pytest.raises(EngineError):
                site.ask(bad)
        assert engine.total(CountRows()) == 150
    assert not (tmp_path / "made").exists()


def test_answers_are_read_with_the_same_care(tmp_path):
    with pytest.raises(EngineError, match="mkdir may not travel"):
        unpacked(pickle.dumps(("sum", Opens(str(tmp_path / "made")))))
    assert not (tmp_path / "made").exists()


def test_what_an_error_says_stays_where_the_rows_are():
    engine = of_numbers([3, 4])
    with pytest.raises(ZeroDivisionError, match="site '1': what it says stays there"):
        engine.total(Walk((1.0,) * 5, fails=4))


def test_a_model_that_cannot_travel_is_refused():
    with Sites(cut(marked(150), home(150))) as sites:
        engine = pose(Mixture(Gaussian(), 1), sites).engine
        with pytest.raises(EngineError, match="function cannot be sent to a site"):
            engine.total(lambda block: 1)


# ---- sites that end


def killed(sites, name):
    site = next(s for s in sites.sites if s.name == name)
    os.kill(site.process.pid, signal.SIGKILL)


def test_a_site_that_is_killed_ends_the_fit_with_its_name():
    with Sites(cut(marked(600), home(600))) as sites:
        seen = []

        def kill(event):
            seen.append(event)
            if len(seen) == 8:
                killed(sites, "site 1")

        with pytest.raises(EngineError, match="site 'site 1' has ended, by signal 9, and the sums lack its rows"):
            unseen.fit(Mixture(Gaussian("full"), 3), sites, seed=0, observers=[kill])
        assert len(seen) >= 8
        with pytest.raises(EngineError, match="site 'site 1' has ended"):
            unseen.fit(Mixture(Gaussian(), 1), sites)


def test_a_fit_goes_on_once_the_site_is_back(tmp_path):
    data, seen = cut(marked(600), home(600)), []
    fit = partial(unseen.fit, Mixture(Gaussian("full"), 3), seed=0, restarts=4)
    with Sites(data) as sites:
        whole = fit(sites)

        def kill(event):
            seen.append(event)
            if len(seen) == 12:
                killed(sites, "site 1")

        with pytest.raises(EngineError, match="site 'site 1' has ended"):
            fit(sites, observers=[kill], checkpoint=tmp_path / "kept", every=1)
    with Sites(data) as sites:
        again = fit(sites, checkpoint=tmp_path / "kept", resume=True)
    assert again.loglik == whole.loglik
    assert all(np.array_equal(again.params[name], whole.params[name]) for name in whole.params)


def test_a_site_may_be_lost_where_that_is_allowed():
    with Sites(cut(marked(600), home(600))) as sites:
        problem = pose(Mixture(Gaussian(), 1), sites, engine=partial(Federated, may_be_lost=True))
        engine, task = problem.engine, Expect(problem.model, problem.model.vague())
        assert engine.traits.blocks_may_be_lost and not Federated.traits.blocks_may_be_lost
        whole = engine.sum(task)
        killed(sites, "site 1")
        part = engine.sum(task)
        assert (part.done, part.lost) == ((0, 2), (1,))
        assert whole.done == (0, 1, 2) and (whole.stats.units, part.stats.units) == (600, 400)
        with pytest.raises(EngineError, match="1 of 3 blocks were lost"):
            engine.total(task)
        with pytest.raises(EngineError, match="site 'site 1' has ended"):
            engine.sum(task, [1])


def test_a_site_that_does_not_answer_is_named():
    engine = of_numbers([1, 2], patience=0.3)
    assert engine.total(Slow(0.0)) == 2
    with pytest.raises(EngineError, match="since it did not answer for 0.3 s"):
        engine.total(Slow(60.0))
