"""The schemas tell of everything that a payload has. Every message of every test is checked against them too: conftest.py."""
import json

import harness
import jsonschema
import pytest
import schemas
from harness import ModbusServer, device, tcp_bus

PLANT = {"flow": "L/min", "supply": "Cel", "return": "Cel", "pressure_drop": "kPa", "pump_power": "kW", "pump_speed": "%", "it_power": "kW", "air_temperature": "Cel",
         "air_humidity": "%", "primary_supply": "Cel", "reservoir_level": "%", "conductivity": "uS/cm", "ph": "[pH]", "turbidity": "NTU", "filter_hours": "h", "makeup_volume": "m3"}
INI = ("".join(f"[point:d.{key}]\nregister = holding:{i}\nunit = {unit}\n" for i, (key, unit) in enumerate(PLANT.items())) +
       "[point:d.mode]\nregister = holding:20\nenum = 30:auto\n[point:d.name]\nregister = holding:21\ntype = string\nlength = 1\n"
       "[point:d.kwh]\nregister = holding:22\nunit = kWh\ncounter = yes\n[point:d.none]\nregister = holding:23\ninvalid = 30\n"
       "[point:d.total]\nregister = holding:24\nunit = kW\n[loop:main]\ncoolant = pg25\n" + "".join(f"{key} = d.{key}\n" for key in PLANT) + "nominal_flow = 30\nsystem_volume = 100\nreservoir_volume = 10\n"
       "[loop:lost]\ncoolant = water\nflow = d.none2\nsupply = d.supply\nreturn = d.return\n[group:all]\nloops = main, lost\nneeded = 1\n"
       "[point:d.none2]\nregister = holding:23\nunit = L/min\ninvalid = 30\n"
       "[pue:row]\nfacility = d.total\nit = d.it_power\ncooling = d.pump_power\nreuse_heat = loop.main.heat\nwindows = 1m, 1h\n"
       "[alarm:warm]\npoint = d.supply\nwhen = above\nlimit = 20\n[alarm:odd]\npoint = d.none\nwhen = above\nlimit = 1\n"
       "[alarm:flag]\npoint = d.flow\nwhen = above\nlimit = 5\nlatch = yes\n")
STATES = {"active", "unknown"}


@pytest.fixture(scope="module")
def strict():
    return {kind: schemas.load(kind, schemas.closed) for kind in schemas.FILES}


def test_everything_that_is_told_is_in_the_schemas(start, coolantd, subscriber, tmp_path, strict):
    server = start(ModbusServer, tmp_path, {"1": {"holding": {i: 30 for i in range(25)}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 200ms\nlabels = serial:4711\n" + INI), "layout = both\n")
    for topic in ("health", "trend/pue/row", "trend/loop/main"):
        subscriber.wait(topic)
    subscriber.wait("alarm/warm", lambda m: m.json["state"] == "active")
    subscriber.wait("alarm/odd", lambda m: m.json["state"] == "unknown")
    assert harness.ask(tmp_path, "POST", "/v1/alarms/flag/ack")[0] == 200
    subscriber.wait("alarm/flag", lambda m: m.json["acknowledged"])
    assert harness.ask(tmp_path, "POST", "/v1/alarms/warm/shelve", json.dumps({"for": "1h"}))[0] == 200
    subscriber.wait("alarm/warm", lambda m: m.json["state"] == "shelved")
    # who comes now gets what the description calls retained, and nothing else
    late = start(harness.Subscriber, subscriber.port)
    retained = schemas.retained()
    kept = {m.topic for m in subscriber.messages if retained(m.topic)}
    harness.wait_for(lambda: {m.topic for m in late.messages if m.retain} >= kept, lambda: kept - {m.topic for m in late.messages})
    assert all(retained(m.topic) for m in late.messages if m.retain)
    told = {}
    for m in subscriber.messages:
        kind = schemas.kind_of(m.topic)
        told.setdefault(kind, []).append(m)
        payload = m.text if kind == "status" else m.json
        error = jsonschema.exceptions.best_match(strict[kind].iter_errors(payload))
        assert error is None, f"{m.topic}: {error.message} at {error.json_path}: {m.text}"
    assert set(schemas.KINDS) - {"history", "gap", "records"} <= set(told)
    answered(tmp_path, strict)


def answered(folder, strict):
    """Every request that there is gets what its schema tells, and nothing else."""
    allowed = harness.ask(folder, "GET", "/")[1]["error"].split("allowed: ")[1].rstrip(")").split(", ")
    read = json.dumps({"unit": 1, "table": "holding", "address": 0, "count": 2})
    told = set()
    for request in [r for r in allowed if r != "GET /metrics"]:
        method, path = request.split()
        name = next((n for p, n in {"/alarms/": "warm", "/loops/": "main", "/buses/": "b"}.items() if p in path), "")
        explained = ("?figure=" + f for f in ("pue.row.1m", "pue.row.power_ratio", "loop.main.heat", "group.all.fit", "alarm.warm", "d.flow", "d.name", "d.none"))
        for more in explained if path.endswith("explain") else [""]:
            status, answer = harness.ask(folder, method, path.replace("NAME", name) + more, read if path.endswith("read") else None)
            kind = schemas.answer_kind(method, path.replace("NAME", name), status)
            assert status == 200 or path.endswith(("strike", "/ack", "/shelve", "/learn")), (request, more, answer)
            error = jsonschema.exceptions.best_match(strict[kind].iter_errors(answer))
            assert error is None, f"{request}{more}: {error.message} at {error.json_path}"
            told.add(kind)
    assert {k for k in schemas.FILES if k.startswith("http-")} - {"http-learn"} <= told


def refs(value):
    if isinstance(value, dict):
        found = [value["$ref"]] if "$ref" in value else []
        return found + [r for v in value.values() for r in refs(v)]
    return [r for v in value for r in refs(v)] if isinstance(value, list) else []


# what AsyncAPI 3.0.0 allows of each object that we use
ASYNCAPI = {
    "root": {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"},
    "info": {"title", "version", "description", "termsOfService", "contact", "license", "tags", "externalDocs"},
    "channel": {"address", "messages", "title", "summary", "description", "servers", "parameters", "tags", "externalDocs", "bindings"},
    "operation": {"action", "channel", "title", "summary", "description", "security", "tags", "externalDocs", "bindings", "traits", "messages", "reply"},
    "parameter": {"enum", "default", "description", "examples", "location"},
    "message": {"headers", "payload", "correlationId", "contentType", "name", "title", "summary", "description", "tags", "externalDocs", "bindings", "examples", "traits"},
    "mqtt": {"qos", "retain", "messageExpiryInterval", "bindingVersion"},
}


def test_the_description_of_the_topics_is_asyncapi():
    found = json.loads((schemas.FOLDER / "asyncapi.json").read_text())
    objects = {"root": [found], "info": [found["info"]], "channel": found["channels"].values(), "operation": found["operations"].values(),
               "parameter": found["components"]["parameters"].values(), "message": found["components"]["messages"].values(),
               "mqtt": [o["bindings"]["mqtt"] for o in found["operations"].values()]}
    for kind, every in objects.items():
        for o in every:
            assert set(o) <= ASYNCAPI[kind], (kind, set(o) - ASYNCAPI[kind])
    assert found["asyncapi"] == "3.0.0" and {"title", "version"} <= set(found["info"]) and "name" in found["info"]["license"]
    assert all(o["action"] in ("send", "receive") for o in objects["operation"])
    for ref in refs(found):
        file, _, inside = ref.partition("#")
        target = found if inside else json.loads((schemas.FOLDER / file).read_text())
        for key in inside.split("/")[1:]:
            assert key in target, ref
            target = target[key]
    addresses = [c["address"] for c in objects["channel"]]
    assert len(addresses) == len(set(addresses))


def test_every_schema_has_a_channel():
    assert {kind for _, kind in schemas.channels().values()} == set(schemas.KINDS) - {"records"}


@pytest.mark.parametrize("kind, payload", [
    ("status", "away"), ("device", {"ts": 1, "seq": 1, "values": {"a": []}, "quality": {}, "times": {}}), ("device", {"ts": 1, "seq": 1, "values": {}}),
    ("device", {"ts": 1, "seq": 1, "values": {}, "quality": {"a": "good"}, "times": {}}), ("point", {"ts": 1.5, "value": 1, "quality": "good"}),
    ("point", {"ts": 1, "value": 1, "quality": "fine"}), ("gap", {"from": 1, "to": 2, "dropped": 0}), ("history", {"ts": 1}),
    ("trend", {"step_s": 300, "end": 0, "figures": {"pue": [1], "facility_kw": [1], "it_kw": [1]}}),
    ("http-points", {"ts": 1, "points": {"d.a": {"ts": 1, "value": 1, "unit": "kW"}}}), ("http-config", {"ts": 1, "sections": {"mqtt": {"qos": 1}}}),
    ("http-loops", {"ts": 1, "loops": {"main": {"ts": 1}}}), ("http-read", {"words": [65536], "latency_ms": 1}), ("http-error", {}),
    ("alarm", {"ts": 1, "state": "on", "severity": "info", "value": 1, "message": "", "acknowledged": False})])
def test_what_is_wrong_is_refused(kind, payload):
    assert not schemas.VALIDATORS[kind].is_valid(payload)
