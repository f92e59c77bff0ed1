r"""Responsibilities from log joint densities, with an exponential for whole vectors.

:math:`e^x = 2^m e^t` with m the nearest integer to :math:`x / \log 2` and :math:`|t| \le \tfrac12 \log 2`, where the
Taylor series is exact to rounding after few terms; log 2 is taken off in two pieces (Cody & Waite 1980, chapter 6).
"""

from __future__ import annotations

import math

from llvmlite import ir

from unseen.kernels.emit import Kernel, Value
from unseen.kernels.layout import COLUMNS

# per precision: what exp(x) underflows below, terms of the series, bits of the fraction, log 2 in two pieces
SERIES = {
    64: (-700.0, 14, 52, 6.93147180369123816490e-01, 1.90821492927058770002e-10),
    32: (-87.0, 8, 23, 0.693359375, -2.12194440e-4),
}


def emit(k: Kernel) -> dict[str, str]:
    """n columns of a (K, stride) become exp(a - top) / total, and total (n,) their sums before that division.

    n is a multiple of COLUMNS * lanes.
    """
    a, top, total, n, stride, components = k.function("softmax", [k.number] * 3, 3)
    b, one = k.b, k.constant(1.0)
    with k.loop(n, step=COLUMNS * k.lanes) as i:
        most = [k.load(top, i.i, v * k.lanes) for v in range(COLUMNS)]
        with k.loop(components, carry=k.zeros(COLUMNS)) as c:
            c.next = []
            for v in range(COLUMNS):
                at = k.add(k.mul(c.i, stride), i.i, v * k.lanes)
                e = exponential(k, b.fsub(k.load(a, at), most[v]))
                k.store(e, a, at)
                c.next.append(b.fadd(c.values[v], e))
        for v, x in enumerate(c.values):
            k.store(x, total, i.i, v * k.lanes)
        inverse = [b.fdiv(one, x) for x in c.values]
        with k.loop(components) as c:
            for v in range(COLUMNS):
                at = k.add(k.mul(c.i, stride), i.i, v * k.lanes)
                k.store(b.fmul(k.load(a, at), inverse[v]), a, at)
    b.ret_void()
    return {"softmax": "pppnnn"}


def exponential(k: Kernel, x: Value) -> Value:
    """exp of a vector of numbers that are not positive; what would underflow becomes the smallest result."""
    b = k.b
    least, terms, fraction, high, low = SERIES[k.bits]
    whole = ir.VectorType(ir.IntType(k.bits), k.lanes)
    x = b.select(b.fcmp_unordered(">", x, k.constant(least)), x, k.constant(least))
    # adding 1.5 * 2^fraction rounds to an integer, which is then found in the low bits
    magic = k.constant(1.5 * 2.0**fraction)
    shifted = k.fma(x, k.constant(1 / math.log(2)), magic)
    m = b.fsub(shifted, magic)
    t = k.fma(m, k.constant(-low), k.fma(m, k.constant(-high), x))
    y = k.constant(1 / math.factorial(terms - 1))
    for term in reversed(range(terms - 1)):
        y = k.fma(y, t, k.constant(1 / math.factorial(term)))
    power = b.shl(b.bitcast(shifted, whole), ir.Constant(whole, [fraction] * k.lanes))
    return b.bitcast(b.add(b.bitcast(y, whole), power), k.vector)
