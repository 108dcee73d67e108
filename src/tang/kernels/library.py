"""Compiles ``kernels.cpp`` at its first use on a machine, in about a second, and loads it."""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pooch

log = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("kernels.cpp")
# OpenMP is PyTorch's own, so that both share one pool of threads. No -ffast-math: in a shared library it
# would round the whole process's smallest numbers to zero.
FLAGS = ["-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC"]


@cache
def library() -> ctypes.CDLL | None:
    """The compiled functions; None, with a line in the log, if they can't be compiled here."""
    wanted = os.environ.get("CXX") or "g++"
    compiler = shutil.which(wanted)
    if compiler is None:
        log.info("no C++ compiler (%s): PyTorch does what stands between the matrix products, slower", wanted)
        return None
    try:
        return ctypes.CDLL(str(compiled(compiler, Path(pooch.os_cache("tang")))))
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "stderr", None) or str(error)
        log.warning("%s doesn't compile %s; PyTorch does its work, slower: %s", compiler, SOURCE.name, output.strip())
        return None


def compiled(compiler: str, folder: Path) -> Path:
    """The library for this machine's processor, from ``folder`` if it has been compiled before.

    Raises:
        CalledProcessError: the compiler fails.
        OSError: it can't be run, or the folder can't be written to.
    """
    # What -march=native means here is part of the name: a home folder may be shared by unequal machines.
    about = subprocess.run([compiler, *FLAGS, "-Q", "--help=target", "--version"], check=True, capture_output=True)
    name = hashlib.sha256(b"\0".join([SOURCE.read_bytes(), about.stdout, *map(str.encode, FLAGS)])).hexdigest()[:16]
    path = folder / f"kernels-{name}.so"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as staged:
            made = Path(staged) / path.name
            command = [compiler, *FLAGS, str(SOURCE), "-o", str(made)]
            subprocess.run(command, check=True, capture_output=True, text=True)
            made.replace(path)  # whole or not at all, whoever else compiles it now
    return path
