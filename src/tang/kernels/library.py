"""Compile ``kernels.cpp`` at its first use on a machine, which takes some seconds, and load it."""

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
# -fopenmp is GNU's OpenMP, the one in PyTorch's packages: both then share one pool of threads. No -ffast-math:
# a shared library built with it makes the whole process flush subnormal numbers to zero.
FLAGS = ["-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC"]
# The compiler unless ``CXX`` names one, whose options override FLAGS. Apple's has no OpenMP.
COMPILER = None if sys.platform == "darwin" else "g++"


@cache
def library() -> ctypes.CDLL | None:
    """The compiled functions, or None, with a line in the log, if they can't be compiled."""
    compiler = os.environ.get("CXX") or COMPILER
    if compiler is None:
        return None
    try:
        return ctypes.CDLL(str(compile_library(shlex.split(compiler), Path(pooch.os_cache("tang")))))
    except FileNotFoundError:
        problem = "not found"
    except subprocess.CalledProcessError as error:
        problem = error.stderr.strip()
    except OSError as error:
        problem = str(error)
    log.info("no C++ compiler (%s): PyTorch computes the work between matmuls, slower: %s", compiler, problem)
    return None


def compile_library(compiler: list[str], folder: Path) -> Path:
    """Path of the library for this machine's processor, compiled unless it is there.

    It is in ``folder``, or in a temporary folder of this process if that isn't writable. A CalledProcessError if the
    compiler fails, an OSError if it can't be run.
    """
    # The name includes what -march=native means here: a home folder may be shared by machines of different kinds.
    program = list(takewhile(lambda word: not word.startswith("-"), compiler))
    command = [*program, *FLAGS, *compiler[len(program) :]]
    predefined_macros = _output([*command, "-dM", "-E", "-x", "c++", os.devnull])
    sources = [path.read_text(encoding="utf-8") for path in (*sorted(FOLDER.glob("*.h")), FOLDER / "kernels.cpp")]
    name = hashlib.sha256("\0".join([predefined_macros, *command[1:], *sources]).encode("utf-8")).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="tang-"))
    path = folder / f"kernels-{name}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as staging:
            made = Path(staging) / path.name
            _output([*command, str(FOLDER / "kernels.cpp"), "-o", str(made)])
            made.replace(path)  # atomic: other processes may compile it now
    return path


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
