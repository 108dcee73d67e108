import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

from tang.runs.names import claim, run_name


def test_processes_that_start_in_the_same_second_have_folders_of_their_own(tmp_path: Path) -> None:
    code = "import os, sys, pathlib; from tang.runs.names import claim\nwhile not os.path.exists(sys.argv[2]): pass\n"
    code += "print(*(claim(pathlib.Path(sys.argv[1], 'now')) for _ in range(5)))"
    command = [sys.executable, "-c", code, str(tmp_path / "new"), str(tmp_path / "go")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    time.sleep(1)  # they are there
    (tmp_path / "go").touch()
    made = [folder for process in processes for folder in process.communicate()[0].split()]
    assert len(set(made)) == 30
    assert {str(path) for path in (tmp_path / "new").iterdir()} == set(made)


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    assert claim(tmp_path / "runs" / "now") == tmp_path / "runs" / "now"
    assert claim(tmp_path / "runs" / "now") == tmp_path / "runs" / "now_2"
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"now", "now_2"}


def test_a_folder_is_named_by_what_varied() -> None:
    assert run_name(3, "optimizer=adam,data.path=a/b.txt") == "3_optimizer=adam,data.path=a-b.txt"
    assert run_name(0, "") == "0"
    assert len(run_name(0, "诗" * 300).encode()) <= 255


def test_a_job_keeps_its_folder_whatever_its_number(tmp_path: Path) -> None:
    for name in ("0_seed=1", "1_seed=11", "2_seed=1,x=[a]"):
        (tmp_path / name).mkdir()
    assert run_name(7, "seed=1", str(tmp_path), 3) == "0_seed=1"
    assert run_name(7, "seed=1,x=[a]", str(tmp_path), 3) == "2_seed=1,x=[a]"
    assert run_name(0, "seed=2", str(tmp_path), 3) == "3_seed=2"


def test_a_sweeps_folder_is_listed_once_for_all_its_jobs(tmp_path: Path) -> None:
    names = [f"{number}_seed={number + 1}" for number in range(20)]
    for name in names:
        (tmp_path / name).mkdir()
    with patch.object(Path, "iterdir", autospec=True, side_effect=Path.iterdir) as listed:
        assert [run_name(0, f"seed={number + 1}", str(tmp_path), 20) for number in range(20)] == names
        assert listed.call_count == 1
        (tmp_path / "20_seed=99").mkdir()
        assert run_name(0, "seed=99", str(tmp_path), 21) == "20_seed=99"
        assert run_name(0, "seed=98", str(tmp_path), 21) == "21_seed=98"
