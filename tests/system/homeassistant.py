"""Home Assistant as its documentation describes it: what its MQTT discovery takes, and what it makes of messages.

The tables are those of its pages "MQTT" (device discovery payload, abbreviations), "MQTT sensor", "MQTT binary sensor", "Sensor"
(device classes with their units, state classes) and "Binary sensor".
"""
import json
import re

from jinja2.sandbox import ImmutableSandboxedEnvironment

ID = re.compile(r"[a-zA-Z0-9_-]+$")
ABBREVIATIONS = {
    "dev": "device", "o": "origin", "cmps": "components", "p": "platform", "avty": "availability", "avty_mode": "availability_mode",
    "t": "topic", "val_tpl": "value_template", "stat_t": "state_topic", "stat_cla": "state_class", "dev_cla": "device_class",
    "unit_of_meas": "unit_of_measurement", "uniq_id": "unique_id", "ent_cat": "entity_category", "pl_on": "payload_on",
    "pl_off": "payload_off", "ops": "options", "json_attr_t": "json_attributes_topic",
}
DEVICE_ABBREVIATIONS = {"ids": "identifiers", "mf": "manufacturer", "mdl": "model", "sn": "serial_number", "sw": "sw_version"}
DEVICE_KEYS = {"identifiers", "name", "manufacturer", "model", "serial_number", "sw_version", "via_device"}
ORIGIN_KEYS = {"name", "sw_version"}
ENTITY_KEYS = {"platform", "unique_id", "name", "state_topic", "value_template", "availability", "availability_mode", "device_class",
               "entity_category", "json_attributes_topic"}
KEYS = {"sensor": ENTITY_KEYS | {"state_class", "unit_of_measurement", "options"}, "binary_sensor": ENTITY_KEYS | {"payload_on", "payload_off"}}
ENERGY = {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"}
VOLUME = {"mL", "L", "m³", "ft³", "CCF", "fl. oz.", "gal"}
UNITS = {
    "apparent_power": {"mVA", "VA", "kVA"}, "conductivity": {"S/cm", "mS/cm", "µS/cm"}, "current": {"A", "mA"}, "duration": {"d", "h", "min", "s", "ms"},
    "energy": ENERGY, "enum": {None}, "frequency": {"Hz", "kHz", "MHz", "GHz"}, "humidity": {"%"}, "ph": {None},
    "power": {"mW", "W", "kW", "MW", "GW", "TW"}, "power_factor": {"%", None},
    "pressure": {"Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mmHg", "inHg", "psi"}, "reactive_power": {"mvar", "var", "kvar"},
    "temperature": {"°C", "°F", "K"}, "voltage": {"V", "mV", "µV", "kV", "MV"}, "volume": VOLUME, "volume_storage": VOLUME,
    "volume_flow_rate": {"m³/h", "m³/min", "m³/s", "ft³/min", "L/h", "L/min", "L/s", "gal/h", "gal/min", "mL/s"},
}
MEASURED = {"measurement"}
STATE_CLASSES = {c: MEASURED for c in UNITS} | {
    "energy": {"total", "total_increasing"}, "volume": {"total", "total_increasing"}, "enum": {None}, "duration": {"measurement", "total", "total_increasing"}}
BINARY_CLASSES = {"connectivity", "door", "moisture", "problem", "running", "smoke"}


def whole(found, words):
    return {words.get(k, k): v for k, v in found.items()}


def expand(payload):
    """A discovery payload with the long names of its keys, checked against what is documented."""
    p = whole(json.loads(payload), ABBREVIATIONS)
    assert set(p) == {"device", "origin", "components"}
    p["device"], p["origin"] = whole(p["device"], DEVICE_ABBREVIATIONS), whole(p["origin"], DEVICE_ABBREVIATIONS)
    assert set(p["device"]) <= DEVICE_KEYS and p["device"]["identifiers"] and p["device"]["name"]
    assert set(p["origin"]) <= ORIGIN_KEYS and p["origin"]["name"]
    p["components"] = {k: check(whole(c, ABBREVIATIONS)) for k, c in p["components"].items()}
    return p


def check(c):
    if set(c) == {"platform"}:
        return c  # it is removed
    assert set(c) <= KEYS[c["platform"]], c
    assert c["unique_id"] and c["name"] and c["state_topic"]
    assert c.get("entity_category") in (None, "diagnostic")
    c["availability"] = [whole(a, ABBREVIATIONS) for a in c.get("availability", [])]
    for a in c["availability"]:
        assert set(a) <= {"topic", "value_template"}
    assert c.get("availability_mode", "all") == "all" and len({a["topic"] for a in c["availability"]}) == len(c["availability"])
    kind = c.get("device_class")
    if c["platform"] == "binary_sensor":
        assert kind is None or kind in BINARY_CLASSES
        return c
    assert kind is None or c.get("unit_of_measurement") in UNITS[kind], c
    assert kind is None or c.get("state_class") in STATE_CLASSES[kind], c
    assert c.get("state_class") in (None, "measurement", "total", "total_increasing")
    assert ("options" in c) == (kind == "enum") and c.get("unit_of_measurement") != ""
    return c


class HomeAssistant:
    """The states of all entities, of messages in their order."""

    def __init__(self, prefix="homeassistant"):
        self.prefix, self.devices, self.entities, self.payloads = prefix, {}, {}, {}
        self.jinja = ImmutableSandboxedEnvironment()
        self.made = {}  # by topic

    def take(self, m):
        level = m.topic.split("/")
        if m.topic.startswith(self.prefix + "/"):
            below = m.topic[len(self.prefix) + 1:].split("/")
            assert below[0] == "device" and ID.match(below[1]) and below[2:] == ["config"], m.topic
            self.discover(m.topic, m.text)
        elif "history" not in level:
            self.payloads[m.topic] = m.text

    def discover(self, topic, payload):
        before = self.made.pop(topic, {"components": {}})
        if payload:
            new = expand(payload)
            components = before["components"] | new["components"]  # what is only left out stays
            self.made[topic] = new | {"components": {k: c for k, c in components.items() if set(c) != {"platform"}}}
        every = [c for p in self.made.values() for c in p["components"].values()]
        self.entities = {c["unique_id"]: c for c in every}
        assert len(self.entities) == len(every), "a unique id is there twice"
        self.devices = {p["device"]["identifiers"][0]: p["device"] for p in self.made.values()}

    def render(self, template, payload):
        if template is None:
            return payload
        try:
            value = json.loads(payload)
        except ValueError:
            value = None
        return self.jinja.from_string(template).render(value=payload, value_json=value)

    def state(self, unique_id):
        """What is shown: a text, or None while it is unavailable."""
        e = self.entities[unique_id]
        for a in e["availability"]:
            payload = self.payloads.get(a["topic"], "")
            if payload == "" or self.render(a.get("value_template"), payload) != "online":
                return None
        text = self.render(e.get("value_template"), self.payloads[e["state_topic"]])
        if e["platform"] == "binary_sensor":
            return {e.get("payload_on", "ON"): "on", e.get("payload_off", "OFF"): "off"}[text]
        if "state_class" in e or "unit_of_measurement" in e:
            float(text)
        assert "options" not in e or text in e["options"]
        assert len(text) <= 255
        return text
