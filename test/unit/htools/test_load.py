"""Reading clusters: text, simulation, units, what is refused, what is completed."""

import http.server
import json
import threading
from types import SimpleNamespace

import pytest

from ganeti import constants, errors
from ganeti.htools import model
from ganeti.htools.load import prepare, simulate, text, units, utilisation
from ganeti.htools.prog import sources
from test.bench import clusters


@pytest.mark.parametrize("seed", range(12))
def test_written_text_reads_as_the_same_cluster(seed):
    cluster = clusters.strange(seed)
    written = text.dump(cluster)
    assert text.dump(text.parse(written)) == written


def test_resources_that_are_unknown_make_a_node_offline():
    cluster = text.parse("g|u|preferred\n\nn|?|1|99|10|10|1|N|u\n\n\n\n\n")
    assert cluster.nodes[0].offline and cluster.nodes[0].t_mem == 0


@pytest.mark.parametrize("content, part", [
    ("", "0 sections"),
    ("junk", "1 sections"),
    ("g|u\n\n\n\n\n\n", "2 fields"),
    ("g|u|sometimes\n\n\n\n\n\n", "sometimes"),
    ("g|u|preferred\n\nn|x|1|99|10|10|1|N|u\n\n\n\n\n", "total memory"),
    ("g|u|preferred\n\nn|1|1|99|10|10|1|Z|u\n\n\n\n\n", "none of Y, N, M"),
    ("g|u|preferred\n\n\ni|1|1|1|running|Y|n|n|drbd|\n\n\n", "same primary and secondary"),
    ("g|u|preferred\n\n\ni|1|1|1|dancing|Y|n||drbd|\n\n\n", "dancing"),
    ("g|u|preferred\n\n\ni|1|1|1|running|Y|n||tape|\n\n\n", "tape"),
])
def test_bad_text_is_refused_with_its_reason(content, part):
    with pytest.raises(model.LoadError, match=part):
        text.parse(content)


def test_upper_case_units_are_decimal():
    assert units.parse_size("40G") == 38147
    assert units.parse_size("40g") == 40960
    assert units.parse_size("512") == 512
    with pytest.raises(errors.UnitParseError):
        units.parse_size("4x")


def test_a_simulated_group():
    cluster = simulate.load(["l,2,100g,32g,8,4,1"])
    assert cluster.groups[0].alloc_policy == "last_resort"
    assert [node.name for node in cluster.nodes] == ["node-01-001", "node-01-002"]
    assert (cluster.nodes[0].t_dsk, cluster.nodes[0].f_mem, cluster.nodes[0].spindles,
            cluster.nodes[0].exclusive) == (102400, 32768, 4, True)
    with pytest.raises(model.LoadError):
        simulate.load(["p,2"])


def test_the_shared_domain_is_left_out():
    assert model.common_suffix(["a.x.org", "b.x.org"]) == ".x.org"
    assert model.common_suffix(["a.x.org", "b.y.org"]) == ".org"
    assert model.common_suffix(["a", "b.org"]) == ""


def test_unknown_names_are_refused(small):
    with pytest.raises(model.RequestError, match="nodex"):
        prepare.prepare(small, prepare.Wishes(offline=["nodex"]))
    with pytest.raises(model.RequestError, match="instx"):
        prepare.prepare(small, prepare.Wishes(select_instances=["instx"]))
    small.instances[0].pnode = "nowhere"
    with pytest.raises(model.LoadError, match="nowhere"):
        prepare.prepare(small)


def test_numbers_that_do_not_fit_are_mentioned(small):
    assert prepare.prepare(small) == ["node node2 is missing 4696 MB ram and -10 GB disk",
                                      "node node1 is missing 3552 MB ram and -10 GB disk"]


def test_utilisation_file(small, tmp_path):
    path = tmp_path / "dynu"
    path.write_text("inst1 2 3 4 5.5\n")
    utilisation.load_file(small, str(path))
    assert small.instances[0].load == (2, 3, 4, 5.5)
    path.write_text("inst1 2\n")
    with pytest.raises(model.LoadError, match="line 1"):
        utilisation.load_file(small, str(path))


def test_cpu_load_of_a_node_is_shared_by_cpus(small):
    report = [{"name": "cpu-avg-load", "data": {"cpu_total": 6.0}}]
    missing = utilisation.apply_reports(small, {"node1": report}, xen=False, complete=False)
    assert missing == ["node2", "node3"]
    assert small.instances[0].load[0] == 3.0 and small.instances[2].load[0] == 0.0
    with pytest.raises(model.LoadError, match="node2"):
        utilisation.apply_reports(small, {"node1": report}, xen=False, complete=True)


def test_monitoring_daemons_are_asked_for_the_load(tmp_path):
    class Monitor(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/1/report/all" else 404)
            self.end_headers()
            self.wfile.write(json.dumps([{"name": "cpu-avg-load", "data": {
                "cpu_number": 8, "cpus": [0.75] * 8, "cpu_total": 6.0}}]).encode())

        def log_message(self, *_args):
            pass

    address = "127.13.18.15"
    server = http.server.HTTPServer((address, constants.DEFAULT_MOND_PORT), Monitor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = tmp_path / "x"
    path.write_text(f"g|u|preferred\n\n{address}|100|1|99|10|10|1|N|u\n127.13.18.16|100|1|99|10|10"
                    f"|1|N|u\n\ni|1|1|1|running|Y|{address}||ext\nj|1|1|3|running|Y|{address}||ext\n"
                    "k|1|1|1|running|Y|127.13.18.16||ext\n\n\n")
    try:
        opts = SimpleNamespace(text_data=str(path), mond=True, verbose=0)
        cluster = sources.load(opts)
        assert [inst.load[0] for inst in cluster.instances] == [1.5, 4.5, 1.0]
        with pytest.raises(model.LoadError, match=r"127\.13\.18\.16"):
            sources.load(SimpleNamespace(**vars(opts), mond_required=True))
    finally:
        server.shutdown()
        server.server_close()
