"""A row that breaks in many ways: exactly the expected alarms, in order, within their delays, and gone again."""
import time

import pytest

import harness
from harness import PROFILES, SIM, device, free_ports, head, tcp_bus

# The pump as coolantd-sim has it: 160 L/min and 307.2 kPa at full speed, h = (4 - v^2) / 3.
CURVE = ", ".join(f"{v * 160:g}:{307.2 * (4 - v * v) / 3:g}" for v in (0, 0.5, 0.75, 0.9, 1, 1.1, 1.3, 1.6))

LOOP = f"""
[loop:secondary]
coolant = pg25
flow = cdu1.flow_rate
supply = cdu1.supply_temperature
return = cdu1.return_temperature
pressure_drop = cdu1.differential_pressure
pump_power = cdu1.pump_power
pump_speed = cdu1.pump_speed
it_power = sum: pdu1.active_power, pdu2.active_power
liquid_share = 0.8
nominal_flow = 96
pump_curve = {CURVE}
[point:cdu1.return_temperature]
scale = 0.001
invalid = 0xffff
stuck_after = 3s
[alarm:secondary-pump_worn]
point = loop.secondary.pump_deviation
when = below
limit = -0.15
hysteresis = 0.03
delay_on = 4s
suppressed_by = secondary-pump_stopped
message = the pump is worn
[pue:row]
facility = meter_main
it = pdu1, pdu2
windows = 1m
"""


# Two detectors under the row, each of them minor.
LEAKS = "".join(device(f"tray{i}", "trays", i, "", f"poll_interval = 500ms\nalarms = no\n[point:tray{i}.leak]\nregister = coil:0\n")
                for i in (1, 2)) + """
[alarm:row_leak]
point = any: tray1.leak, tray2.leak
escalate_after = 4s
message = a leak under the row
[alarm:row_two]
point = 2 of: tray1.leak, tray2.leak
severity = critical
message = two leaks under the row
"""


# What a broken sensor shows.
SENTINELS = "".join(f"[point:cdu1.{name}]\ninvalid = 0xffff\n" for name in ("flow_rate", "supply_temperature", "pump_speed"))


def start_daemon(start, tmp_path):
    daemon = start(harness.Process, [harness.COOLANTD, "-c", tmp_path / "coolantd.ini"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    daemon.wait_line("started: ")
    return daemon


def start_row(start, tmp_path, broker, more=""):
    ports = free_ports(4)
    ini = tmp_path / "coolantd.ini"
    ini.write_text(
        head(tmp_path, broker.port) + tcp_bus("cdu", ports[0]) + tcp_bus("pdu", ports[1]) + tcp_bus("main", ports[2]) +
        device("cdu1", "cdu", 12, "orv3-rpu", "poll_interval = 500ms\n") +
        device("pdu1", "pdu", 1, "schneider-iem3000") + device("pdu2", "pdu", 2, "schneider-iem3000") +
        device("meter_main", "main", 1, "janitza-b-series", "poll_interval = 500ms\n") + LOOP +
        (tcp_bus("trays", ports[3]) + more if more else ""))
    env = {"COOLANTD_PROFILE_PATH": str(PROFILES)}
    # a plant minute takes 6 s: temperatures have settled before anybody looks
    sim = start(harness.Process, [SIM, "-c", ini, "--speed", "10"], env=env)
    sim.wait_line("^ready$")
    return sim, start_daemon(start, tmp_path)


class Story:
    """Commands to the plant, and the changes of alarms that follow."""

    def __init__(self, sim, subscriber):
        self.sim, self.subscriber = sim, subscriber
        self.told, self.count = [], 0

    def alarms(self, states=("active", "suppressed", "cleared_unacknowledged", "shelved")):
        """All changes so far as (time, name, state), but those that only say that nothing is."""
        seen = [(m.json["ts"] / 1000, m.topic.rsplit("/", 1)[1], m.json["state"])
                for m in self.subscriber.messages if "/alarm/" in m.topic and m.text]
        seen.sort()
        changes, now = [], {}
        for ts, name, state in seen:
            before = now.get(name)
            now[name] = state
            if state != before and (state in states or before in states):
                changes.append((ts, name, state))
        return changes

    def tell(self, command):
        self.told.append(command)
        self.sim.process.stdin.write(command + "\n")
        self.sim.process.stdin.flush()
        return time.time()

    def expect(self, since, name, state, least=0.0, most=5.0):
        """The next change of all alarms is this one, between `least` and `most` seconds after `since`."""
        harness.wait_for(lambda: len(self.alarms()) > self.count,
                         lambda: f"{name} {state} after {self.told[-1]}: {self.alarms()}", most + harness.PATIENCE)
        ts, found, found_state = self.alarms()[self.count]
        self.count += 1
        assert (found, found_state) == (name, state), (self.told[-1], self.alarms())
        # the plant steps every 100 ms, polls are 500 ms apart and the control loop ticks each second
        assert least - 0.1 <= ts - since <= most, (self.told[-1], name, state, ts - since)
        return ts

    def acknowledge(self, folder, name):
        since = time.time()
        assert harness.ask(folder, "POST", f"/v1/alarms/{name}/ack")[0] == 200
        self.expect(since, name, "normal", 0, 1)

    def acknowledge_active(self, folder, name):
        assert harness.ask(folder, "POST", f"/v1/alarms/{name}/ack")[1]["state"] == "active"

    def next(self, since, n, most=4.0):
        """The next n changes as (name, state) by name, none later than `most` seconds."""
        harness.wait_for(lambda: len(self.alarms()) >= self.count + n,
                         lambda: f"{n} changes after {self.told[-1]}: {self.alarms()}", most + harness.PATIENCE)
        found = self.alarms()[self.count:self.count + n]
        self.count += n
        assert all(ts - since <= most for ts, _, _ in found), (self.told[-1], found)
        return sorted((name, state) for _, name, state in found)


def loop(subscriber, condition):
    return subscriber.wait("loop/secondary", lambda m: condition(m.json)).json


def test_each_fault_raises_its_alarm_and_no_other(start, broker, subscriber, tmp_path):
    sim, daemon = start_row(start, tmp_path, broker)
    story = Story(sim, subscriber)
    subscriber.wait("alarm/secondary-energy_balance", lambda m: m.json["state"] == "normal")
    loop(subscriber, lambda j: abs(j["values"]["energy_balance_residual"] or 1) < 0.1)
    status, learned = harness.ask(tmp_path, "POST", "/v1/loops/secondary/learn")
    assert status == 200 and learned["clean_resistance"] == pytest.approx(0.012, rel=0.02)
    clean = loop(subscriber, lambda j: j["values"]["filter_resistance_ratio"] is not None)
    assert clean["values"]["filter_resistance_ratio"] == pytest.approx(1, abs=0.02)
    assert clean["values"]["pump_deviation"] == pytest.approx(0, abs=0.02)

    # a filter that plugs: first dirty, then blocked; both clear when it is changed
    since = story.tell("plug cdu1 2.5")
    story.expect(since, "secondary-filter_dirty", "active", 10, 13)
    since = story.tell("plug cdu1 3.5")
    story.expect(since, "secondary-filter_blocked", "active", 10, 13)
    since = story.tell("plug cdu1 1")
    assert story.next(since, 2) == [("secondary-filter_blocked", "cleared_unacknowledged"), ("secondary-filter_dirty", "normal")]
    story.acknowledge(tmp_path, "secondary-filter_blocked")

    # a worn pump is no dirty filter
    since = story.tell("wear cdu1 30")
    story.expect(since, "secondary-pump_worn", "active", 4, 7)
    worn = loop(subscriber, lambda j: (j["values"]["pump_deviation"] or 0) < -0.25)["values"]
    assert worn["filter_resistance_ratio"] == pytest.approx(1, abs=0.03)
    since = story.tell("wear cdu1 0")
    story.expect(since, "secondary-pump_worn", "normal", 0, 3)

    # a leak, seen within a poll, latched until somebody has seen it
    since = story.tell("leak cdu1 on")
    story.expect(since, "cdu1-leak", "active", 0, 1)
    since = story.tell("leak cdu1 off")
    story.expect(since, "cdu1-leak", "cleared_unacknowledged", 5, 7)
    story.acknowledge(tmp_path, "cdu1-leak")

    # a sensor that died with its last value
    since = story.tell("stick cdu1 return_temperature")
    story.expect(since, "secondary-sensor_suspect", "active", 12.5, 16)
    assert subscriber.last("device/cdu1").json["quality"].get("return_temperature", "suspect") == "suspect"
    since = story.tell("stick cdu1 off")
    story.expect(since, "secondary-sensor_suspect", "normal", 0, 5)

    # a meter that is gone: its own alarm, and the figures that need it are null with a reason
    since = story.tell("silence meter_main on")
    story.expect(since, "row-meter_main-lost", "active", 1, 3)
    lost = subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is None and m.json["ts"] / 1000 > since).json
    assert lost["reason"] == "meter_main is stale"
    since = story.tell("silence meter_main off")
    story.expect(since, "row-meter_main-lost", "normal", 0, 10)

    # the pump stands still under load, which is critical: that explains the low flow
    since = story.tell("pump cdu1 0")
    story.expect(since, "secondary-pump_stopped", "active", 2, 4)
    story.expect(since, "secondary-flow_low", "suppressed", 5, 7)
    assert subscriber.last("alarm/secondary-pump_stopped").json["severity"] == "critical"
    since = story.tell("pump cdu1 60")
    assert story.next(since, 2) == [("secondary-flow_low", "normal"), ("secondary-pump_stopped", "cleared_unacknowledged")]
    story.acknowledge(tmp_path, "secondary-pump_stopped")
    assert story.count == len(story.alarms()), story.alarms()
    # each of them is in the journal too
    for name in {name for _, name, _ in story.alarms()}:
        assert any(f"alarm {name} is " in line for line in daemon.lines), name


BROKEN = ("flow", "supply", "return", "pump_speed")
SENSORS = ("flow", "supply", "return", "pressure_drop", "pump_power", "pump_speed")


def test_broken_sensors_leak_groups_a_shelf_and_a_restart(start, broker, subscriber, tmp_path):
    sim, daemon = start_row(start, tmp_path, broker, SENTINELS + LEAKS)
    story = Story(sim, subscriber)
    for name in ("secondary-flow_low", "row_leak", "secondary-flow-lost"):
        subscriber.wait(f"alarm/{name}", lambda m: m.json["state"] == "normal")
    assert harness.ask(tmp_path, "POST", "/v1/loops/secondary/learn")[0] == 200

    # a CDU that is silent: each of its sensors is lost after three polls, and so is its leak detector; there is no leak
    lost = sorted([f"secondary-{sensor}-lost" for sensor in SENSORS] + ["cdu1-leak-lost"])
    since = story.tell("silence cdu1 on")
    assert story.next(since, 7, 3.5) == [(name, "active") for name in lost]
    gone = subscriber.wait("alarm/secondary-flow_low", lambda m: m.json["state"] == "unknown" and m.json["ts"] / 1000 > since).json
    assert gone["reason"] == "cdu1.flow_rate is stale"
    assert subscriber.wait("alarm/cdu1-leak", lambda m: m.json["state"] == "unknown" and m.json["ts"] / 1000 > since)
    since = story.tell("silence cdu1 off")
    assert story.next(since, 7, 10) == [(name, "normal") for name in lost]

    # a minor leak is a warning, and critical when it lasts; two are at once
    since = story.tell("leak tray1 on")
    raised = story.expect(since, "row_leak", "active", 0, 1)
    assert subscriber.last("alarm/row_leak").json["severity"] == "warning"
    worse = subscriber.wait("alarm/row_leak", lambda m: m.json["severity"] == "critical").json
    assert 4 <= worse["ts"] / 1000 - raised <= 5.5
    since = story.tell("leak tray1 off")
    story.expect(since, "row_leak", "cleared_unacknowledged", 0, 2)
    story.acknowledge(tmp_path, "row_leak")
    since = story.tell("leak tray1 on")
    story.tell("leak tray2 on")
    story.expect(since, "row_leak", "active", 0, 1)
    both = subscriber.wait("alarm/row_leak", lambda m: m.json["severity"] == "critical" and m.json["ts"] / 1000 > since).json
    assert both["ts"] / 1000 - since <= 1.5 and both["value"] == 2
    story.expect(since, "row_two", "active", 0, 1.5)

    story.acknowledge_active(tmp_path, "row_leak")
    story.acknowledge_active(tmp_path, "row_two")
    story.tell("leak tray1 off")
    since = story.tell("leak tray2 off")
    assert story.next(since, 2, 2) == [("row_leak", "normal"), ("row_two", "normal")]

    # work at the CDU's leak detector, with a restart in the middle, which is in the middle of a delay too
    since = time.time()
    until = harness.ask(tmp_path, "POST", "/v1/alarms/cdu1-leak/shelve", '{"for":"15s"}')[1]["shelved_until"] / 1000
    story.expect(since, "cdu1-leak", "shelved", 0, 1)
    story.tell("leak cdu1 on")
    since = story.tell("plug cdu1 2.5")
    harness.wait_for(lambda: time.time() > since + 4, "the middle of the delay of 10 s")
    assert daemon.stop() == 0
    daemon = start_daemon(start, tmp_path)
    story.expect(since, "secondary-filter_dirty", "active", 10, 14)
    story.expect(until, "cdu1-leak", "active", 0, 1.5)
    assert time.time() > until
    story.acknowledge_active(tmp_path, "cdu1-leak")
    since = story.tell("plug cdu1 1")
    story.expect(since, "secondary-filter_dirty", "normal", 0, 3)
    since = story.tell("leak cdu1 off")
    story.expect(since, "cdu1-leak", "normal", 5, 7)

    # sensors that are broken on a device that answers: the same, but for the detector and what has no sentinel
    since = story.tell("fail cdu1 on")
    broken = sorted(f"secondary-{sensor}-lost" for sensor in BROKEN)
    assert story.next(since, 4, 3.5) == [(name, "active") for name in broken]
    assert subscriber.last("alarm/secondary-flow-lost").json["reason"] == "cdu1.flow_rate is bad"
    since = story.tell("fail cdu1 off")
    assert story.next(since, 4) == [(name, "normal") for name in broken]
    assert story.count == len(story.alarms()), story.alarms()

    # all of it can be read afterwards
    history = harness.ask(tmp_path, "GET", "/v1/alarms/history")[1]["history"]
    told, states = [], {}
    for change in history:
        if states.get(change["name"]) != change["state"] and change["state"] != "unknown":
            told.append((change["name"], change["state"]))
        states[change["name"]] = change["state"]
    for _, name, state in story.alarms():
        assert (name, state) in told
