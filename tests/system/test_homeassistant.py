"""Home Assistant discovery: what is found there, how it is classed, and that it leaves with its configuration."""
import json
import pathlib
import re

import harness
import pytest
import test_sim
from harness import Coolantd, ModbusServer, Subscriber, device, head, tcp_bus
from homeassistant import HomeAssistant

ON = "homeassistant = yes\n"
RACK = "coolantd_dc1_r07"
UNITS = re.findall(r'\{ "([^"]+)", QUANTITY_\w+, ', (pathlib.Path(harness.__file__).parents[2] / "config/unit.c").read_text())
STALE = "poll_interval = 100ms\n"


def point(name, register, more=""):
    return f"[point:d.{name}]\nregister = holding:{register}\n{more}"


class Site:
    """A coolantd with one device `d`, a broker, and Home Assistant on it."""

    def __init__(self, start, folder, broker, points, extra="", registers=None, mqtt=ON):
        self.start, self.folder, self.broker = start, folder, broker
        self.server = start(ModbusServer, folder, {"1": {"holding": registers or {n: 7 for n in range(80)}}})
        self.device = (tcp_bus("b", self.server.port, "response_timeout = 200ms\nmax_backoff = 1s\n")
                       + device("d", "b", extra=STALE + "labels = serial:4711\n" + points))
        self.daemon = start(Coolantd, folder, self.ini(extra, mqtt))
        self.watch()

    def ini(self, extra="", mqtt=ON):
        return head(self.folder, self.broker.port, mqtt) + self.device + extra

    def watch(self):
        """Home Assistant is started anew: it sees what is retained."""
        self.seen, self.count = self.start(Subscriber, self.broker.port), 0
        self.ha = HomeAssistant()

    def now(self):
        for m in self.seen.messages[self.count:]:
            self.ha.take(m)
            self.count += 1
        return self.ha

    def wait(self, condition, what="Home Assistant"):
        return harness.wait_for(lambda: condition(self.now()), lambda: f"{what}: {sorted(self.ha.entities)}")

    def wait_state(self, entity, state):
        return self.wait(lambda h: entity in h.entities and h.state(entity) == state or None, f"{entity} {state}")


@pytest.fixture
def site(start, tmp_path, broker):
    return lambda *args, **options: Site(start, tmp_path, broker, *args, **options)


def test_every_unit_has_a_class_that_takes_it(site):
    counters = {"kWh", "m3", "h", "1", "{turns}"}
    points = "".join(point(f"p{i}", i, f"unit = {u}\n") for i, u in enumerate([*UNITS, "{turns}"]))
    points += "".join(point(f"c{i}", 60 + i, f"unit = {u}\ncounter = yes\ntype = u16\n") for i, u in enumerate(sorted(counters)))
    s = site(points)
    s.wait_state(f"{RACK}_d.p0", "7")  # and each payload is checked on the way
    found = {u: s.ha.entities[f"{RACK}_d.p{i}"] for i, u in enumerate([*UNITS, "{turns}"])}
    kinds = {u: (e.get("device_class"), e.get("unit_of_measurement"), e["state_class"]) for u, e in found.items()}
    assert len(UNITS) > 40
    assert kinds["Cel"] == ("temperature", "°C", "measurement")
    assert kinds["L/min"] == ("volume_flow_rate", "L/min", "measurement")
    assert kinds["kPa"] == ("pressure", "kPa", "measurement")
    assert kinds["kWh"] == ("energy", "kWh", "total")
    assert kinds["kvar"] == ("reactive_power", "kvar", "measurement")
    assert kinds["1/min"] == (None, "rpm", "measurement")
    assert kinds["[pH]"] == ("ph", None, "measurement")
    assert kinds["%"] == (None, "%", "measurement")
    assert kinds["1"] == (None, None, "measurement")
    assert kinds["{turns}"] == (None, "turns", "measurement")
    unknown = {u for u, k in kinds.items() if k[0] is None}
    assert unknown == {"%", "1", "Ohm", "1/min", "NTU", "g/m3", "ppm", "{turns}"}
    counted = {e["unit_of_measurement"] if "unit_of_measurement" in e else "": (e.get("device_class"), e["state_class"])
               for k, e in s.ha.entities.items() if k.startswith(f"{RACK}_d.c") and e["platform"] == "sensor"}
    assert counted == {"kWh": ("energy", "total_increasing"), "m³": ("volume", "total_increasing"), "h": ("duration", "total_increasing"),
                       "": (None, "total_increasing"), "turns": (None, "total_increasing")}


KINDS = (point("flow", 0, "unit = L/min\n") + point("leak", 1, "type = bool\n")
         + point("pump_fault", 2, "type = bool\nenum = 0:fine, 1:broken\n") + point("mode", 3, "enum = 0:off, 1:auto\n")
         + point("serial", 4, "type = string\nlength = 2\npoll = once\n") + point("room_humidity", 6, "unit = %\n"))
VALUES = {0: 40, 1: 0, 2: 1, 3: 1, 4: 0x4142, 5: 0x4344, 6: 55}


@pytest.mark.parametrize("layout", ["device", "point", "both"])
def test_values_and_their_quality(site, layout):
    s = site(KINDS, registers=VALUES, mqtt=ON + f"layout = {layout}\n")
    s.wait_state(f"{RACK}_d.flow", "40")
    s.wait_state(f"{RACK}_d.serial", "ABCD")
    s.wait_state(f"{RACK}_d.connection.up", "on")
    state = {k: s.ha.state(f"{RACK}_d.{k}") for k in ("leak", "pump_fault", "mode", "room_humidity")}
    assert state == {"leak": "off", "pump_fault": "on", "mode": "auto", "room_humidity": "55"}
    kind = {k: (e.get("device_class"), e.get("entity_category")) for k, e in s.ha.entities.items()}
    assert kind[f"{RACK}_d.leak"] == ("moisture", None)
    assert kind[f"{RACK}_d.pump_fault"] == ("problem", "diagnostic")
    assert kind[f"{RACK}_d.mode"] == ("enum", None)
    assert kind[f"{RACK}_d.room_humidity"] == ("humidity", None)
    assert kind[f"{RACK}_d.serial"] == (None, "diagnostic")
    s.server.set(1, "holding", 3, [9])  # a mode without a word is none of the options
    s.wait_state(f"{RACK}_d.mode", None)
    s.server.stop()
    s.wait_state(f"{RACK}_d.flow", None)
    s.wait_state(f"{RACK}_d.leak", None)
    s.wait_state(f"{RACK}_d.connection.up", "off")


def test_devices_stand_behind_the_rack(site):
    s = site(KINDS, registers=VALUES)
    s.wait_state(f"{RACK}.connection", "on")
    s.wait(lambda h: f"{RACK}_d" in h.devices)
    assert s.ha.devices[f"{RACK}_d"] == {"identifiers": [f"{RACK}_d"], "name": "d", "serial_number": "4711", "via_device": RACK}
    assert s.ha.devices[RACK]["name"] == "dc1 r07" and s.ha.devices[RACK]["manufacturer"] == "coolantd"
    s.wait_state(f"{RACK}.spool.depth", "0")
    s.daemon.stop()
    s.wait_state(f"{RACK}.connection", "off")
    assert all(s.ha.state(k) is None for k in s.ha.entities if k != f"{RACK}.connection")


PLANT = (point("flow", 0, "unit = L/min\n") + point("supply", 1, "unit = Cel\n") + point("return", 2, "unit = Cel\n")
         + point("total", 3, "unit = kW\n") + point("it", 4, "unit = kW\n"))
FIGURES = ("[loop:main]\ncoolant = water\nflow = d.flow\nsupply = d.supply\nreturn = d.return\nalarms = no\n"
           "[group:all]\nloops = main\nneeded = 1\nalarms = no\n"
           "[pue:row]\nfacility = d.total\nit = d.it\nwindows = 1m, 15m\nalarms = no\n"
           "[alarm:warm]\npoint = d.return\nwhen = above\nlimit = 50\n")
PLANT_VALUES = {0: 100, 1: 30, 2: 40, 3: 12, 4: 10}


def test_figures_and_alarms_of_the_rack(site):
    s = site(PLANT, FIGURES, PLANT_VALUES)
    s.wait_state(f"{RACK}_pue_row.power_ratio", "1.2")
    s.wait_state(f"{RACK}_loop_main.delta_t", "10")
    s.wait_state(f"{RACK}_group_all.redundancy", "n")
    s.wait_state(f"{RACK}_alarm_warm.active", "off")
    assert 68 < float(s.ha.state(f"{RACK}_loop_main.heat")) < 70
    assert s.ha.state(f"{RACK}_pue_row.it_kw") == "10" and f"{RACK}_pue_row.pue_15m" in s.ha.entities
    heat, difference = s.ha.entities[f"{RACK}_loop_main.heat"], s.ha.entities[f"{RACK}_loop_main.delta_t"]
    assert (heat["device_class"], heat["unit_of_measurement"], heat["name"]) == ("power", "kW", "Main heat")
    assert "device_class" not in difference and difference["unit_of_measurement"] == "K"
    alarm = s.ha.entities[f"{RACK}_alarm_warm.active"]
    assert alarm["device_class"] == "problem" and alarm["json_attributes_topic"] == alarm["state_topic"]
    of_rack = [p["device"] for t, p in s.ha.made.items() if "_alarm_" in t or "_loop_" in t]
    assert of_rack and all(d == s.ha.devices[RACK] for d in of_rack)
    s.server.set(1, "holding", 2, [60])
    s.wait_state(f"{RACK}_alarm_warm.active", "on")


def left(*names):
    return lambda h: all(not any(k.startswith(f"{RACK}_{n}.") for k in h.entities) for n in names)


def test_what_leaves_the_configuration_is_removed(site):
    s = site(PLANT, FIGURES, PLANT_VALUES)
    s.wait_state(f"{RACK}_alarm_warm.active", "off")
    before = set(s.ha.entities)
    s.daemon.reload(s.ini(FIGURES.split("[group")[0]))
    s.wait(left("alarm_warm", "pue_row", "group_all"))
    assert {k for k in before if k.startswith((f"{RACK}_d.", f"{RACK}_loop_main."))} <= set(s.ha.entities)
    s.daemon.stop()
    s.daemon = s.start(Coolantd, s.folder, s.ini())
    s.wait(left("loop_main"))
    s.daemon.reload(s.ini(mqtt=""))
    s.wait(lambda h: not h.entities and not h.devices)
    s.watch()
    harness.wait_for(lambda: s.seen.last("status"), "what is retained")
    assert not s.now().made


def test_what_a_device_has_no_more_is_removed(site):
    s = site(PLANT + point("spare", 7), FIGURES.replace("[group", "it_power = d.it\n[group"), PLANT_VALUES | {7: 0})
    s.wait_state(f"{RACK}_d.flow", "100")
    gone = {f"{RACK}_d.spare", f"{RACK}_loop_main.heat_capture_ratio", f"{RACK}_loop_main.energy_balance_residual", f"{RACK}_pue_row.pue_15m", f"{RACK}_pue_row.facility_kw"}
    s.wait(lambda h: gone <= set(h.entities))
    s.device = s.device.replace(point("spare", 7), "")
    s.daemon.reload(s.ini(FIGURES.replace("windows = 1m, 15m", "windows = 1m")
                          .replace("facility = d.total", "cooling = d.total")))
    s.wait(lambda h: not gone & set(h.entities))
    assert {f"{RACK}_d.flow", f"{RACK}_loop_main.flow", f"{RACK}_pue_row.pue_1m", f"{RACK}_pue_row.cooling_kw"} <= set(s.ha.entities)


def test_switched_off_while_it_was_stopped(site):
    s = site(PLANT, registers=PLANT_VALUES, mqtt=ON + "homeassistant_prefix = ha/here\n")
    s.ha = HomeAssistant("ha/here")
    s.wait_state(f"{RACK}_d.flow", "100")
    s.daemon.stop()
    s.daemon = s.start(Coolantd, s.folder, s.ini(mqtt=""))
    s.wait(lambda h: not h.entities)


def value_of(message, unique_id):
    """What our own message has for an entity of a device or of `values`."""
    return message["values"].get(unique_id.rsplit(".", 1)[1])


def test_the_example_row(start, tmp_path, broker):
    """All that the shipped example has is there with a value, or our own message has none either; a leak is seen."""
    ini, _ = test_sim.row(tmp_path, broker.port)
    (tmp_path / "coolantd.d" / "60-home.ini").write_text("[mqtt]\n" + ON)
    sim = test_sim.simulator(start, ini)
    start(harness.Process, [harness.COOLANTD, "-c", ini], env={"COOLANTD_PROFILE_PATH": str(harness.PROFILES)})
    seen, ha = start(Subscriber, broker.port), HomeAssistant()
    count = 0

    def state(unique_id):
        nonlocal count
        for m in seen.messages[count:]:
            ha.take(m)
            count += 1
        return ha.state(unique_id) if unique_id in ha.entities else None

    harness.wait_for(lambda: state(f"{RACK}_pue_row.power_ratio"), "the PUE")
    harness.wait_for(lambda: state(f"{RACK}_alarm_leak1.active") == "off", "the alarm")
    harness.wait_for(lambda: state(f"{RACK}_cdu1.connection.up") == "on", "the connection")
    assert {d["name"] for d in ha.devices.values()} == {"dc1 r07", "cdu1", "cdu2", "pdu1", "pdu2", "pdu3", "pdu4", "meter_main", "room"}
    there = {k: state(k) for k in ha.entities}
    for k, found in there.items():
        topic = ha.entities[k]["state_topic"]
        if "/device/" in topic or "/loop/" in topic:
            assert (found is None) == (value_of(json.loads(ha.payloads[topic]), k) is None), k
    assert sum(v is not None for v in there.values()) > 150
    sim.process.stdin.write("leak cdu1 on\n")
    sim.process.stdin.flush()
    harness.wait_for(lambda: state(f"{RACK}_cdu1.leak") == "on", "the leak")
    harness.wait_for(lambda: state(f"{RACK}_alarm_leak1.active") == "on", "its alarm")
    harness.say(f"Home Assistant: {len(ha.entities)} entities, {max(len(m.text) for m in seen.messages if 'homeassistant/' in m.topic)} bytes the longest message")


def test_ids_of_any_site_can_be_told_apart(start, tmp_path, broker):
    ini = head(tmp_path, broker.port, ON).replace("site = dc1\nrack = r07", "site = Halle.Süd\nrack = r_1")
    start(Coolantd, tmp_path, ini)
    seen = start(Subscriber, broker.port)
    topic = "homeassistant/device/coolantd_Halle_x2eS_xc3_xbcd_r__1/config"
    m = harness.wait_for(lambda: next((m for m in seen.messages if m.topic == topic), None), "the rack")
    ha = HomeAssistant()
    ha.take(m)
    assert ha.devices["coolantd_Halle_x2eS_xc3_xbcd_r__1"]["name"] == "Halle.Süd r_1"
