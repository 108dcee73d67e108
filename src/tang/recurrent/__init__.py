"""Recurrent layers: one parameter layout, PyTorch's, and several backends that compute it.

torch      lstm, rnn, gru     ``nn.LSTM``, ``nn.RNN``, ``nn.GRU``; cuDNN on a GPU
cell       lstm, rnn, gru     ``nn.LSTMCell``, ``nn.RNNCell``, ``nn.GRUCell``, step by step
equations  every cell         the forward equations of :mod:`tang.recurrent.cells`; autograd does the rest
bptt       lstm, rnn          back-propagation through time derived by hand
numpy      lstm, rnn          :mod:`tang.recurrent.reference`: NumPy alone, reads like ``docs/derivation.md``

Tests hold all backends to equal outputs, states and gradients. With G gates a layer's weights are ``weight_ih``
(G·H, E), ``weight_hh`` (G·H, H), ``bias_ih`` and ``bias_hh`` (G·H,); the rows of an LSTM stand in the order i, f, g, o,
those of a GRU r, z, n, and an Elman net has one block.
"""
