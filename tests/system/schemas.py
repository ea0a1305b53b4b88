"""Payloads of ours against the JSON Schemas that are installed with them."""
import json
import pathlib
import re

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "schemas"
# of what is published, and records; answers to requests and what coolantctl prints have names with a dash before them
FILES = sorted(p.name.removesuffix(".schema.json") for p in FOLDER.glob("*.schema.json"))
KINDS = [k for k in FILES if not k.startswith(("http-", "ctl-"))]
TOPIC = re.compile(r"coolant/[^/]+/[^/]+/([a-z]+)(?:/|$)(.*)")
# of answers with status 200; with another they are http-error
ANSWERS = [(re.compile(request + r"(\?.*)?$"), kind) for request, kind in {
    r"GET /healthz": "http-healthz", r"GET /v1/status": "http-status", r"GET /v1/points": "http-points", r"GET /v1/loops": "http-loops",
    r"GET /v1/groups": "http-groups", r"GET /v1/pue": "http-pue", r"GET /v1/alarms": "http-alarms", r"GET /v1/alarms/history": "http-alarms-history",
    r"GET /v1/buses": "http-buses", r"GET /v1/explain": "http-explain", r"GET /v1/config": "http-config", r"GET /v1/records": "records",
    r"POST /v1/records/(un)?strike": "records", r"POST /v1/alarms/[^/]+/(ack|(un)?shelve)": "alarm", r"POST /v1/loops/[^/]+/learn": "http-learn",
    r"POST /v1/buses/[^/]+/read": "http-read", r"POST /v1/buses/[^/]+/capture": "http-capture"}.items()]
# numbers of the same form are alike to a schema: so that most messages need only be compared
NUMBER = re.compile(r"(?<=[:,\[])-?(?:\d+(?P<fraction>\.\d+)?(?P<exponent>e[+-]?\d+)?)(?=[,}\]])")


def load(kind, change=lambda schema: schema):
    base = FOLDER.as_uri() + "/"
    every = {k: change(json.loads((FOLDER / f"{k}.schema.json").read_text())) for k in FILES}
    schema = every[kind]
    resolver = jsonschema.RefResolver(base, schema, store={f"{base}{k}.schema.json": s for k, s in every.items()})
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def closed(schema):
    """The same, and nothing that it does not tell of."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {k: closed(v) for k, v in schema.items()}
    return {"additionalProperties": False, **schema} if isinstance(schema.get("properties"), dict) else schema


VALIDATORS = {kind: load(kind) for kind in FILES}
for validator in VALIDATORS.values():
    validator.check_schema(validator.schema)
seen = set()


def kind_of(topic):
    """The schema of a topic; None = it is none of ours."""
    m = TOPIC.match(topic)
    return m and ("info-device" if m[1] == "info" and m[2] else m[1])


def channels():
    """{name: (pattern of its topics, its kind)} of the AsyncAPI description."""
    found = json.loads((FOLDER / "asyncapi.json").read_text())
    every = {}
    for name, c in found["channels"].items():
        (message, _), = c["messages"].items()
        kind = found["components"]["messages"][message]["payload"]["$ref"].removesuffix(".schema.json")
        assert set(re.findall(r"{(\w+)}", c["address"])) == set(c["parameters"]) <= set(found["components"]["parameters"])
        every[name] = re.compile(re.sub(r"{\w+}", "[^/]+", c["address"]) + "$"), kind
    assert {o["channel"]["$ref"].removeprefix("#/channels/") for o in found["operations"].values()} == set(every)
    return every


CHANNELS = channels().values()
placed = set()  # topics that have their channel


def retained():
    """Whether a topic is retained, as the AsyncAPI description says."""
    found, patterns = json.loads((FOLDER / "asyncapi.json").read_text()), channels()
    kept = {o["channel"]["$ref"].removeprefix("#/channels/") for o in found["operations"].values() if o["bindings"]["mqtt"]["retain"]}
    return lambda topic: any(patterns[name][0].match(topic) for name in kept)


def judge(where, kind, text):
    """Fails when a text is not as the schema of its kind says."""
    form = kind, NUMBER.sub(lambda n: ("-" if n[0][0] == "-" else "") + ("0.5" if n["fraction"] or n["exponent"] else "1"), text)
    if form in seen:
        return
    assert kind in VALIDATORS, f"{where} has no schema"
    payload = text if kind == "status" else json.loads(text)
    error = jsonschema.exceptions.best_match(VALIDATORS[kind].iter_errors(payload))
    assert error is None, f"{where}: {error.message} at {error.json_path}: {text}"
    seen.add(form)


def check(messages):
    """Fails with the first message that is not as its schema says, or of no channel; an emptied topic has no payload."""
    for m in messages:
        kind = kind_of(m.topic)
        if kind and m.text:
            judge(m.topic, kind, m.text)
        if kind and m.topic not in placed:
            assert [k for pattern, k in CHANNELS if pattern.match(m.topic)] == [kind], f"{m.topic} is in no channel of asyncapi.json"
            placed.add(m.topic)


def answer_kind(method, path, status):
    """The schema of an answer; None = there is none."""
    if status != 200 and path != "/healthz":
        return "http-error"
    return next((kind for pattern, kind in ANSWERS if pattern.match(f"{method} {path}")), None)


def check_answer(method, path, status, text):
    """Fails when an answer of coolantd is not as its schema says."""
    judge(f"{method} {path} {status}", answer_kind(method, path, status), text)
