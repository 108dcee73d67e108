from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sweeps.sweep import Start, Sweep


@pytest.fixture
def sweep_of(tmp_path: Path) -> Iterator[Start]:
    """Starts a sweep; at the end of the test none is left."""
    started: list[Sweep] = []

    def start(*arguments: str, **env: str) -> Sweep:
        started.append(Sweep(tmp_path, *arguments, **env))
        return started[-1]

    yield start
    for sweep in started:
        sweep.process.kill()
        sweep.process.wait()
