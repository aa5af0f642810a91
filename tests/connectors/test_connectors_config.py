"""``source.toml``: what is wrong is named with file, line, key and the key that was meant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from connectors_world import HEAD

from connectors.config import load_source
from schemas.errors import ConfigError

FILES = '[reader]\nkind = "files"\npath = "drop"\nformat = "csv"\n'
REST = '[reader]\nkind = "rest"\nbase_url = "https://cases.example"\n'


def load(tmp_path, text):
    (tmp_path / "source.toml").write_text(text, encoding="utf-8")
    return load_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "key", "meant"),
    [
        ("sistem = 1\n" + HEAD + FILES, 1, "sistem", "system"),
        (HEAD + FILES + 'patern = "*.csv"\n', 8, "patern", "pattern"),
        (HEAD + FILES + "[expct]\nmin_rows = 1\n", 8, "expct", "expect"),
        (HEAD + FILES + "[expect]\nmin_row = 1\n", 9, "min_row", "min_rows"),
        (HEAD + REST + "max_page = 3\n", 7, "max_page", "max_pages"),
        (
            HEAD + REST + '[reader.pagination]\nkind = "page"\npage_param = "p"\n',
            9,
            "page_param",
            "page_parameter",
        ),
        (
            HEAD + REST + '[reader.auth]\nkind = "bearer"\ntoken = "env:T"\nvalu = "x"\n',
            10,
            "valu",
            "value",
        ),
        (
            HEAD + REST + '[cursor]\nfield = "u"\nparameter = "s"\noverlapp = "P1D"\n',
            10,
            "overlapp",
            "overlap",
        ),
    ],
)
def test_misspelt_key(tmp_path, text, line, key, meant):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    error = caught.value
    told = f"{error.message.en} {error.hint.en if error.hint else ''}"
    assert key in told
    assert meant in told
    assert error.where.file == str(tmp_path / "source.toml")
    assert error.where.row == line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FILES, "missing"),
        (HEAD, "missing"),
        (HEAD + FILES.replace("csv", "xlsx"), "'csv'"),
        (HEAD + FILES + 'encoding = "ascii"', "gb18030"),
        (HEAD + FILES + "header = false", "needs its column names"),
        (HEAD + FILES + 'columns = ["a"]', "header = false"),
        (HEAD + FILES + 'delimiter = ";;;;;"', "at most 4 characters"),
        (HEAD + FILES + 'delimiter = "\'"\nquote = "\'"', "must differ"),
        (HEAD + FILES + '[cursor]\nfield = "a"\nparameter = "b"', "followed by its files"),
        (HEAD + FILES + '[window]\nfile_date = "%Y"', "file_date needs"),
        (HEAD + REST + '[window]\nfile_date = "%Y%m%d"', "kind = 'files'"),
        (HEAD + REST.replace("https://", "ftp://"), "https:// or http://"),
        (HEAD + REST.replace("cases.", "u:p@cases."), "no user or password"),
        (HEAD + REST.replace(".example", ".example?key=1"), "no query"),
        (HEAD + REST + 'headers = { Authorization = "Bearer x" }', "plain text"),
        (HEAD + REST + '[reader.auth]\nkind = "bearer"\ntoken = "abc"', "never the secret"),
        (HEAD + REST + '[reader.auth]\nkind = "basic"\nusername="u"\npassword="p"', "never the"),
        (HEAD + REST + '[cursor]\nfield="u"\nparameter="s"\noverlap="30 minutes"', "PT30M"),
        (HEAD + REST + '[cursor]\nfield="u"\nparameter="s"\nformat="iso8601"', "format is iso"),
        (
            HEAD + REST + '[cursor]\nfield="u"\nparameter="s"\nformat="integer"\noverlap="PT5M"',
            "is a number",
        ),
        ('time_zone = "Asia/Anji"\n' + HEAD + FILES, "no such time zone"),
        (HEAD.replace("cases", "../cases") + FILES, "pattern"),
        (HEAD + FILES + "[expect]\nmax_drop = 1.5", "less than or equal to 1"),
        (HEAD + FILES + '[defaults]\ndivision_code = "33052"', "pattern"),
        (HEAD + FILES + '[defaults]\nbusiness_domain = "road"', "02 道路运政"),
        ("x = = 1", "not valid TOML"),
    ],
)
def test_wrong_values(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert words in caught.value.message.en
    assert caught.value.where.file == str(tmp_path / "source.toml")


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="missing"):
        load_source(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"PT30M"', timedelta(minutes=30)),
        ('"P1D"', timedelta(days=1)),
        ('"P1DT12H"', timedelta(days=1, hours=12)),
        ("90", timedelta(seconds=90)),
    ],
)
def test_overlap(tmp_path, text, expected):
    cursor = f'[cursor]\nfield = "u"\nparameter = "s"\noverlap = {text}\n'
    source = load(tmp_path, HEAD + REST + cursor)
    assert source.cursor.overlap == expected


def test_defaults(tmp_path):
    source = load(tmp_path, HEAD + FILES)
    assert source.stream_id == "cases/decisions"
    assert (source.expect.max_drop, source.expect.max_quarantine_share) == (0.5, 0.2)
    assert source.defaults.division_code is None
    assert source.time_zone == "Asia/Shanghai"
