"""Two recurrences that a report took for an RNN and a two-layer LSTM, kept to reproduce its numbers.

Their interface is that of :class:`~tang.recurrent.stack.Recurrent`: inputs (B, T, E) → outputs, state.
"""

import torch
from torch import Tensor, nn

from tang.recurrent.layer import State


class LinearRecurrence(nn.Module):
    """Called an RNN in the report; it has no nonlinearity, and its outputs contain the state before each letter.

    h_t = W [x_t; h_{t−1}] + b, and the output of step t is [x_t; h_{t−1}], (B, T, E + H).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.output_size = input_size + hidden_size
        self.to_hidden = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, inputs: Tensor) -> tuple[Tensor, State]:
        h = inputs.new_zeros(len(inputs), self.hidden_size)
        outputs = []
        for x in inputs.unbind(1):
            outputs.append(torch.cat([x, h], 1))
            h = self.to_hidden(outputs[-1])
        return torch.stack(outputs, 1), (h,)


class AlternatingLSTM(nn.Module):
    """Called a two-layer LSTM in the report; its second layer reads the letter, and continues the first's state.

    Two cells take turns on one state: h, c ← cell₁(x_t, h, c), then h, c ← cell₂(x_t, h, c).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = self.output_size = hidden_size
        self.cells = nn.ModuleList(nn.LSTMCell(input_size, hidden_size) for _ in range(2))

    def forward(self, inputs: Tensor) -> tuple[Tensor, State]:
        state: State = tuple(inputs.new_zeros(len(inputs), self.hidden_size) for _ in range(2))
        outputs = []
        for x in inputs.unbind(1):
            for cell in self.cells:
                state = cell(x, state)
            outputs.append(state[0])
        return torch.stack(outputs, 1), state


REPORT_CELLS: dict[str, type[LinearRecurrence] | type[AlternatingLSTM]] = {
    "rnn_report": LinearRecurrence,
    "lstm_report": AlternatingLSTM,
}
