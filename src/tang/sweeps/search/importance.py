"""How much each key of a search decides over the loss."""

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from tang.runs.sweep import SweepFolder
from tang.sweeps.search.study import read_study

LEAST = 8  # Finished trials that say anything


def importances(folder: SweepFolder, seed: int = 0) -> tuple[int, dict[str, float]]:
    """The number of trials that were finished, and each key's share of the variance of their losses, largest first.

    By functional ANOVA (Hutter, Hoos and Leyton-Brown 2014): of the loss that a random forest predicts over the whole
    space, the part that a key explains by itself. Empty for fewer than :data:`LEAST` trials.
    """
    study = read_study(folder)
    finite = [trial for trial in study.get_trials(states=(TrialState.COMPLETE,)) if trial.value != float("inf")]
    if len(finite) < LEAST:
        return len(finite), {}
    return len(finite), get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
