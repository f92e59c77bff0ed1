r"""Floors on the variance of logarithms, each component's own: :math:`(h e^{-\mu_{kj}})^2 / 2 \pi` at its median."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.family import Floor
from unseen.core.stats import Array, Params
from unseen.numerics.gaussian import diagonal_moments, full_moments
from unseen.numerics.log_normal import LARGEST, about
from unseen.numerics.resolution import TOUCH, floor_events, least_variances, resting

#: means that are tried before a component stays where it is
TRIES = 3
#: by how much rounding may leave the smallest eigenvalue of a matrix below its floor, in units of its trace
ROUNDING = 1e-14
#: share of a floor by which a variance must be above it, not to be taken for one that rests on it
ABOVE = 1e-9


@dataclass(frozen=True, slots=True)
class OwnFloors:
    """The M-step of a Gaussian over columns some of which are logarithms of numbers on a grid.

    ``inner`` is the bound Gaussian, ``logged`` (d,) says which columns are logarithms, ``steps`` (d,) are those of the
    grids in the data's own units, 0 where there is none.
    """

    inner: Any
    logged: Array
    steps: Array

    def moments(self, sums: Mapping[str, Array], params: Params | None) -> Params:
        """The M-step of the Gaussian inside, with components that their floors hold raised above them."""
        new = self.inner.best(sums, params)
        near = self._near(new)
        if not near.any():
            return new
        arrays = {name: values.copy() for name, values in new.items()}
        left = self._together(sums["moments"], new, params, near, arrays)
        for at, inner in self._parts(len(arrays["means"])):
            mine = self.slice_of(new, at)
            if left[at].any() and not self._above(inner, mine):
                old = None if params is None else self.slice_of(params, at)
                for name, values in self._raised(inner, sums["moments"][at], mine, old).items():
                    arrays[name][at if len(values) == len(mine["means"]) else ...] = values
        floored = Params(arrays)
        return Params(floored, events={**new.events, **floor_events(self.binding(floored))})

    def _together(
        self, sums: Array, new: Params, params: Params | None, near: Array, arrays: dict[str, Array]
    ) -> Array:
        """Raise components near their floors all at once; which are left to be done one by one, (K,) bool."""
        inner, at = self.inner, np.flatnonzero(near)
        if inner.shared or inner.covariance == "spherical" or params is None or inner.anchor.ndim == 2:
            return near
        heavy = (self._per_row(sums[at])[0] > 1e-8).reshape(len(at), -1).all(axis=1)
        at = at[heavy]
        before = Params({name: params[name][at] for name in inner.parameters})
        means = new["means"][at]
        waiting = np.ones(len(at), bool)
        for tried in range(TRIES):
            if not waiting.any():
                break
            some = Params({name: values[waiting] for name, values in before.items()})
            raised, better = self._raised_at(self._means(tried, means[waiting], some), sums[at[waiting]], some)
            done = better | (~self._allowed(some) if tried == 0 and not better.all() else tried == TRIES - 1)
            for name, values in raised.items():
                arrays[name][at[waiting][done]] = values[done]
            waiting[waiting] = ~done
        left = near.copy()
        left[at] = False
        return left

    def _means(self, tried: int, means: Array, before: Params) -> Array:
        """At which means to raise components: their own first.

        A floor rises as its component's median falls. Where that costs more than the new median gains, logged medians
        do not fall; if that is not enough, no mean moves at all: at the old means the old covariances are allowed.
        """
        old = before["means"]
        rising = np.where(self.logged & (self.steps > 0), np.maximum(means, old), means)
        return (means, rising, old)[tried]

    def _raised_at(self, means: Array, sums: Array, before: Params) -> tuple[Params, Array]:
        """Components of largest likelihood with these means and above their floors; whether it did not fall, (K,)."""
        inner = self.inner
        mass, shift, spread = self._per_row(sums)
        apart = inner.anchor + shift - means
        spread = spread + (apart[:, :, None] * apart[:, None, :] if inner.dense else apart**2)
        raised = Params({"means": means, **inner.form.best(spread, mass, self._leasts(means), before)})
        reached = inner.log_densities(before, sums)
        return raised, inner.log_densities(raised, sums) - reached >= -1e-13 * np.abs(reached)

    def _per_row(self, sums: Array) -> tuple[Array, Array, Array]:
        """Mass, mean about the anchor and (co)variances of each component."""
        inner = self.inner
        return full_moments(sums) if inner.dense else diagonal_moments(sums, len(inner.columns))

    def _allowed(self, params: Params) -> Array:
        """Which components are above their own floors, but for rounding, (K,)."""
        least = self._leasts(params["means"])
        if "noise" in params:
            return np.asarray((params["noise"] >= (1 - ROUNDING * least.shape[1]) * least).all(axis=1))
        standard = self._standard(params, least)
        slack = ROUNDING * np.trace(standard, axis1=1, axis2=2)
        return np.asarray(np.linalg.eigvalsh(standard)[:, 0] > 1 - slack)

    def _standard(self, params: Params, least: Array) -> Array:
        """Covariances in units of floors (K, d), (K, d, d)."""
        roots = np.sqrt(least)
        return np.asarray(self.inner.full(params) / (roots[:, :, None] * roots[:, None, :]))

    def _leasts(self, means: Array) -> Array:
        """The floors of components with these means, each its own, (K, d)."""
        steps = self.steps * np.where(self.logged, np.exp(np.minimum(-means, LARGEST)), 1.0)
        return least_variances(self.inner.scale, steps, self.inner.floor)

    def _raised(self, inner: Any, sums: Array, new: Params, old: Params | None) -> Params:
        """The M-step of components that floors hold, of which the likelihood never falls.

        A floor rises as its component's median falls. Where that costs more than the new median gains, logged medians
        do not fall; if that is not enough, no mean moves at all: at the old means the old covariances are allowed.
        """
        tries = [new["means"]]
        if old is not None and self._above(inner, old, ROUNDING):
            rising = np.maximum(new["means"], old["means"])
            tries += [np.where(self.logged & (self.steps > 0), rising, new["means"]), old["means"]]
            least = inner.log_prior(old, {"moments": sums})
        for means in tries:
            held = replace(inner, steps=self._steps_at(means))
            out = held.moments({"moments": about(sums, means - inner.anchor, inner.dense)}, old)
            if len(tries) == 1 or held.log_prior(out, {"moments": sums}) >= least - 1e-13 * abs(least):
                break
        return out

    def _above(self, inner: Any, params: Params, rounding: float = 0.0) -> bool:
        """Whether covariances (of factors: the noise) are above the floors at these means, or by so much below."""
        least = replace(inner, steps=self._steps_at(params["means"])).least
        if not (least > 0).all():
            return True
        if "noise" in params:
            return bool((params["noise"] >= (1 + (-rounding if rounding else ABOVE)) * least).all())
        standard = inner.full(params) / np.sqrt(np.outer(least, least))
        slack = rounding * np.trace(standard, axis1=1, axis2=2) if rounding else -ABOVE
        return bool((np.linalg.eigvalsh(standard)[:, 0] > 1 - slack).all())

    def _near(self, params: Params) -> Array:
        """Which components may rest on their floors, (K,): all at once, since most of them rarely do."""
        least = self._leasts(params["means"])
        if self.inner.shared:
            least = np.broadcast_to(least.max(axis=0), least.shape)
        if not (least > 0).all():
            return np.zeros(len(least), bool)
        if "noise" in params:
            return np.asarray((params["noise"] <= (1 + TOUCH) * least).any(axis=1))
        return np.asarray(np.linalg.eigvalsh(self._standard(params, least))[:, 0] <= 1 + TOUCH)

    def _steps_at(self, means: Array) -> Array:
        """Steps of the grids where components with these means (K, d) lie, in units of y, the coarsest of each (d,)."""
        at = np.where(self.logged, self.steps * np.exp(np.minimum(-means, LARGEST)), self.steps)
        coarsest: Array = at.max(axis=0)
        return coarsest

    def _parts(self, components: int) -> Iterator[tuple[slice, Any]]:
        """Components that have floors of their own, and the inner family of these alone."""
        for k in range(1 if self.inner.shared else components):
            at = slice(0, components) if self.inner.shared else slice(k, k + 1)
            anchor = self.inner.anchor
            yield at, self.inner if anchor.ndim == 1 else replace(self.inner, anchor=anchor[at])

    def slice_of(self, params: Params, at: slice) -> Params:
        """Parameters of the family inside, of some components."""
        mine = {name: params[name] for name in self.inner.parameters}
        return Params(mine if self.inner.shared else {name: values[at] for name, values in mine.items()})

    def binding(self, params: Params) -> list[Floor]:
        """The floors that bind, by component and column."""
        near = np.flatnonzero(self._near(params))
        inner = self.inner
        if not len(near):
            return []
        if inner.shared or inner.covariance == "spherical":
            out = []
            for at, inner in self._parts(len(params["means"])):
                mine = self.slice_of(params, at)
                floors = replace(inner, steps=self._steps_at(mine["means"])).floors(mine)
                out += [replace(floor, component=floor.component + at.start) for floor in floors]
            return out
        matrices, leasts = inner.full(params)[near], self._leasts(params["means"])[near]
        found = resting(matrices, leasts, self.steps, inner.columns)
        return [replace(floor, component=int(near[floor.component])) for floor in found]
