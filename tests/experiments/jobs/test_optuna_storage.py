"""Optuna's storage on a disk, which Hydra's sweeper uses: a study that was killed is there again."""

import optuna


def test_a_study_goes_on_from_its_file(tmp_path):
    """It breaks under SQLAlchemy 2, for which optuna 2.10 was not written; constraints.txt pins what works."""
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    first = optuna.create_study(study_name="sweep", storage=storage, direction="maximize")
    for value in (0.1, 0.5):
        trial = first.ask({"lambda_cluster": optuna.distributions.UniformDistribution(0.1, 2.0)})
        first.tell(trial, value)
    again = optuna.create_study(study_name="sweep", storage=storage, direction="maximize", load_if_exists=True)
    assert [one.value for one in again.trials] == [0.1, 0.5]
    assert again.best_params == first.trials[1].params
