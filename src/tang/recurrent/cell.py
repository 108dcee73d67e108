"""PyTorch's cells, stepped through time."""

from torch import Tensor, nn

from tang.recurrent.layer import Layer, State, Weights, through_time

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def stepped(kind: type[nn.RNNCellBase]) -> Layer:
    """The layer that calls a cell of this class, with the weights for its parameters, for each time."""

    def layer(inputs: Tensor, state: State, weights: Weights) -> tuple[Tensor, State]:
        cell = kind(inputs.shape[-1], state[0].shape[-1], device="meta")  # type: ignore[call-arg]
        for name, weight in zip(NAMES, weights, strict=True):
            setattr(cell, name, weight)

        def step(x: Tensor, state: State, weights: Weights) -> State:
            return cell(x, state) if kind is nn.LSTMCell else (cell(x, *state),)

        return through_time(step)(inputs, state, weights)

    return layer


LAYERS: dict[str, Layer] = {"lstm": stepped(nn.LSTMCell), "rnn": stepped(nn.RNNCell), "gru": stepped(nn.GRUCell)}
