r"""Log-densities and second moments of K full-covariance Gaussians, without a feature ever in memory.

The plain path multiplies natural parameters with all products :math:`z_i z_j` of a row, which it must write down and
BLAS must copy once more. Here both are triangular products of the row itself, 12 accumulators in registers:

.. math:: \log f_k(z) = c_k - \tfrac12 \sum_i (b_{ki} + \sum_{j \le i} W_{kij} z_j)^2, \qquad
          M_{kij} = \sum_n (r_{kn} z_{ni}) z_{nj}, \quad i \le j

with the whitener :math:`W_k` (inverse Cholesky factor) and :math:`b_k = -W_k (\mu_k - a)`. The blocking is that of
Goto & van de Geijn (2008), Anatomy of high-performance matrix multiplication, section 4, cut to the triangle.
"""

from __future__ import annotations

from llvmlite import ir

from unseen.kernels.emit import INT, Kernel, Value
from unseen.kernels.layout import ROWS, STRIP, VECTORS, unit

NEGLIGIBLE = 1e-30  # responsibilities below add nothing to a sum that a component can be estimated from


def emit(k: Kernel) -> dict[str, str]:
    """Write the functions; returns their signatures, p for a pointer and n for a 64-bit integer."""
    for bits in {32, k.bits}:
        pack(k, bits)
    density(k)
    moments(k)
    return {**{f"pack{bits}": "ppppnnnn" for bits in {32, k.bits}}, "density": "pppppnnn", "moments": "ppppppnnnn"}


def pack(k: Kernel, bits: int) -> None:
    """values (d, n) minus anchor (d,), as strips (s, width, B) of B rows and as rows (n, width), zero beyond d.

    The last strip ends with the last row, so it may repeat rows of the one before: n is at least B.
    """
    source, double = (ir.FloatType() if bits == 32 else ir.DoubleType()), ir.DoubleType()
    values, anchor, strips, rows, stride, n, d, width = k.function(
        f"pack{bits}", [source, double, k.number, k.number], 4
    )
    b, batch = k.b, VECTORS * k.lanes
    wide = ir.VectorType(double, k.lanes)

    def put(vector: Value, strip: Value, row: Value, j: Value, v: int) -> None:
        k.store(vector, strips, k.mul(k.add(k.mul(strip, width), j), batch), v * k.lanes)
        for lane in range(k.lanes):
            at = k.add(k.mul(k.add(row, v * k.lanes + lane), width), j)
            b.store(b.extract_element(vector, INT(lane)), k.at(rows, at))

    strip_count = b.sdiv(k.add(n, batch - 1), INT(batch))
    with k.loop(strip_count) as s:
        row = k.least(k.mul(s.i, batch), b.sub(n, INT(batch)))
        with k.loop(d) as j:
            centre = k.repeat(anchor, j.i)
            for v in range(VECTORS):
                x = k.load(values, k.mul(j.i, stride), row, v * k.lanes)
                z = b.fsub(b.fpext(x, wide) if bits == 32 else x, centre)  # in double precision, then rounded
                put(b.fptrunc(z, k.vector) if k.bits == 32 else z, s.i, row, j.i, v)
        with k.loop(width, start=d) as j:
            for v in range(VECTORS):
                put(k.constant(0.0), s.i, row, j.i, v)
    b.ret_void()


def density(k: Kernel) -> None:
    """strips (s, width, B) and per component blocks of W, offset (K, width), constant (K,) -> out (K, n)."""
    strips, blocks, offset, constant, out, n, width, components = k.function("density", [k.number] * 5, 3)
    b, batch = k.b, VECTORS * k.lanes
    size = b.sdiv(k.mul(width, k.add(width, ROWS)), INT(2))  # numbers in the blocks of one component
    strip_count = b.sdiv(k.add(n, batch - 1), INT(batch))
    with k.loop(components) as c:
        mine, shift = k.at(blocks, k.mul(c.i, size)), k.at(offset, k.mul(c.i, width))
        level = k.repeat(constant, c.i)
        with k.loop(strip_count) as s:
            z = k.at(strips, k.mul(s.i, k.mul(width, batch)))
            with k.loop(width, step=ROWS, carry=[INT(0), *k.zeros(VECTORS)]) as i:
                block, *squares = i.values
                start = [k.repeat(shift, i.i, row) for row in range(ROWS) for _ in range(VECTORS)]
                stop = k.add(i.i, ROWS)
                with k.loop(stop, carry=start) as j:
                    x = [k.load(z, k.mul(j.i, batch), v * k.lanes) for v in range(VECTORS)]
                    j.next = outer(k, k.at(mine, block, k.mul(j.i, ROWS)), x, j.values)
                for at, y in enumerate(j.values):
                    squares[at % VECTORS] = k.fma(y, y, squares[at % VECTORS])
                i.next = [k.add(block, k.mul(stop, ROWS)), *squares]
            row = k.least(k.mul(s.i, batch), b.sub(n, INT(batch)))
            for v, square in enumerate(i.values[1:]):
                k.store(k.fma(k.constant(-0.5), square, level), out, k.mul(c.i, n), row, v * k.lanes)
    b.ret_void()


def outer(k: Kernel, column: Value, x: list[Value], sums: list[Value]) -> list[Value]:
    """Add a column of ROWS numbers times the vectors x to ROWS x len(x) sums, row by row."""
    out = []
    for row in range(ROWS):
        a = k.repeat(column, row)
        out += [k.fma(a, vector, sums[row * len(x) + v]) for v, vector in enumerate(x)]
    return out


def moments(k: Kernel) -> None:
    """rows (n, width) and r (K, n) -> out (K, d + d (d + 1) / 2), first moments and the triangle of second ones.

    Work space: sums (width + 1, width), panel (STRIP, unit) followed by weight (n + ROWS,), address (n + ROWS,).
    """
    rows, r, out, sums, panel_weight, address, n, d, width, components = k.function(
        "moments", [*[k.number] * 5, INT], 4
    )
    b, some = k.b, unit(k.lanes)
    panel, weight = panel_weight, k.at(panel_weight, STRIP * some)
    second = k.at(sums, width)  # the first line of sums holds the first moments
    with k.loop(components) as c:
        with k.loop(k.mul(width, k.add(width, 1)), step=k.lanes) as i:
            k.store(k.constant(0.0), sums, i.i)
        used = select(k, k.at(r, k.mul(c.i, n)), weight, address, n, width)
        with k.loop(used, step=STRIP) as s:
            count = k.least(b.sub(used, s.i), STRIP)
            chosen, mine = k.at(address, s.i), k.at(weight, s.i)
            with k.loop(width, step=some) as i:
                weigh(k, panel, k.at(rows, i.i), mine, chosen, count, k.at(sums, i.i))
                for part in range(0, some, ROWS):
                    line = k.at(second, k.mul(k.add(i.i, part), width))
                    triangle(k, k.at(panel, part), rows, chosen, count, line, i.i, width)
        write(k, sums, k.at(out, k.mul(c.i, b.sdiv(k.mul(d, k.add(d, 3)), INT(2)))), d, width)
    b.ret_void()


def select(k: Kernel, r: Value, weight: Value, address: Value, n: Value, width: Value) -> Value:
    """Weights and addresses of the rows that count, filled up with weight 0 to a multiple of ROWS; how many."""
    b = k.b
    size = k.module.declare_intrinsic("llvm.fabs", [k.number])
    with k.loop(n, carry=[INT(0), INT(0)]) as row:
        used, where = row.values
        x = b.load(k.at(r, row.i))
        b.store(x, k.at(weight, used))
        b.store(where, k.at(address, used))
        # unordered: a NaN counts, and is seen in the sums
        counts = b.fcmp_unordered(">", b.call(size, [x]), k.number(NEGLIGIBLE))
        row.next = [k.add(used, b.zext(counts, INT)), k.add(where, width)]
    used = row.values[0]
    for extra in range(ROWS):
        b.store(k.number(0.0), k.at(weight, used, extra))
        b.store(INT(0), k.at(address, used, extra))
    return k.mul(b.sdiv(k.add(used, ROWS - 1), INT(ROWS)), ROWS)


def weigh(k: Kernel, panel: Value, columns: Value, weight: Value, chosen: Value, count: Value, first: Value) -> None:
    """Some columns of the chosen rows times their weights, in one line per row; their sums go to ``first``."""
    vectors = unit(k.lanes) // k.lanes
    with k.loop(count, step=ROWS, carry=k.zeros(vectors * ROWS)) as t:
        t.next = []
        for row in range(ROWS):
            w, z = k.repeat(weight, t.i, row), k.at(columns, k.b.load(k.at(chosen, t.i, row)))
            for v in range(vectors):
                x = k.b.fmul(w, k.load(z, v * k.lanes))
                k.store(x, panel, k.mul(k.add(t.i, row), unit(k.lanes)), v * k.lanes)
                t.next.append(k.b.fadd(t.values[len(t.next)], x))
    for at, total in enumerate(t.values):
        k.increase(total, first, at % vectors * k.lanes)


def triangle(
    k: Kernel, panel: Value, rows: Value, chosen: Value, count: Value, line: Value, start: Value, width: Value
) -> None:
    """ROWS lines of the second moments from column ``start`` on, VECTORS vectors at a time."""
    b = k.b

    def block(vectors: int, j: Value) -> None:
        turns, each = (2 if vectors == 1 else 1), ROWS * vectors  # fewer than 8 sums at once wait for each other
        with k.loop(count, step=turns, carry=k.zeros(turns * each)) as t:
            t.next = []
            for turn in range(turns):
                z = k.at(rows, b.load(k.at(chosen, t.i, turn)), j)
                x = [k.load(z, v * k.lanes) for v in range(vectors)]
                column = k.at(panel, k.mul(k.add(t.i, turn), unit(k.lanes)))
                t.next += outer(k, column, x, t.values[turn * each : (turn + 1) * each])
        for at in range(each):
            total = t.values[at] if turns == 1 else b.fadd(*t.values[at::each])
            k.increase(total, line, k.mul(width, at // vectors), j, at % vectors * k.lanes)

    with k.loop(b.sub(width, INT(VECTORS * k.lanes - 1)), start=start, step=VECTORS * k.lanes) as j:
        block(VECTORS, j.i)
    rest = b.sub(width, j.i)
    for vectors in range(1, VECTORS):
        with b.if_then(b.icmp_signed("==", rest, INT(vectors * k.lanes))):
            block(vectors, j.i)


def write(k: Kernel, sums: Value, out: Value, d: Value, width: Value) -> None:
    """The first moments and the upper triangle, one line after the other."""
    with k.loop(k.add(d, 1), carry=[INT(0), INT(0)]) as line:
        at, start = line.values
        with k.loop(d, start=start) as j:
            k.b.store(k.b.load(k.at(sums, k.mul(line.i, width), j.i)), k.at(out, at, k.b.sub(j.i, start)))
        # line 0 holds the first moments; line i + 1 begins at column i of the matrix
        line.next = [k.add(at, k.b.sub(d, start)), line.i]
