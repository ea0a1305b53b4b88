"""A plant of constant power, polled from a server that is not ours."""
import time

import harness
import pytest
import wire
from harness import Coolantd, device, f32, head, registers, tcp_bus
from mqtt_broker import ScriptedBroker

METER = ("[point:active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"
         "[point:active_energy_import]\nregister = holding:2\ntype = u32\nscale = 0.001\nunit = kWh\ncounter = yes\n")
POWER_METER = "[point:active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"
PUE = "[pue:row]\nfacility = main\nit = pdu\nwindows = 1m, 15m\n"


def test_constant_plant_and_the_death_of_its_meter(start, coolantd, subscriber, tmp_path):
    (tmp_path / "power.ini").write_text(POWER_METER)
    main = start(harness.ModbusServer, tmp_path, {"1": {"holding": registers(0, f32(118))}})
    pdu = start(harness.ModbusServer, tmp_path, {"1": {"holding": registers(0, f32(100))}})
    daemon = coolantd(tcp_bus("a", main.port) + tcp_bus("b", pdu.port) + device("main", "a", profile="power") +
                      device("pdu", "b", profile="power") + PUE)
    started = time.time()
    first = subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    assert first.time - started < 3
    assert abs(first.json["power_ratio"] - 1.18) <= 0.002
    assert first.json["quality"] == "good"
    m = subscriber.wait("pue/row", lambda m: m.json["windows"]["1m"]["quality"] == "good", timeout=75).json
    w = m["windows"]["1m"]
    assert abs(w["pue"] - 1.18) <= 0.002
    assert w["end"] - w["start"] == 60000 and w["end"] % 1000 == 0
    assert w["coverage"] >= 0.95
    assert abs(w["it_kwh"] - 100 / 60 * w["coverage"]) < 0.03
    assert m["windows"]["15m"]["pue"] is None and m["windows"]["15m"]["quality"] == "invalid"
    assert abs(m["ts"] / 1000 - time.time()) < 3

    killed = time.time()
    mark = len(subscriber.messages)
    main.process.kill()
    gone = subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is None, after=mark, timeout=8)
    assert gone.time - killed <= 4
    assert gone.json["quality"] == "invalid" and "main" in gone.json["reason"]
    assert gone.json["windows"]["1m"]["pue"] is None
    assert gone.json["windows"]["1m"]["quality"] == "invalid" and gone.json["windows"]["1m"]["reason"]
    stale = subscriber.wait("device/main", lambda m: m.json["values"] == {"active_power": None}, after=mark)
    assert stale.json["quality"] == {"active_power": "stale"}
    # nothing else changes: the other device goes on and is good
    before = len(pdu.replies())
    harness.wait_for(lambda: len(pdu.replies()) >= before + 3, "polls of the other device")
    assert not any("active_power" in m.json["quality"] for m in subscriber.of("device/pdu"))
    assert "pdu" not in daemon.text.split("main on bus a is silent")[1]


def test_energies_come_from_counters(start, coolantd, subscriber, tmp_path):
    """The powers say 2.0, the counters 1.5: the window follows the counters."""
    (tmp_path / "meter.ini").write_text(METER)
    server = start(harness.ModbusServer, tmp_path, {
        "1": {"holding": registers(0, f32(200) + [0, 1000])}, "2": {"holding": registers(0, f32(100) + [0, 1000])}})
    coolantd(tcp_bus("b", server.port) + device("main", "b", 1, "meter") + device("pdu", "b", 2, "meter") + PUE)
    start_time = time.time()
    while time.time() - start_time < 66:
        elapsed = time.time() - start_time
        for unit, watts in ((1, 540e3), (2, 360e3)):
            wh = 1000 + int(watts * elapsed / 3600)
            server.set(unit, "holding", 2, [wh >> 16, wh & 0xffff])
        time.sleep(0.05)
    m = subscriber.last("pue/row").json
    assert m["power_ratio"] == 2
    assert m["windows"]["1m"]["quality"] == "good"
    assert abs(m["windows"]["1m"]["pue"] - 1.5) < 0.01


def test_loop_heat(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"input": registers(0, f32(100) + f32(30) + f32(40) + [0, 0]),
                                                         "discrete": {0: 1}}})
    coolantd(tcp_bus("b", server.port) + device("cdu", "b", profile="generic-flow") +
             "[loop:s]\ncoolant = pg25\nflow = cdu.flow_rate\nsupply = cdu.supply_temperature\nreturn = cdu.return_temperature\n")
    m = subscriber.wait("loop/s", lambda m: m.json["values"]["heat"] is not None).json
    assert abs(m["values"]["heat"] - 1019.426 * 3949.885 * 100 / 60000 * 10 / 1000) < 0.01
    assert m["values"]["delta_t"] == 10 and m["values"]["flow"] == 100
    assert set(m["quality"].values()) == {"good"}
    mark = len(subscriber.messages)
    server.set(1, "input", 4, [0x7fc0, 0])  # the return sensor breaks
    m = subscriber.wait("loop/s", lambda m: m.json["values"]["heat"] is None, after=mark).json
    assert m["quality"]["heat"] == "invalid" and "cdu.return_temperature" in m["reason"]["heat"]
    assert m["values"]["flow"] == 100


def test_an_alarm_is_published_at_once(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 0}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="[point:d.leak]\nregister = coil:0\n") +
             "[alarm:leak]\npoint = d.leak\nwhen = true\nseverity = critical\nlatch = yes\nmessage = water\n")
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "normal")
    server.set(1, "coil", 0, [1])
    set_at = time.time()
    m = subscriber.wait("alarm/leak", lambda m: m.json["state"] == "active")
    assert m.time - set_at < 1.1 + 0.2  # poll interval + 100 ms, and what the test itself takes
    assert m.json["severity"] == "critical" and m.json["value"] is True and m.json["message"] == "water"
    assert m.json["acknowledged"] is False
    server.set(1, "coil", 0, [0])
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "cleared_unacknowledged")


@pytest.mark.parametrize("tick", ["1s", "300ms"])
def test_each_ratio_is_history_once(start, tmp_path, tick):
    """Of an outage: whatever the ticks and the readings have to do with each other, no time comes twice and none is missing."""
    broker = start(ScriptedBroker)
    (tmp_path / "power.ini").write_text(POWER_METER)
    server = start(harness.ModbusServer, tmp_path, {str(u): {"holding": registers(0, f32(p))} for u, p in ((1, 118), (2, 100))})
    top = head(tmp_path, broker.port).replace("[daemon]\n", f"[daemon]\ncontrol_interval = {tick}\n")
    daemon = start(Coolantd, tmp_path, top + tcp_bus("b", server.port) + device("main", "b", 1, "power") +
                   device("pdu", "b", 2, "power") + PUE)
    broker.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    broker.away()
    daemon.wait_line("no connection to the broker")
    since = time.time() * 1000
    wire.pass_time(12)
    until, mark = time.time() * 1000, len(broker.messages)
    broker.back()
    broker.wait("history/pue/row", lambda m: m.json["ts"] > until - 1500, after=mark)
    late = [m.json["ts"] for m in broker.of("history/pue/row", mark) if since < m.json["ts"]]
    waits = [b - a for a, b in zip(late, late[1:])]
    assert len(late) == len(set(late)) and late == sorted(late), waits
    assert 10 <= len(late) <= 26 and max(waits) < 1300, waits  # each meter's reading may be a time of its own
