"""Files of a run's folder that something has happened to."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tang.errors import InputError
from tang.runs.records import read_overrides, read_record, write_record
from tang.runs.run import Failure, Result
from tests.runs.test_find import RESULT


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    assert read_record(path, Result) is None
    result = Result(
        "诗", float("inf"), {"val/ppl": 2}, 1, 0.5, 9.0, "best.ckpt", ended_by=["max_steps"], sizes={"val": 3}
    )
    for record in (result, Failure("diverged", "诗")):
        write_record(path, record)
        assert read_record(path, type(record)) == record


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", "3", '{"task": "x"}', "\udcff", "[" * 100_000),
        *(json.dumps({**asdict(RESULT), key: value}) for key, value in {
            "val_loss": "5", "metrics": [1], "steps": None, "ended_by": "patience", "sizes": {"val": "3"}, "more": 1,
        }.items()),
    ],
)  # fmt: skip
def test_a_broken_result_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=r"result\.json: broken, or of another version; remove it"):
        read_record(path, Result)


def test_a_kind_of_failure_is_one_of_the_known(tmp_path: Path) -> None:
    path = tmp_path / "failure.json"
    path.write_text('{"kind": "exploded", "message": "x"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"failure\.json: broken"):
        read_record(path, Failure)


def test_a_command_line_has_keys_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "overrides.yaml"
    path.write_text("- seed=1\n- +data.path='a=b'\n- ~experiment\n- ~logger=csv\n- x=\n", encoding="utf-8")
    assert read_overrides(path) == {"seed": "1", "data.path": "'a=b'", "x": ""}
    path.write_text("[]\n", encoding="utf-8")
    assert read_overrides(path) == {}


@pytest.mark.parametrize("content", ["seed: 1", "- [", "- 3", "text", "- !!python/object/apply:os.system [true]"])
def test_a_broken_command_line_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "overrides.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"overrides\.yaml: broken"):
        read_overrides(path)
