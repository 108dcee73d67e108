"""Keys of the config group ``model``."""

from dataclasses import dataclass

from omegaconf import MISSING

from tang.config.keys import FRACTION, NOT_NEGATIVE, between, key, one_of
from tang.recurrent import cells

SIZE = between(1, 2**16)


@dataclass
class ModelConfig:
    """Keys of every network."""

    _target_: str = MISSING
    embedding_size: int | None = key(None, "E; null: as hidden_size", SIZE)
    hidden_size: int = key(256, "H, units of each recurrent layer", SIZE)
    num_layers: int = key(1, "recurrent layers", between(1, 2**8))
    dropout: float = key(0.2, "on the embeddings, between layers and before the head", FRACTION)
    cell: str = key("lstm", "recurrent cell; rnn is Elman's, with tanh", one_of(cells.names))
    backend: str = key(
        "auto",
        "implementation of the recurrent layers; auto: the fastest here",
        one_of("auto", "torch", "cell", "equations", "bptt", "numpy"),
    )
    forget_bias: float = key(0.0, "initial bias of an LSTM's forget gate; docs/studies.md compares 0 and 1")


@dataclass
class LanguageModelConfig(ModelConfig):
    """Keys of :class:`tang.tasks.network.Network`."""

    _target_: str = "tang.tasks.language_model.LanguageModel"
    tie_weights: bool = key(True, "the head shares the embedding's weight")
    echo_size: int = key(0, "size of the embeddings of what stands above a character; 0: off", between(0, 2**12))
    echo_lines: int = key(2, "how many lines above count for echo_size; 0: the place in the line alone", between(0, 16))
    echo_to_head: bool = key(False, "the head hears the lines above too")
    locked_dropout: bool = key(False, "dropout zeroes the same units at every step of a poem")
    embedding_dropout: float = key(0.0, "characters whose whole embedding is dropped in a batch", FRACTION)
    weight_dropout: float = key(0.0, "dropout on the recurrent weights, drawn for each batch", FRACTION)
    activation_penalty: float = key(0.0, "activation regularization: adds this times mean h² to the loss", NOT_NEGATIVE)
    temporal_penalty: float = key(0.0, "its temporal form: this times the mean squared change of h", NOT_NEGATIVE)
    unigram_bias: bool = key(False, "the head's bias begins as the log of each character's frequency, not as 0")


@dataclass
class ClassifierConfig(ModelConfig):
    """Keys of :class:`tang.tasks.name_model.NameNetwork`."""

    _target_: str = "tang.tasks.classifier.Classifier"
    embedding_size: int | None = key(None, "E; null: one-hot letters", SIZE)
    hidden_size: int = key(128, "H, units of each recurrent layer", SIZE)
    dropout: float = key(0.0, "on the letters, between layers and before the head", FRACTION)
    cell: str = key(
        "lstm",
        "recurrent cell; rnn is Elman's; *_report are those of an earlier report, docs/reports.md",
        one_of(cells.names, "rnn_report", "lstm_report"),
    )
    forget_bias: float = key(1.0, "initial bias of an LSTM's forget gate")
