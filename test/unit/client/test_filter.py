"""gnt-filter: what it sends and prints."""

from ganeti import errors
from ganeti.luxi import protocol

UUID = "9e1b3f8c-5c6d-4b6f-8d0e-0f3a5b1c2d3e"


def test_add_sends_the_rule_and_why(run, master):
    master.answers[protocol.REQ_REPLACE_FILTER] = UUID
    outcome = run("""gnt-filter add --reason=night --priority=3 --action='RATE_LIMIT 2'
                     --predicates='[["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]]'""")
    assert (outcome.status, outcome.out) == (0, f"{UUID}\n")
    ((uuid, priority, predicates, action, reason),) = master.called(protocol.REQ_REPLACE_FILTER)
    assert (uuid, priority, action) == (None, 3, ["RATE_LIMIT", 2])
    assert predicates == [["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]]
    assert [entry[:2] for entry in reason] == [
        ["gnt:user", "night"], ["gnt:client:gnt-filter", "add"]]


def test_replace_keeps_the_uuid_and_has_the_defaults(run, master):
    master.answers[protocol.REQ_REPLACE_FILTER] = lambda uuid, *rest: uuid
    assert run(f"gnt-filter replace {UUID}").out == f"{UUID}\n"
    assert master.called(protocol.REQ_REPLACE_FILTER)[0][:4] == [UUID, 0, [], "CONTINUE"]


def test_delete(run, master):
    master.answers[protocol.REQ_DELETE_FILTER] = None
    assert run(f"gnt-filter delete {UUID}").status == 0
    assert master.called(protocol.REQ_DELETE_FILTER) == [[UUID]]
    master.answers[protocol.REQ_DELETE_FILTER] = errors.OpPrereqError(
        "There is no job filter", errors.ECODE_NOENT)
    assert run(f"gnt-filter delete {UUID}").status == 1


def test_bad_words_are_usage_errors(run, master):
    for word, text in (("--predicates='[[1'", "--predicates"),
                       ("--action='RATE_LIMIT many'", "no whole number"),
                       ("--priority=first", "no whole number")):
        outcome = run(f"gnt-filter add {word}")
        assert outcome.status == 2 and text in outcome.err
    assert not master.called(protocol.REQ_REPLACE_FILTER)


def test_list_shows_rules_as_the_options_take_them(run, master):
    fields = ["uuid", "watermark", "priority", "predicates", "action", "reason_trail"]
    values = [UUID, 7, 0, [["jobid", [">", "id", "watermark"]]], ["RATE_LIMIT", 2], []]
    master.answers[protocol.REQ_QUERY] = {
        "fields": [{"name": name, "title": name, "kind": "other", "doc": ""} for name in fields],
        "data": [[[0, value] for value in values]]}
    out = run("gnt-filter list --no-headers --separator=;").out
    assert out == f'{UUID};7;0;[["jobid",[">","id","watermark"]]];RATE_LIMIT 2;[]\n'
    run(f"gnt-filter list -o uuid {UUID}")
    assert master.called(protocol.REQ_QUERY)[-1] == [
        "filter", ["uuid"], ["|", ["==", "uuid", UUID]]]


def test_info_tells_all(run, master):
    master.answers[protocol.REQ_QUERY_FILTERS] = [
        [UUID, 7, 1, [["jobid", [">", "id", 3]]], "PAUSE",
         [["gnt:user", "why", 1700000000 * 10**9]]],
        [UUID, 8, 2, [], ["RATE_LIMIT", 1], []]]
    out = run("gnt-filter info").out
    assert master.called(protocol.REQ_QUERY_FILTERS)[0][0] is None
    assert out.splitlines()[:9] == [
        f"- UUID: {UUID}", "  Watermark: 7", "  Priority: 1", "  Predicates: ",
        '    - ["jobid",[">","id",3]]', "  Action: PAUSE", "  Reason trail: ",
        "    - Source: gnt:user", "      Reason: why"]
    assert "2023-11-14 22:13:20" in out and out.count("UUID: ") == 2
