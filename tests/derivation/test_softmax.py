"""Section 2 of docs/derivation.md: softmax and cross-entropy, down to the hidden state."""

import torch
from torch import diag
from torch.nn import functional as F

from tests.derivation.formulas import loss_by_hidden
from tests.derivation.nets import Run, agree, gradient, jacobian, leaf


def test_jacobian_of_the_softmax(lstm: Run) -> None:
    v = leaf(lstm.v[1])
    p = v.softmax(0)
    agree(v.exp() / v.exp().sum(), p)
    agree(diag(p) - torch.outer(p, p), jacobian(p, v))


def test_gradient_of_the_logits(lstm: Run) -> None:
    v = leaf(lstm.v[1])
    p, y = v.softmax(0), lstm.y[1]
    truth = gradient(F.cross_entropy(v, y.argmax()), v)
    agree((diag(p) - torch.outer(p, p)).T @ (-y / p), truth)
    agree(p - y, truth)


def test_gradient_of_the_head_and_of_the_hidden_state(lstm: Run) -> None:
    for t in lstm.x:
        delta = lstm.p[t] - lstm.y[t]
        agree(torch.outer(delta, lstm.h[t]), gradient(lstm.losses[t], lstm.weights.head))
        agree(delta, gradient(lstm.losses[t], lstm.weights.head_bias))
        agree(loss_by_hidden(lstm, t), gradient(lstm.losses[t], lstm.h[t]))


def test_perplexity(lstm: Run) -> None:
    perplexity = torch.stack([-(lstm.y[t] @ lstm.p[t]).log() for t in lstm.x]).mean().exp()
    v = torch.stack([lstm.v[t] for t in lstm.x])
    targets = torch.stack([lstm.y[t].argmax() for t in lstm.x])
    agree(perplexity, F.cross_entropy(v, targets).exp())
