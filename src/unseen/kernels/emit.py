"""A few words in which kernels are written: loops with carried values, vectors, fused multiply-add.

Vectors are written out and not left to a compiler to find, so that accumulators stay in registers on every host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

INT = ir.IntType(64)
Value = Any  # llvmlite has no types of its own


class Loop:
    """A counter ``i``, the ``values`` carried from turn to turn, and what they become ``next``."""

    def __init__(self, i: Value, values: list[Value]) -> None:
        self.i, self.values = i, values
        self.next: Sequence[Value] = ()


class Kernel:
    """Instructions of one module, in vectors of ``lanes`` numbers of one precision."""

    def __init__(self, module: ir.Module, dtype: np.dtype, lanes: int) -> None:
        self.module, self.dtype, self.lanes = module, dtype, lanes
        self.bits = 8 * dtype.itemsize
        self.number = ir.DoubleType() if dtype.itemsize == 8 else ir.FloatType()
        self.vector = ir.VectorType(self.number, lanes)
        self.b: ir.IRBuilder = None

    def function(self, name: str, pointers: Sequence[Any], counts: int) -> list[Value]:
        """Begin a function of pointers to these types (no two of them to the same memory) and 64-bit integers."""
        types = [t.as_pointer() for t in pointers] + [INT] * counts
        made = ir.Function(self.module, ir.FunctionType(ir.VoidType(), types), name)
        for argument in made.args[: len(pointers)]:
            argument.add_attribute("noalias")
        self.b = ir.IRBuilder(made.append_basic_block())
        return list(made.args)

    @contextmanager
    def loop(self, stop: Value, start: Value = 0, step: int = 1, carry: Sequence[Value] = ()) -> Iterator[Loop]:
        """Repeat what is written inside for i = start, start + step, ... < stop; afterwards ``values`` are the last."""
        b = self.b
        before = b.block
        head, body, done = (b.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        turn = Loop(b.phi(INT), [b.phi(c.type) for c in carry])
        for phi, first in zip([turn.i, *turn.values], [integer(start), *carry], strict=True):
            phi.add_incoming(first, before)
        b.cbranch(b.icmp_signed("<", turn.i, integer(stop)), body, done)
        b.position_at_end(body)
        yield turn
        for phi, following in zip([turn.i, *turn.values], [b.add(turn.i, INT(step)), *turn.next], strict=True):
            phi.add_incoming(following, b.block)
        b.branch(head)
        b.position_at_end(done)

    # ---- integers and addresses

    def add(self, *terms: Value) -> Value:
        total = integer(terms[0])
        for term in terms[1:]:
            total = self.b.add(total, integer(term))
        return total

    def mul(self, x: Value, y: Value) -> Value:
        return self.b.mul(integer(x), integer(y))

    def least(self, x: Value, y: Value) -> Value:
        x, y = integer(x), integer(y)
        return self.b.select(self.b.icmp_signed("<", x, y), x, y)

    def at(self, pointer: Value, *offset: Value) -> Value:
        return self.b.gep(pointer, [self.add(*offset)])

    # ---- numbers and vectors

    def zeros(self, count: int) -> list[Value]:
        return [self.constant(0.0)] * count

    def constant(self, x: float) -> Value:
        return ir.Constant(self.vector, [x] * self.lanes)

    def spread(self, number: Value) -> Value:
        """One number in every lane."""
        empty = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        one = self.b.insert_element(empty, number, ir.IntType(32)(0))
        return self.b.shuffle_vector(one, empty, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None))

    def repeat(self, pointer: Value, *offset: Value) -> Value:
        """The number at an address in every lane."""
        return self.spread(self.b.load(self.at(pointer, *offset)))

    def load(self, pointer: Value, *offset: Value) -> Value:
        """The vector that begins at an address."""
        address = self.at(pointer, *offset)
        number = address.type.pointee
        found = self.b.load(self.b.bitcast(address, ir.VectorType(number, self.lanes).as_pointer()))
        found.align = 8 if isinstance(number, ir.DoubleType) else 4
        return found

    def store(self, vector: Value, pointer: Value, *offset: Value) -> None:
        address = self.b.bitcast(self.at(pointer, *offset), vector.type.as_pointer())
        self.b.store(vector, address).align = self.dtype.itemsize

    def increase(self, vector: Value, pointer: Value, *offset: Value) -> None:
        self.store(self.b.fadd(self.load(pointer, *offset), vector), pointer, *offset)

    def fma(self, x: Value, y: Value, z: Value) -> Value:
        """x y + z, in one rounding where the processor has an instruction for it."""
        return self.intrinsic("fmuladd", x, y, z)

    def intrinsic(self, name: str, *vectors: Value) -> Value:
        """A function that LLVM knows, over vectors."""
        full = f"llvm.{name}.v{self.lanes}f{self.bits}"
        known = self.module.globals.get(full)
        if known is None:
            known = ir.Function(self.module, ir.FunctionType(self.vector, [self.vector] * len(vectors)), full)
        return self.b.call(known, vectors)


def integer(x: Value) -> Value:
    return INT(x) if isinstance(x, int) else x
