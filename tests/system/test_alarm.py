"""Alarms that explain each other, and too many at once."""
import harness
from harness import device, tcp_bus

PUMP = ("[point:cdu.speed]\nregister = holding:0\nunit = %\n[point:cdu.flow]\nregister = holding:1\nunit = L/min\n"
        "[alarm:flow_low]\npoint = cdu.flow\nwhen = below\nlimit = 20\ndelay_on = 1s\nsuppressed_by = pump_off\nmessage = flow low\n"
        "[alarm:pump_off]\npoint = cdu.speed\nwhen = below\nlimit = 1\nmessage = the pump is off\n")


def test_a_pump_that_is_off_explains_a_low_flow(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 80, 1: 40}}})
    coolantd(tcp_bus("b", server.port) + device("cdu", "b", extra="poll_interval = 200ms\n" + PUMP))
    subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "normal")
    server.set(1, "holding", 0, [0, 0])
    subscriber.wait("alarm/pump_off", lambda m: m.json["state"] == "active")
    subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "suppressed")
    # the pump runs again and still nothing flows: now it is an alarm of its own
    server.set(1, "holding", 0, [80])
    active = subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "active").json
    back = subscriber.wait("alarm/pump_off", lambda m: m.json["state"] == "normal" and m.json["ts"] > 0).json
    assert active["ts"] >= back["ts"] and "suppressed" not in [
        m.json["state"] for m in subscriber.of("alarm/flow_low") if m.json["ts"] >= active["ts"]]


def test_a_flood_is_said_once(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 0}}})
    alarms = "".join(f"[alarm:a{i}]\npoint = d.flags\nwhen = above\nlimit = {i}\nmessage = {i}\n" for i in range(11))
    daemon = coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 200ms\n"
                      "[point:d.flags]\nregister = holding:0\n") + alarms)
    assert subscriber.wait("alarm/coolantd-flood").json["state"] == "normal"
    server.set(1, "holding", 0, [10])  # ten of them
    harness.wait_for(lambda: sum(m.json["state"] == "active" for i in range(11) for m in subscriber.of(f"alarm/a{i}")) == 10, "ten")
    assert subscriber.last("alarm/coolantd-flood").json["state"] == "normal"
    server.set(1, "holding", 0, [99])
    subscriber.wait("alarm/coolantd-flood", lambda m: m.json["state"] == "active")
    assert sum("coolantd-flood is active" in l for l in daemon.lines) == 1
