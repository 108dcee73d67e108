"""Eight training scripts started at once where nothing is fetched and nothing is prepared."""

import hashlib
import json
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from tang.corpus.collections import Collection
from tests.commands import Fork, script
from tests.conftest import verses
from tests.corpus.mirrors import Server

POEMS = verses(400)
FILES = {
    f"poet.tang.{n}.json": json.dumps([{"paragraphs": [poem]} for poem in POEMS[n * 100 : (n + 1) * 100]]).encode()
    for n in range(4)
}
CORPUS = Collection(
    title="the corpus",
    repository="somebody/poems",
    commit="0123abc",
    folder="唐/诗",
    files={name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
)
TRAIN = """
import runpy, sys
from tang.corpus import fetch
from tang.corpus.collections import CORPORA, Collection
fetch.GITHUB, CORPORA["tang"], script = sys.argv[1], eval(sys.argv[2]), sys.argv[3]
sys.argv[:] = sys.argv[3:]
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.slow
def test_eight_at_once_fetch_and_prepare_once_and_train_in_folders_of_their_own(tmp_path: Path) -> None:
    server = Server(FILES)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = [
        *(
            server.url,
            repr(CORPUS),
            script("train"),
            "data=tang",
            "data.dir=tang",
            "data.cache=prepared",
        ),
        *("data.min_count=1", "model.hidden_size=8", "trainer.max_steps=2", "trainer.accelerator=cpu"),
    ]
    program = tmp_path / "train.py"
    program.write_text(TRAIN, encoding="utf-8")
    with ExitStack() as stack:
        forks = [Fork([str(program), *arguments], tmp_path, tmp_path / str(number)) for number in range(8)]
        for fork in forks:
            stack.enter_context(fork)
        ended = [fork.done() for fork in forks]
    server.shutdown()
    server.server_close()
    outputs = [one.stdout + one.stderr for one in ended]
    assert [one.returncode for one in ended] == [0] * 8, "\n".join(outputs)
    assert len(server.requests) == len(set(server.requests)) == len(FILES)
    assert sum("corpus: preparing, once" in output for output in outputs) == 1
    assert sum("corpus: files from github" in output for output in outputs) == 1
    assert len(list((tmp_path / "outputs" / "train").iterdir())) == 8
    assert len(list(tmp_path.glob("outputs/train/*/checkpoints/best.ckpt"))) == 8
    assert not [path for folder in ("tang", "prepared") for path in (tmp_path / folder).rglob("*.part*")]
