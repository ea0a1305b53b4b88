"""Alarms that explain each other, and too many at once."""
import harness
import openmetrics
from harness import device, tcp_bus

PUMP = ("[point:cdu.speed]\nregister = holding:0\nunit = %\n[point:cdu.flow]\nregister = holding:1\nunit = L/min\n"
        "[alarm:flow_low]\npoint = cdu.flow\nwhen = below\nlimit = 20\ndelay_on = 1s\nseverity = critical\nsuppressed_by = pump_off\n"
        "message = flow low\n[alarm:pump_off]\npoint = cdu.speed\nwhen = below\nlimit = 1\nmessage = the pump is off\nseverity = ")


def test_a_pump_that_is_off_explains_a_low_flow(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 80, 1: 40}}})
    coolantd(tcp_bus("b", server.port) + device("cdu", "b", extra="poll_interval = 200ms\n" + PUMP + "critical\n"))
    subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "normal")
    server.set(1, "holding", 0, [0, 0])
    subscriber.wait("alarm/pump_off", lambda m: m.json["state"] == "active")
    assert subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "suppressed").json["suppressed_by"] == "pump_off"
    # the pump runs again and still nothing flows: now it is an alarm of its own
    server.set(1, "holding", 0, [80])
    active = subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "active").json
    back = subscriber.wait("alarm/pump_off", lambda m: m.json["state"] == "normal" and m.json["ts"] > 0).json
    assert active["ts"] >= back["ts"] and "suppressed" not in [
        m.json["state"] for m in subscriber.of("alarm/flow_low") if m.json["ts"] >= active["ts"]]


SENSORS = {"flow": "L/min", "supply": "Cel", "return": "Cel", "pressure_drop": "kPa", "pump_power": "kW", "pump_speed": "%"}


def states(subscriber, names):
    told = {name: subscriber.last(f"alarm/{name}") for name in names}
    return {name: m and m.json["state"] for name, m in told.items()}


def test_a_broken_sensor_is_an_alarm(start, coolantd, subscriber, tmp_path):
    """Six sensors of a CDU on their sentinel, a leak detector and two meters that are silent: nine alarms."""
    cdu = start(harness.ModbusServer, tmp_path, {"1": {"holding": {i: 30 for i in range(6)}}})
    other = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 0}, "holding": {0: 30, 1: 30}}})
    coolantd(tcp_bus("b", cdu.port) + tcp_bus("o", other.port) + device("cdu", "b", extra="poll_interval = 200ms\n") + "".join(
        f"[point:cdu.{key}]\nregister = holding:{i}\ninvalid = 0x7fff\nunit = {unit}\n"
        for i, (key, unit) in enumerate(SENSORS.items())) + device("o", "o", extra="poll_interval = 200ms\n") +
        "[point:o.leak]\nregister = coil:0\n[point:o.active_power]\nregister = holding:0\nunit = kW\n"
        "[point:o.it]\nregister = holding:1\nunit = kW\n[device:off]\nbus = o\nunit = 2\nenabled = no\n[point:off.p]\nregister = holding:0\n"
        "[alarm:off]\npoint = off.p\nwhen = lost\n"
        "[loop:l]\ncoolant = water\n" + "".join(f"{key} = cdu.{key}\n" for key in SENSORS) +
        "[pue:row]\nfacility = o.active_power\nit = o.it\nwindows = 1m\n")
    names = [f"l-{key}-lost" for key in SENSORS] + ["o-leak-lost", "row-o-active_power-lost", "row-o-it-lost"]
    harness.wait_for(lambda: set(states(subscriber, names).values()) == {"normal"}, lambda: states(subscriber, names))
    for key in range(6):
        cdu.set(1, "holding", key, [0x7FFF])
    harness.wait_for(lambda: set(states(subscriber, names[:6]).values()) == {"active"}, lambda: states(subscriber, names))
    assert set(states(subscriber, names[6:]).values()) == {"normal"}
    assert subscriber.last("alarm/l-supply-lost").json["reason"] == "cdu.supply is bad"
    other.stop()
    harness.wait_for(lambda: set(states(subscriber, names).values()) == {"active"}, lambda: states(subscriber, names))
    assert states(subscriber, ["off"]) == {"off": "unknown"}  # that is by configuration


def test_a_warning_hides_nothing_critical(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 80, 1: 40}}})
    coolantd(tcp_bus("b", server.port) + device("cdu", "b", extra="poll_interval = 200ms\n" + PUMP + "warning\n"))
    subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "normal")
    server.set(1, "holding", 0, [0, 0])
    subscriber.wait("alarm/pump_off", lambda m: m.json["state"] == "active")
    assert subscriber.wait("alarm/flow_low", lambda m: m.json["state"] != "normal").json["state"] == "active"
    # it went before anybody saw it: that stays
    server.set(1, "holding", 0, [80, 40])
    subscriber.wait("alarm/flow_low", lambda m: m.json["state"] == "cleared_unacknowledged")
    assert harness.ask(tmp_path, "POST", "/v1/alarms/flow_low/ack")[1]["state"] == "normal"


def test_a_leak_group_escalates(start, coolantd, subscriber, tmp_path):
    """One minor leak for longer than escalate_after, or any two, are critical; a detector's fault is no leak."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 0, 1: 0, 2: 0}}})
    detectors = "".join(f"[point:d.leak_{i}]\nregister = holding:{i}\nbit = 0\n" for i in range(3))
    daemon = coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 200ms\nalarms = no\n" + detectors) +
                      "[alarm:row]\npoint = any: d.leak_0, d.leak_1, d.leak_2\nescalate_after = 3s\nmessage = a leak in the row\n"
                      "[alarm:two]\npoint = 2 of: d.leak_0, d.leak_1, d.leak_2\nmessage = two leaks\n")
    subscriber.wait("alarm/row", lambda m: m.json["state"] == "normal")
    server.set(1, "holding", 1, [1])
    minor = subscriber.wait("alarm/row", lambda m: m.json["state"] == "active").json
    assert (minor["severity"], minor["value"]) == ("warning", 1)
    bad = subscriber.wait("alarm/row", lambda m: m.json["severity"] == "critical").json
    assert bad["state"] == "active" and 2900 <= bad["ts"] - minor["ts"] <= 4500
    daemon.wait_line("alarm row is active, escalated: a leak in the row")
    assert subscriber.last("alarm/two").json["state"] == "normal"
    server.set(1, "holding", 1, [0])
    subscriber.wait("alarm/row", lambda m: m.json["state"] == "cleared_unacknowledged")
    assert harness.ask(tmp_path, "POST", "/v1/alarms/row/ack")[0] == 200
    mark = len(subscriber.messages)
    server.set(1, "holding", 0, [1, 0, 1])
    two = subscriber.wait("alarm/two", lambda m: m.json["state"] == "active", after=mark).json
    both = subscriber.wait("alarm/row", lambda m: m.json["severity"] == "critical", after=mark).json
    assert both["value"] == 2 and abs(both["ts"] - two["ts"]) < 1000


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


def test_a_silent_device_is_no_flood(start, coolantd, subscriber, tmp_path):
    """Twelve leak detectors on one device: one alarm says that it is silent, and none of them is active when it is back."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {i: 0 for i in range(24)}}})
    port = server.port
    coolantd(tcp_bus("b", port) + device("d", "b", extra="poll_interval = 200ms\n" + "".join(
        f"[point:d.leak_{i}]\nregister = coil:{2 * i}\n" for i in range(12))))
    lost = [f"d-leak_{i}-lost" for i in range(12)]
    harness.wait_for(lambda: set(states(subscriber, lost + ["d-silent"]).values()) == {"normal"}, lambda: states(subscriber, lost))
    server.stop()
    subscriber.wait("alarm/d-silent", lambda m: m.json["state"] == "active")
    harness.wait_for(lambda: set(states(subscriber, lost).values()) == {"suppressed"}, lambda: states(subscriber, lost))
    assert subscriber.last("alarm/d-leak_7-lost").json["suppressed_by"] == "d-silent"
    metrics = openmetrics.parse(harness.fetch(tmp_path, "/metrics")[2])
    told = {name: openmetrics.value(metrics, "coolantd_alarm_suppressed", alarm=name) for name in [*lost, "d-silent"]}
    assert told == dict.fromkeys(lost, 1) | {"d-silent": 0}
    assert states(subscriber, ["coolantd-flood", "d-leak_7"]) == {"coolantd-flood": "normal", "d-leak_7": "unknown"}
    start(harness.ModbusServer, tmp_path, {"1": {"coil": {i: 0 for i in range(24)}}}, port=port)
    harness.wait_for(lambda: set(states(subscriber, lost + ["d-silent"]).values()) == {"normal"}, lambda: states(subscriber, lost))
    assert not [m.text for name in lost for m in subscriber.of(f"alarm/{name}") if m.json["state"] == "active"]


VALUED = ("[alarm:hot]\npoint = d.t\nwhen = above\nlimit = 5\nlatch = yes\nmessage = hot\n"
          "[alarm:gone]\npoint = d.t\nwhen = stale\nmessage = gone\n")


def test_the_retained_value_is_what_is_known(start, coolantd, subscriber, tmp_path):
    """Also while the state stays: of a latched alarm, and of one that waits for a stale reading."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 7}}})
    point = "poll_interval = 200ms\n[point:d.t]\nregister = holding:0\n"
    on, off = (tcp_bus("b", server.port) + device("d", "b", extra=extra + point) + VALUED for extra in ("", "enabled = no\n"))
    daemon = coolantd(on)
    subscriber.wait("alarm/hot", lambda m: m.json["state"] == "active" and m.json["value"] == 7)
    subscriber.wait("alarm/gone", lambda m: m.json["state"] == "normal" and m.json["value"] == 7)

    def last_are(value):
        return all(subscriber.last(f"alarm/{name}").json["value"] == value for name in ("hot", "gone"))

    # a value that merely moves is told by the device, not by its alarms
    before = len(subscriber.messages)
    for value in range(8, 18):
        server.set(1, "holding", 0, [value])
        subscriber.wait("device/d", lambda m: m.json["values"]["t"] == value, after=before)
    assert not subscriber.of("alarm/hot", before) + subscriber.of("alarm/gone", before)
    top = daemon.path.read_text()[:-len(on)]
    daemon.reload(top + off)
    harness.wait_for(lambda: last_are(None), lambda: subscriber.last("alarm/hot").text + subscriber.last("alarm/gone").text)
    states = [subscriber.last(f"alarm/{name}").json["state"] for name in ("hot", "gone")]
    assert states == ["active", "normal"]
    daemon.reload(top + on)
    harness.wait_for(lambda: last_are(17), lambda: subscriber.last("alarm/hot").text + subscriber.last("alarm/gone").text)
    # a restart goes on with the states, and knows the values a moment later
    assert daemon.stop() == 0
    before = len(subscriber.messages)
    start(harness.Coolantd, tmp_path, top + on)
    for name, state in (("hot", "active"), ("gone", "normal")):
        subscriber.wait(f"alarm/{name}", lambda m: m.json["value"] == 17 and m.json["state"] == state, after=before)
