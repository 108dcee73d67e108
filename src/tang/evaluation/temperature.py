"""The temperature at which a model's probabilities suit a split best."""

from tang.console import tracked
from tang.data.batches import PoemLoader
from tang.evaluation.losses import token_losses
from tang.tasks.poem_model import PoemModelBase

STEP = 0.1  # Between the values of 1 / temperature that are tried
LARGEST = 2.0  # Of the temperature and its inverse


def best_temperature(model: PoemModelBase, loader: PoemLoader, precision: str = "32-true") -> float:
    """The temperature that divides logits for the lowest mean −ln p.

    −ln p is convex in 1 / temperature; its lowest value is that of the parabola through three, at 1 and beside it.
    """
    low, middle, high = (
        token_losses(model, tracked(loader, f"Trying temperature {1 / inverse:.2f}"), precision, 1 / inverse).nll.mean()
        for inverse in (1 - STEP, 1.0, 1 + STEP)
    )
    best = 1 + STEP * float((low - high) / (2 * (low - 2 * middle + high)))
    return 1 / min(max(best, 1 / LARGEST), LARGEST)
