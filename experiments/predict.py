"""What trained models tell of audio: `python -m experiments.predict --checkpoint PATH --output preds.csv FOLDER`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from datamodules.reading.audio_files import find_audio
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import EXIT_USER_ERROR, user_errors
from experiments.results import load_predictor
from experiments.results.loading import files_read
from experiments.results.predictions_csv import check_writable, predict_to_csv
from experiments.training.memory import keep_freed_memory
from experiments.training.threads import take_threads


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
    parser.add_argument("--windows", action="store_true", help="a row for each T_max of a longer recording")
    parser.add_argument("--threads", type=int, help="of the processor (default: those that are idle now)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("audio", type=Path, nargs="+", metavar="AUDIO_OR_FOLDER")
    options = parser.parse_args(arguments)
    log_to_console()
    with user_errors():
        keep_freed_memory()
        take_threads(options.threads)
        found = find_audio(options.audio)
        output = check_writable(options.output, found.files, files_read(options.checkpoint, options.norm_terms))
        predictors = [load_predictor(path, options.norm_terms).to(options.device) for path in options.checkpoint]
        counts = predict_to_csv(predictors, found.files, output, options.windows)
        what = "windows" if options.windows else "files"
        warned = f" ({counts.warned} with a warning)" if counts.warned else ""
        others = f"; {found.others} files that are no audio were passed over" if found.others else ""
        print(
            f"{counts.good} {what} predicted{warned}, {counts.bad} not (see the column status){others}: "
            f"{options.output}"
        )
        if not counts.good:
            sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
