"""The Sparkplug B edge node, as a host of npm's sparkplug-payload sees it. What the specification asks for: tests/sparkplug.md."""
import pytest
from harness import Coolantd, ModbusServer, device, head, tcp_bus
from sparkplug_host import SparkplugHost

SECTION = "[sparkplug]\ngroup = plant\n"
POINTS = ("[point:d.flow]\nregister = holding:0\nscale = 0.1\nunit = L/min\n[point:d.pump]\nregister = holding:1\nenum = 0:off, 1:on\n"
          "[point:d.hours]\nregister = holding:2\ntype = u32\nunit = h\n[point:d.leak]\nregister = holding:4\nbit = 0\n"
          "[alarm:leak]\npoint = d.leak\nwhen = true\n")


def row(server, points=POINTS, extra=""):
    return (tcp_bus("b", server.port, "response_timeout = 200ms\nmax_backoff = 1s\n")
            + device("d", "b", extra="poll_interval = 100ms\n" + extra + points))


@pytest.fixture
def server(start, tmp_path):
    return start(ModbusServer, tmp_path, {"1": {"holding": {0: 425, 1: 1, 2: 1, 3: 5, 4: 0, **{n: 0 for n in range(5, 40)}}}})


@pytest.fixture
def host(start, broker):
    return start(SparkplugHost, broker.port)


def test_births_data_and_deaths(start, tmp_path, broker, server, host):
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + SECTION + row(server))
    birth = host.wait("DBIRTH", "d")
    assert [m.verb for m in host.messages][0] == "NBIRTH" and birth.topic == "spBv1.0/plant/DBIRTH/dc1-r07/d"
    node = host.messages[0]
    assert node.metric("bdSeq")["value"] == "0" and node.metric("Node Control/Rebirth")["value"] is False and node.seq == 0
    kinds = {m["name"]: (m["type"], m["value"]) for m in birth.metrics}
    assert kinds == {"flow": ("Double", 42.5), "pump": ("String", "on"), "hours": ("Int64", str(65541)), "leak": ("Boolean", False)}
    server.set(1, "holding", 0, [430])
    data = host.wait("DDATA", "d")
    assert host.values("d")["flow"] == (43, 192) and [m.get("name") for m in data.metrics] == [None]
    server.set(1, "holding", 4, [1])
    host.wait("DDATA", "alarm.leak", lambda m: m.metrics[0]["value"] == "active")
    daemon.stop()
    assert host.wait("NDEATH").metric("bdSeq")["value"] == "0"
