"""Payloads of ours against the JSON Schemas that are installed with them."""
import json
import pathlib
import re

import jsonschema

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "schemas"
# of what is published, and records; answers to requests and what coolantctl prints have names with a dash before them
KINDS = sorted(k for p in FOLDER.glob("*.schema.json") if not (k := p.name.removesuffix(".schema.json")).startswith(("http-", "ctl-")))
TOPIC = re.compile(r"coolant/[^/]+/[^/]+/([a-z]+)(?:/|$)(.*)")
# numbers of the same form are alike to a schema: so that most messages need only be compared
NUMBER = re.compile(r"(?<=[:,\[])-?(?:\d+(?P<fraction>\.\d+)?(?P<exponent>e[+-]?\d+)?)(?=[,}\]])")


def load(kind, change=lambda schema: schema):
    schema = change(json.loads((FOLDER / f"{kind}.schema.json").read_text()))
    resolver = jsonschema.RefResolver(FOLDER.as_uri() + "/", schema)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def closed(schema):
    """The same, and nothing that it does not tell of."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {k: closed(v) for k, v in schema.items()}
    return {"additionalProperties": False, **schema} if isinstance(schema.get("properties"), dict) else schema


VALIDATORS = {kind: load(kind) for kind in KINDS}
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


def retained():
    """Whether a topic is retained, as the AsyncAPI description says."""
    found, patterns = json.loads((FOLDER / "asyncapi.json").read_text()), channels()
    kept = {o["channel"]["$ref"].removeprefix("#/channels/") for o in found["operations"].values() if o["bindings"]["mqtt"]["retain"]}
    return lambda topic: any(patterns[name][0].match(topic) for name in kept)


def check(messages):
    """Fails with the first message that is not as its schema says; an emptied topic has no payload."""
    for m in messages:
        kind = kind_of(m.topic)
        if kind is None or m.text == "":
            continue
        form = kind, NUMBER.sub(lambda n: ("-" if n[0][0] == "-" else "") + ("0.5" if n["fraction"] or n["exponent"] else "1"), m.text)
        if form in seen:
            continue
        assert kind in VALIDATORS, f"{m.topic} has no schema"
        payload = m.text if kind == "status" else json.loads(m.text)
        error = jsonschema.exceptions.best_match(VALIDATORS[kind].iter_errors(payload))
        assert error is None, f"{m.topic}: {error.message} at {error.json_path}: {m.text}"
        seen.add(form)
