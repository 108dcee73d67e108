"""The language model's network: embedding → LSTM stack → linear."""

from torch import Tensor, nn

from tang.recurrent.lstm import LSTM

State = tuple[Tensor, Tensor]
"""Hidden and cell state, each (L, B, H)."""


class Network(nn.Module):
    """Predicts each character from those before it.

    Args:
        vocabulary_size: V.
        embedding_size: E; None means ``hidden_size``.
        hidden_size: H.
        num_layers: L.
        dropout: applied to the embeddings, between layers and before the head.
        tie_weights: the head's weight is the embedding; when E ≠ H, a linear layer H → E precedes it.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_size: int | None = None,
        hidden_size: int = 256,
        num_layers: int = 1,
        dropout: float = 0.0,
        tie_weights: bool = True,
    ) -> None:
        super().__init__()
        embedding_size = embedding_size or hidden_size
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.lstm = LSTM(
            embedding_size, hidden_size, num_layers, batch_first=True, dropout=dropout if num_layers > 1 else 0.0
        )
        self.dropout = nn.Dropout(dropout)
        projects = tie_weights and embedding_size != hidden_size
        self.projection = nn.Linear(hidden_size, embedding_size) if projects else nn.Identity()
        self.head = nn.Linear(embedding_size if tie_weights else hidden_size, vocabulary_size)
        nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)
        nn.init.zeros_(self.head.bias)
        if tie_weights:
            self.head.weight = self.embedding.weight

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the character after each of ``ids`` (B, T), and the last state.

        ``state`` is where to go on from; by default zeros, the beginning of a poem.
        """
        hidden, state = self.lstm(self.dropout(self.embedding(ids)), state)
        return self.head(self.projection(self.dropout(hidden))), state
