from pathlib import Path

import pytest

from tests.torture import torture


@pytest.mark.slow
def test_a_run_killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    tally = torture(tmp_path, kills=2)
    assert (tally.kills, tally.broken, tally.differences) == (2, [], [])
    assert tally.while_writing >= 1
    assert tally.identical == tally.runs > 0
