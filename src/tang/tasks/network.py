"""The language model's network: embedding → recurrent stack → linear."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tang.config.model import LanguageModelConfig, ModelConfig
from tang.kernels.linear import linear
from tang.kernels.pointwise import dropout as drop
from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent
from tang.tasks.echo import Echo


def recurrent_stack(input_size: int, config: ModelConfig) -> Recurrent:
    """The recurrent layers that a config describes."""
    form = config.hidden_size, config.num_layers, config.dropout
    weight_dropout = config.weight_dropout if isinstance(config, LanguageModelConfig) else 0.0
    return Recurrent(input_size, *form, config.cell, config.backend, config.forget_bias, weight_dropout)


class Reading(NamedTuple):
    """What a network makes of ids (B, T)."""

    features: Tensor  # (T, B, E or H) the head's inputs
    hidden: Tensor  # (T, B, H) outputs of the last recurrent layer
    state: State  # after the last step


class Network(nn.Module):
    """Predicts each of V characters from those before it.

    If ``tie_weights`` and E ≠ H, a linear layer H → E precedes the head.

    Args:
        echo: what it is told of the lines above beside the character before; None: nothing.
    """

    def __init__(self, vocabulary_size: int, config: LanguageModelConfig, echo: Echo | None = None) -> None:
        super().__init__()
        self.dropout, self.embedding_dropout = config.dropout, config.embedding_dropout
        self.is_locked = config.locked_dropout
        self.activation_penalty, self.temporal_penalty = config.activation_penalty, config.temporal_penalty
        hidden_size, embedding_size = config.hidden_size, config.embedding_size or config.hidden_size
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.echo = echo
        self.recurrent = recurrent_stack(embedding_size + (echo.size if echo else 0), config)
        projects = config.tie_weights and embedding_size != hidden_size
        self.projection = nn.Linear(hidden_size, embedding_size) if projects else nn.Identity()
        self.head = nn.Linear(embedding_size if config.tie_weights else hidden_size, vocabulary_size)
        nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
        nn.init.zeros_(self.head.bias)
        self.echo_to_head = None
        if echo and config.echo_to_head:
            self.echo_to_head = nn.Linear(echo.size, self.head.in_features, bias=False)
            nn.init.zeros_(self.echo_to_head.weight)
        if config.tie_weights:
            self.head.weight = self.embedding.weight

    def read(self, ids: Tensor, state: State | None = None) -> Reading:
        """All but the head, for ``ids`` (B, T)."""
        assert state is None or not self.echo, (
            "what stands above isn't in the recurrent state: read the poem's start too"
        )
        echo = self._drop(self.echo(ids).transpose(0, 1)) if self.echo else None
        embedded = self._drop(self._embedded(ids))
        inputs = embedded if echo is None else torch.cat((embedded, echo), -1)
        outputs, state = self.recurrent(inputs.transpose(0, 1), state)
        hidden = outputs.transpose(0, 1)
        features = self.projection(self._drop(hidden))
        return Reading(features + self.echo_to_head(echo) if self.echo_to_head else features, hidden, state)

    def set_unigram_bias(self, counts: Tensor) -> None:
        """Let the head begin with the log frequency of each symbol; ``counts`` (V,) in the training split."""
        with torch.no_grad():
            self.head.bias.copy_(((counts + 1) / (counts + 1).sum()).log())

    def _embedded(self, ids: Tensor) -> Tensor:
        """(T, B, E) the embeddings of ``ids`` (B, T)."""
        embedded: Tensor = self.embedding(ids.T)
        if self.training and self.embedding_dropout:
            kept = F.dropout(embedded.new_ones(self.embedding.num_embeddings), self.embedding_dropout)
            embedded = embedded * kept[ids.T, None]
        return embedded

    def _drop(self, values: Tensor) -> Tensor:
        """Dropout of ``values`` (T, B, …): of single elements, or of units in all steps of a poem (Gal 2016)."""
        if self.training and self.is_locked and self.dropout:
            return values * F.dropout(torch.ones_like(values[:1]), self.dropout)
        return drop(values, self.dropout, self.training)

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the character after each of ``ids`` (B, T), and the last state.

        ``state`` is the initial state; by default zeros, as before the first character of a poem. Not with ``echo``:
        then ``ids`` are those of a poem from its start.
        """
        reading = self.read(ids, state)
        return self.head(reading.features).transpose(0, 1), reading.state

    def initial_state(self, batch_size: int) -> list[State]:
        """The state before the first symbol of a poem: of each layer zeros (B, H), and the symbols read, (B, 0)."""
        weight = self.embedding.weight
        zeros = weight.new_zeros(batch_size, self.recurrent.output_size)
        written = torch.empty(batch_size, 0, dtype=torch.long, device=weight.device)
        return [*[(zeros,) * self.recurrent.cell.states] * self.recurrent.layers.num_layers, (written,)]

    def step(self, symbols: Tensor, states: list[State]) -> tuple[Tensor, list[State]]:
        """Logits (B, V) of the character after ``symbols`` (B,), and the next state; without dropout.

        The cell's own equations compute the step on every backend: ``nn.LSTM`` would rearrange its weights at each
        call, which takes longer than the step.
        """
        *layers, (written,) = states
        written = torch.cat((written, symbols[:, None]), 1)
        hidden, next_states = self.embedding(symbols), []
        echo = self.echo.last(written) if self.echo else None
        if echo is not None:
            hidden = torch.cat((hidden, echo), -1)
        for layer, state in enumerate(layers):
            next_states.append(self.recurrent.cell.step(hidden, state, self.recurrent.weights(layer)))
            hidden = next_states[-1][0]
        features = self.projection(hidden)
        if self.echo_to_head:
            features = features + self.echo_to_head(echo)
        return linear(features, self.head.weight, self.head.bias), [*next_states, (written,)]
