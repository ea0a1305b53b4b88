"""The Sparkplug B edge node, as a host of npm's sparkplug-payload sees it. What the specification asks for: tests/sparkplug.md."""
import json
import pathlib
import re
import time

import pytest
from harness import Broker, Coolantd, ModbusServer, ask, device, fetch, head, tcp_bus, wait_for
from mqtt_broker import EXPIRY, ScriptedBroker
from sparkplug_host import SparkplugHost, fields, session_number

SECTION = "[sparkplug]\ngroup = plant\n"
NODE = "spBv1.0/plant/{}/dc1-r07"
POINTS = ("[point:d.flow]\nregister = holding:0\nscale = 0.1\nunit = L/min\n[point:d.pump]\nregister = holding:1\nenum = 0:off, 1:on\n"
          "[point:d.hours]\nregister = holding:2\ntype = u32\nunit = h\n[point:d.leak]\nregister = holding:4\nbit = 0\n"
          "[point:d.mute]\nregister = holding:900\n[point:d.serial]\nregister = holding:10\ntype = string\nlength = 2\n"
          "[alarm:leak]\npoint = d.leak\nwhen = true\n")
FIGURES = ("[point:d.supply]\nregister = holding:5\nscale = 0.1\nunit = Cel\n[point:d.return]\nregister = holding:6\nscale = 0.1\nunit = Cel\n"
           "[point:d.active_power]\nregister = holding:7\nunit = kW\n[point:d.rack_power]\nregister = holding:8\nunit = kW\n[loop:tech]\ncoolant = water\nflow = d.flow\nsupply = d.supply\nreturn = d.return\n"
           "[group:g]\nloops = tech\nneeded = 1\n[pue:row]\nfacility = d\nit = d.rack_power\nwindows = 1m\n")


def row(server, points=POINTS, name="d"):
    return (tcp_bus("b", server.port, "response_timeout = 200ms\nmax_backoff = 1s\n")
            + device("d", "b", extra="poll_interval = 100ms\n" + points)).replace("device:d]", f"device:{name}]").replace("d.", f"{name}.")


@pytest.fixture
def server(start, tmp_path):
    holding = {n: 0 for n in range(40)} | {0: 425, 1: 1, 2: 1, 3: 5, 5: 200, 6: 300, 7: 5, 8: 5, 10: 0x4142, 11: 0x4344}
    return start(ModbusServer, tmp_path, {"1": {"holding": holding}})


@pytest.fixture
def host(start, broker):
    return start(SparkplugHost, broker.port)


def check_sequence(messages):
    """Each message of a node has the number after that of the one before, from its birth on; all are as births said."""
    number, born = None, {}
    for m in messages:
        assert not m.retain and "timestamp" in m.payload, m
        assert all("timestamp" in x for x in m.metrics), m
        if m.verb == "NDEATH":
            assert m.seq is None and [x["name"] for x in m.metrics] == ["bdSeq"]
            number, born = None, {}
            continue
        assert m.qos == 0 and m.topic == f"spBv1.0/plant/{m.verb}/dc1-r07" + (f"/{m.device}" if m.device else ""), m
        assert m.verb == "NBIRTH" or number is not None, "the birth of the node comes first"
        assert m.seq == (0 if m.verb == "NBIRTH" else (number + 1) % 256), m
        number = m.seq
        born = {} if m.verb == "NBIRTH" else born
        if m.verb == "DBIRTH":
            assert all(x.get("name") and x.get("alias") and x.get("type") for x in m.metrics), m
            born[m.device] = {x["alias"] for x in m.metrics}
        if m.verb == "DDATA":
            assert m.device in born and m.metrics, f"{m} before its birth"
            assert all("name" not in x and x["alias"] in born[m.device] for x in m.metrics), m
        if m.verb == "DDEATH":
            assert m.device in born
        times = [int(x["timestamp"]) for x in m.metrics if not x.get("isHistorical")]
        assert times == sorted(times), m
        for x in m.metrics:
            assert x.get("properties", {}).get("Quality", {"type": "Int32", "value": 192}) in [{"type": "Int32", "value": v} for v in (0, 192, 500)], x
    aliases = [a for d in born.values() for a in d]
    assert len(set(aliases)) == len(aliases)


def test_births_data_and_deaths(start, tmp_path, broker, server, host):
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + SECTION + row(server, POINTS + FIGURES))
    birth = host.wait("DBIRTH", "d")
    node = host.messages[0]
    assert node.verb == "NBIRTH" and node.seq == 0 and node.topic == NODE.format("NBIRTH")
    assert {m["name"]: (m["type"], m["value"], m.get("alias")) for m in node.metrics} == {
        "bdSeq": ("Int64", "0", None), "Node Control/Rebirth": ("Boolean", False, None)}
    assert {m["name"]: (m["type"], m["value"], m.get("properties", {}).get("engUnit", {}).get("value")) for m in birth.metrics if m["name"] in POINTS} == {
        "flow": ("Double", 42.5, "L/min"), "pump": ("String", "on", None), "hours": ("Int64", str(65541), "h"), "leak": ("Boolean", False, None),
        "mute": ("Int64", None, None), "serial": ("String", "ABCD", None)}
    mute = birth.metric("mute")
    assert mute["properties"]["Quality"] == {"type": "Int32", "value": 0}
    assert [fields(m).get(7) for m in fields(birth.bytes)[2] if fields(m)[1] in ([b"mute"], [b"flow"])] in ([[1], None], [None, [1]])
    heat = host.wait("DBIRTH", "loop.tech").metric("heat")
    assert heat["type"] == "Double" and heat["properties"]["engUnit"]["value"] == "kW"
    assert {m["name"] for m in host.wait("DBIRTH", "pue.row").metrics} >= {"power_ratio", "facility_kw", "windows/1m/pue", "windows/1m/it_kwh"}
    assert host.wait("DBIRTH", "group.g").metric("redundancy")["type"] == "String"

    # what changes is told, by its alias alone; with nothing that changes there is nothing
    server.set(1, "holding", 0, [430])
    data = host.wait("DDATA", "d", lambda m: not m.metrics[0].get("isHistorical"))
    assert len(data.metrics) == 1 and host.values("d")["flow"] == (43, 192)
    server.set(1, "holding", 4, [1])
    host.wait("DDATA", "alarm.leak", lambda m: m.metrics[0]["value"] == "active")
    wait_for(lambda: host.values("loop.tech")["heat"][0], "heat")
    wait_for(lambda: host.values("pue.row")["power_ratio"][0] == 1, "a ratio")

    # a device that is silent dies, and is born again when it is back
    port, seen = server.port, len(host.messages)
    server.stop()
    host.wait("DDEATH", "d", after=seen)
    again = start(ModbusServer, tmp_path, {"1": {"holding": {n: 7 for n in range(40)}}}, port)
    assert host.wait("DBIRTH", "d", after=seen).metric("flow")["value"] == 0.7

    # a reload that changes devices: what is gone dies, and everything is born anew
    seen = len(host.messages)
    daemon.reload(head(tmp_path, broker.port) + SECTION + row(again, name="e"))
    host.wait("DBIRTH", "e", after=seen)
    verbs = [(m.verb, m.device) for m in host.messages[seen:]]
    assert verbs.index(("DDEATH", "d")) < verbs.index(("NBIRTH", None)) < verbs.index(("DBIRTH", "e"))
    count = len(host.messages)
    status = ask(tmp_path, "GET", "/v1/status")[1]["connections"]["sparkplug"]
    assert status["publisher"]["connected"] and status["publisher"]["published"] >= count and status["spool"]["problem"] is None
    assert not host.of("NDEATH")  # over the same connection
    # without the section there is none
    daemon.reload(head(tmp_path, broker.port) + row(again, name="e"))
    assert host.wait("NDEATH", after=seen).metric("bdSeq")["value"] == "0" and "sparkplug" not in ask(tmp_path, "GET", "/v1/status")[1]["connections"]
    daemon.reload(head(tmp_path, broker.port) + SECTION + row(again, name="e"))
    host.wait("DBIRTH", "e", after=len(host.messages))
    daemon.stop()
    wait_for(lambda: host.messages[-1].verb == "NDEATH", lambda: host.messages)
    check_sequence(host.messages)


def test_a_host_asks_for_births_anew(start, tmp_path, broker, server, host):
    many = "".join(f"[alarm:a{n}]\npoint = d.leak\nwhen = true\n" for n in range(260))
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + SECTION + row(server) + many)
    host.wait("DBIRTH", "alarm.a259")
    seen = len(host.messages)
    assert max(m.seq for m in host.messages) == 255 and not host.of("NDATA")
    host.command(rebirth="dc1-r07")
    birth = host.wait("NBIRTH", after=seen)
    host.wait("DBIRTH", "alarm.a259", after=seen)
    assert birth.metric("bdSeq")["value"] == "0" and birth.seq == 0
    data = [i for i, m in enumerate(host.messages[seen:]) if m.verb == "DDATA"]
    births = [i for i, m in enumerate(host.messages[seen:]) if m.verb == "DBIRTH"]
    assert not [i for i in data if births[0] < i < births[-1]]
    # what is no such command is none
    seen = len(host.messages)
    for text in ("", "nonsense", "\x12\x14\x0a\x12Node Control/Reboo"):
        host.command(raw=NODE.format("NCMD"), text=text)
    host.command(rebirth="other")
    server.set(1, "holding", 0, [430])
    host.wait("DDATA", "d", after=seen)
    assert not host.of("NBIRTH", after=seen)
    check_sequence(host.messages)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_the_session_of_an_edge_node(start, tmp_path, protocol, server, broker):
    scripted = start(ScriptedBroker)
    section = SECTION + f"broker = mqtt://127.0.0.1:{scripted.port}\nprotocol = {protocol}\nprimary_host =\n"
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port, "qos = 1\n") + section + row(server))
    births = wait_for(lambda: [m for m in scripted.messages if "/DBIRTH/" in m.topic], "births")
    link, first = scripted.link, scripted.messages[0]
    assert link.will[0] == NODE.format("NDEATH") and link.will_qos == 1 and not link.will_retain and link.clean_start
    assert link.version == (5 if protocol == "5" else 4) and link.properties.get(EXPIRY, 0) == 0 and link.client_id == "coolantd-dc1-r07-sparkplug"
    will = fields(link.will[1])
    metric = fields(will[2][0])
    assert set(will) == {1, 2} and len(will[2]) == 1 and metric[1] == [b"bdSeq"] and metric[4] == [4] and session_number(link.will[1]) == 0
    assert link.filters == [(NODE.format("NCMD"), 1, 0)]  # before the first message
    assert first.topic == NODE.format("NBIRTH") and session_number(first.payload) == 0 and fields(first.payload)[3] == [0]
    assert all(m.qos == 0 and not m.retain for m in scripted.messages) and births[0].link is link
    # each CONNECT has the next number, and so has its birth
    seen = len(scripted.messages)
    scripted.away()
    scripted.back()
    wait_for(lambda: [m for m in scripted.messages[seen:] if "/DBIRTH/" in m.topic], "births after the break")
    link, birth = scripted.link, scripted.messages[seen]
    assert birth.topic == NODE.format("NBIRTH") and session_number(birth.payload) == session_number(link.will[1]) >= 1
    # on purpose: a death, then a DISCONNECT with it
    daemon.stop()
    wait_for(lambda: link.goodbye is not None, "DISCONNECT")
    assert link.goodbye == (4 if protocol == "5" else 0)
    assert scripted.messages[-1].topic == NODE.format("NDEATH") and session_number(scripted.messages[-1].payload) == session_number(birth.payload)
    assert len([l for l in scripted.links if l.is_open]) == 0 and 3 not in fields(scripted.messages[-1].payload)


def test_what_was_measured_meanwhile_comes_late(start, tmp_path, server):
    broker = start(Broker, tmp_path)
    host = start(SparkplugHost, broker.port)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + SECTION + row(server))
    host.wait("DBIRTH", "d")
    broker.stop()
    daemon.wait_line(r"\[sparkplug\] no connection")
    began = time.time()
    for value in (500, 510, 520):
        server.set(1, "holding", 0, [value])
        wait_for(lambda: f'"value":{value // 10},' in fetch(tmp_path, "/v1/points?match=d.flow")[2], "a reading")
    server.stop()  # silent, before the broker is back
    wait_for(lambda: not ask(tmp_path, "GET", "/v1/status")[1]["devices"]["up"], "silence")
    seen = len(host.messages)
    broker.start()

    def late():
        return [(x["value"], int(x["timestamp"]) / 1000) for m in host.of("DDATA", "d", seen) for x in m.metrics if x.get("isHistorical")]
    wait_for(lambda: {50, 51, 52} <= {v for v, _ in late()}, lambda: host.messages[seen:])
    values = [v for v, _ in late() if v in (50, 51, 52)]
    assert values == sorted(values) and all(began <= t <= time.time() for v, t in late() if v in (50, 51, 52))
    # it was born for that, without values, and dies again
    assert host.wait("DBIRTH", "d", after=seen).metric("flow")["value"] is None
    host.wait("DDEATH", "d", after=seen)
    check_sequence(host.messages[seen:])


def test_nothing_is_said_without_the_primary_host(start, tmp_path, broker, server):
    watcher = start(SparkplugHost, broker.port)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + SECTION + "primary_host = scada\n" + row(server))
    daemon.wait_line(r"\[sparkplug\] waits for scada")
    watcher.command(raw="spBv1.0/STATE/other", text=json.dumps({"online": True, "timestamp": 1}))
    watcher.command(raw="spBv1.0/STATE/scada", text=json.dumps({"online": False, "timestamp": 1}))
    watcher.command(raw="spBv1.0/STATE/scada", text="ONLINE")
    server.set(1, "holding", 0, [500])
    wait_for(lambda: ask(tmp_path, "GET", "/v1/status")[1]["connections"]["sparkplug"]["spool"]["depth"] > 1, "values that are kept")
    assert not watcher.messages
    host = start(SparkplugHost, broker.port, host="scada")
    host.wait("DBIRTH", "d")
    wait_for(lambda: [x for m in host.of("DDATA", "d") for x in m.metrics if x.get("isHistorical")], "what was kept")
    # an end of an earlier session of the host says nothing
    host.command(online=False, timestamp=1)
    seen = len(host.messages)
    server.set(1, "holding", 0, [510])
    host.wait("DDATA", "d", after=seen)
    assert not host.of("NDEATH")
    host.command(online=False)
    host.wait("NDEATH", condition=lambda m: m.metric("bdSeq")["value"] == "0")
    daemon.wait_line("is offline, leaving")
    wait_for(lambda: len([l for l in daemon.lines if "waits for scada" in l]) == 2, "the next session")
    seen = len(host.messages)
    host.command(online=True, timestamp=int(time.time() * 1000))
    assert host.wait("NBIRTH", after=seen).metric("bdSeq")["value"] == "1"
    check_sequence(host.messages)


def test_the_primary_host_is_looked_for_at_the_next_server(start, tmp_path, broker, server):
    a, b = start(ScriptedBroker), start(ScriptedBroker)
    a.retained["spBv1.0/STATE/scada"] = json.dumps({"online": True, "timestamp": 1000}).encode()
    b.retained["spBv1.0/STATE/scada"] = json.dumps({"online": True, "timestamp": 500}).encode()
    section = SECTION + f"broker = mqtt://127.0.0.1:{a.port}, mqtt://127.0.0.1:{b.port}\nprimary_host = scada\n"
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + section + row(server))
    wait_for(lambda: [m for m in a.messages if "/DBIRTH/" in m.topic], "births at the first server")
    a.retained["spBv1.0/STATE/scada"] = offline = json.dumps({"online": False, "timestamp": 2000}).encode()
    a.link.deliver("spBv1.0/STATE/scada", offline)
    wait_for(lambda: [m for m in b.messages if "/DBIRTH/" in m.topic], "births at the next server")
    assert a.messages[-1].topic == NODE.format("NDEATH") and not a.link and b.link.filters[1][:2] == ("spBv1.0/STATE/scada", 1)
    assert session_number(b.messages[0].payload) == session_number(b.link.will[1]) == 1


def test_every_statement_of_the_specification_has_its_place():
    """tests/sparkplug.md: each id once, with tests that exist, or with why it is not ours."""
    folder = pathlib.Path(__file__).parent
    table = (folder.parent / "sparkplug.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \|$", table, re.M)
    ids = (folder / "sparkplug" / "tck-ids.txt").read_text().split()
    assert sorted(i for i, _ in rows) == sorted(ids)
    tests = set(re.findall(r"^def (test_\w+)", "".join(p.read_text() for p in folder.glob("test_*.py")), re.M))
    tests |= set(re.findall(r"cmocka_unit_test\((\w+)\)", "".join(p.read_text() for p in (folder.parent / "unit").glob("test_*.c"))))
    for statement, held in rows:
        named = re.findall(r"`(\w+)`", held)
        assert held.startswith(("n/a because ", "departs because ")) or (named and set(named) <= tests), (statement, held)
