"""Norms of the gradients with respect to the states of a recurrent network, one backward pass for all steps."""

import copy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tang.data.batches import Batch
from tang.tasks.network import Network


class Norms(NamedTuple):
    """Norms of the gradients with respect to the states of steps k = 1 … T, means over poems; (T,), or (seeds, T)."""

    hidden: Tensor  # ‖∂L_T/∂h_k‖
    memory: Tensor  # ‖∂L_T/∂m_k‖ with m = C in an LSTM, m = h in cells with no other state
    memories: Tensor  # ‖(∂m_T/∂m_k)ᵀ v‖ for a random direction v of length 1


def gradient_norms(network: Network, batch: Batch, seed: int) -> Norms:
    """Norms for a language model of one layer on poems of one length T, in float64, because some are very small."""
    network = copy.deepcopy(network).double()
    states = network.initial_state(len(batch.inputs))
    nodes = []
    for symbols in batch.inputs.T:
        logits, states = network.step(symbols, states)
        nodes.append(states[0])
    hidden, memory = [state[0] for state in nodes], [state[-1] for state in nodes]

    loss = F.cross_entropy(logits, batch.targets[:, -1], reduction="sum")
    direction = F.normalize(torch.randn(memory[-1].shape, generator=torch.Generator().manual_seed(seed)))
    return Norms(_norms(loss, hidden), _norms(loss, memory), _norms((memory[-1] * direction.double()).sum(), memory))


def _norms(result: Tensor, nodes: list[Tensor]) -> Tensor:
    """Norms (T,) of the gradients of ``result`` with respect to each of the nodes (B, H), means over the batch."""
    gradients = torch.stack(torch.autograd.grad(result, nodes, retain_graph=True))
    norms: Tensor = torch.linalg.vector_norm(gradients, dim=2)
    return norms.mean(dim=1)
