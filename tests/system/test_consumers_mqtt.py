"""packaging/examples that read MQTT messages: Node-RED is run, the others' paths are tried on the row's real messages."""
import fcntl
import getpass
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import types

import consumers
import harness
import pytest
from consumers import EXAMPLES, commands
from harness import ROOT, free_ports, run

KINDS = ("device", "loop", "group", "pue", "alarm")


@pytest.fixture(scope="module")
def messages(example_row):
    """{topic: message}: all kinds, a leak, and what is late."""
    example_row.say("leak cdu1 on")
    example_row.subscriber.wait("alarm/leak1", lambda m: m.json["state"] == "active")
    for topic in ("device/cdu1", "device/room", "loop/secondary1", "group/cooling", "pue/row"):
        example_row.subscriber.wait(topic)
    found = {t: m.json for t, m in example_row.last().items() if t.split("/")[3] in KINDS}
    # a broker that was away: the same below history/
    return found | {t.replace("/r07/", "/r07/history/"): m for t, m in found.items()}


def matches(pattern, topic):
    """A topic filter of MQTT."""
    expression = "/".join("[^/]+" if level == "+" else re.escape(level) for level in pattern.removesuffix("/#").split("/"))
    return re.fullmatch(expression + ("(/.*)?" if pattern.endswith("/#") else ""), topic) is not None


def at(path, payload):
    """What stands at a dotted path; None where nothing does."""
    for key in path.split("."):
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


# --- Node-RED ---

def installed(command):
    """The folder with Node-RED, installed once for each lock file."""
    source = EXAMPLES / "node-red"
    lock = (source / "package-lock.json").read_text()
    assert "resolved" not in lock
    folder = ROOT / "build-node-red" / hashlib.sha256(lock.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.copytree(source, folder / "node-red", dirs_exist_ok=True)
            subprocess.run(command, cwd=folder, check=True, timeout=300)  # the registry may be slow
            (folder / "done").touch()
    return folder


def test_node_red_shows_the_row(example_row, messages, start, tmp_path):
    install, serve = commands("Node-RED")
    folder = installed(install)
    home = tmp_path / "node-red"
    shutil.copytree(EXAMPLES / "node-red", home)
    (port,) = free_ports(1)
    flows, settings = home / "flows.json", home / "settings.js"
    flows.write_text(consumers.replaced(flows.read_text(), **{'"1883"': f'"{example_row.broker.port}"'}))
    settings.write_text(consumers.replaced(settings.read_text(), **{"uiPort: 1880": f"uiPort: {port}"}))
    assert serve[1:] == ["--userDir", "node-red", "--settings", "node-red/settings.js"]
    red = start(harness.Process, [folder / serve[0], "--userDir", home, "--settings", settings], cwd=tmp_path)
    red.wait_line("Started flows", 30)

    def shown():
        view = consumers.ask(f"http://127.0.0.1:{port}/coolant").get("dc1/r07")
        return view if view and view["status"] == "online" and view["alarms"] and view["pue"] and view["heat_kw"].get("secondary1") else None
    view = harness.wait_for(shown, lambda: red.text)
    assert 1.05 < view["pue"]["row"] < 1.2 and 20 < view["heat_kw"]["secondary1"] < 60 and view["redundancy"]["cooling"] == "n"
    first = view["alarms"][0]
    assert (first["name"], first["severity"], first["state"]) == ("leak1", "critical", "active")
    red.wait_line("dc1 r07: coolant leak at CDU 1")
    # what the broker has kept of a coolantd that is gone is not shown as live
    example_row.publish("coolant/dc9/r01/pue/row", messages["coolant/dc1/r07/pue/row"])
    example_row.publish("coolant/dc9/r01/status", "offline")
    gone = harness.wait_for(lambda: consumers.ask(f"http://127.0.0.1:{port}/coolant").get("dc9/r01"), lambda: red.text)
    assert gone["status"] == "offline" and gone["pue"] == {"row": None} and gone["alarms"] == []


# --- Telegraf, PostgreSQL and TimescaleDB ---

# the keys that the plugins' pages tell of
TELEGRAF = {
    "agent": {"interval", "flush_interval", "omit_hostname"},
    "mqtt_consumer": {"servers", "topics", "topic_tag", "qos", "persistent_session", "client_id", "data_format", "username", "password",
                      "topic_parsing", "json_v2"},
    "topic_parsing": {"topic", "measurement", "tags", "fields"},
    "json_v2": {"measurement_name", "timestamp_path", "timestamp_format", "field", "object"},
    "field": {"path", "optional", "rename", "type"},
    "object": {"path", "optional", "disable_prepend_keys", "included_keys", "excluded_keys"},
    "influxdb_v2": {"urls", "token", "organization", "bucket"},
    "postgresql": {"connection", "fields_as_jsonb", "add_column_templates"},
}


def check_keys(kind, table):
    assert set(table) <= TELEGRAF[kind], (kind, set(table) - TELEGRAF[kind])
    for key, below in table.items():
        for t in below if key in TELEGRAF and isinstance(below, list) else []:
            check_keys(key, t)


def flat(value, name=""):
    """The fields of an object, as the parser names them; what is null is none."""
    if not isinstance(value, dict):
        return {} if value is None else {name: value}
    return {k: v for key, below in value.items() for k, v in flat(below, f"{name}_{key}" if name else key).items()}


def metric(source, topic, payload):
    """(measurement, time, tags, fields) that an input makes of a message."""
    (parsing,) = [p for p in source["topic_parsing"] if matches(p["topic"], topic)]
    levels, names = topic.split("/"), parsing["tags"].split("/")
    assert len(levels) == len(names) == len(parsing["topic"].split("/"))
    (form,) = source["json_v2"]
    fields = {f["path"].split(".")[-1]: at(f["path"], payload) for f in form.get("field", [])}
    for o in form.get("object", []):
        fields |= flat(at(o["path"], payload))
    tags = {n: l for n, l in zip(names, levels) if n != "_"}
    assert form["timestamp_format"] == "unix_ms"
    return form["measurement_name"], at(form["timestamp_path"], payload), tags, {k: v for k, v in fields.items() if v is not None}


@pytest.fixture
def metrics(messages):
    """What Telegraf makes of all messages."""
    parsed = {name: tomllib.loads((EXAMPLES / "telegraf" / f"{name}.conf").read_text()) for name in ("coolantd", "influxdb", "postgresql")}
    check_keys("agent", parsed["coolantd"]["agent"])
    for config in parsed.values():
        for kind, tables in (config.get("inputs", {}) | config.get("outputs", {})).items():
            for table in tables:
                check_keys(kind, table)
    sources = parsed["coolantd"]["inputs"]["mqtt_consumer"]
    assert len({s["client_id"] for s in sources}) == len(sources) == len(KINDS)
    made = []
    for topic, payload in messages.items():
        taken = [s for s in sources if any(matches(t, topic) for t in s["topics"])]
        assert len(taken) == 1, topic
        made.append(metric(taken[0], topic, payload))
    return made


def test_telegraf_takes_every_message_with_its_time(metrics, messages):
    assert len(metrics) == len(messages)
    fields = {}
    for measurement, ts, tags, found in metrics:
        assert set(tags) == {"site", "rack", measurement.removeprefix("coolant_")} and tags["rack"] == "r07" and ts > 1e12
        assert found
        for key, value in found.items():  # a field of one series has one type for ever
            assert fields.setdefault((measurement, tags.get("device"), key), json_type(value)) == json_type(value), key
    names = {(m, k) for m, _, k in fields}
    assert {("coolant_loop", "heat"), ("coolant_device", "flow_rate"), ("coolant_pue", "15m_coverage"), ("coolant_pue", "power_ratio"),
            ("coolant_group", "redundancy"), ("coolant_alarm", "state")} <= names


def json_type(value):
    return bool if isinstance(value, bool) else float if isinstance(value, (int, float)) else type(value)


class Postgres:
    """A server of its own, reached by a socket in its folder."""

    def __init__(self, folder):
        self.folder = folder
        programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        self.user = getpass.getuser()
        become = []
        if os.getuid() == 0:  # it refuses root
            self.user = "postgres"
            shutil.chown(folder, self.user)
            become = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"]
        r = run([*become, programs / "initdb", "-D", folder / "data", "-A", "trust", "--no-sync", "--no-instructions"], cwd="/")
        assert r.returncode == 0, r.stderr
        self.server = harness.Process([*become, programs / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"], cwd="/")
        self.process = self.server.process
        self.server.wait_line("ready to accept connections")

    def stop(self):
        self.server.stop()

    def run(self, *options, text=None):
        return subprocess.run(["psql", "-h", self.folder, "-U", self.user, "-v", "ON_ERROR_STOP=1", "-AtqX", *options], input=text, text=True,
                              capture_output=True, timeout=60, check=False)

    def ask(self, text):
        r = self.run("-d", "coolant", text=text)
        assert r.returncode == 0, r.stderr
        return [line.split("|") for line in r.stdout.splitlines()]


@pytest.fixture
def postgres(start):
    with tempfile.TemporaryDirectory() as folder:
        server = start(Postgres, pathlib.Path(folder))
        server.run("-d", "postgres", "-c", "CREATE DATABASE coolant")
        yield server
        server.stop()


# what the extension has, as far as its documentation promises it, so that the calls are checked without it
TIMESCALE = """
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, chunk_time_interval interval) RETURNS int LANGUAGE sql AS
  'SELECT count(*)::int FROM pg_attribute WHERE attrelid = relation AND attname = time_column_name';
CREATE FUNCTION add_compression_policy(hypertable regclass, compress_after interval) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION add_retention_policy(relation regclass, drop_after interval) RETURNS int LANGUAGE sql AS 'SELECT 1';
"""


def test_the_tables_hold_what_telegraf_sends(metrics, postgres):
    made, _ = commands("Telegraf, InfluxDB, PostgreSQL and TimescaleDB")
    assert made[0] == "psql" and made[-2] == "-f"
    r = postgres.run(*made[1:-1], EXAMPLES / made[-1])
    assert r.returncode == 0, r.stderr
    script = []
    for measurement, ts, tags, fields in metrics:
        columns = ", ".join(f'"{t}"' for t in tags)
        values = ", ".join(f"'{v}'" for v in tags.values())
        script.append(f'INSERT INTO {measurement} ("time", {columns}, fields) VALUES (to_timestamp({ts} / 1000.0), {values}, $json${json.dumps(fields)}$json$);')
    postgres.ask("\n".join(script))
    power = next(m for m in metrics if m[2].get("device") == "meter_main")[3]["active_power"]
    assert [float(v) for (v,) in postgres.ask("SELECT value FROM coolant_reading WHERE device = 'meter_main' AND point = 'active_power'")] == [power]
    assert postgres.ask("SELECT value FROM coolant_reading WHERE device = 'cdu1' AND point = 'leak'") == [["1"]]
    assert ["leak1", "critical", "f"] in postgres.ask("SELECT alarm, severity, acknowledged FROM coolant_alarm_active")
    assert postgres.ask("SELECT kind, name FROM coolant_now") == [["loop", "secondary1"], ["loop", "secondary2"], ["pue", "row"]]
    assert all(20 < float(heat) < 60 for (heat,) in postgres.ask("SELECT heat_kw FROM coolant_heat_hour"))
    timescale = (EXAMPLES / "sql" / "timescaledb.sql").read_text()
    ours = re.sub(r"^(CREATE EXTENSION|ALTER TABLE \w+ SET \(timescaledb\.).*$", "", timescale, flags=re.M)
    assert {v for (v,) in postgres.ask(TIMESCALE + ours)} == {"1"}
    for table, columns in re.findall(r"ALTER TABLE (\w+) SET .*segmentby = '([^']+)'", timescale):
        postgres.ask(f"SELECT {columns} FROM {table} LIMIT 0")


# --- EMQX ---

TUPLE = re.compile(r'\{(allow|deny), (?:all|\{username, "([^"]+)"\}, (publish|subscribe|all), \[([^\]]*)\])\}\.')


def emqx_rules():
    rules = []
    for line in (EXAMPLES / "emqx" / "acl.conf").read_text().splitlines():
        if line and not line.startswith("%%"):
            m = TUPLE.fullmatch(line)
            assert m, line
            rules.append((m[1], m[2], m[3], re.findall(r'"([^"]+)"', m[4] or "")))
    return rules


def emqx_allows(rules, user, action, topic):
    for verdict, who, what, topics in rules:
        if who is None or (who == user and what in (action, "all") and any(matches(t, topic) for t in topics)):
            return verdict == "allow"
    return False


def test_emqx_has_the_rights_of_mosquitto(messages):
    rules = emqx_rules()
    granted, user = [], None
    for line in (EXAMPLES / "mosquitto" / "coolantd.acl").read_text().splitlines():
        if line.startswith("user "):
            user = line.split()[1]
        elif line.startswith("topic "):
            _, way, topic = line.split()
            granted += [(user, action, topic) for action in ("publish", "subscribe") if way in ("readwrite", {"publish": "write", "subscribe": "read"}[action])]
    topics = [*messages, "coolant/dc1/r07/status", "coolant/dc1/r08/status", "coolant/dc2/r07/pue/row", "homeassistant/device/x/config", "homeassistant/status", "x",
              "spBv1.0/dc1/NBIRTH/dc1-r07", "spBv1.0/dc1/DDATA/dc1-r08/cdu1", "spBv1.0/dc1/NCMD/dc1-r07", "spBv1.0/STATE/scada", "spBv1.0/STATE/other",
              "BMS/v1/PUB/Value/CDU/LiquidFlow/dc1/r07/cdu1/flow_rate", "BMS/v1/PUB/Value/CDU/LiquidFlow/dc1/r08/cdu1/flow_rate"]
    for user in {u for u, _, _ in granted} | {"nobody"}:
        for action in ("publish", "subscribe"):
            for topic in topics:
                expected = any(u == user and a == action and matches(t, topic) for u, a, t in granted)
                assert emqx_allows(rules, user, action, topic) == expected, (user, action, topic)


def test_emqx_rules_find_their_values(messages):
    text = (EXAMPLES / "emqx" / "coolantd.hocon").read_text()
    rules = re.findall(r'sql = """(.*?)""".*?topic = "([^"]+)"', text, re.S)
    assert len(rules) == 3
    for sql, target in rules:
        source = re.search(r'FROM "([^"]+)"', sql)[1]
        paths = dict(re.findall(r"payload\.([\w.]+) AS (\w+)", sql))
        levels = {name: int(n) for n, name in re.findall(r"nth\((\d), tokens\(topic, '/'\)\) AS (\w+)", sql)}
        assert set(re.findall(r"\$\{(\w+)\}", target)) == set(levels)
        taken = {t: m for t, m in messages.items() if matches(source, t)}
        assert taken and "ts" in paths
        for topic, payload in taken.items():
            names = topic.split("/")
            assert (names[levels["site"] - 1], names[levels["rack"] - 1]) == ("dc1", "r07") and levels["site"] == 2
            for path in paths:
                assert at(path, payload) is not None, (topic, path)


# --- ThingsBoard ---

TYPES = {"double": float, "integer": float, "string": str, "boolean": bool}


def test_thingsboard_finds_its_values(messages):
    config = json.loads((EXAMPLES / "thingsboard" / "mqtt.json").read_text())
    assert {"broker", "mapping", "requestsMapping"} == set(config)
    assert {m["topicFilter"].split("/")[3] for m in config["mapping"]} == set(KINDS)
    for m in config["mapping"]:
        converter = types.SimpleNamespace(**m["converter"])
        taken = {t: p for t, p in messages.items() if matches(m["topicFilter"], t)}
        devices = {re.search(converter.deviceInfo["deviceNameExpression"], t).group(0) for t in taken}
        assert len(devices) == len(taken) and all(d.startswith("dc1/r07/") for d in devices)
        assert all(p["ts"] for p in taken.values())  # the gateway takes this as the time
        for entry in converter.timeseries + converter.attributes:
            path = re.fullmatch(r"\$\{([\w.]+)\}", entry["value"])[1]
            found = {json_type(v) for v in (at(path, p) for p in taken.values()) if v is not None}
            assert found == {TYPES[entry["type"]]} or (path.startswith("windows.") and not found), (m["topicFilter"], path, found)
