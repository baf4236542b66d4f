"""The label table of MSP-Podcast, row by row: what can be used and what has to be left out."""

from pathlib import Path

import numpy as np
import pandas as pd

from datamodules.corpus import Problem
from datamodules.errors import DataError
from datamodules.labels import ATTRIBUTES
from datamodules.reading.directories import entries
from datamodules.reading.tables import columns_of, lines_of, read_table

PARTITION_LISTS = ("partitions.txt", "partition.txt")
ENCODING = "utf-8-sig"
REMEDY = "fetch it again from the corpus"
FIELDS = {
    "FileName": "utterance_id",
    "SpkrID": "speaker",
    "Gender": "gender",
    "EmoClass": "emotion",
    "EmoAct": "arousal",
    "EmoDom": "dominance",
    "EmoVal": "valence",
    "Split_Set": "split",
}
SPLITS = {
    "train": "train",
    "training": "train",
    "validation": "development",
    "development": "development",
    "dev": "development",
}
EMOTIONS = {
    "A": "anger",
    "S": "sadness",
    "H": "happiness",
    "U": "surprise",
    "F": "fear",
    "D": "disgust",
    "C": "contempt",
    "N": "neutral",
    "O": "other",
    "X": "no agreement",
}
LONGEST_FAULT = 200  # letters; a cell may hold a book
# What stands where a test set's ratings are not given out.
NO_RATING = frozenset({"", "nan", "na", "n/a", "null", "none"})
NO_RATING_OF_TESTS = NO_RATING | {"0", "0.0", "0.00", "-"}


def read_labels(table_file: Path, problems: list[Problem], notes: list[str]) -> pd.DataFrame:
    """The usable rows, with the columns of FIELDS' values and `key`, the name to look for without regard to
    case.

    Adds a Problem for each row left out, and to `notes` what was tolerated. Raises DataError when the table
    as a whole cannot be used.
    """
    rows = _named_once(_read_table(table_file), table_file, problems, notes)
    rows = _with_split(rows, table_file, problems)
    rows = _with_attributes(rows, problems)
    return rows.assign(emotion=rows["emotion"].map(EMOTIONS).fillna(""), only_in_list=False)


def _read_table(table_file: Path) -> pd.DataFrame:
    rows = read_table(table_file, REMEDY, keep_default_na=False, encoding=ENCODING, index_col=False)
    rows.columns = rows.columns.str.strip()
    columns = columns_of(table_file, REMEDY, ENCODING)
    twice = [field for field in FIELDS if columns.count(field) > 1]
    if twice:
        raise DataError(f"{table_file}: has more than one column {', '.join(twice)}; leave one of each.")
    missing = [field for field in FIELDS if field not in rows.columns]
    if missing:
        raise DataError(
            f"{table_file}: no column {', '.join(missing)} (found {', '.join(rows.columns)}); set "
            "data.labels to a table that has it."
        )
    if rows.empty:
        raise DataError(f"{table_file}: the label table has no row; {REMEDY}.")
    return rows[list(FIELDS)].rename(columns=FIELDS).apply(lambda column: column.str.strip())


def set_aside(rows: pd.DataFrame, bad: pd.Series, fault: str, remedy: str, problems: list[Problem]) -> pd.DataFrame:
    """The rows that are not bad; a Problem for each that is, `fault` filled in from its `row`."""
    problems += [
        Problem(str(row.utterance_id), " ".join(fault.format(row=row)[:LONGEST_FAULT].split()), remedy)
        for row in rows[bad].itertuples()
    ]
    return rows[~bad]


def _named_once(rows: pd.DataFrame, table_file: Path, problems: list[Problem], notes: list[str]) -> pd.DataFrame:
    table = table_file.name
    nameless = rows["utterance_id"] == ""
    problems += [
        Problem(f"{table} line {line + 2}", "has no file name", "name the file or remove the line")
        for line in rows.index[nameless]
    ]
    rows = rows[~nameless]

    outside = rows["utterance_id"].str.contains(r"^(?:[/\\~]|[A-Za-z]:)|(?:^|[/\\])\.\.(?:[/\\]|$)", regex=True)
    rows = set_aside(
        rows, outside, "its path leaves the corpus folder", f"write a plain file name in {table}", problems
    )

    rows = rows.assign(utterance_id=_with_suffix(rows["utterance_id"]))
    rows = rows.assign(key=rows["utterance_id"].str.casefold())

    repeated = rows.duplicated()
    if repeated.any():
        notes.append(f"{table}: {repeated.sum()} identical rows more than once, used once")
    rows = rows[~repeated]
    contradicting = rows.duplicated("key", keep=False)
    fault = "is listed more than once with different values"
    first = rows[contradicting].drop_duplicates("key")
    problems += [Problem(name, fault, f"keep one of its rows in {table}") for name in first["utterance_id"]]
    return rows[~contradicting]


def _with_suffix(names: pd.Series) -> pd.Series:
    """File names, `.wav` added where a table leaves it out."""
    return names.where(names.str.lower().str.endswith(".wav"), names + ".wav")


def _split_names(column: pd.Series) -> pd.Series:
    """The one name of each split: train, development, test or testN; NaN where it is none of them."""
    name = column.str.lower().str.replace(r"[\s_-]+", "", regex=True)
    return name.map(SPLITS).fillna(name.where(name.str.fullmatch(r"test\d*")))


def _with_split(rows: pd.DataFrame, table_file: Path, problems: list[Problem]) -> pd.DataFrame:
    """The development set is called Validation up to 1.9 and Development since; tables with either are read."""
    split = _split_names(rows["split"])
    rows = set_aside(
        rows,
        split.isna(),
        "its Split_Set is `{row.split}`",
        f"write Train, Development or Test1, Test2 … in {table_file.name}",
        problems,
    )
    return rows.assign(split=split[rows.index])  # a frame of no rows would take all of a longer column's


def _with_attributes(rows: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    given = rows[list(ATTRIBUTES)]
    values = given.apply(pd.to_numeric, errors="coerce").astype(float)
    words = given.apply(lambda column: column.str.lower())
    tests = rows["split"].str.startswith("test")
    # A test set whose ratings are secret has placeholders in their place; a 0 elsewhere is a fault of the table.
    empty = words.isin(NO_RATING) | words.isin(NO_RATING_OF_TESTS).mul(tests, axis=0)
    for attribute in ATTRIBUTES:
        wrong = ~empty.loc[rows.index, attribute] & ~values.loc[rows.index, attribute].between(1, 7)
        rows = set_aside(
            rows,
            wrong,
            f"its {attribute} is `{{row.{attribute}}}`, not a number from 1 to 7",
            "mend the label table",
            problems,
        )
        needed = rows["split"].isin(["train", "development"])
        rows = set_aside(
            rows,
            needed & empty.loc[rows.index, attribute],
            f"is in {{row.split}} without a rating of {attribute}",
            "mend the label table",
            problems,
        )
    values = values.mask(empty)
    return rows.assign(**{attribute: values.loc[rows.index, attribute] for attribute in ATTRIBUTES})


def unrated_tests(root: Path, table_file: Path, rows: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    """The test files in `Partitions.txt` without a row in the label table: Test3's ratings are secret."""
    places = dict.fromkeys((root, table_file.parent))
    lists = [
        Path(entry.path)
        for place in places
        for entry in entries(place)
        if entry.name.lower() in PARTITION_LISTS and entry.is_file()
    ]
    if not lists:
        return rows.iloc[:0]
    lines = lines_of(lists[0], REMEDY, ENCODING)
    pairs = [(split.strip(), name.strip()) for split, name in (line.split(";", 1) for line in lines if ";" in line)]
    listed = pd.DataFrame(pairs, columns=["split", "utterance_id"], dtype=str)
    found = listed.assign(split=_split_names(listed["split"]), utterance_id=_with_suffix(listed["utterance_id"]))
    found["key"] = found["utterance_id"].str.casefold()
    known = set(rows["key"]) | {problem.file.casefold() for problem in problems}
    found = found[found["split"].str.startswith("test").eq(True) & ~found["key"].isin(known)]
    found = found.drop_duplicates("key").reset_index(drop=True)
    blank = dict.fromkeys(ATTRIBUTES, np.nan) | {"speaker": "Unknown", "gender": "Unknown", "emotion": ""}
    return found.assign(**blank).assign(only_in_list=True)
