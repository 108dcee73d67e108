"""The language model's network: embedding → recurrent stack → linear."""

from torch import Tensor, nn

from tang.kernels.pointwise import dropout as drop
from tang.recurrent.layer import State
from tang.recurrent.stack import Recurrent


class Network(nn.Module):
    """Predicts each character from those before it.

    Args:
        vocabulary_size: V.
        embedding_size: E; None means ``hidden_size``.
        hidden_size: H.
        num_layers: L.
        dropout: applied to the embeddings, between layers and before the head.
        tie_weights: the head's weight is the embedding; when E ≠ H, a linear layer H → E precedes it.
        cell, backend, forget_bias: of the :class:`~tang.recurrent.stack.Recurrent` stack.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int | None = None,
        hidden_size: int = 256,
        num_layers: int = 1,
        dropout: float = 0.0,
        tie_weights: bool = True,
        cell: str = "lstm",
        backend: str = "torch",
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        embedding_size = embedding_size or hidden_size
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.recurrent = Recurrent(embedding_size, hidden_size, num_layers, dropout, cell, backend, forget_bias)
        projects = tie_weights and embedding_size != hidden_size
        self.projection = nn.Linear(hidden_size, embedding_size) if projects else nn.Identity()
        self.head = nn.Linear(embedding_size if tie_weights else hidden_size, vocabulary_size)
        nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
        nn.init.zeros_(self.head.bias)
        if tie_weights:
            self.head.weight = self.embedding.weight

    def features(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(T, B, ·) what the head sees of ``ids`` (B, T), time first, and the last state."""
        embedded = drop(self.embedding(ids.T), self.dropout, self.training)
        hidden, state = self.recurrent(embedded.transpose(0, 1), state)
        return self.projection(drop(hidden.transpose(0, 1), self.dropout, self.training)), state

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the character after each of ``ids`` (B, T), and the last state.

        ``state`` is where to go on from; by default zeros, the beginning of a poem.
        """
        features, state = self.features(ids, state)
        return self.head(features).transpose(0, 1), state
