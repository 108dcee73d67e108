"""Compiles ``kernels.cpp`` at its first use on a machine, in some seconds, and loads it."""

import ctypes
import hashlib
import logging
import os
import shlex
import subprocess
import sys
import tempfile
from functools import cache
from itertools import takewhile
from pathlib import Path

import pooch

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
# -fopenmp is GNU's OpenMP, as PyTorch's own packages have it: both then share one pool of threads. No -ffast-math:
# in a shared library it would round the whole process's smallest numbers to zero.
FLAGS = ["-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC"]
COMPILER = None if sys.platform == "darwin" else "g++"
"""Unless ``CXX`` names one, with options that count more than :data:`FLAGS`. Apple's has no OpenMP."""


@cache
def library() -> ctypes.CDLL | None:
    """The compiled functions; None, with a line in the log, if they can't be compiled here."""
    compiler = os.environ.get("CXX") or COMPILER
    if compiler is None:
        return None
    try:
        return ctypes.CDLL(str(compiled(shlex.split(compiler), Path(pooch.os_cache("tang")))))
    except FileNotFoundError:
        problem = "not found"
    except subprocess.CalledProcessError as error:
        problem = error.stderr.strip()
    except OSError as error:
        problem = str(error)
    log.info("no C++ compiler (%s): PyTorch does what stands between products, slower: %s", compiler, problem)
    return None


def compiled(compiler: list[str], folder: Path) -> Path:
    """The library for this machine's processor, from ``folder`` if it has been compiled before.

    Raises:
        CalledProcessError: the compiler fails.
        OSError: it can't be run; FileNotFoundError: there is none.
    """
    # The processor, as -march=native has it, is part of the name: a home folder may be shared by unequal machines.
    program = list(takewhile(lambda word: not word.startswith("-"), compiler))
    command = [*program, *FLAGS, *compiler[len(program) :]]
    about = _output([*command, "-dM", "-E", "-x", "c++", os.devnull])
    sources = [path.read_text(encoding="utf-8") for path in (*sorted(FOLDER.glob("*.h")), FOLDER / "kernels.cpp")]
    name = hashlib.sha256("\0".join([about, *command[1:], *sources]).encode("utf-8")).hexdigest()[:16]
    path = _writable(folder) / f"kernels-{name}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as staged:
            made = Path(staged) / path.name
            _output([*command, str(FOLDER / "kernels.cpp"), "-o", str(made)])
            made.replace(path)  # whole or not at all, whoever else compiles it now
    return path


def _writable(folder: Path) -> Path:
    """``folder``, or one of this process alone if nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="tang-"))
    return folder


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
