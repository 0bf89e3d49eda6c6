"""Command lines: the behaviour that scripts rely on."""

import pytest

from ganeti.cli import option
from ganeti.cli.command import CHOICE, Arg, ArgumentError, Command, Tool, many, one
from ganeti.cli.option import HelpWanted, Option, UsageError

OPTIONS = [
    Option("-f", "--force", dest="force", action="store_true", default=False),
    Option("-n", "--node", dest="node"),
    Option("--no-start", dest="start", action="store_false", default=True),
    Option("--no-stop", dest="stop", action="store_false", default=True),
    Option("-t", dest="tags", action="append", default=[]),
    Option("-d", dest="debug", action="count", default=0),
    Option("--pending", dest="states", action="store_const", const=["queued"]),
    Option("--size", dest="size", type="unit"),
    Option("--mode", dest="mode", choices=["a", "b"]),
]


def parse(*words):
    values, args = option.parse(OPTIONS, words)
    return vars(values), args


@pytest.mark.parametrize(("words", "name", "value"), [
    (["-f"], "force", True), (["-fd"], "debug", 1), (["-dd", "-d"], "debug", 3),
    (["-n", "x"], "node", "x"), (["-nx"], "node", "x"), (["-fnx"], "node", "x"),
    (["--node", "x"], "node", "x"), (["--node=x=y"], "node", "x=y"), (["--node="], "node", ""),
    (["--no-start"], "start", False), (["--forc"], "force", True), (["--nod=x"], "node", "x"),
    (["-ta", "-t", "b"], "tags", ["a", "b"]), (["--pending"], "states", ["queued"]),
    (["--size=1g"], "size", 1024), (["--mode=a"], "mode", "a"), (["-n", "-f"], "node", "-f"),
])
def test_words(words, name, value):
    assert parse(*words)[0][name] == value


def test_options_end_at_the_first_argument():
    values, args = parse("-f", "web1", "--node", "x")
    assert values["force"] and values["node"] is None and args == ["web1", "--node", "x"]


def test_options_end_at_two_dashes():
    assert parse("-f", "--", "-n")[1] == ["-n"]
    assert parse("-")[1] == ["-"]


@pytest.mark.parametrize(("words", "message"), [
    (["--nde=x"], "no such option: --nde .did you mean --node"),
    (["-x"], "no such option: -x"), (["--no-st"], "ambiguous option: --no-st"),
    (["-n"], "-n option requires 1 argument"), (["--force=x"], "does not take a value"),
    (["--size=big"], "option --size: 'big' is no size"),
    (["--mode=c"], "option --mode: 'c' is not possible; choose from a, b"),
])
def test_wrong_words(words, message):
    with pytest.raises(UsageError, match=message):
        parse(*words)


@pytest.mark.parametrize("word", ["--help", "-h", "--hel", "-fh"])
def test_help(word):
    with pytest.raises(HelpWanted):
        parse(word)


def test_help_is_there_beside_options_that_begin_like_it():
    with pytest.raises(HelpWanted):
        option.parse([Option("--helper", dest="helper")], ["--help"])


def test_defaults_are_not_shared():
    parse("-ta")
    assert parse()[0]["tags"] == []


@pytest.mark.parametrize(("args", "words", "message"), [
    ([one("node")], [], "Error: Command c expects 1 argument(s)"),
    ([one("node")], ["a", "b"], "Error: Command c expects 1 argument(s)"),
    ([many("node", 1)], [], "Error: Command c expects at least 1 argument(s)"),
    ([one("node"), Arg("node", 0, 1)], ["a", "b", "c"],
     "Error: Command c expects only 2 argument(s)"),
    ([], ["a"], "Error: Command c expects no arguments"),
])
def test_the_number_of_arguments(args, words, message):
    command = Command(lambda values, args: 0, args=args, help="h", example="e")
    with pytest.raises(ArgumentError) as caught:
        command.check_count("c", words)
    assert str(caught.value) == message


def test_choices_of_arguments():
    command = Command(lambda values, args: 0, args=[Arg(CHOICE, choices=("on", "off"))],
                      help="h", example="e")
    command.check_choices(["on"])
    with pytest.raises(ArgumentError, match="'of' is not possible here; choose from on, off"):
        command.check_choices(["of"])


@pytest.fixture
def tool():
    return Tool("gnt-job", {"list": "listing:LIST", "list-fields": "listing:LIST_FIELDS",
                            "info": "info:INFO"}, aliases={"show": "info"})


@pytest.mark.parametrize(("word", "name"), [
    ("list", "list"), ("show", "info"), ("list-", "list-fields"), ("inf", "info"),
    ("sho", "info"), ("lis", None), ("", None), ("nonsense", None)])
def test_commands_may_be_shortened(tool, word, name):
    assert tool.find(word) == name


@pytest.mark.parametrize(("words", "status", "stream", "text"), [
    ([], 1, "out", "Usage: gnt-job"), (["nonsense"], 1, "out", "Usage: gnt-job"),
    (["--help"], 0, "out", "Usage: gnt-job"), (["list", "--help"], 0, "out", "Example: "),
    (["--version"], 0, "out", "gnt-job (ganeti "),
    (["list", "--nonsense"], 2, "err", "gnt-job: error: no such option: --nonsense"),
    (["info"], 1, "err", "Error: Command info expects at least 1 argument(s)"),
])
def test_usage_and_status(tool, capsys, words, status, stream, text):
    assert tool.main(words) == status
    assert text in getattr(capsys.readouterr(), stream)
