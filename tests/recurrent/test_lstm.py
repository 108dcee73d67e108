import torch
from torch import nn

from tang.recurrent.lstm import LSTM


def test_the_forget_gate_begins_open_and_the_rest_unbiased() -> None:
    lstm = LSTM(6, 4, num_layers=2, batch_first=True)
    for layer in range(2):
        bias = getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")
        assert bias.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
        assert getattr(lstm, f"weight_hh_l{layer}").abs().max() <= 4**-0.5


def test_units_that_begin_at_zero_never_part() -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(8, 5, 3), torch.randn(8, 5, 4)
    zeros, ours = LSTM(3, 4, batch_first=True), LSTM(3, 4, batch_first=True)
    for parameter in zeros.parameters():
        nn.init.zeros_(parameter)
    for lstm in (zeros, ours):
        readout = nn.Linear(4, 4)
        nn.init.ones_(readout.weight)
        optimizer = torch.optim.SGD(lstm.parameters(), lr=0.5)
        for _ in range(5):
            optimizer.zero_grad()
            (readout(lstm(inputs)[0]) - targets).square().mean().backward()
            optimizer.step()
    hidden_zeros, hidden_ours = zeros(inputs)[0], ours(inputs)[0]
    assert torch.allclose(hidden_zeros, hidden_zeros[..., :1].expand_as(hidden_zeros))
    assert hidden_ours.std(-1).min() > 1e-3
