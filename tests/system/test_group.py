"""Coolant loops that stand in for each other: may one more be lost?"""
import harness
import pytest
from harness import device, tcp_bus

# flow, supply, return, leak
READINGS = {0: 100, 1: 30, 2: 40, 3: 0}


def unit(name, number):
    return device(name, "b", unit=number, extra="poll_interval = 200ms\n" + "".join(
        f"[point:{name}.{key}]\nregister = holding:{i}\nunit = {u}\n"
        for i, (key, u) in enumerate({"flow": "L/min", "supply": "Cel", "return": "Cel"}.items())) +
        f"[point:{name}.leak]\nregister = holding:3\nbit = 0\n") + (
        f"[loop:{name}]\ncoolant = pg25\nflow = {name}.flow\nsupply = {name}.supply\nreturn = {name}.return\nflow_low = 50\n")


GROUP = "[group:cdus]\nloops = a, b, c\nneeded = 2\n"


@pytest.fixture
def server(start, tmp_path):
    return start(harness.ModbusServer, tmp_path, {str(n): {"holding": READINGS} for n in (1, 2, 3)})


@pytest.fixture
def daemon(server, coolantd, subscriber):
    d = coolantd(tcp_bus("b", server.port) + unit("a", 1) + unit("b", 2) + unit("c", 3) + GROUP)
    subscriber.wait("group/cdus", lambda m: m.json["values"]["redundancy"] == "n+1")
    return d


def redundancy(subscriber, word):
    return subscriber.wait("group/cdus", lambda m: m.json["values"]["redundancy"] == word).json


def test_a_group_says_whether_one_more_may_be_lost(daemon, server, subscriber):
    first = subscriber.wait("group/cdus", lambda m: m.json["values"]["heat"] is not None)
    assert set(first.json) >= {"ts", "values", "quality"} and first.json["quality"] == {} and first.json["unfit"] == {}
    assert first.json["values"] == {"heat": pytest.approx(3 * 67.11, rel=1e-3), "flow": 300, "fit": 3, "needed": 2,
                                    "redundancy": "n+1"}
    assert subscriber.wait("info").json["groups"] == ["cdus"]
    for name in ("cdus-redundancy_lost", "cdus-no_spare"):
        subscriber.wait(f"alarm/{name}", lambda m: m.json["state"] == "normal")
    server.set(1, "holding", 0, [0])
    one = redundancy(subscriber, "n")
    assert one["values"]["fit"] == 2 and one["values"]["flow"] == 200 and one["unfit"] == {"a": "there is no flow"}
    warning = subscriber.wait("alarm/cdus-no_spare", lambda m: m.json["state"] == "active").json
    assert warning["severity"] == "warning" and warning["value"] == 2 and warning["point"] == "group.cdus.fit"
    server.set(2, "holding", 0, [40])
    two = redundancy(subscriber, "lost")
    assert two["values"]["fit"] == 1 and two["unfit"]["b"] == "the flow is low"
    critical = subscriber.wait("alarm/cdus-redundancy_lost", lambda m: m.json["state"] == "active").json
    assert critical["severity"] == "critical" and critical["value"] == 1
    server.set(1, "holding", 0, [100])
    server.set(2, "holding", 0, [100])
    redundancy(subscriber, "n+1")


def test_a_critical_alarm_makes_a_loop_unfit(daemon, server, subscriber):
    server.set(3, "holding", 3, [1])
    leak = redundancy(subscriber, "n")
    assert leak["unfit"] == {"c": "a critical alarm is active"} and leak["values"]["flow"] == 300
    server.set(3, "holding", 3, [0])
    redundancy(subscriber, "n+1")


def test_a_unit_that_falls_silent_is_not_fit(daemon, server, subscriber):
    server.stop()
    gone = subscriber.wait("group/cdus", lambda m: m.json["values"]["fit"] == 0).json
    assert gone["values"]["redundancy"] == "lost" and gone["values"]["heat"] is None and gone["quality"]["heat"] == "invalid"
    assert set(gone["unfit"]) == {"a", "b", "c"} and "stale" in gone["reason"]["heat"]


def test_at_the_start_nothing_is_claimed(coolantd, subscriber, start, tmp_path):
    """Until each unit has answered or is known to be silent."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": READINGS}, "2": {"holding": READINGS}})
    coolantd(tcp_bus("b", server.port) + unit("a", 1) + unit("b", 2) + unit("c", 3) + GROUP)
    first = subscriber.wait("group/cdus").json
    assert first["values"]["fit"] is None and first["values"]["redundancy"] is None
    assert first["quality"]["redundancy"] == "invalid" and "nothing was heard" in first["reason"]["fit"]
    assert redundancy(subscriber, "n")["unfit"] == {"c": "the flow is not known"}


def test_a_group_that_leaves_the_configuration_leaves_the_broker(daemon, subscriber):
    daemon.reload(daemon.path.read_text().replace(GROUP, ""))
    subscriber.wait("group/cdus", lambda m: m.text == "")
