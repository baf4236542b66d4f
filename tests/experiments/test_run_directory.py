import multiprocessing
import time

import pytest

from experiments.run_directory import RunDirectory


def test_states(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with run.lock():
        assert not run.done
        assert not run.partial
        run.checkpoints.mkdir()
        run.last.touch()
        assert run.partial
        run.mark_failed("no reason")
        assert (run.path / "FAILED").read_text() == "no reason\n"
        run.begin()
        assert not (run.path / "FAILED").exists()
        run.write_json("metrics.json", {"a": 1})
        run.mark_done()
        assert run.done
        assert not run.partial
        assert run.read_json("metrics.json") == {"a": 1}
        run.clear()
        assert sorted(path.name for path in run.path.iterdir()) == ["LOCK"]


def test_nan_never_reaches_a_json_file(tmp_path):
    run = RunDirectory(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        run.write_json("metrics.json", {"ccc": float("nan")})
    assert not (tmp_path / "metrics.json").exists()


def hold(path, ready, seconds):
    with RunDirectory(path).lock():
        ready.set()
        time.sleep(seconds)


def test_a_second_process_says_who_holds_the_run_and_waits(tmp_path, caplog):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    other = context.Process(target=hold, args=(tmp_path / "run", ready, 1.0))
    other.start()
    assert ready.wait(10)
    started = time.monotonic()
    with RunDirectory(tmp_path / "run").lock():
        waited = time.monotonic() - started
    other.join()
    assert waited > 0.3
    assert f"process {other.pid}" in caplog.text
