"""The language model's network: embedding → recurrent stack → linear."""

from torch import Tensor, nn

from tang.config.model import LanguageModelConfig, ModelConfig
from tang.kernels.linear import linear
from tang.kernels.pointwise import dropout as drop
from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent


def recurrent_stack(input_size: int, config: ModelConfig) -> Recurrent:
    """The recurrent layers that a config describes."""
    form = config.hidden_size, config.num_layers, config.dropout
    return Recurrent(input_size, *form, config.cell, config.backend, config.forget_bias)


class Network(nn.Module):
    """Predicts each of V characters from those before it.

    If ``tie_weights`` and E ≠ H, a linear layer H → E precedes the head.
    """

    def __init__(self, vocabulary_size: int, config: LanguageModelConfig) -> None:
        super().__init__()
        self.dropout = config.dropout
        hidden_size, embedding_size = config.hidden_size, config.embedding_size or config.hidden_size
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.recurrent = recurrent_stack(embedding_size, config)
        projects = config.tie_weights and embedding_size != hidden_size
        self.projection = nn.Linear(hidden_size, embedding_size) if projects else nn.Identity()
        self.head = nn.Linear(embedding_size if config.tie_weights else hidden_size, vocabulary_size)
        nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
        nn.init.zeros_(self.head.bias)
        if config.tie_weights:
            self.head.weight = self.embedding.weight

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Inputs of the head for ``ids`` (B, T), time first, (T, B, E or H), and the last state."""
        embedded = drop(self.embedding(ids.T), self.dropout, self.training)
        hidden, state = self.recurrent(embedded.transpose(0, 1), state)
        return self.projection(drop(hidden.transpose(0, 1), self.dropout, self.training)), state

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the character after each of ``ids`` (B, T), and the last state.

        ``state`` is the initial state; by default zeros, as before the first character of a poem.
        """
        features, state = self.features(ids, state)
        return self.head(features).transpose(0, 1), state

    def initial_state(self, batch_size: int) -> list[State]:
        """The state of each layer before the first character of a poem: zeros (B, H)."""
        zeros = self.embedding.weight.new_zeros(batch_size, self.recurrent.output_size)
        return [(zeros,) * self.recurrent.cell.states] * self.recurrent.layers.num_layers

    def step(self, symbols: Tensor, states: list[State]) -> tuple[Tensor, list[State]]:
        """Logits (B, V) of the character after ``symbols`` (B,), and the next state of each layer; without dropout.

        The cell's own equations compute the step on every backend: ``nn.LSTM`` would rearrange its weights at each
        call, which takes longer than the step.
        """
        hidden, next_states = self.embedding(symbols), []
        for layer, state in enumerate(states):
            next_states.append(self.recurrent.cell.step(hidden, state, self.recurrent.weights(layer)))
            hidden = next_states[-1][0]
        return linear(self.projection(hidden), self.head.weight, self.head.bias), next_states
