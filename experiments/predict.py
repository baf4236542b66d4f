"""What trained models tell of audio: `python -m experiments.predict --checkpoint PATH --output preds.csv FOLDER`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from datamodules.allocator import keep_freed_memory
from datamodules.errors import DataError
from datamodules.reading.audio_files import find_audio
from experiments.console.log_lines import log_to_console
from experiments.console.user_errors import EXIT_USER_ERROR, user_errors
from experiments.drawing.recording import RecordingPictures
from experiments.results import load_predictor
from experiments.results.loading import files_read
from experiments.results.output_files import check_folder, check_writable
from experiments.results.predictions_csv import Wanted, predict_to_csv
from experiments.training.threads import take_threads

MODEL = "a .ckpt, a run's directory, or an authors' .pth.tar; give one for every attribute or task"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="python -m experiments.predict", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, action="append", required=True, help=MODEL)
    parser.add_argument("--norm-terms", type=Path, help="the authors' (default: the folder NormTerm beside their file)")
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--windows", action="store_true", help="a row for each T_max of a longer recording")
    parser.add_argument("--chunks", action="store_true", help="a row for each chunk, with its start and end")
    parser.add_argument("--embeddings", type=Path, metavar="FILE", help="parquet: a row a file, a column a feature")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="a picture a file: waveform, curves, means")
    parser.add_argument("--threads", type=int, help="of the processor (default: those that are idle now)")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda")
    parser.add_argument("audio", type=Path, nargs="+", metavar="AUDIO_OR_FOLDER")
    options = parser.parse_args(arguments)
    log_to_console()
    with user_errors():
        keep_freed_memory()
        take_threads(options.threads)
        found = find_audio(options.audio)
        taken = [*files_read(options.checkpoint, options.norm_terms)]
        output = check_writable(options.output, found.files, taken)
        embeddings = options.embeddings and check_writable(options.embeddings, found.files, taken, "--embeddings")
        if embeddings == output:
            raise DataError(f"{embeddings}: is the CSV, too; give another place to --embeddings.")
        plots = options.plots and RecordingPictures(check_folder(options.plots, "--plots"), found.files)
        predictors = [load_predictor(path, options.norm_terms).to(options.device) for path in options.checkpoint]
        wanted = Wanted(options.windows, options.chunks, embeddings, plots)
        counts = predict_to_csv(predictors, found.files, output, wanted)
        print(f"{counts.words('windows' if options.windows else 'files', found.others)}: {options.output}")
        if not counts.good:
            sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
