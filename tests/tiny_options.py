"""Options that make any run a matter of seconds."""

TINY_CORPUS = [
    "data.corpus.train=12",
    "data.corpus.development=6",
    "data.corpus.test1=6",
    "data.corpus.unlabeled=8",
    "data.corpus.min_seconds=1.1",
    "data.corpus.max_seconds=1.6",
    "data.chunks.max_seconds=2.0",
]
# Pre-training by its default: as a knob it is refused by models that do not pre-train.
TINY_TRAINING = ["rounds=2", "training_defaults.pretrain_rounds=1", "batch_size=6", "unlabeled_size=8"]
