"""Loops written in a small part of Python, as LLVM's instructions.

What a function may hold: arguments annotated ``Matrix`` (float64, C order), ``Vector`` (float64), ``Integers`` (int64),
``int`` or ``float``; ``for name in range(...)`` with a constant step, ``if`` and ``else``, assignments to names and
elements, ``+=`` and the like; ``+ - * /``, comparisons, ``and``, ``or``, ``not``, ``a if c else b``, ``len(a)``,
``a.shape[0]``, and numbers that are constants of the module. Whoever calls makes all arrays; no two overlap; nothing is
returned, and no index is checked. Both sides of ``and``, ``or`` and ``a if c else b`` are evaluated: they may not guard
an index.

Sums may be added up in another order than written, so that they fill vector registers.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

if TYPE_CHECKING:
    from unseen.kernels.loops import Loop

INT, FLOAT, BOOL = ir.IntType(64), ir.DoubleType(), ir.IntType(1)
OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
#: sums in any order and fused products, but NaN and infinity are what they are
LOOSE = ("reassoc", "contract", "nsz")
Value = Any  # llvmlite has no types of its own


class Unknown(SyntaxError):
    """A statement or expression outside the part of Python that can be translated."""


def translate(loop: Loop, module: ir.Module) -> None:
    """Add the loop to a module; an array is passed as its address, followed by its shape."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(loop.plain))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    Translator(tree, loop, module)


class Translator:
    """One function: names are places on the stack, which LLVM turns into registers."""

    def __init__(self, tree: ast.FunctionDef, loop: Loop, module: ir.Module) -> None:
        kinds = [(INT if kind.dtype == np.int64 else FLOAT, kind.dimensions) for kind in loop.kinds]
        types = [t for of, d in kinds for t in ([of.as_pointer()] + [INT] * d if d else [of])]
        made = ir.Function(module, ir.FunctionType(ir.VoidType(), types), tree.name)
        self.entry = made.append_basic_block()
        self.b = ir.IRBuilder(made.append_basic_block())
        first = self.b.block
        self.names: dict[str, Value] = {}
        self.constants = loop.plain.__globals__
        self.arrays: dict[str, tuple[Value, list[Value]]] = {}
        given = iter(made.args)
        for argument, (_, dimensions) in zip(tree.args.args, kinds, strict=True):
            value = next(given)
            if dimensions:
                value.add_attribute("noalias")
                self.arrays[argument.arg] = value, [next(given) for _ in range(dimensions)]
            else:
                self.assign(argument.arg, value)
        self.block(tree.body)
        self.b.ret_void()
        ir.IRBuilder(self.entry).branch(first)

    # ---- statements

    def block(self, statements: list[ast.stmt]) -> None:
        for node in statements:
            match node:
                case ast.Expr(ast.Constant(str())) | ast.Pass():
                    continue
                case ast.Assign([target], value):
                    self.put(target, self.value(value))
                case ast.AugAssign(target, op, value):
                    self.put(target, self.binary(op, self.value(target), self.value(value), node))
                case ast.For(ast.Name(name), ast.Call(ast.Name("range"), bounds, []), body, []):
                    self.loop(name, bounds, body)
                case ast.If(test, body, otherwise):
                    with self.b.if_else(self.truth(self.value(test))) as (then, other):
                        with then:
                            self.block(body)
                        with other:
                            self.block(otherwise)
                case _:
                    raise unknown(node)

    def loop(self, name: str, bounds: list[ast.expr], body: list[ast.stmt]) -> None:
        b, step = self.b, self.value(bounds[2]) if len(bounds) == 3 else INT(1)
        if not isinstance(step, ir.Constant) or not step.constant:
            raise unknown(bounds[2])
        start = self.value(bounds[0]) if len(bounds) > 1 else INT(0)
        stop = self.value(bounds[min(1, len(bounds) - 1)])
        before = b.block
        head, inside, done = (b.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(INT)
        i.add_incoming(start, before)
        b.cbranch(b.icmp_signed("<" if step.constant > 0 else ">", i, stop), inside, done)
        b.position_at_end(inside)
        self.assign(name, i)
        self.block(body)
        i.add_incoming(b.add(i, step, flags=("nsw",)), b.block)
        b.branch(head)
        b.position_at_end(done)

    def put(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name) and target.id not in self.arrays:
            self.assign(target.id, value)
        else:
            place = self.element(target)
            self.b.store(self.cast(value, place.type.pointee), place)

    def assign(self, name: str, value: Value) -> None:
        """A name keeps the type of what it is first given."""
        if name not in self.names:
            self.names[name] = ir.IRBuilder(self.entry).alloca(value.type, name=name)
        place = self.names[name]
        self.b.store(self.cast(value, place.type.pointee), place)

    # ---- expressions

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(bool() as x):
                return BOOL(x)
            case ast.Constant(int() as x):
                return INT(x)
            case ast.Constant(float() as x):
                return FLOAT(x)
            case ast.Name(name) if name in self.names:
                return self.b.load(self.names[name])
            case ast.Name(name) if isinstance(self.constants.get(name), (int, float)):
                return self.value(ast.Constant(self.constants[name]))
            case ast.Subscript(ast.Attribute(ast.Name(name), "shape"), ast.Constant(int() as axis)):
                return self.arrays[name][1][axis]
            case ast.Call(ast.Name("len"), [ast.Name(name)], []) if name in self.arrays:
                return self.arrays[name][1][0]
            case ast.Subscript():
                return self.b.load(self.element(node))
            case ast.BinOp(left, op, right):
                return self.binary(op, self.value(left), self.value(right), node)
            case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as x)):
                return self.value(ast.Constant(-x))
            case ast.UnaryOp(ast.USub(), operand):
                x = self.value(operand)
                return self.b.fneg(x) if x.type == FLOAT else self.b.neg(x)
            case ast.UnaryOp(ast.Not(), operand):
                return self.b.not_(self.truth(self.value(operand)))
            case ast.BoolOp(op, parts):
                join = self.b.and_ if isinstance(op, ast.And) else self.b.or_
                out, *others = (self.truth(self.value(part)) for part in parts)
                for other in others:
                    out = join(out, other)
                return out
            case ast.Compare(left, [op], [right]) if type(op) in COMPARISONS:
                return self.compare(COMPARISONS[type(op)], self.value(left), self.value(right))
            case ast.IfExp(test, yes, no):
                x, y = self.alike(self.value(yes), self.value(no))
                return self.b.select(self.truth(self.value(test)), x, y)
        raise unknown(node)

    def element(self, node: ast.expr) -> Value:
        """The address of a[i] or a[i, j]."""
        match node:
            case ast.Subscript(ast.Name(name), ast.Tuple([row, column])) if self.dimensions(name) == 2:
                pointer, (_, width) = self.arrays[name]
                line = self.b.mul(self.value(row), width, flags=("nsw",))
                at = self.b.add(line, self.value(column), flags=("nsw",))
            case ast.Subscript(ast.Name(name), at) if self.dimensions(name) == 1:
                pointer, at = self.arrays[name][0], self.value(at)
            case _:
                raise unknown(node)
        return self.b.gep(pointer, [at], inbounds=True)

    def dimensions(self, name: str) -> int:
        return len(self.arrays[name][1]) if name in self.arrays else 0

    def binary(self, op: ast.operator, x: Value, y: Value, node: ast.AST) -> Value:
        if type(op) not in OPERATORS:
            raise unknown(node)
        name = OPERATORS[type(op)]
        if name == "div":
            return self.b.fdiv(self.cast(x, FLOAT), self.cast(y, FLOAT), flags=LOOSE)
        x, y = self.alike(x, y)
        return getattr(self.b, "f" + name)(x, y, flags=LOOSE) if x.type == FLOAT else getattr(self.b, name)(x, y)

    def compare(self, sign: str, x: Value, y: Value) -> Value:
        x, y = self.alike(x, y)
        if x.type != FLOAT:
            return self.b.icmp_signed(sign, x, y)
        return self.b.fcmp_unordered(sign, x, y) if sign == "!=" else self.b.fcmp_ordered(sign, x, y)

    def alike(self, x: Value, y: Value) -> tuple[Value, Value]:
        """Both as floats if either is."""
        of = FLOAT if FLOAT in (x.type, y.type) else x.type
        return self.cast(x, of), self.cast(y, of)

    def cast(self, x: Value, to: Any) -> Value:
        if x.type == to:
            return x
        if (x.type, to) == (INT, FLOAT):
            return self.b.sitofp(x, FLOAT)
        raise Unknown(f"{self.b.function.name}: a value of type {x.type} where {to} was expected")

    def truth(self, x: Value) -> Value:
        return self.cast(x, BOOL)


def unknown(node: ast.AST) -> Unknown:
    line = getattr(node, "lineno", 0)
    return Unknown(f"line {line} of the function: {ast.unparse(node)!r} is outside the part that is translated")
