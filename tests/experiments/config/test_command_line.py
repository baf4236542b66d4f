"""What is typed is refused in a sentence before Hydra acts on it, or let through."""

import subprocess
import sys

import pytest

from datamodules.errors import ConfigurationError
from experiments import CONF
from experiments.config.command_line import check_command_line
from experiments.console.user_errors import sentence_of


def ended(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", f"experiments.{program}", *map(str, arguments)],
        cwd=CONF.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("program", ["run", "prepare"])
def test_a_group_that_is_null_is_told(program):
    said = "error: encoder=null: null is no choice; take one of conf/encoder, or leave encoder out."
    assert ended(program, "encoder=null") == said


FOREIGN_TO_HYDRA = "{_target_:numpy.save,_args_:[MADE,[1]]}"


@pytest.mark.parametrize(
    "arguments",
    [
        [f"+hydra.callbacks.x={FOREIGN_TO_HYDRA}"],
        ["-m", "seed=1,2", f"+hydra.callbacks.x={FOREIGN_TO_HYDRA}"],
        ["hydra.callbacks.sweep_report._target_=numpy.save"],
        ["hydra.launcher._target_=numpy.save"],
        ["+hydra.job_logging.handlers.x={class: os.mkdir}"],
        ["--experimental-rerun=MADE"],
        ["--experimental", "MADE"],
        ["--config-path=/tmp"],
        ["encoder=[vgg16,acn_s]"],
    ],
)
def test_hydra_is_kept_from_foreign_code(arguments, tmp_path):
    arguments = [one.replace("MADE", str(tmp_path / "made")) for one in arguments]
    with pytest.raises(ConfigurationError, match=r"may be named|is not taken here|is one choice"):
        check_command_line(arguments)


def test_a_folder_of_configs_is_kept_from_it_too(tmp_path):
    made = f"{{_target_: numpy.save, _args_: [{tmp_path / 'made'}, [1]]}}"
    (tmp_path / "mine.yaml").write_text(f"defaults: [config, _self_]\nhydra: {{callbacks: {{x: {made}}}}}\n")
    with pytest.raises(ConfigurationError, match=r"numpy\.save: only Hydra's own"):
        check_command_line([f"--config-dir={tmp_path}", "--config-name=mine"])
    said = ended("run", f"--config-dir={tmp_path}", "--config-name=mine", "rounds=0")
    assert "numpy.save: only Hydra's own" in said
    assert not list(tmp_path.glob("made*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["roundz=3"], "Could not override 'roundz'; mend the options"),
        (["-m", "roundz=1,2"], "Could not override 'roundz'; mend the options"),
        (["model=nonsense"], "Could not find 'model/nonsense'; take one of acg_emocluster, .*temp_triplet"),
        (["seed=0,1"], "seed=0,1: is several values; put -m before it"),
        (["seed=["], "mend the options"),
        (["hydra.run.dir=/dev/null/x"], None),
    ],
)
def test_what_makes_no_config_is_told_in_a_sentence(arguments, said):
    with pytest.raises(ConfigurationError if said else OSError, match=said) as told:
        check_command_line(arguments)
    sentence = sentence_of(told.value)
    assert sentence is not None
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "arguments",
    [
        ["seed=1"],
        ["-m", "seed=1,2", "model=temp_gru,temp_cnn"],
        ["experiment=sweep_optuna"],
        ["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
        ["-m", "hydra/launcher=submitit_slurm", "experiment=sweep_clusters"],
        ["--config-dir", "/tmp", "seed=1"],
        ["-m", "seed=range(3)", "num_clusters=choice(5,10)"],
        ["--cfg", "job"],
    ],
)
def test_what_people_type_is_let_through(arguments):
    check_command_line(arguments)


def test_what_is_refused_makes_nothing(tmp_path):
    foreign = FOREIGN_TO_HYDRA.replace("MADE", str(tmp_path / "made"))
    with pytest.raises(ConfigurationError, match="may be named"):
        check_command_line([f"+hydra.callbacks.x={foreign}", f"hydra.run.dir={tmp_path / 'run'}"])
    assert not list(tmp_path.iterdir())
