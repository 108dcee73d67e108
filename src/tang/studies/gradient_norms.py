"""The norms of all gradients by the states of a recurrent net, from one backward pass each."""

import copy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tang.data.batches import Batch
from tang.recurrent.equations import STEPS
from tang.recurrent.layer import State
from tang.tasks.network import Network


class Norms(NamedTuple):
    """Of the gradients by the states of the steps k = 1 … T, means over poems; each (T,), over seeds (N, T)."""

    hidden: Tensor
    """‖∂L_T/∂h_k‖."""
    memory: Tensor
    """‖∂L_T/∂m_k‖ with m = C in an LSTM, m = h in the others, which have nothing else."""
    memories: Tensor
    """‖(∂m_T/∂m_k)ᵀ v‖ for a random direction v of length 1."""


def gradient_norms(network: Network, batch: Batch, seed: int) -> Norms:
    """The norms of a language model of one layer on poems of one length T, in float64: some are very small."""
    network = copy.deepcopy(network).double()
    step, weights = STEPS[network.recurrent.cell], network.recurrent.weights(0)
    inputs = network.embedding(batch.inputs).transpose(0, 1)
    first = inputs.new_zeros(inputs.shape[1], network.recurrent.output_size)
    state: State = (first, first) if network.recurrent.cell == "lstm" else (first,)
    states = []
    for x in inputs:
        state = step(x, state, weights)
        states.append(state)
    hidden, memory = [state[0] for state in states], [state[-1] for state in states]

    logits = network.head(network.projection(hidden[-1]))
    loss = F.cross_entropy(logits, batch.targets[:, -1], reduction="sum")
    direction = F.normalize(torch.randn(first.shape, generator=torch.Generator().manual_seed(seed)))
    return Norms(_norms(loss, hidden), _norms(loss, memory), _norms((memory[-1] * direction.to(first)).sum(), memory))


def _norms(result: Tensor, nodes: list[Tensor]) -> Tensor:
    """(T,) norms of the gradients by each of the nodes (B, H), means over the batch; examples share no node."""
    gradients = torch.stack(torch.autograd.grad(result, nodes, retain_graph=True))
    norms: Tensor = torch.linalg.vector_norm(gradients, dim=2)
    return norms.mean(dim=1)
