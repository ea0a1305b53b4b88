"""The messages of the NVIDIA DSX BMS event bus, written out from its AsyncAPI description 1.0.0."""
import re

import jsonschema

TEXT, TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
STATES = {"type": "array", "items": {"type": "object", "required": ["value", "text"], "additionalProperties": False,
                                     "properties": {"value": {"type": "integer"}, "text": TEXT}}}
VALUE = {"type": "object", "required": ["value", "timestamp", "quality"], "additionalProperties": False,
         "properties": {"value": {"type": ["number", "null"]}, "timestamp": {"type": "integer"}, "quality": {"type": "integer"}}}
PLANT = ["CDU", "CoolingTower", "HX", "CRAH", "CRAC", "AHU", "Chiller", "Tank", "GenericObject"]
POWER = ["BESS", "UPS", "ATS", "Generator", "Shunt", "Breaker"]
MEASURED = ["LiquidTemperature", "LiquidDifferentialPressure", "LiquidFlow", "LiquidPressure", "AirTemperature", "AirDifferentialPressure",
            "AirRelativeHumidity", "AirFlow", "AirPressure", "LeakDetect"]
MOVED = ["ValvePosition", "PumpSpeed", "FanSpeed", "DamperPosition"]
RACK_UNITS = {"RackLiquidSupplyTemperature": "C", "RackLiquidReturnTemperature": "C", "RackLiquidFlow": "LPM", "RackLiquidDifferentialPressure": "kPa",
              "RackLiquidDifferentialPressureSp": "kPa", "RackControlValvePosition": "%", "RackPower": "kW"}
RACK_STATES = ["RackLeakDetect", "RackLeakSensorFault", "RackLiquidIsolationStatus", "RackElectricalIsolationStatus"]
METER = ["Voltage", "PowerFactor", "Frequency", "ApparentPower", "ActivePower", "Current", "CurrentLimit", "PhaseCurrent", "GenericPoint"]
POINTS = ({t: [*MEASURED, *MOVED, "Status", "Available", "GenericPoint"] for t in PLANT}
          | {"Sensor": [*MEASURED, "Sound", "Available", "GenericPoint"], "Rack": [*RACK_UNITS, *RACK_STATES], "PowerMeter": METER}
          | {t: ["Status", "Available", "GenericPoint"] for t in POWER}
          | {t: [p, "Available", "GenericPoint"] for t, p in zip(["Valve", "Pump", "Fan", "Damper"], MOVED)}
          | {"System": ["HeartbeatTimestampBms", "HeartbeatEchoBms", "Status", "Available", "GenericPoint"]})
POINTS["GenericObject"].append("Sound")
TOPIC = re.compile(r"BMS/v1/PUB/(Value|Metadata)/(\w+)/(\w+)/([^+#]+)$")
PHASE = {"enum": ["A", "B", "C", "1", "2", "3"]}


def objects(required, properties, **more):
    """An object with the two types, and nothing that it does not tell of."""
    return {"type": "object", "required": ["objectType", "pointType", *required], "additionalProperties": False,
            "properties": {"objectType": TEXT, "pointType": TEXT, **properties}, **more}


def measured(point):
    """(required, properties) of what is measured at a point of equipment."""
    if point in ("LiquidTemperature", "AirTemperature"):
        return [(["engUnit"], {"engUnit": {"const": "C"}, "isSetpoint": {"type": "boolean"}})]
    if point in ("Status", "Available", "LeakDetect"):
        return [(["stateText"], {"stateText": STATES})]
    if point == "GenericPoint":
        return [([], {"engUnit": TEXT, "phase": PHASE}), (["stateText"], {"stateText": STATES, "phase": PHASE})]
    return [(["engUnit"], {"engUnit": {"type": "string", "minLength": 1}}), (["stateText"], {"stateText": STATES})]


def rack(point):
    identity = {"rackLocationName": TEXT, "rackLocationId": TEXT}
    if point in RACK_UNITS:
        return objects([*identity, "engUnit"], {**identity, "engUnit": {"const": RACK_UNITS[point]}})
    return objects([*identity, "stateText"], {**identity, "stateText": STATES})


def meter(point):
    identity = {"objectName": TEXT, "objectId": TEXT, "servesId": TEXTS}
    if point == "GenericPoint":
        return {"oneOf": [objects([*identity, "processArea", *r], {**identity, "processArea": TEXTS, **p}) for r, p in measured(point)]}
    if point == "PowerFactor":
        return objects([*identity], identity)
    phase = {"phase": PHASE} if point == "PhaseCurrent" else {}
    return objects([*identity, "engUnit", *phase], {**identity, "engUnit": TEXT, **phase})


def equipment(point):
    named = (["objectName", "objectId"], {"objectName": TEXT, "objectId": TEXT, "servesId": TEXTS})
    associate = (["associateId"], {"associateId": TEXT})
    area = ["processArea"] if point == "GenericPoint" else []
    return {"oneOf": [objects([*i, *area, *r], {**ip, "processArea": TEXTS, **p}) for i, ip in (named, associate) for r, p in measured(point)]}


def metadata(kind, point):
    if point == "HeartbeatTimestampBms":
        return objects(["objectName", "objectId"], {"objectName": TEXT, "objectId": TEXT, "scope": TEXT})
    return {"Rack": rack, "PowerMeter": meter}.get(kind, equipment)(point)


def check(messages):
    """Every message is as the description says; returns {tag path: metadata} and {tag path: [value, …]}."""
    described, values = {}, {}
    for m in messages:
        part = TOPIC.match(m.topic)
        assert part and m.qos == 0 and part[3] in POINTS[part[2]], m.topic
        if part[1] == "Value":
            jsonschema.validate(m.json, VALUE)
            assert part[4] in described, f"a value before its metadata: {m.topic}"
            values.setdefault(part[4], []).append(m.json)
            continue
        jsonschema.validate(m.json, metadata(part[2], part[3]))
        assert (m.json["objectType"], m.json["pointType"]) == (part[2], part[3])
        assert described.setdefault(part[4], m.json) == m.json, f"two points with one tag path: {part[4]}"
    return described, values
