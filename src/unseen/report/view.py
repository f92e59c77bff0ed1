"""What the report needs to know of a result: its components in order of weight, and what their columns look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.report.palette import COLOURS, number, percent, shorten

STANDS_OUT = 0.4  # standard deviations from the average below which a component is called average
NOTHING = 0.005  # share of a component's rows below which their mean says nothing


@dataclass(frozen=True)
class View:
    """A result as the report reads it. Components keep the numbers that `Result.assign` gives to rows."""

    result: Any

    @cached_property
    def profiles(self) -> list[dict[str, Any]]:
        """Per column what each component looks like, as the model describes it; empty if it does not."""
        describe = getattr(self.result.model, "describe", None)
        entries = [] if describe is None else describe(self.result.params)
        return [dict(e) for e in entries if isinstance(e, Mapping) and "column" in e]

    @cached_property
    def numeric(self) -> list[dict[str, Any]]:
        return [e for e in self.profiles if "mean" in e and np.isfinite(np.asarray(e["mean"], float)).all()]

    @cached_property
    def categorical(self) -> list[dict[str, Any]]:
        return [e for e in self.profiles if "probabilities" in e]

    @cached_property
    def count(self) -> int:
        """K, or 0 for a model without components."""
        for e in self.profiles:
            return len(e.get("mean", e.get("probabilities", ())))
        model = self.result.model
        return int(getattr(model, "components", getattr(model, "states", 0)))

    @cached_property
    def weights(self) -> Array:
        """Share of each component, (K,); equal where the model has none."""
        if self.weighted:
            return np.asarray(self.result.params["weights"], float)
        return np.full(self.count, 1 / max(self.count, 1))

    @property
    def weighted(self) -> bool:
        return "weights" in self.result.params

    @cached_property
    def order(self) -> list[int]:
        """Components, the heaviest first."""
        return [int(k) for k in np.argsort(-self.weights, kind="stable")]

    @cached_property
    def colours(self) -> dict[int, str]:
        """One colour per component, the same in every plot."""
        return {k: COLOURS[i % len(COLOURS)] for i, k in enumerate(self.order)}

    @property
    def noun(self) -> str:
        return "state" if self.result.model.unit.ordered else "component"

    @property
    def notice(self) -> str:
        """What the page says about itself where it shows no rows."""
        return "This page shows no rows of the data; it does hold the names of columns and categories."

    def name(self, k: int) -> str:
        return f"{self.noun} {k}"

    # ---- columns, all components together

    def beside(self, entry: Mapping[str, Any]) -> Array:
        """Share of each component's rows that a numeric column's mean and deviation speak of, (K,): not its atoms."""
        atoms = np.asarray(entry.get("atom_shares", np.zeros((self.count, 0))), float)
        rest: Array = np.maximum(1 - atoms.sum(axis=1), 0.0)
        return np.where(rest < NOTHING, 0.0, rest)

    def drawn(self, entry: Mapping[str, Any]) -> Array:
        """Weights of the components in what a column's mean and deviation speak of, (K,)."""
        part = self.weights * self.beside(entry)
        total = float(part.sum())
        return part / total if total > 0 else self.weights

    def whole(self, entry: Mapping[str, Any]) -> tuple[float, float]:
        """Mean and standard deviation of a numeric column over all components, in its own units, beside its atoms."""
        mean, weights = np.asarray(entry["mean"], float), self.drawn(entry)
        centre = float(weights @ mean)
        variance = float(weights @ ((mean - centre) ** 2 + self.sd(entry) ** 2))
        return centre, float(np.sqrt(variance)) or 1.0

    @staticmethod
    def sd(entry: Mapping[str, Any]) -> Array:
        """Standard deviations of the components, (K,); 0 where there is none to show."""
        sd = np.asarray(entry.get("sd", np.zeros(len(entry["mean"]))), float)
        return np.where(np.isfinite(sd), sd, 0.0)

    def centre(self, entry: Mapping[str, Any]) -> Array:
        """Where each component lies in a column, (K,): its mean, or the atom that all of its rows have."""
        mean = np.asarray(entry["mean"], float)
        nothing = self.beside(entry) <= 0
        if not nothing.any():
            return mean
        most = np.asarray(entry["atom_shares"], float).argmax(axis=1)
        return np.where(nothing, np.asarray(entry["atoms"], float)[most], mean)

    def standing(self, entry: Mapping[str, Any]) -> Array:
        """How far each component's mean lies from the average, in standard deviations, (K,)."""
        mean, sd = self.whole(entry)
        return np.where(self.beside(entry) > 0, (np.asarray(entry["mean"], float) - mean) / sd, 0.0)

    def separation(self, entry: Mapping[str, Any]) -> float:
        r"""Share of a column's variance that lies between components, :math:`\eta^2`: of its rest, or of an atom."""
        mean, weights = np.asarray(entry["mean"], float), self.drawn(entry)
        between = float(weights @ (mean - weights @ mean) ** 2)
        within = float(weights @ self.sd(entry) ** 2)
        rest = between / (between + within) if between > 0 else 0.0
        return max([rest, *((self.atom_standing(entry) ** 2).T @ self.weights).tolist()])

    def atom_standing(self, entry: Mapping[str, Any]) -> Array:
        """How far each component's share of each atom lies from the average, in standard deviations, (K, m)."""
        p = np.asarray(entry.get("atom_shares", np.zeros((self.count, 0))), float)
        q = self.weights @ p
        out: Array = (p - q) / np.sqrt(np.maximum(q * (1 - q), 1e-6))
        return out

    def atom_names(self, entry: Mapping[str, Any]) -> list[str]:
        """What the values of a column that stand apart are called."""
        extra = "extra " if str(entry.get("family", "")).startswith("zero_inflated") else ""
        return [extra + (v if isinstance(v, str) else number(v)) for v in entry.get("atoms", ())]

    def atoms(self, entry: Mapping[str, Any], k: int) -> str:
        """The shares of a column's atoms in a component, in words."""
        shares = entry.get("atom_shares", {k: ()})[k]
        return ", ".join(f"{n} in {percent(p)}" for n, p in zip(self.atom_names(entry), shares, strict=True))

    def marks(self, k: int, most: int = 4) -> list[str]:
        """What sets a component apart from the average, the clearest first, in plain words."""
        found: list[tuple[float, str]] = []
        for e in self.numeric:
            z, (mean, _) = float(self.standing(e)[k]), self.whole(e)
            side = "high" if z > 0 else "low"
            text = f"{shorten(e['column'])} {side}: {number(e['mean'][k], 3)} (average {number(mean, 3)})"
            found.append((abs(z), text))
            shares = np.asarray(e.get("atom_shares", np.zeros((self.count, 0))), float)
            for j, name in enumerate(self.atom_names(e)):
                here, average = float(shares[k, j]), float(self.weights @ shares[:, j])
                text = f"{shorten(e['column'])} {name}: {percent(here)} (average {percent(average)})"
                found.append((abs(float(self.atom_standing(e)[k, j])), text))
        for e in self.categorical:
            p = np.asarray(e["probabilities"], float)
            q = self.weights @ p
            gain = (p[k] - q) / np.sqrt(np.maximum(q * (1 - q), 1e-6))
            c = int(np.argmax(np.where(p[k] >= 0.15, gain, -np.inf)))
            text = f"{shorten(e['column'])} {shorten(e['categories'][c])}: {percent(p[k, c])} (average {percent(q[c])})"
            found.append((float(gain[c]) if p[k, c] >= 0.15 else 0.0, text))
        found = sorted((f for f in found if f[0] >= STANDS_OUT), key=lambda f: -f[0])
        return [text for _, text in found[:most]]
