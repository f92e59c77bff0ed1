"""`make soak`: 1,000 retrains of a small model, a fifth of them hit by a fault; what must hold is looked at after each.

Where the system allows it, everything happens on a disk of its own (a tmpfs in a mount namespace), which the fault
"disk full" really fills. Exits with 1 if anything did not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

ALONE = "UNSEEN_SOAK_ALONE"
DISK_BYTES = 3 << 30


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--retrains", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.2, help="of the retrains that are hit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=1200, help="in a month")
    parser.add_argument("--minutes", type=float, help="stop after so long")
    parser.add_argument("--only", help="faults with this in their name")
    parser.add_argument("--verbose", action="store_true", help="a line for every month")
    options = parser.parse_args()
    if ALONE in os.environ:
        return soak(Path(os.environ[ALONE]), options)
    folder = Path(tempfile.mkdtemp(prefix="unseen-soak-"))
    try:
        return on_own_disk(folder) if may_mount() else soak(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def may_mount() -> bool:
    """Whether this system lets us mount a disk that only we see."""
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    with contextlib.suppress(OSError):
        return subprocess.run(probe, capture_output=True).returncode == 0
    return False


def on_own_disk(folder: Path) -> int:
    """Run this program again where ``folder`` is a disk of its own; it goes with the last process on it."""
    mount = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "$0" && exec "$@"'
    again = ["unshare", "-rm", "sh", "-c", mount, str(folder), sys.executable, *sys.argv]
    return subprocess.run(again, env=os.environ | {ALONE: str(folder)}).returncode


def soak(folder: Path, options: argparse.Namespace) -> int:
    from benchmarks.soaking.life import FAULTS, Life
    from benchmarks.soaking.world import World

    world = World(folder, options.seed, options.rows)
    faults = tuple(f for f in FAULTS if (options.only or "") in f.name)
    life = Life(world, options.retrains, options.share, options.seed, faults, minutes=options.minutes)
    began = time.perf_counter()

    def tell(line: str) -> None:
        if options.verbose or life.lived % 50 == 0 or not line.endswith(" s"):
            print(line, flush=True)

    life.through(tell)
    print(report(life, time.perf_counter() - began))
    return 1 if life.violations else 0


def report(life, seconds: float) -> str:
    """What was injected, what became of it, and what did not hold."""
    out = io.StringIO()
    struck = sum(sum(c.values()) for c in life.became.values())
    print(f"\n{'fault':<28}{'times':>6}  what became of the command that was hit", file=out)
    for name, counts in sorted(life.became.items()):
        became = ", ".join(f"{outcome} {n}" for outcome, n in counts.most_common())
        print(f"{name:<28}{sum(counts.values()):>6}  {became}", file=out)
    witness = life.witness
    registry = life.world.registry()
    log, versions = registry.log.entries(), registry.versions()
    print(
        f"\n{life.lived} months, {struck} of them hit, {life.world.commands} commands in {seconds / 60:.1f} minutes; "
        f"{len(versions)} versions, {sum(e.kind == 'promoted' for e in log)} promotions, {len(log)} lines in the log."
        f"\nChampions against the truth, log-density per clean row: {min(witness.scores, default=0.0):+.3f} at worst."
        f"\nState left behind per command: {', '.join(f'{g / 1e3:.0f}' for g in witness.growth)} kB, one number for "
        f"every 50 months; half-written leftovers of killed processes: {dict(witness.leftovers()) or 'none'}.",
        file=out,
    )
    for said in life.violations:
        print(f"VIOLATION  {said}", file=out)
    print(f"{len(life.violations)} violations", file=out)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
