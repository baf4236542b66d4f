"""An encoder that has learnt elsewhere, for a model that goes on with it.

It brings everything before it along: features, chunks and statistics are those that it was trained on.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from datamodules.errors import ConfigurationError
from datamodules.front_end import FrontEnd
from experiments import CONF
from experiments.config.types import check_options
from experiments.results.loading import load_predictor
from experiments.results.run_result import RunResult
from sermodels.encoders.encoder import Encoder

WEIGHTS = ("checkpoint", "random")
# What the checkpoint decides, and the choice of conf/ that stands there where there is none.
DECIDED = {"encoder": "encoder/pyramid.yaml", "features": "features/pieces.yaml"}


@dataclass(frozen=True)
class PretrainedOptions:
    """The group `pretrained`."""

    checkpoint: str | None
    """A run's directory, a .ckpt of ours, or an authors' .pth.tar; None takes encoder and features from the config."""
    weights: str
    """checkpoint; or random: the same network and front end, and nothing learnt (a control)."""


@dataclass(frozen=True)
class Pretrained:
    """What an encoder's checkpoint gives to a run."""

    front_end: FrontEnd
    weights: Mapping[str, Tensor] | None
    """The encoder's state; None where it starts at random."""
    digest: str
    """Of all of it."""
    taught_with: pd.DataFrame | None = field(default=None, compare=False)
    """The sentences that taught it, see RunResult.training_set; None where nobody knows, or where nothing is learnt."""
    taught_on: str | None = None
    """Their corpus."""


def read_pretrained(cfg: DictConfig) -> Pretrained | None:
    """What `cfg.pretrained` names, after writing what it decides into `cfg`; None where nothing is named.

    Raises ConfigurationError for options that the checkpoint decides, DataError for a checkpoint that is none.
    """
    if "pretrained" not in cfg:
        return None
    if not OmegaConf.is_dict(cfg.pretrained):
        raise ConfigurationError("pretrained: null is no choice; give pretrained.checkpoint=…, or take another model.")
    given: Any = OmegaConf.to_container(cfg.pretrained, resolve=True)
    check_options("pretrained", given, PretrainedOptions)
    options = PretrainedOptions(**given)
    if options.weights not in WEIGHTS:
        raise ConfigurationError(f"pretrained.weights={options.weights}: take one of {', '.join(WEIGHTS)}.")
    if options.checkpoint is None:
        if options.weights == "checkpoint":
            raise ConfigurationError(
                "pretrained.checkpoint: give the encoder's, a run's directory or a checkpoint, or set "
                "pretrained.weights=random."
            )
        return None
    path = Path(options.checkpoint).expanduser()
    part, front_end, weights = _read(str(path.resolve()), _changed(path))
    _write(cfg, "encoder", part)
    _write(cfg, "features", asdict(front_end.features))
    OmegaConf.update(cfg, "data.chunks", asdict(front_end.chunks), merge=False, force_add=True)
    kept = weights if options.weights == "checkpoint" else None
    return Pretrained(front_end, kept, _digest(front_end, kept), *_taught(path) if kept is not None else ())


def _taught(path: Path) -> tuple[pd.DataFrame | None, str | None]:
    """What taught the encoder of a run, and of which corpus it was."""
    run = RunResult(path if path.is_dir() else path.parent.parent)
    known = (run.path / "training-set.parquet").exists()
    return run.training_set if known else None, run.metrics.corpus["name"] if known and run.done else None


def _changed(path: Path) -> int:
    file = path / "checkpoints" / "best.ckpt" if path.is_dir() else path
    return file.stat().st_mtime_ns if file.exists() else 0


@lru_cache(maxsize=8)
def _read(path: str, changed: int) -> tuple[dict[str, Any], FrontEnd, dict[str, Tensor]]:
    """The encoder's part, its front end, its state. A table plans the same file many times."""
    predictor = load_predictor(path)
    encoder = getattr(predictor.model, "encoder", None)
    part = predictor.model.hparams.get("encoder")
    if not isinstance(encoder, Encoder) or part is None:
        raise ConfigurationError(
            f"pretrained.checkpoint={path}: its model has no encoder that could be gone on with; give another."
        )
    weights = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    return dict(part), predictor.front_end, weights


def _write(cfg: DictConfig, group: str, decided: Mapping[str, Any]) -> None:
    """Put what the checkpoint decides in a group's place, unless the user chose otherwise there."""
    chosen = OmegaConf.to_container(cfg[group], resolve=True)
    own = OmegaConf.to_container(OmegaConf.load(CONF / DECIDED[group]), resolve=True)
    if chosen not in (own, dict(decided)):
        raise ConfigurationError(f"{group}: the encoder's checkpoint decides it; leave {group} as it was.")
    OmegaConf.update(cfg, group, dict(decided), merge=False, force_add=True)


def _digest(front_end: FrontEnd, weights: Mapping[str, Tensor] | None) -> str:
    digest = hashlib.sha256(json.dumps(front_end.to_dict(), sort_keys=True).encode())
    for name, value in sorted((weights or {}).items()):
        digest.update(name.encode() + value.numpy(force=True).tobytes())
    return digest.hexdigest()
