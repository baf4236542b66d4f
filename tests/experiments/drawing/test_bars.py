"""The figure of a table has its numbers."""

import math

import numpy as np
import pytest

from experiments.drawing.bars import draw_bars
from experiments.figures import main
from experiments.results.files import write_json


def test_bars_are_the_trainings(document):
    (measured,) = document.measured
    (drawn,) = draw_bars(measured).axes
    widths = {patch.get_y() + patch.get_height() / 2: patch.get_width() for patch in drawn.patches}
    for height, (_, trials, published) in enumerate(reversed(measured.rows)):
        assert math.isclose(next(w for y, w in widths.items() if abs(y - height) < 1e-6), np.mean(trials))
        dots = [one for one in drawn.get_lines() if one.get_marker() == "o" and set(one.get_ydata()) == {height}]
        assert sorted(dots[0].get_xdata()) == sorted(trials)
        shown = [one for one in drawn.get_lines() if one.get_marker() == "D" and list(one.get_ydata()) == [height]]
        assert [list(one.get_xdata()) for one in shown] == ([[published]] if published is not None else [])


def test_a_table_is_drawn(document, tmp_path, capsys):
    folder = tmp_path / "results" / "planted" / "full"
    folder.mkdir(parents=True)
    write_json(folder / "table.json", document.to_dict())
    main([str(folder)])
    name = "arousal-CCC-of-the-whole-test-set"
    assert {path.name for path in (folder / "figures").iterdir()} == {f"{name}.png", f"{name}.pdf"}
    assert capsys.readouterr().out.split() == [str(folder / "figures" / f"{name}.{one}") for one in ("png", "pdf")]
    (folder / "table.json").write_text("{")
    with pytest.raises(SystemExit) as ended:
        main([str(folder)])
    assert ended.value.code == 2
    assert "table.json: cannot be read; make the table again" in capsys.readouterr().err
