"""From a kernel's instructions to functions that ctypes calls without holding the interpreter's lock."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

from unseen.core.stats import Array
from unseen.kernels.emit import Kernel

if TYPE_CHECKING:
    from unseen.kernels.loops import Loop

KIND = {"p": ctypes.c_void_p, "n": ctypes.c_int64}
SCALAR = {np.dtype(np.int64): ctypes.c_int64, np.dtype(np.float64): ctypes.c_double}


@dataclass(frozen=True)
class Compiled:
    """Functions of one kernel by name, its precision, and how many such numbers one vector register holds."""

    functions: dict[str, Callable[..., None]]
    dtype: np.dtype
    lanes: int
    engine: Any  # owns the machine code

    def __call__(self, name: str, *arguments: Array | int) -> None:
        """Call a function: arrays become addresses, and integers stay."""
        self.functions[name](*(a if isinstance(a, int) else a.ctypes.data for a in arguments))


def machine() -> tuple[Any, int]:
    """This processor as a compilation target, which the engine made for it will own, and bytes in its vectors."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    target = llvm.Target.from_triple(triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3
    )
    return target, 64 if features.get("avx512f") else 32 if features.get("avx") else 16


def triple() -> str:
    """What this process runs on; the code loader does not know the object format of Windows, so there it is ELF."""
    return str(llvm.get_process_triple()) + ("-elf" if sys.platform == "win32" else "")


def build(source: ModuleType, dtype: np.dtype, lanes: int = 0) -> Compiled:
    """Compile the functions that ``source.emit`` writes; ``lanes`` other than the processor's own are for tests."""
    target, width = machine()
    lanes = lanes or width // dtype.itemsize
    module = ir.Module(source.__name__)
    signatures: dict[str, str] = source.emit(Kernel(module, dtype, lanes))
    engine = _finish(module, target, _tuning() if getattr(source, "POLISHED", True) else None)
    functions: dict[str, Callable[..., None]] = {
        name: ctypes.CFUNCTYPE(None, *(KIND[c] for c in kinds))(engine.get_function_address(name))
        for name, kinds in signatures.items()
    }
    return Compiled(functions, dtype, lanes, engine)


def build_loop(loop: Loop) -> Callable[..., None]:
    """Compile a loop for arrays of the kinds that it says."""
    from unseen.kernels.translate import translate

    target, _ = machine()
    module = ir.Module(loop.__name__)
    translate(loop, module)
    tuning = _tuning()
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = True
    engine = _finish(module, target, tuning)
    return CompiledLoop(loop, engine.get_function_address(loop.__name__), engine)


class CompiledLoop:
    """Machine code that takes a loop's arguments; arrays that it could not read are refused."""

    def __init__(self, loop: Loop, address: int, engine: Any) -> None:
        self.name, self.kinds, self.engine = loop.__name__, loop.kinds, engine  # the engine owns the machine code
        types: list[Any] = []
        for kind in self.kinds:
            types += [ctypes.c_void_p, *[ctypes.c_int64] * kind.dimensions] if kind.dimensions else [SCALAR[kind.dtype]]
        self.function = ctypes.CFUNCTYPE(None, *types)(address)

    def __call__(self, *arguments: Array | int | float) -> None:
        flat: list[Any] = []
        for kind, value in zip(self.kinds, arguments, strict=True):
            if not kind.dimensions:
                flat.append(value)
            elif isinstance(value, np.ndarray) and kind.fits(value):
                flat += [value.ctypes.data, *value.shape]
            else:
                raise TypeError(f"{self.name}: an argument is not {kind}")
        self.function(*flat)


def _finish(module: ir.Module, target: Any, tuning: Any) -> Any:
    """An engine that holds the module's machine code, after LLVM's passes where they are asked for."""
    parsed = llvm.parse_assembly(str(module))
    parsed.triple, parsed.data_layout = triple(), str(target.target_data)
    parsed.verify()
    if tuning is not None:
        passes = llvm.create_pass_builder(target, tuning)
        passes.getModulePassManager().run(parsed, passes)
    engine = llvm.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    return engine


def _tuning() -> Any:
    """LLVM's passes. Kernels are blocked for the registers by hand: what vectorises or unrolls them again only takes
    time."""
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False
    return tuning
