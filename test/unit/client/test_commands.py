"""What commands submit, print and return."""

import json

import pytest

from ganeti import errors
from ganeti.luxi import protocol


def cells(*rows):
    return [[[0, value] for value in row] for row in rows]


def field(name, title, kind):
    return {"name": name, "title": title, "kind": kind, "doc": "text"}


def test_startup_submits_with_reason(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1.example.org"]]
    assert run("gnt-instance startup --reason=because --priority=high --paused "
               "-H acpi=false -B memory=1g web1").status == 0
    (((op,),),) = master.called(protocol.REQ_SUBMIT_MANY_JOBS)[0]
    assert op["OP_ID"] == "OP_INSTANCE_STARTUP" and op["instance_name"] == "web1.example.org"
    assert op["startup_paused"] is True and op["priority"] == -10
    assert op["hvparams"] == {"acpi": False}
    assert op["beparams"] == {"minmem": 1024, "maxmem": 1024}
    assert [entry[:2] for entry in op["reason"]] == [
        ["gnt:user", "because"], ["gnt:client:gnt-instance", "startup"]]


def test_log_entries_are_printed_with_their_time(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"]]
    master.log = [[1, [1700000000, 0], "message", "* one\ntwo\x1b[31m"],
                  [2, [1700000000, 0], "message-list", ["three"]]]
    out = run("gnt-instance startup web1").out
    waiting, *lines = out.splitlines()
    assert waiting == "Waiting for job 1 for web1 ..."
    assert [line.split(" ", 5)[5] for line in lines] == ["* one", r"two\x1b[31m", "three"]
    assert lines[0] == "Tue Nov 14 22:13:20 2023 * one"


def test_submit_does_not_wait(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"]]
    outcome = run("gnt-instance shutdown --submit --print-jobid web1")
    assert (outcome.status, outcome.out, outcome.err) == (0, "1\n1: web1\n", "")
    assert not master.called(protocol.REQ_WAIT_FOR_JOB_CHANGE)


def test_several_instances_are_jobs_of_their_own(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"], ["web2"]]
    outcome = run("gnt-instance shutdown web1 web2")
    assert outcome.out.splitlines() == [
        "Submitted jobs 1, 2", "Waiting for job 1 for web1 ...", "Waiting for job 2 for web2 ..."]
    ((jobs,),) = master.called(protocol.REQ_SUBMIT_MANY_JOBS)
    assert [job[0]["instance_name"] for job in jobs] == ["web1", "web2"]
    assert run("gnt-instance shutdown --submit web1 web2").out == "3: web1\n4: web2\n"


def test_a_failed_job_among_several(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"], ["web2"]]
    master.answers[protocol.REQ_QUERY_JOBS] = lambda ids, fields: [
        ["success", ["success"], [None]] if ids == [1] else
        ["error", ["error"], [["OpExecError", ["no luck"]]]]]
    outcome = run("gnt-instance shutdown web1 web2")
    assert outcome.status == 1 and outcome.err == (
        "Job 2 for web2 has failed: Failure: command execution error:\nno luck\n")


def test_all_instances_are_confirmed(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"], ["web2"]]
    assert run("gnt-instance shutdown --all").status == 13
    assert not master.called(protocol.REQ_SUBMIT_MANY_JOBS)
    assert run("gnt-instance shutdown --all --force-multiple").status == 0


def test_instances_are_chosen_by_node_and_by_tag(run, master):
    rows = [["node1", ["web1"], ["web2"], ["rack"]], ["node2", ["web2"], ["web1"], []]]
    master.answers[protocol.REQ_QUERY_NODES] = lambda names, fields, lock: [
        row for row in rows if not names or row[0] in names]
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1", ["db"]], ["web2", []]]

    def started(options):
        master.calls.clear()
        assert run(f"gnt-instance startup --force-multiple --submit {options}").status == 0
        many = master.called(protocol.REQ_SUBMIT_MANY_JOBS)
        ops = [job[0] for job in many[0][0]] if many else master.called(
            protocol.REQ_SUBMIT_JOB)[0][0]
        return [op["instance_name"] for op in ops]

    assert started("--primary node1") == ["web1"]
    assert started("--secondary node1") == ["web2"]
    assert started("--node node1") == ["web1", "web2"]
    assert started("--pri-node-tags rack") == ["web1"]
    assert started("--tags db") == ["web1"]


@pytest.mark.parametrize(("error", "status", "text"), [
    (errors.OpPrereqError("no such thing", "unknown_entity"), 1,
     "Failure: prerequisites not met for this operation:\n"
     "error type: unknown_entity, error details:\nno such thing\n"),
    (errors.OpExecError("broken"), 1, "Failure: command execution error:\nbroken\n"),
    (errors.HooksAbort([["node1", "script", "out"]]), 1,
     "Failure: hooks execution failed:\n  node: node1, script: script, output: out\n"),
    (errors.ConfigurationError("bad"), 2, "Corrupt configuration file: bad\nAborting.\n"),
    (errors.TagError("x y"), 1, "Failure: invalid tag(s) given:\nx y\n"),
    (errors.ParameterError("acpi"), 1, "Parameter Error: acpi\n"),
    (errors.JobLost("5"), 1, "Error checking job status: 5\n"),
    (errors.GenericError("odd"), 1, "Unhandled Ganeti error: odd\n"),
    (errors.ResolverError("host", -2, "unknown"), 1,
     "Failure: can't resolve hostname 'host'\n"),
])
def test_errors_have_their_text_and_status(run, master, error, status, text):
    master.answers[protocol.REQ_SUBMIT_JOB] = error
    outcome = run("gnt-debug delay 1")
    assert (outcome.status, outcome.err) == (status, text)


def test_a_failed_job_shows_its_error(run, master):
    master.answers[protocol.REQ_QUERY_JOBS] = [
        ["error", ["error"], [["OpPrereqError", ["why", "wrong_state"]]]]]
    assert "error type: wrong_state, error details:\nwhy" in run("gnt-debug delay 1").err


def test_a_canceled_job_is_a_failure(run, master):
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = [["canceled"], []]
    master.answers[protocol.REQ_QUERY_JOBS] = [["canceled", ["canceled"], ["Job canceled"]]]
    outcome = run("gnt-debug delay 1")
    assert outcome.status == 1 and "canceled" in outcome.err


def test_without_a_cluster_the_status_is_5(run, monkeypatch, tmp_path):
    monkeypatch.setenv("FORCE_LUXI_SOCKET", str(tmp_path / "nothing"))
    outcome = run("gnt-job list")
    assert outcome.status == 5 and "not part of a cluster" in outcome.err


def test_elsewhere_than_on_the_master_the_status_is_11(run, monkeypatch, tmp_path):
    from ganeti import ssconf
    ssconf.SimpleStore().write({"master_node": "node7.example.org"})
    monkeypatch.setenv("FORCE_LUXI_SOCKET", str(tmp_path / "nothing"))
    outcome = run("gnt-job list")
    assert outcome.status == 11 and "node7.example.org" in outcome.err


def test_list_formats_cells(run, master):
    master.answers[protocol.REQ_QUERY] = {
        "fields": [field("name", "Node", "text"), field("mfree", "MFree", "unit"),
                   field("offline", "Offline", "bool"), field("tags", "Tags", "other")],
        "data": [*cells(["node1", 2048, False, ["a", "b"]]),
                 [[0, "node22"], [4, None], [2, None], [3, None]]]}
    assert run("gnt-node list").out == (
        "Node   MFree Offline Tags\n"
        "node1   2.0G N       a,b\n"
        "node22     * ?       -\n")
    assert run("gnt-node list --separator=:").out == (
        "Node:MFree:Offline:Tags\nnode1:2048:N:a,b\nnode22:*:?:-\n")
    assert run("gnt-node list -v --no-headers --units=g").out == (
        "node1        2.0 N        a,b\nnode22 (offline) (nodata) (unavail)\n")


def test_unknown_fields_are_told_and_have_a_status(run, master):
    master.answers[protocol.REQ_QUERY] = {
        "fields": [field("foo", "foo", "unknown"), field("bar", "bar", "unknown")],
        "data": [[[1, None], [1, None]]]}
    outcome = run("gnt-node list -o foo,bar")
    assert outcome.status == 14 and outcome.out == "foo bar\n??  ??\n"
    assert outcome.err == "Warning: Queried for unknown fields foo, bar\n"


@pytest.mark.parametrize(("words", "fields", "qfilter"), [
    ("-o name,role", ["name", "role"], None),
    ("-o +role web1", ["name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt",
                       "sinst_cnt", "role"], ["|", ["==", "name", "web1"]]),
    ("-o name -F offline", ["name"], ["?", "offline"]),
    ("-o name \"role == 'M'\"", ["name"], ["==", "role", "M"]),
])
def test_what_list_asks(run, master, words, fields, qfilter):
    master.answers[protocol.REQ_QUERY] = {"fields": [], "data": []}
    assert run(f"gnt-node list {words}").status == 0
    assert master.called(protocol.REQ_QUERY) == [["node", fields, qfilter]]


def test_job_list_joins_its_filters(run, master):
    master.answers[protocol.REQ_QUERY] = {
        "fields": [field("id", "ID", "number"), field("summary", "Summary", "other"),
                   field("received_ts", "Received", "other")],
        "data": cells([7, ["A", "B"], [1700000000, 5]])}
    assert run("gnt-job list --running 7").out == (
        "ID Summary Received\n 7 A,B     2023-11-14 22:13:20.000005\n")
    assert master.called(protocol.REQ_QUERY)[0][2] == [
        "&", ["|", ["=", "status", "running"]], ["|", ["==", "id", 7]]]


def test_environment_gives_words_to_list(run, master, monkeypatch):
    monkeypatch.setenv("GNT_NODE_LIST", "-o name")
    master.answers[protocol.REQ_QUERY] = {"fields": [], "data": []}
    run("gnt-node list")
    assert master.called(protocol.REQ_QUERY)[0][1] == ["name"]


def test_list_fields(run, master):
    master.answers[protocol.REQ_QUERY_FIELDS] = {"fields": [field("mfree", "MFree", "unit")]}
    assert run("gnt-node list-fields mfree").out == (
        "Name  Type         Title Description\nmfree Storage size MFree text\n")


def test_add_makes_disks_nics_and_nodes(run, master):
    assert run("gnt-instance add -t drbd --disk 0:size=10g,name=root --disk 1:size=1g "
               "--net 0:link=br1,ip=192.0.2.7 -H kvm:acpi=false,kernel_path= -B memory=1g,vcpus=2 "
               "-o debian+default -n node1:node2 --no-ip-check --no-name-check --no-start "
               "--tags a,b -O k=v --os-parameters-secret=pw=geheim web1").status == 0
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert op["disks"] == [{"size": 10240, "name": "root"}, {"size": 1024}]
    assert op["nics"] == [{"link": "br1", "ip": "192.0.2.7"}]
    assert (op["hypervisor"], op["hvparams"]) == ("kvm", {"acpi": False, "kernel_path": ""})
    assert (op["pnode"], op["snode"], op["start"]) == ("node1", "node2", False)
    assert op["beparams"] == {"minmem": 1024, "maxmem": 1024, "vcpus": 2}
    assert op["tags"] == ["a", "b"] and op["mode"] == "create"
    assert op["ip_check"] is False and op["name_check"] is False
    assert op["osparams_secret"] == {"pw": "geheim"}


def test_add_checks_names_and_addresses_by_default(run, master):
    run("gnt-instance add -t diskless -o debian web1")
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert op["ip_check"] and op["name_check"] and op["start"] and op["wait_for_sync"]
    assert op["nics"] == [{}] and op["disks"] == [] and op["hypervisor"] is None


@pytest.mark.parametrize(("words", "text"), [
    ("-t plain", "No disk is given"), ("", "Give a disk template"),
    ("-t plain -s 1g --disk 0:size=1g", "either --disk or -s"),
    ("-t diskless -s 1g", "has no disks"), ("-t plain --disk 0:mode=ro", "Disk 0 has no size"),
    ("-t plain --disk 0:size=big", "disk 0: 'big' is no size"),
    ("-t plain --disk x:size=1", "'x' is no number"),
    ("-t plain --disk 99:size=1", "beyond the limit"),
    ("-t plain -s 1g --net 0:link=a --no-nics", "either --net or --no-nics"),
    ("-t plain -s 1g -n a -I hail", "either nodes"),
    ("-t plain -s 1g -B cpus=1", "no parameter 'cpus'"),
    ("-t plain -s 1g -H kvm:acp=1", "did you mean acpi"),
    ("-t plain -s 1g -H kvn", "There is no hypervisor 'kvn'"),
    ("-t plain -s 1g -B a=1,a=2", "Parameter Error: 'a' is given twice"),
])
def test_add_refuses_what_makes_no_sense(run, master, words, text):
    outcome = run(f"gnt-instance add {words} -o debian web1")
    assert outcome.status == 1 and text in outcome.err, outcome
    assert not master.called(protocol.REQ_SUBMIT_JOB)


def test_modify_reads_changes_of_devices(run, master):
    master.results = [[["be/vcpus", 2]]]
    outcome = run("gnt-instance modify -B vcpus=2 --net add:link=br1 --net 0:ip=none "
                  "--net -1:remove --disk add:size=1g --disk root:name=sys --hotplug web1")
    assert outcome.out == "Modified instance web1\n - be/vcpus -> 2\n"
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert op["nics"] == [["add", -1, {"link": "br1"}], ["modify", 0, {"ip": "none"}],
                          ["remove", -1, {}]]
    assert op["disks"] == [["add", -1, {"size": 1024}], ["modify", "root", {"name": "sys"}]]
    assert op["hotplug"] is True


@pytest.mark.parametrize("words", ["gnt-instance modify web1", "gnt-node modify node1",
                                   "gnt-cluster modify", "gnt-group modify default",
                                   "gnt-instance modify --hotplug web1"])
def test_modify_wants_a_change(run, master, words):
    outcome = run(words)
    assert (outcome.status, outcome.err) == (1, "Please give at least one of the parameters.\n")


def test_cluster_modify(run, master):
    assert run("gnt-cluster modify --enabled-hypervisors=kvm,fake -H kvm:migration_downtime=50 "
               "-D drbd:protocol=A -C 5 --uid-pool=1000-1999,3000 --reserved-lvs= "
               "--ipolicy-vcpu-ratio=8 --enabled-data-collectors=lv=False "
               "--data-collector-interval=lv=2.5 --ipolicy-std-specs=disk-size=2g").status == 0
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert op["enabled_hypervisors"] == ["kvm", "fake"] and op["candidate_pool_size"] == 5
    assert op["hvparams"] == {"kvm": {"migration_downtime": 50}}
    assert op["diskparams"] == {"drbd": {"protocol": "A"}} and op["reserved_lvs"] == []
    assert op["uid_pool"] == [[1000, 1999], [3000, 3000]]
    assert op["ipolicy"] == {"vcpu-ratio": 8.0, "std": {"disk-size": 2048}}
    assert op["enabled_data_collectors"] == {"lv": False}
    assert op["data_collector_interval"] == {"lv": 2500000}


def test_group_takes_defaults_back(run, master):
    bounds = ("min:cpu-count=1,disk-count=0,disk-size=1g,memory-size=1g,nic-count=0,"
              "spindle-use=1/max:cpu-count=8,disk-count=9,disk-size=1t,memory-size=9g,"
              "nic-count=8,spindle-use=9")
    assert run(f"gnt-group add --ipolicy-bounds-specs={bounds} rack1").status == 0
    assert run("gnt-group modify --ipolicy-vcpu-ratio=default "
               "--ipolicy-bounds-specs=default rack1").status == 0
    first, second = (args[0][0] for args in master.called(protocol.REQ_SUBMIT_JOB))
    assert first["ipolicy"]["minmax"][0]["max"]["disk-size"] == 1048576
    assert second["ipolicy"] == {"vcpu-ratio": "default", "minmax": "default"}
    outcome = run("gnt-group add --ipolicy-bounds-specs=min:cpu-count=1 rack1")
    assert outcome.status == 1 and "pairs of min" in outcome.err


@pytest.mark.parametrize(("results", "status"), [([True], 0), ([False], 1)])
def test_verify_follows_its_jobs(run, master, results, status):
    master.results = [{"jobs": [[True, 2], [True, 3]]}, True, results[0]]
    outcome = run("gnt-cluster verify --no-nplus1-mem -I ENODELVM")
    assert outcome.status == status
    assert "Waiting for job 2 ...\n" in outcome.out
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert op["skip_checks"] == ["nplusone_mem"] and op["ignore_errors"] == ["ENODELVM"]


def test_tags_come_from_the_command_line_and_a_file(run, master, tmp_path):
    (tmp_path / "tags").write_text("b\n\nc\n")
    assert run(f"gnt-node add-tags --from {tmp_path}/tags node1 a").status == 0
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert (op["kind"], op["name"], op["tags"]) == ("node", "node1", ["a", "b", "c"])
    assert "No tags given" in run("gnt-cluster add-tags").err
    master.answers[protocol.REQ_QUERY_TAGS] = ["z", "a"]
    assert run("gnt-cluster list-tags").out == "a\nz\n"
    assert run(f"gnt-node add-tags --from {tmp_path}/nothing node1").status == 1


def test_search_tags_tells_by_its_status(run, master):
    master.results = [[["/nodes/node1", "b"], ["/cluster", "a"]], []]
    assert run("gnt-cluster search-tags .").out == "/cluster a\n/nodes/node1 b\n"
    assert run("gnt-cluster search-tags x").status == 1


def test_queue_and_watcher(run, master):
    master.answers[protocol.REQ_QUERY_CONFIG_VALUES] = [True]
    assert run("gnt-cluster queue info").out == "The drain flag is set\n"
    master.answers[protocol.REQ_QUERY_CONFIG_VALUES] = [None]
    assert run("gnt-cluster watcher info").out == "The watcher is not paused.\n"
    master.answers[protocol.REQ_SET_DRAIN_FLAG] = True
    assert run("gnt-cluster queue drain").status == 0
    assert master.called(protocol.REQ_SET_DRAIN_FLAG) == [[True]]
    assert run("gnt-cluster watcher pause").status == 1


def test_redist_conf_can_pass_a_drained_queue(run, master):
    master.answers[protocol.REQ_SUBMIT_JOB_TO_DRAINED_QUEUE] = 9
    assert run("gnt-cluster redist-conf --yes-do-it").status == 0
    assert not master.called(protocol.REQ_SUBMIT_JOB)


def test_dangerous_commands_ask(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"]]
    for line in ("gnt-instance remove web1", "gnt-instance migrate web1",
                 "gnt-instance failover web1", "gnt-node powercycle node1"):
        assert run(line).status == 13, line
    assert run("gnt-cluster destroy").status == 1
    assert not master.called(protocol.REQ_SUBMIT_JOB)


def test_migration_modes(run, master):
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1"]]
    for words, mode in (("", None), ("--non-live", "non-live"),
                        ("--migration-mode=live", "live")):
        run(f"gnt-instance migrate -f {words} web1")
        assert master.called(protocol.REQ_SUBMIT_JOB)[-1][0][0]["mode"] == mode
    assert run("gnt-instance migrate -f --non-live --migration-mode=live web1").status == 1


def test_replace_disks_wants_exactly_one_way(run, master):
    assert run("gnt-instance replace-disks web1").status == 1
    assert run("gnt-instance replace-disks -p -s web1").status == 1
    assert run("gnt-instance replace-disks -n node3 --disks=0,1 web1").status == 0
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert (op["mode"], op["disks"], op["remote_node"]) == ("replace_new_secondary", [0, 1],
                                                            "node3")


def test_jobs_are_canceled_and_archived(run, master):
    master.answers[protocol.REQ_CANCEL_JOB] = lambda job, *kill: [job == 1, f"text {job}"]
    outcome = run("gnt-job cancel 1 2")
    assert (outcome.status, outcome.out, outcome.err) == (1, "text 1\n", "text 2\n")
    assert run("gnt-job cancel --kill 1").status == 1
    master.answers[protocol.REQ_ARCHIVE_JOB] = lambda job: job == 1
    assert run("gnt-job archive 1").status == 0 and run("gnt-job archive 1 2").status == 1
    master.answers[protocol.REQ_AUTO_ARCHIVE_JOBS] = [3, 1]
    assert run("gnt-job autoarchive 1d").out == "Archived 3 jobs, 1 unchecked left\n"
    assert master.called(protocol.REQ_AUTO_ARCHIVE_JOBS)[0][0] == 86400
    assert run("gnt-job archive x").status == 1


def test_priority_is_changed(run, master):
    master.answers[protocol.REQ_CHANGE_JOB_PRIORITY] = [True, "done"]
    assert run("gnt-job change-priority --priority=low 5").out == "done\n"
    assert master.called(protocol.REQ_CHANGE_JOB_PRIORITY) == [[5, 10]]
    assert run("gnt-job change-priority 5").status == 1


def test_watch_and_wait(run, master):
    master.log = [[1, [1700000000, 0], "message", "hello"]]
    assert run("gnt-job watch 5").out == (
        "Output from job 5 follows\n-------------------------\n"
        "Tue Nov 14 22:13:20 2023 hello\n")
    assert run("gnt-job wait 5").out == ""
    master.answers[protocol.REQ_QUERY_JOBS] = [["error", ["error"], [["OpExecError", ["no"]]]]]
    assert run("gnt-job watch 5").status == 1
    outcome = run("gnt-job wait 5")
    assert (outcome.status, outcome.out, outcome.err) == (1, "", "")


def test_a_job_that_waits_says_for_what_once(run, master, monkeypatch):
    from ganeti.cli import jobs
    monkeypatch.setattr(jobs, "_QUIET", 0.01)
    states = iter(["queued", "queued", "queued", "waiting", "waiting", "success"])
    master.answers[protocol.REQ_WAIT_FOR_JOB_CHANGE] = lambda *args: [[next(states)], []]
    assert run("gnt-debug delay 1").err == (
        "Job 1 is waiting in queue\nJob 1 is trying to acquire all necessary locks\n")


def test_submit_job_reads_files(run, master, tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps([{"OP_ID": "OP_TEST_DELAY", "duration": 1}]))
    said = run(f"gnt-debug submit-job --verbose --op-repeat=2 --job-repeat=2 {path}")
    assert said.status == 0 and f"Job 2 is of 2 opcode(s) from {path}" in said.out
    ((jobs,),) = master.called(protocol.REQ_SUBMIT_MANY_JOBS)
    assert [len(job) for job in jobs] == [2, 2]
    path.write_text("[{")
    assert "no valid JSON" in run(f"gnt-debug submit-job {path}").err
    path.write_text('[{"OP_ID": "OP_X"}]')
    assert "There is no opcode 'OP_X'" in run(f"gnt-debug submit-job {path}").err
    assert run("gnt-debug submit-job /nothing").err == \
        "Failure: /nothing: No such file or directory\n"


def test_batch_create_checks_every_instance(run, master, tmp_path):
    path = tmp_path / "batch.json"
    entry = {"instance_name": "web1", "disks": [{"size": 10}], "disk_template": "plain"}
    path.write_text(json.dumps({"instances": [entry], "iallocator": "hail"}))
    master.results = [{"jobs": [[True, 2]], "allocatable": ["web1"], "failed": []}, ["node1"]]
    assert "1 of 1 instances created" in run(f"gnt-instance batch-create {path}").out
    ((op,),) = master.called(protocol.REQ_SUBMIT_JOB)[0]
    assert op["iallocator"] == "hail" and op["instances"][0]["OP_ID"] == "OP_INSTANCE_CREATE"
    path.write_text(json.dumps([{**entry, "disk_templat": "plain"}]))
    outcome = run(f"gnt-instance batch-create {path}")
    assert outcome.status == 1 and "instances[0]" in outcome.err and "disk_templat" in outcome.err


def test_console(run, master):
    console = {"instance": "web1", "kind": "ssh", "host": "node1", "user": "root",
               "command": ["socat", "a b"]}
    master.answers[protocol.REQ_QUERY_CONFIG_VALUES] = ["cluster"]
    master.answers[protocol.REQ_QUERY_INSTANCES] = [[console, True, None]]
    shown = run("gnt-instance console --show-cmd web1").out
    assert shown.startswith("ssh ") and "root@node1" in shown and "socat" in shown
    master.answers[protocol.REQ_QUERY_INSTANCES] = [[None, False, None]]
    assert "does not run" in run("gnt-instance console web1").err


@pytest.mark.parametrize(("kind", "encrypted", "host", "hint"), [
    ("vnc", None, "node1", "URL <vnc://node1:5901/>"),
    ("vnc", False, "2001:db8::1", "URL <vnc://[2001:db8::1]:5901/>"),
    ("spice", False, "node1", "'remote-viewer spice://node1:5901'"),
    ("spice", True, "node1", "/spice-ca.pem spice://node1?tls-port=5901'")])
def test_graphical_consoles_are_told(run, master, kind, encrypted, host, hint):
    found = {"instance": "web1", "kind": kind, "host": host, "port": 5901}
    master.answers[protocol.REQ_QUERY_CONFIG_VALUES] = ["cluster"]
    master.answers[protocol.REQ_QUERY_INSTANCES] = [[found, True, encrypted]]
    assert hint in run("gnt-instance console web1").out


@pytest.mark.parametrize(("hvparams", "line"), [
    ({"vnc_bind_address": "0.0.0.0"}, "vnc to node1:11000 (display 5100)"),
    ({"vnc_bind_address": "eth0"}, "vnc to node1:11000 (display 5100)"),
    ({"vnc_bind_address": "/run/vnc"}, "vnc:/run/vnc/web1.vnc"),
    ({"spice_bind": "2001:db8::1"}, "spice to [2001:db8::1]:11000"),
    ({"spice_bind": "192.0.2.1", "spice_use_tls": True}, "spice to 192.0.2.1:11000 (TLS)"),
    ({"vnc_bind_address": "", "spice_bind": ""}, None)])
def test_where_a_viewer_finds_the_console(hvparams, line):
    from ganeti.client.gnt_instance import info
    known = {"name": "web1", "pnode": "node1", "network_port": 11000, "hv_actual": hvparams}
    assert info._console(known) == line


def test_os_list_writes_variants(run, master):
    master.results = [[["debian", ["default", "small"]], ["plain", []]]]
    assert run("gnt-os list").out == "Name\ndebian+default\ndebian+small\nplain\n"
    assert run("gnt-os list --no-headers").out.startswith("debian+default")


def test_a_fault_of_the_program_shows_no_traceback(run, master, monkeypatch):
    master.answers[protocol.REQ_QUERY] = {"no": "fields"}
    outcome = run("gnt-node list")
    assert outcome.status == 1 and "Traceback" not in outcome.err
    assert "fault in the program" in outcome.err


def test_archived_jobs_are_read_when_their_field_is_asked_for(run, master):
    master.answers[protocol.REQ_QUERY] = {"fields": [], "data": []}
    run("gnt-job list --archived -o id")
    assert master.called(protocol.REQ_QUERY)[0][1] == ["id", "archived"]


def test_networks_are_connected_group_by_group(run, master):
    master.answers[protocol.REQ_QUERY_GROUPS] = [["default"], ["rack2"]]
    assert run("gnt-network connect -N mode=bridged,link=br0 lan").status == 0
    ((jobs,),) = master.called(protocol.REQ_SUBMIT_MANY_JOBS)
    assert [(job[0]["group_name"], job[0]["network_mode"], job[0]["network_link"])
            for job in jobs] == [("default", "bridged", "br0"), ("rack2", "bridged", "br0")]
    assert "Tell how interfaces" in run("gnt-network connect lan").err
    assert "unknown: foo" in run("gnt-network connect -N mode=a,link=b,foo=c lan").err


def test_network_info_draws_the_pool(run, master):
    master.answers[protocol.REQ_QUERY_NETWORKS] = [[
        "lan", "192.0.2.0/30", "192.0.2.1", None, None, None, 1, 3, "XX.X",
        [["default", "bridged", "br0", ""]], ["web1"], "192.0.2.0, 192.0.2.3", 2, "uuid"]]
    master.answers[protocol.REQ_QUERY_INSTANCES] = [["web1", ["192.0.2.1", None],
                                                     ["uuid", None]]]
    out = run("gnt-network info").out
    assert "  Free: 1 (25.00%)\n" in out and "        0 XX.X 3\n" in out
    assert "    web1: 0:192.0.2.1\n" in out and "    default (bridged, br0)\n" in out


def test_storage_providers_are_shown(run, master):
    master.results = [[["netapp", {"default": True, "rack2": False}, [["size", "a text"]]]]]
    out = run("gnt-storage info").out
    assert out == ("netapp:\n  - Valid for nodegroups:\n      default\n"
                   "  - Supported parameters:\n      size: a text\n\n")
    master.results = [[["netapp", {"node1": [["/p", False, "no attach", []]]},
                        {"default": False}]]]
    master.calls.clear()
    outcome = run("gnt-storage diagnose")
    assert outcome.status == 1 and "ERROR: no attach (path: /p)" in outcome.out
