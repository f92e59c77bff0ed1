"""An iteration of EM for Gaussian hidden Markov models beside hmmlearn's scaling implementation and dynamax.

    python benchmarks/chains.py [--rounds 5] [--covariance full]

Processor seconds, on one thread but for dynamax's, which takes what it likes; rounds in turn, medians; the other walks
of ours behind them. hmmlearn's priors are off, and all begin with the same parameters.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["JAX_ENABLE_X64"] = "1"

import numpy as np
from hmmlearn.hmm import GaussianHMM

import unseen
from unseen import HMM, Gaussian, MaxIterations, Params
from unseen.models import hmm
from unseen.numerics.chain_paths import draw_states, viterbi

SHAPES = ((100, 2000), (1000, 40), (1, 50_000))
K, D, FEW, MANY = 8, 4, 2, 12


def data(sequences, length, seed=0):
    """Rows (n, D), and the parameters that they came from."""
    rng = np.random.default_rng(seed)
    transitions, means = 0.9 * np.eye(K) + 0.1 / K, rng.normal(0, 2, (K, D))
    states = rng.integers(K, size=(sequences, length))
    for t in range(1, length):
        states[:, t] = np.where(rng.random(sequences) < 0.1, states[:, t], states[:, t - 1])
    return means[states.ravel()] + rng.normal(size=(states.size, D)), transitions, means


def theirs(x, transitions, means, sequences, covariance, iterations):
    kind = {"full": "full", "diagonal": "diag"}[covariance]
    model = GaussianHMM(
        K, kind, n_iter=iterations, tol=-1e30, init_params="", implementation="scaling",
        covars_prior=0, covars_weight=0, means_weight=0, min_covar=1e-9,
    )  # fmt: skip
    model.startprob_, model.transmat_, model.means_ = np.full(K, 1 / K), transitions, means
    model.covars_ = np.tile(np.eye(D) if kind == "full" else np.ones(D), (K, 1, 1) if kind == "full" else (K, 1))
    lengths = [len(x) // sequences] * sequences
    begin = time.process_time()
    model.fit(x, lengths)
    return time.process_time() - begin


def ours(x, transitions, means, sequences, covariance, iterations, compiled):
    hmm.worthwhile = lambda _: compiled
    one = np.eye(D) if covariance == "full" else np.ones(D)
    start = Params(start=np.full(K, 1 / K), transitions=transitions, means=means, covariances=np.array([one] * K))
    unit = np.repeat(np.arange(sequences), len(x) // sequences)
    table = {"unit": unit, **{f"x{j}": column for j, column in enumerate(x.T)}}
    begin = time.process_time()
    unseen.fit(
        HMM(Gaussian(covariance), K), table, unit="unit", start=start, stop=MaxIterations(iterations), engine="memory"
    )
    return time.process_time() - begin


def dynamax(x, transitions, means, sequences, covariance, iterations):
    """Seconds of its EM, compiled anew in each call: an iteration is what more of them take longer."""
    import jax
    import jax.numpy as jnp
    from dynamax.hidden_markov_model import DiagonalGaussianHMM, GaussianHMM

    full = covariance == "full"
    one = {"emission_covariances": np.tile(np.eye(D), (K, 1, 1))} if full else {"emission_scale_diags": np.ones((K, D))}
    model = (GaussianHMM if full else DiagonalGaussianHMM)(K, D)
    start = {"initial_probs": np.full(K, 1 / K), "transition_matrix": transitions, "emission_means": means, **one}
    params, props = model.initialize(jax.random.PRNGKey(0), **{name: jnp.array(v) for name, v in start.items()})
    rows = jnp.array(x.reshape(sequences, -1, D))
    begin = time.process_time()
    jax.block_until_ready(model.fit_em(params, props, rows, num_iters=iterations, verbose=False))
    return time.process_time() - begin


def an_iteration(fit, *arguments):
    few = fit(*arguments[:-1], FEW, *arguments[-1])
    return (fit(*arguments[:-1], MANY, *arguments[-1]) - few) / (MANY - FEW)


def paths(sequences, length, compiled):
    """Seconds of the most probable path and of a drawn one."""
    rng = np.random.default_rng(0)
    x, transitions, means = data(sequences, length)
    density = -0.5 * ((x[None] - means[:, None]) ** 2).sum(axis=2)
    chain = density, np.log(np.full(K, 1 / K)), np.log(transitions), np.arange(0, len(x) + 1, length)
    begin = time.process_time()
    viterbi(*chain, compiled)
    middle = time.process_time()
    draw_states(*chain, rng, compiled)
    return middle - begin, time.process_time() - middle


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--covariance", choices=["full", "diagonal"], default="full")
    given = parser.parse_args()
    for sequences, length in SHAPES:
        case = (*data(sequences, length), sequences, given.covariance)
        n, rows = sequences * length, {"hmmlearn": [], "numpy": [], "compiled": []}
        ours(*case, FEW, True)  # compiles
        for _ in range(given.rounds):
            rows["hmmlearn"].append(an_iteration(theirs, *case, ()))
            rows["numpy"].append(an_iteration(ours, *case, (False,)))
            rows["compiled"].append(an_iteration(ours, *case, (True,)))
        few, many = (min(dynamax(*case, n) for _ in range(given.rounds)) for n in (FEW, 5 * MANY))
        rows["dynamax"] = [(many - few) / (5 * MANY - FEW)] * given.rounds
        line = [f"{name} {median(s) / n * 1e9:.0f}" for name, s in rows.items()]
        ratios = [
            median(a / b for a, b in zip(rows["hmmlearn"], rows[name], strict=True)) for name in ("numpy", "compiled")
        ]
        walks = [
            median(s) / n * 1e9
            for c in (False, True)
            for s in zip(*(paths(sequences, length, c) for _ in range(3)), strict=True)
        ]
        print(
            f"{sequences} x {length} {given.covariance}, ns a row: {', '.join(line)}; "
            f"hmmlearn / numpy {ratios[0]:.2f}, / compiled {ratios[1]:.2f}, "
            f"dynamax / compiled {rows['dynamax'][0] / median(rows['compiled']):.2f}; "
            f"viterbi, drawn path: numpy {walks[0]:.0f}, {walks[1]:.0f}, compiled {walks[2]:.0f}, {walks[3]:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
