"""What trained models tell of audio: `python -m experiments.predict --checkpoint PATH --output preds.csv FOLDER`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from datamodules.reading.audio_files import find_audio
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import EXIT_USER_ERROR, user_errors
from experiments.results import load_predictor
from experiments.results.predictions_csv import check_writable, predict_to_csv
from experiments.training.memory import keep_freed_memory


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m experiments.predict", description=__doc__)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        action="append",
        required=True,
        help="a .ckpt, a run's directory, or an authors' .pth.tar; give one for every attribute or task",
    )
    parser.add_argument(
        "--norm-terms",
        type=Path,
        help="folder of the authors' norm terms (default: NormTerm beside their file)",
    )
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("audio", type=Path, nargs="+", metavar="AUDIO_OR_FOLDER")
    options = parser.parse_args(arguments)
    log_to_console()
    keep_freed_memory()
    with user_errors():
        files = find_audio(options.audio)
        check_writable(options.output)
        predictors = [load_predictor(path, options.norm_terms) for path in options.checkpoint]
        good, bad = predict_to_csv(predictors, files, options.output)
        print(f"{good} files predicted, {bad} not (see the column status): {options.output}")
        if not good:
            sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
