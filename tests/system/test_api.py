"""What operators ask and do on the Unix socket."""
import contextlib
import getpass
import socket
import time

import harness
import pytest
from harness import device, head, tcp_bus

USER = getpass.getuser()
POINTS = ("poll_interval = 200ms\n[point:d.leak]\nregister = coil:0\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"
          "[point:d.t]\nregister = holding:1\nunit = Cel\n[point:d.r]\nregister = holding:3\nunit = Cel\n[point:d.dp]\nregister = holding:2\nunit = kPa\n"
          "[loop:l]\ncoolant = water\nflow = d.flow\nsupply = d.t\nreturn = d.r\npressure_drop = d.dp\n")


@pytest.fixture
def server(start, tmp_path):
    return start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": {0: 100, 1: 30, 2: 120, 3: 30}}})


@pytest.fixture
def daemon(server, coolantd, subscriber):
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra=POINTS))
    subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "active")
    return d


def test_an_alarm_is_acknowledged_once(daemon, server, subscriber, tmp_path):
    status, all_alarms = harness.ask(tmp_path, "GET", "/v1/alarms")
    assert status == 200 and all_alarms["alarms"]["d-leak"]["state"] == "active"
    assert {"coolantd-spool", "coolantd-state", "coolantd-flood", "l-flow-lost"} <= set(all_alarms["alarms"])
    status, alarm = harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack")
    assert status == 200 and alarm["acknowledged"] is True and alarm["state"] == "active"
    assert alarm["acknowledged_by"] == USER
    # the dashboards hear of it
    assert subscriber.wait("alarm/d-leak", lambda m: m.json["acknowledged"]).json["state"] == "active"
    daemon.wait_line(f"alarm d-leak is active, acknowledged by {USER}")
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack") == (
        409, {"error": "d-leak cannot be acknowledged: it is acknowledged already"})
    # seen already, so it does not wait when the condition goes
    server.set(1, "coil", 0, [0])
    subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "normal", timeout=15)
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack") == (
        409, {"error": "d-leak cannot be acknowledged: it is not active"})
    # a new leak is new
    mark = len(subscriber.messages)
    server.set(1, "coil", 0, [1])
    assert subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "active", after=mark).json["acknowledged"] is False


def test_health_says_how_soon_alarms_were_told(daemon, subscriber):
    first = subscriber.wait("health", lambda m: m.json["alarm_latency_ms"] is not None, timeout=30).json
    assert 0 < first["alarm_latency_ms"] < 1000  # on a machine that is busy with tests
    subscriber.wait("health", lambda m: m.json["ts"] > first["ts"] and m.json["alarm_latency_ms"] is None, timeout=30)


def test_an_acknowledgement_outlives_a_restart(daemon, subscriber, start, broker, tmp_path):
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack")[0] == 200
    assert daemon.stop() == 0
    start(harness.Process, [harness.COOLANTD, "-c", daemon.path]).wait_line("started: ")
    alarm = harness.ask(tmp_path, "GET", "/v1/alarms")[1]["alarms"]["d-leak"]
    assert alarm["acknowledged"] is True and alarm["acknowledged_by"] == USER


def test_a_shelved_alarm_is_back_by_itself(daemon, subscriber, start, tmp_path):
    status, alarm = harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/shelve", '{"for":"8s"}')
    assert status == 200 and alarm["state"] == "shelved" and alarm["shelved_by"] == USER
    until = alarm["shelved_until"]
    assert 6000 < until - 1000 * time.time() <= 8000
    assert subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "shelved").json["shelved_until"] == until
    daemon.wait_line(f"alarm d-leak is shelved, for 8s by {USER}")
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack")[0] == 409
    # a restart takes nothing from the shelf, and leaves nothing on it for longer
    assert daemon.stop() == 0
    mark = len(subscriber.messages)
    start(harness.Process, [harness.COOLANTD, "-c", daemon.path]).wait_line("started: ")
    assert harness.ask(tmp_path, "GET", "/v1/alarms")[1]["alarms"]["d-leak"]["shelved_until"] == until
    back = subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "active", after=mark).json
    assert 0 <= back["ts"] - until <= 1500 and "shelved_until" not in back
    # or when somebody says so
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/shelve", '{ "for" : "7d" } ')[0] == 200
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/unshelve")[1]["state"] == "active"
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/unshelve")[0] == 409
    assert harness.ask(tmp_path, "POST", "/v1/alarms/coolantd-spool/shelve", '{"for":"1h"}')[0] == 409


@pytest.mark.parametrize("body", ["", "{}", '{"for":"8d"}', '{"for":"0s"}', '{"for":"x"}', '{"for":"1h"} 2', '{"for":1}'])
def test_a_shelf_without_an_end_is_refused(daemon, tmp_path, body):
    status, answer = harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/shelve", body)
    assert status in (400, 409) and "7d" in answer["error"]


def test_what_has_happened_outlives_a_restart(daemon, server, subscriber, start, tmp_path):
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack")[0] == 200
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/shelve", '{"for":"1h"}')[0] == 200
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/unshelve")[0] == 200
    server.set(1, "coil", 0, [0])
    subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "normal", timeout=15)
    status, before = harness.ask(tmp_path, "GET", "/v1/alarms/history")
    of_leak = [c for c in before["history"] if c["name"] == "d-leak"]
    assert status == 200 and [(c["state"], c["acknowledged"], c.get("by")) for c in of_leak] == [
        ("active", False, None), ("active", True, USER), ("shelved", True, USER), ("active", True, USER), ("normal", True, None)]
    assert of_leak[0]["ts"] == next(m.json["ts"] for m in subscriber.of("alarm/d-leak") if m.json["state"] == "active")
    assert of_leak[0]["message"] == "coolant leak at d" and of_leak[0]["severity"] == "critical" and of_leak[0]["value"] == 1
    assert [c["ts"] for c in before["history"]] == sorted(c["ts"] for c in before["history"])
    assert not [c for c in before["history"] if c["state"] == "unknown"]  # that only says that there is no reading yet
    assert daemon.stop() == 0
    again = start(harness.Process, [harness.COOLANTD, "-c", daemon.path])
    again.wait_line("started: ")
    after = harness.ask(tmp_path, "GET", "/v1/alarms/history")[1]["history"]
    assert after[:len(before["history"])] == before["history"]


def test_an_alarm_says_why_nothing_is_known(daemon, server, subscriber):
    server.stop()
    gone = subscriber.wait("alarm/l-supply_high", lambda m: m.json["state"] == "unknown" and "stale" in m.json["reason"]).json
    assert gone["reason"] == "d.t is stale"


def test_what_a_loop_has_learned_outlives_reload_and_restart(daemon, server, subscriber, start, tmp_path):
    subscriber.wait("loop/l", lambda m: m.json["quality"]["filter_resistance"] == "estimated")
    assert subscriber.last("loop/l").json["values"]["filter_resistance_ratio"] is None
    status, learned = harness.ask(tmp_path, "POST", "/v1/loops/l/learn")
    assert status == 200 and learned["nominal_flow"] == pytest.approx(100) and learned["clean_resistance"] == pytest.approx(0.012)
    assert learned["pump_speed"] is None
    server.set(1, "holding", 2, [240])
    subscriber.wait("loop/l", lambda m: m.json["values"]["filter_resistance_ratio"] == pytest.approx(2))
    daemon.reload(daemon.path.read_text() + "return_high = 60\n")
    mark = len(subscriber.messages)
    subscriber.wait("loop/l", lambda m: m.json["values"]["filter_resistance_ratio"] == pytest.approx(2), after=mark)
    daemon.stop()
    mark = len(subscriber.messages)
    start(harness.Process, [harness.COOLANTD, "-c", daemon.path]).wait_line("took up the state")
    subscriber.wait("loop/l", lambda m: m.json["values"]["filter_resistance_ratio"] == pytest.approx(2), after=mark)


@pytest.mark.parametrize("method, path, status, what", [
    ("GET", "/", 404, "no such path"),
    ("GET", "/v1/alarms/", 404, "no such path"),
    ("POST", "/v1/alarms", 405, "not with this method"),
    ("GET", "/v1/alarms/d-leak/ack", 405, "not with this method"),
    ("POST", "/v1/alarms/none/ack", 404, "no such alarm"),
    ("POST", "/v1/alarms/none/shelve", 404, "no such alarm"),
    ("POST", "/v1/alarms/none/unshelve", 404, "no such alarm"),
    ("POST", "/v1/alarms//ack", 404, "no such path"),
    ("POST", "/v1/alarms/" + 300 * "x" + "/ack", 404, "no such path"),
    ("POST", "/v1/loops/none/learn", 404, "no such loop"),
])
def test_wrong_requests_are_told_what_is_allowed(daemon, tmp_path, method, path, status, what):
    got, answer = harness.ask(tmp_path, method, path)
    assert got == status and what in answer["error"]


def test_a_loop_without_flow_cannot_learn(daemon, server, subscriber, tmp_path):
    server.set(1, "holding", 0, [0])
    subscriber.wait("loop/l", lambda m: m.json["values"]["flow"] == 0)
    status, answer = harness.ask(tmp_path, "POST", "/v1/loops/l/learn")
    assert status == 409 and answer["error"] == "l cannot learn: there is no good reading of a flow above 0"


def test_nonsense_and_too_many_connections_harm_nobody(daemon, subscriber, tmp_path):
    idle = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    for s in idle:
        s.settimeout(harness.PATIENCE)
        with contextlib.suppress(BlockingIOError):  # more than wait in line are refused
            s.connect(f"{tmp_path}/http")
    idle[0].sendall(b"\0\xff nonsense\r\n\r\n")
    idle[1].sendall(b"GET /v1/alarms HTTP/1.1\r\n" + b"X: " + 100000 * b"y")
    mark = len(subscriber.messages)
    subscriber.wait("loop/l", after=mark)  # the loop goes on
    for s in idle:
        s.close()
    harness.wait_for(lambda: harness.ask(tmp_path, "GET", "/v1/alarms")[0] == 200, "an answer")
    # a body that nobody asked for is not kept
    assert harness.ask(tmp_path, "POST", "/v1/loops/none/learn", body=b"z" * 1000)[0] == 404
    assert daemon.process.poll() is None


def test_a_socket_that_is_in_use_is_left_alone(daemon, coolantd, broker, start, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    ini = head(tmp_path, broker.port).replace(f"{tmp_path}/state", f"{other}/state")
    second = start(harness.Coolantd, other, ini)
    second.wait_line(f"no requests at {tmp_path}/http: another process listens there")
    second.stop()
    assert harness.ask(tmp_path, "GET", "/v1/alarms")[0] == 200
    # what a killed one has left behind is no hindrance
    daemon.process.kill()
    daemon.process.wait()
    third = start(harness.Coolantd, other, ini)
    assert harness.ask(tmp_path, "GET", "/v1/alarms")[0] == 200
    assert "no requests" not in third.text
