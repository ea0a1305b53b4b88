"""SIGHUP: a good configuration is taken, a bad one is refused, and what did not change is not disturbed."""
import signal

import harness
from harness import device, head, tcp_bus

POINT = "[point:{0}.p]\nregister = holding:0\n"


def count_connections(port):
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return {r[9] for r in rows if r[2].endswith(f":{port:04X}") and r[3] == "01"}


def test_unchanged_devices_and_buses_go_on(start, coolantd, subscriber, broker, tmp_path):
    units = {str(u): {"holding": {0: u}} for u in (1, 2)}
    a, b = start(harness.ModbusServer, tmp_path, units), start(harness.ModbusServer, tmp_path, units)
    keep = tcp_bus("a", a.port) + device("a1", "a", extra="poll_interval = 200ms\n" + POINT.format("a1"))
    daemon = coolantd(keep + tcp_bus("b", b.port) + device("b1", "b", extra=POINT.format("b1")), mqtt="publish = always\n")
    subscriber.wait("device/a1")
    subscriber.wait("device/b1")
    sockets = count_connections(a.port)
    assert len(sockets) == 1
    mark, seq = len(subscriber.messages), subscriber.last("device/a1").json["seq"]

    # b1 goes, a2 comes on the bus of a1
    daemon.reload(head(tmp_path, broker.port, "publish = always\n") + keep + device("a2", "a", 2, extra=POINT.format("a2")))
    subscriber.wait("device/a2", after=mark)
    subscriber.wait("device/a1", lambda m: m.json["seq"] > seq + 5, after=mark)
    assert count_connections(a.port) == sockets  # the same connection
    times = [m.json["ts"] for m in subscriber.of("device/a1", mark)]
    assert max(y - x for x, y in zip(times, times[1:])) < 450  # no interval was lost
    assert set(subscriber.wait("info", after=mark).json["devices"]) == {"a1", "a2"}
    harness.wait_for(lambda: not count_connections(b.port), "the end of the bus that is gone")
    assert "silent" not in daemon.text


def test_a_bad_configuration_is_refused_and_the_old_one_goes_on(start, coolantd, subscriber, broker, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1}}})
    good = tcp_bus("b", server.port) + device("d", "b", extra=POINT.format("d"))
    daemon = coolantd(good, mqtt="publish = always\n")
    subscriber.wait("device/d")
    sockets, before = count_connections(server.port), len(daemon.lines)
    daemon.path.write_text(head(tmp_path, broker.port) + good + "[mqtt2]\n[bus:b2]\ntype = tcp\nhots = x\n")
    daemon.send(signal.SIGHUP)
    daemon.wait_line("not reloaded, the configuration as it was goes on", after=before)
    said = "\n".join(daemon.lines[before:])
    assert "[mqtt2]: unknown section" in said and "hots: unknown key, did you mean 'host'?" in said
    seq = subscriber.last("device/d").json["seq"]
    subscriber.wait("device/d", lambda m: m.json["seq"] >= seq + 2)
    assert count_connections(server.port) == sockets


def test_a_changed_bus_is_opened_anew(start, coolantd, subscriber, broker, tmp_path):
    a, b = (start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: v}}}) for v in (1, 2))
    dev = device("d", "b", extra=POINT.format("d"))
    daemon = coolantd(tcp_bus("b", a.port) + dev)
    subscriber.wait("device/d", lambda m: m.json["values"] == {"p": 1})
    daemon.reload(head(tmp_path, broker.port) + tcp_bus("b", b.port) + dev)
    subscriber.wait("device/d", lambda m: m.json["values"] == {"p": 2})


def test_another_broker(start, coolantd, broker, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1}}})
    rest = tcp_bus("b", server.port) + device("d", "b", extra=POINT.format("d"))
    daemon = coolantd(rest)
    subscriber.wait("status", lambda m: m.text == "online")
    (tmp_path / "second").mkdir()
    other = start(harness.Broker, tmp_path / "second")
    watcher = harness.Subscriber(other.port)
    daemon.reload(head(tmp_path, other.port) + rest)
    subscriber.wait("status", lambda m: m.text == "offline")
    watcher.wait("status", lambda m: m.text == "online")
    watcher.wait("device/d")
    watcher.close()


def test_a_pue_window_survives_a_reload(start, coolantd, subscriber, broker, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 118, 1: 100}}})
    ini = (tcp_bus("b", server.port) + device("d", "b", extra="[point:d.total]\nregister = holding:0\nunit = kW\n"
           "[point:d.it]\nregister = holding:1\nunit = kW\n") + "[pue:row]\nfacility = d.total\nit = d.it\nwindows = 1m\n")
    daemon = coolantd(ini)
    before = subscriber.wait("pue/row", lambda m: m.json["windows"]["1m"]["coverage"] > 0.06).json["windows"]["1m"]["coverage"]
    mark = len(subscriber.messages)
    daemon.reload(head(tmp_path, broker.port) + ini + "[alarm:a]\npoint = d.it\nwhen = stale\n")
    after = subscriber.wait("pue/row", after=mark).json["windows"]["1m"]["coverage"]
    assert after >= before


def test_an_alarm_that_is_configured_no_more_is_gone_from_the_broker(start, coolantd, subscriber, broker, tmp_path):
    """Also when it was taken out while coolantd did not run."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": {0: 1}}})
    keep = tcp_bus("b", server.port) + device("d", "b", extra="[point:d.leak]\nregister = coil:0\n" + POINT.format("d"))
    first, second = ("[alarm:%s]\npoint = d.p\nwhen = above\nlimit = 0\n" % name for name in ("one", "two"))
    daemon = coolantd(keep + first + second)
    for name in ("one", "two", "d-leak"):
        subscriber.wait(f"alarm/{name}", lambda m: m.json["state"] == "active")
    daemon.reload(head(tmp_path, broker.port) + keep + second)
    assert subscriber.wait("alarm/one", lambda m: m.text == "")
    daemon.stop()
    daemon.path.write_text(head(tmp_path, broker.port) + keep.replace("unit = 1\n", "unit = 1\nalarms = no\n"))
    again = start(harness.Process, [harness.COOLANTD, "-c", daemon.path])
    again.wait_line("alarm two is configured no more")
    for name in ("two", "d-leak"):
        assert subscriber.wait(f"alarm/{name}", lambda m: m.text == "")
    late = harness.Subscriber(broker.port, "coolant/+/+/alarm/#")
    for name in ("flood", "spool", "state"):
        late.wait(f"alarm/coolantd-{name}")
    assert {m.topic.rsplit("/", 1)[1] for m in late.messages} == {"coolantd-flood", "coolantd-spool", "coolantd-state"}
    late.close()
    # and what comes back is there again
    again.stop()
    daemon.path.write_text(head(tmp_path, broker.port) + keep + second)
    mark = len(subscriber.messages)
    start(harness.Process, [harness.COOLANTD, "-c", daemon.path])
    subscriber.wait("alarm/two", lambda m: m.text and m.json["state"] == "active", after=mark)


def test_a_shorter_control_interval_holds_at_once(start, coolantd, subscriber, broker, tmp_path):
    """Without a tick of the new rhythm being missed before it has begun: the watchdog would end the process."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1}}})
    rest = tcp_bus("a", server.port) + device("a1", "a", extra=POINT.format("a1"))
    ini = head(tmp_path, broker.port).replace("[daemon]\n", "[daemon]\ncontrol_interval = 60s\n")
    daemon = coolantd("")
    daemon.reload(ini + rest)
    up = harness.ask(tmp_path, "GET", "/v1/status")[1]["uptime_s"]
    harness.wait_for(lambda: harness.ask(tmp_path, "GET", "/v1/status")[1]["uptime_s"] > up + 2, "a while without a tick")
    daemon.reload(ini.replace("60s", "100ms") + rest)
    up = harness.ask(tmp_path, "GET", "/v1/status")[1]["uptime_s"]
    while harness.ask(tmp_path, "GET", "/v1/status")[1]["uptime_s"] < up + 2:
        assert harness.fetch(tmp_path, "/healthz")[0] == 200, daemon.text
    assert "makes no progress" not in daemon.text
