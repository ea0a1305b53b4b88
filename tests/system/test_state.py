"""Energies and alarms over a restart, and what happens when they cannot be saved."""
import struct
import time

import harness
from harness import Coolantd, device, head, tcp_bus

METERS = ("facility", "rack")
ALARMS = ("[alarm:leak]\npoint = rack.leak\nwhen = true\nseverity = critical\nlatch = yes\nmessage = a leak\n"
          "[alarm:power]\npoint = rack.active_power\nwhen = above\nlimit = 10\nmessage = much power\n")


def start_meters(start, tmp_path):
    """Two meters of 118 and 100 kW with counters in Wh, which the test sets."""
    server = start(harness.ModbusServer, tmp_path, {
        "1": {"holding": harness.registers(0, harness.f32(118.0) + [0, 0, 0])},
        "2": {"holding": harness.registers(0, harness.f32(100.0) + [0, 0, 0])}})
    points = ("[point:{0}.active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"
              "[point:{0}.active_energy_import]\nregister = holding:2\ntype = u32\nunit = kWh\nscale = 0.001\ncounter = yes\n"
              "[point:{0}.leak]\nregister = holding:4\ntype = bool\nbit = 0\n")
    ini = tcp_bus("b", server.port) + "".join(
        device(name, "b", unit, extra="poll_interval = 200ms\n" + points.format(name))
        for unit, name in enumerate(METERS, 1)) + "[pue:row]\nfacility = facility\nit = rack\nwindows = 1m, 1h, 1d\n" + ALARMS
    return server, ini


def set_energy(server, wh):
    """The rack has counted so much, the facility 1.18 times that."""
    for unit, value in ((1, wh * 118 // 100), (2, wh)):
        server.set(unit, "holding", 2, [value >> 16, value & 0xffff])


def it_kwh(m):
    return m.json["windows"]["1m"]["it_kwh"]


def hold(seconds):
    until = time.monotonic() + seconds
    harness.wait_for(lambda: time.monotonic() > until, "the time", seconds + 5)


def test_energy_of_a_stop_and_alarms_survive(start, broker, subscriber, tmp_path):
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    server.set(2, "holding", 4, [1])
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "active")
    hold(1)
    set_energy(server, 1001000)
    server.set(2, "holding", 4, [0])
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "cleared_unacknowledged", timeout=20)
    raised = subscriber.wait("alarm/power", lambda m: m.json["state"] == "active").json["ts"]
    # a changed alarm is saved within a second or so; a kill loses nothing of what the counters say
    state, changed = tmp_path / "state" / "control.state", time.time()
    harness.wait_for(lambda: state.exists() and state.stat().st_mtime > changed, "a saved state", 20)
    daemon.process.kill()
    daemon.process.wait()
    mark = len(subscriber.messages)
    set_energy(server, 1003000)
    hold(2)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("status", lambda m: m.text == "online", after=mark)
    # the latched alarm is still to be acknowledged, the other one was not raised anew
    hold(3)
    states = [m.json["state"] for m in subscriber.of("alarm/leak", mark)]
    assert set(states) == {"cleared_unacknowledged"}, states
    power = subscriber.of("alarm/power", mark)
    assert {m.json["state"] for m in power} == {"active"} and {m.json["ts"] for m in power} == {raised}
    assert not any("alarm power" in l for l in daemon.lines), daemon.text
    # the kilowatt-hour of before and the two of the stop
    subscriber.wait("pue/row", lambda m: abs((it_kwh(m) or 0) - 3) < 0.01, after=mark)
    assert state.read_bytes().startswith(b"CLSTATE1")


def test_a_clock_that_is_set_after_the_start_costs_nothing(start, broker, subscriber, tmp_path):
    """As on a controller without a clock of its own: after the boot it is an hour earlier until the network tells."""
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 0)
    set_energy(server, 1001000)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 1)
    daemon.stop()
    set_energy(server, 1003000)
    step = tmp_path / "step"
    step.write_bytes(struct.pack("q", -3600))
    env = {"LD_PRELOAD": str(harness.BUILD / "tests/system/clock_step.so"), "CLOCK_STEP": str(step),
           "ASAN_OPTIONS": "verify_asan_link_order=0"}
    mark = len(subscriber.messages)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
    behind = subscriber.wait("pue/row", lambda m: "clock" in m.json["windows"]["1m"].get("reason", ""), after=mark).json
    assert behind["windows"]["1m"]["pue"] is None
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None, after=mark)
    with open(step, "r+b") as f:
        f.write(struct.pack("q", 0))
    subscriber.wait("pue/row", lambda m: abs((it_kwh(m) or 0) - 3) < 0.01, after=mark)


def test_a_damaged_state_is_set_aside(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "control.state").write_bytes(b"CLSTATE1" + b"\x55" * 300)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    daemon.wait_line("control.state is damaged or of another version, it was set aside")
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    assert (tmp_path / "state" / "control.state.bad").exists()
    harness.wait_for(lambda: (tmp_path / "state" / "control.state").exists(), "a new state", 20)


def test_a_state_that_cannot_be_saved_is_said(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    (tmp_path / "state" / "control.state.new").mkdir(parents=True)  # in the way of the new file
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    daemon.wait_line("alarm coolantd-state is active: the state cannot be saved", 25)
    alarm = subscriber.wait("alarm/coolantd-state", lambda m: m.json["state"] == "active").json
    assert "restart" in alarm["message"]
    (tmp_path / "state" / "control.state.new").rmdir()
    subscriber.wait("alarm/coolantd-state", lambda m: m.json["state"] == "normal", timeout=25)
