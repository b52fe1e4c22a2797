"""What ``setup/bench`` prints, and when it fails."""

import io
import math

import pytest

from harness import bench, cli
from harness.report import Reporter, SetupError
from harness.stack import open_stack
from tests.support.figures import Figure, table


def concluded(*figures, markdown=False):
    stream = io.StringIO()
    code = bench.conclude(Reporter(stream), "Title", list(figures), "a machine", markdown)
    return code, stream.getvalue()


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 2.0, "s", 2.0), True),
        (Figure("a", 2.01, "s", 2.0), False),
        (Figure("a", 5, "", 4, better="higher"), True),
        (Figure("a", 3, "", 4, better="higher"), False),
        (Figure("a", math.nan, "s", 2.0), False),
        (Figure("a", 99, "s"), None),
        (Figure("a", 0, "", 0), True),
    ],
    ids=["at most", "above", "at least", "below", "no number", "no target", "zero"],
)
def test_target(figure, met):
    assert figure.met is met


def test_direction_is_one_of_two():
    with pytest.raises(ValueError, match="lower or higher"):
        Figure("a", 1, "s", 2, better="smaller")


def test_met_targets_exit_with_0():
    code, text = concluded(Figure("time", 1.5, "s", 2), Figure("rows", 1000))
    assert code == 0
    assert "1.5 s" in text and "≤ 2 s" in text and "yes" in text
    assert "a machine" in text and "Missed" not in text


def test_one_missed_target_exits_with_1_and_is_named():
    code, text = concluded(Figure("time", 2.5, "s", 2), Figure("other", 1, "s", 2))
    assert code == 1
    assert text.splitlines()[-1] == "Missed: time"
    assert "NO" in text


def test_measuring_nothing_is_a_failure():
    assert concluded()[0] == 1
    assert concluded(Figure("time", math.nan, "s"))[0] == 1


def test_markdown():
    lines = table([Figure("time", 1234.5, "ms", 2000)], markdown=True).splitlines()
    assert lines == [
        "| figure | value | target | met |",
        "| --- | ---: | ---: | --- |",
        "| time | 1,234 ms | ≤ 2,000 ms | yes |",
    ]


def test_benchmarks_are_found_by_their_run_function(tmp_path):
    (tmp_path / "quick.py").write_text(
        '"""How quick.\n\nMore."""\ndef run(bench):\n    return []\n'
    )
    (tmp_path / "_script.py").write_text("def run(bench):\n    return []\n")
    (tmp_path / "helper.py").write_text("x = 1\n")
    assert bench.titles(tmp_path) == {"quick": "How quick."}
    assert bench.listing(tmp_path) == "quick  How quick."


def test_unknown_name_is_refused_with_those_there_are(tmp_path):
    (tmp_path / "quick.py").write_text('"""How quick."""\ndef run(bench):\n    return []\n')
    with pytest.raises(SetupError) as error:
        bench.load("slow", tmp_path)
    assert error.value.lines() == [
        "Failed: there is no benchmark slow",
        "What to do: name one of these: quick",
    ]


def test_unknown_name_costs_no_set_up(capsys):
    assert cli.main(["bench", "no-such-benchmark"]) == 1
    assert "there is no benchmark no-such-benchmark" in capsys.readouterr().err


def test_without_a_name_they_are_listed():
    stream = io.StringIO()
    assert cli.run_command(open_stack(), Reporter(stream), "bench", []) == 0
    assert stream.getvalue() == bench.listing() + "\n"


def test_machine_is_described():
    text = bench.machine({"PostgreSQL": "15.9"})
    assert "cores" in text and "GiB RAM" in text and "PostgreSQL 15.9" in text
