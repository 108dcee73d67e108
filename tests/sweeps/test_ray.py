"""A sweep on a cluster of Ray's whose nodes are on this machine."""

import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.sweeps.sweep import LONG, Start, losses, parent_of

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster() -> Iterator["Cluster"]:
    """A head, which runs no jobs, and two nodes."""
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp") as folder:  # for its sockets
        checks = {"health_check_period_ms": 1000}  # so long five times, until a node counts as dead
        cluster = Cluster()
        try:
            cluster.add_node(num_cpus=0, include_dashboard=False, temp_dir=folder, _system_config=checks)
            for _ in range(2):
                cluster.add_node(num_cpus=1, num_gpus=1)  # it is pretended
            yield cluster
        finally:
            cluster.shutdown()  # type: ignore[no-untyped-call]


def test_a_job_whose_node_dies_goes_on_elsewhere(cluster: "Cluster", small: Sequence[str], sweep_of: Start) -> None:
    address = f"hydra.launcher.ray.init.address={cluster.address}"
    sweep = sweep_of(*small, *LONG, "seed=1,2", "hydra/launcher=ray", "hydra.sweep.dir=sweep", address)
    sweep.wait_for("seed=1")
    ancestors = [sweep.process_of("seed=1")]
    while ancestors[-1] > 1:
        ancestors.append(parent_of(ancestors[-1]))
    (node,) = [n for n in cluster.worker_nodes if n.all_processes["raylet"][0].process.pid in ancestors]
    cluster.remove_node(node, allow_graceful=False)
    output = sweep.end()
    assert sweep.process.returncode == 0, output
    assert set(losses(sweep.folder)) == {"seed=1", "seed=2"}
    assert "resuming after step" in sweep.log("seed=1")
