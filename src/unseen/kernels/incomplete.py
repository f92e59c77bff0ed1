r"""Rows with missing cells under K Gaussians, pattern by pattern: what NumPy needs many small products for.

Matrices of patterns are those of `unseen.numerics.sweep`, their columns one after the other: :math:`M y` is then a
sum of whole vectors, which a few rows of the pattern make together. Where a line ends inside a vector, that vector
reads on into the next line, at last into the `SPARE` numbers behind a table; what it finds there is thrown away.
"""

from __future__ import annotations

from llvmlite import ir

from unseen.kernels.emit import INT, Kernel, Value
from unseen.kernels.layout import ROWS

BYTE = ir.IntType(8)
POLISHED = False  # LLVM's passes take as long as all the rest of the compilation and make nothing here faster


def emit(k: Kernel) -> dict[str, str]:
    """Write the functions; returns their signatures, p for a pointer and n for a 64-bit integer."""
    complete(k)
    spread(k)
    sweep(k)
    moments(k)
    return {
        "complete": "p" * 11 + "n" * 6,
        "spread": "p" * 5 + "n" * 4,
        "sweep": "p" * 7 + "n" * 4,
        "moments": "pppnnnn",
    }


def complete(k: Kernel) -> None:
    """Rows of P patterns, values (d, n), less the means, with expectations where missing -> completed (K, n, width),
    zero beyond d, and squared distances of what is observed -> squares (K, n).

    anchor, shift (K, d); masks (P, d); places (P,) in a table of matrices (., K, d, d); starts (P + 1,).
    Work space: kind (width,), which (d,).
    """
    number = k.number
    values, anchor, shift, masks, places, starts, matrices, completed, squares, kind, which, *counts = k.function(
        "complete", [number, number, number, BYTE, INT, INT, number, number, number, number, INT], 6
    )
    stride, n, patterns, d, width, components = counts
    b, size = k.b, k.mul(d, d)
    with k.loop(width) as i:
        b.store(number(-1.0), k.at(kind, i.i))
    with k.loop(patterns) as p:
        first, last = b.load(k.at(starts, p.i)), b.load(k.at(starts, p.i, 1))
        used = observed(k, k.at(masks, k.mul(p.i, d)), kind, which, d)
        table = k.at(matrices, k.mul(k.mul(b.load(k.at(places, p.i)), components), size))
        with k.loop(components) as c:
            rows, line = k.at(completed, k.mul(k.mul(c.i, n), width)), k.mul(c.i, d)
            subtract(k, values, k.at(anchor, line), k.at(shift, line), rows, (first, last), stride, d, width)
            matrix, distances = k.at(table, k.mul(c.i, size)), k.at(squares, k.mul(c.i, n))
            with k.loop(last, start=first, step=ROWS) as t:
                # where fewer rows are left, the last one is done more than once
                some = [k.least(k.add(t.i, row), b.sub(last, INT(1))) for row in range(ROWS)]
                y = [k.at(rows, k.mul(row, width)) for row in some]
                for row, square in zip(some, product(k, matrix, y, kind, which, used, d, width), strict=True):
                    b.store(total(k, square), k.at(distances, row))
    b.ret_void()


def observed(k: Kernel, mask: Value, kind: Value, which: Value, d: Value) -> Value:
    """Columns of a pattern as kinds, 1 for observed and 0 for missing, and the list of those observed; how many."""
    b = k.b
    with k.loop(d, carry=[INT(0)]) as j:
        seen = b.icmp_unsigned("!=", b.load(k.at(mask, j.i)), BYTE(0))
        b.store(b.select(seen, k.number(1.0), k.number(0.0)), k.at(kind, j.i))
        b.store(j.i, k.at(which, j.values[0]))
        j.next = [k.add(j.values[0], b.zext(seen, INT))]
    return j.values[0]


def subtract(
    k: Kernel, values: Value, anchor: Value, shift: Value, out: Value, rows: tuple[Value, Value], stride: Value,
    d: Value, width: Value,
) -> None:  # fmt: skip
    """Some rows of values (d, n) less anchor and shift (d,), in lines (n, width) that end with zeros."""
    b = k.b
    with k.loop(rows[1], start=rows[0]) as row:
        line = k.at(out, k.mul(row.i, width))
        with k.loop(d) as j:
            x = b.load(k.at(values, k.mul(j.i, stride), row.i))
            z = b.fsub(b.fsub(x, b.load(k.at(anchor, j.i))), b.load(k.at(shift, j.i)))
            b.store(z, k.at(line, j.i))
        with k.loop(width, start=d) as j:
            b.store(k.number(0.0), k.at(line, j.i))


def product(
    k: Kernel, matrix: Value, y: list[Value], kind: Value, which: Value, used: Value, d: Value, width: Value
) -> list[Value]:
    """Put expectations M y where lines y miss cells; returns the squares of the innovations, yet to be added up."""
    b, zero = k.b, k.constant(0.0)
    with k.loop(width, step=k.lanes, carry=k.zeros(len(y))) as i:
        with k.loop(used, carry=k.zeros(len(y))) as j:
            column = b.load(k.at(which, j.i))
            m = k.load(matrix, k.mul(column, d), i.i)
            j.next = [k.fma(k.repeat(line, column), m, sum_) for line, sum_ in zip(y, j.values, strict=True)]
        what = k.load(kind, i.i)
        seen, missing = b.fcmp_ordered(">", what, zero), b.fcmp_ordered("==", what, zero)
        i.next = []
        for line, found, square in zip(y, j.values, i.values, strict=True):
            innovation = b.select(seen, found, zero)
            i.next.append(k.fma(innovation, innovation, square))
            k.store(b.select(missing, found, k.load(line, i.i)), line, i.i)
    return i.values


def total(k: Kernel, vector: Value) -> Value:
    """The sum over the lanes."""
    lanes = [k.b.extract_element(vector, INT(lane)) for lane in range(k.lanes)]
    while len(lanes) > 1:
        lanes = [k.b.fadd(x, y) for x, y in zip(lanes[::2], lanes[1::2], strict=True)]
    return lanes[0]


def moments(k: Kernel) -> None:
    """To sums (K, d + 1, width), add the weighted sum of lines rows (K, n, width) and of their products with each
    column, from the diagonal's vector on; weights (K, n)."""
    rows, weights, sums, n, d, width, components = k.function("moments", [k.number] * 3, 4)
    b, zero = k.b, k.number(0.0)
    with k.loop(components) as c:
        mine, own = k.at(rows, k.mul(k.mul(c.i, n), width)), k.at(weights, k.mul(c.i, n))
        out = k.at(sums, k.mul(k.mul(c.i, k.add(d, 1)), width))
        with k.loop(n, step=ROWS) as t:
            lines, shares = [], []
            for row in range(ROWS):
                at = k.least(k.add(t.i, row), b.sub(n, INT(1)))
                lines.append(k.at(mine, k.mul(at, width)))
                inside = b.icmp_signed("<", k.add(t.i, row), n)
                shares.append(b.select(inside, b.load(k.at(own, at)), zero))
            accumulate(k, out, lines, shares, INT(0), width)
            with k.loop(d) as j:
                products = [b.fmul(w, b.load(k.at(line, j.i))) for w, line in zip(shares, lines, strict=True)]
                begin = k.mul(b.sdiv(j.i, INT(k.lanes)), k.lanes)
                accumulate(k, k.at(out, k.mul(k.add(j.i, 1), width)), lines, products, begin, width)
    b.ret_void()


def accumulate(k: Kernel, out: Value, lines: list[Value], factors: list[Value], begin: Value, width: Value) -> None:
    """Add lines times factors to a line of sums, from one place on."""
    spread_out = [k.spread(factor) for factor in factors]
    with k.loop(width, start=begin, step=k.lanes) as i:
        sums = k.load(out, i.i)
        for factor, line in zip(spread_out, lines, strict=True):
            sums = k.fma(factor, k.load(line, i.i), sums)
        k.store(sums, out, i.i)


def spread(k: Kernel) -> None:
    """Conditional covariances of P patterns, from places (P,) in a table (., K, F), times the mass (K, n) of the
    rows of each, are added to out (K, stride)."""
    mass, table, places, starts, out, n, patterns, size, components = k.function(
        "spread", [k.number, k.number, INT, INT, k.number], 4
    )
    b = k.b
    stride = k.mul(b.sdiv(k.add(size, k.lanes - 1), INT(k.lanes)), k.lanes)
    with k.loop(patterns) as p:
        first, last = b.load(k.at(starts, p.i)), b.load(k.at(starts, p.i, 1))
        mine = k.at(table, k.mul(k.mul(b.load(k.at(places, p.i)), components), size))
        with k.loop(components) as c:
            with k.loop(last, start=first, carry=[k.number(0.0)]) as row:
                row.next = [b.fadd(row.values[0], b.load(k.at(mass, k.mul(c.i, n), row.i)))]
            w, line, sums = k.spread(row.values[0]), k.at(mine, k.mul(c.i, size)), k.at(out, k.mul(c.i, stride))
            with k.loop(size, step=k.lanes) as f:
                k.store(k.fma(w, k.load(line, f.i), k.load(sums, f.i)), sums, f.i)
    b.ret_void()


def sweep(k: Kernel) -> None:
    """Matrices of P patterns, masks (P, d) in alphabetical order: columns (P, K, d, d), conditional covariances
    residual (P, K, d (d + 1) / 2), and the pivots (P, K, d), 1 where missing.

    stack (K, d + 1, d, width) holds a pattern's beginnings, of which the first are the covariances; what the next
    pattern begins with as well, it finds there. fresh (P,): from which column on a pattern differs from the last.
    Work space: latest (K, d).
    """
    stack, masks, fresh, columns, residual, pivots, latest, patterns, d, width, components = k.function(
        "sweep", [k.number, BYTE, INT, k.number, k.number, k.number, k.number], 4
    )
    b, level = k.b, k.mul(d, width)
    triangle = b.sdiv(k.mul(d, k.add(d, 1)), INT(2))
    with k.loop(patterns) as p:
        mask, begin = k.at(masks, k.mul(p.i, d)), b.load(k.at(fresh, p.i))
        with k.loop(components) as c:
            at, mine = k.add(k.mul(p.i, components), c.i), k.at(stack, k.mul(k.mul(c.i, k.add(d, 1)), level))
            own = k.at(latest, k.mul(c.i, d))
            with k.loop(d, start=begin) as j:
                before = k.at(mine, k.mul(j.i, level))
                after = k.at(before, level)
                seen = b.icmp_unsigned("!=", b.load(k.at(mask, j.i)), BYTE(0))
                with b.if_else(seen) as (then, otherwise):
                    with then:
                        b.store(regress(k, before, after, mask, j.i, d, width), k.at(own, j.i))
                    with otherwise:
                        copy(k, before, after, level)
                        b.store(k.number(1.0), k.at(own, j.i))
            with k.loop(d) as j:
                b.store(b.load(k.at(own, j.i)), k.at(pivots, k.mul(at, d), j.i))
            found, whole = k.at(mine, k.mul(d, level)), k.at(columns, k.mul(at, k.mul(d, d)))
            deliver(k, found, mask, whole, k.at(residual, k.mul(at, triangle)), d, width)
    b.ret_void()


def deliver(k: Kernel, found: Value, mask: Value, whole: Value, packed: Value, d: Value, width: Value) -> None:
    """Lines (d, width) as (d, d), and of the triangle what belongs to two missing columns, zero elsewhere."""
    b = k.b
    with k.loop(d, carry=[INT(0)]) as j:
        line, end = k.at(found, k.mul(j.i, width)), j.values[0]
        with k.loop(width, step=k.lanes) as i:  # what goes beyond d is written over by the next line
            k.store(k.load(line, i.i), whole, k.mul(j.i, d), i.i)
        with k.loop(d, start=j.i) as i:
            seen = b.or_(b.load(k.at(mask, i.i)), b.load(k.at(mask, j.i)))
            missing = b.icmp_unsigned("==", seen, BYTE(0))
            b.store(
                b.select(missing, b.load(k.at(line, i.i)), k.number(0.0)),
                k.at(packed, end, b.sub(i.i, j.i)),
            )
        j.next = [k.add(end, b.sub(d, j.i))]


def copy(k: Kernel, source: Value, target: Value, count: Value) -> None:
    """Some whole vectors."""
    with k.loop(count, step=k.lanes) as i:
        k.store(k.load(source, i.i), target, i.i)


def regress(k: Kernel, before: Value, after: Value, mask: Value, j: Value, d: Value, width: Value) -> Value:
    """Column j becomes observed beside those before it that are (see `unseen.numerics.sweep`); returns the pivot."""
    b, one = k.b, k.number(1.0)
    own, slope = k.at(before, k.mul(j, width)), k.at(after, k.mul(j, width))
    pivot = b.load(k.at(own, j))
    root = b.call(k.module.declare_intrinsic("llvm.sqrt", [k.number]), [pivot])
    with k.loop(width, step=k.lanes) as i:
        k.store(b.fdiv(k.load(own, i.i), k.spread(pivot)), slope, i.i)
    with k.loop(d) as column:
        other = b.icmp_signed("!=", column.i, j)
        with b.if_then(other):
            source, target = k.at(before, k.mul(column.i, width)), k.at(after, k.mul(column.i, width))
            x = b.load(k.at(source, j))
            minus = k.spread(b.fsub(k.number(-0.0), x))
            with k.loop(width, step=k.lanes) as i:
                k.store(k.fma(minus, k.load(slope, i.i), k.load(source, i.i)), target, i.i)
            earlier = b.icmp_signed("<", column.i, j)
            seen = b.and_(earlier, b.icmp_unsigned("!=", b.load(k.at(mask, column.i)), BYTE(0)))
            whitened = b.fdiv(b.fsub(k.number(-0.0), x), root)
            b.store(b.select(seen, whitened, k.number(0.0)), k.at(target, j))
    b.store(b.fdiv(one, root), k.at(slope, j))
    return pivot
