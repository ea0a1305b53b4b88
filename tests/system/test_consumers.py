"""packaging/examples: each is started as packaging/docs/consumers.md says, on the shipped row, and shows it."""
import getpass
import json
import re
import shutil
import ssl
import threading
import time

import consumers
import harness
import paho.mqtt.client as mqtt
import pytest
from consumers import EXAMPLES, PAGE, commands
from harness import free_ports, run

# needs most of a minute of readings, more than a test may take
LATE = "coolantd_pue_window_ratio"


def test_the_page_tells_of_each_example():
    text = PAGE.read_text()
    files = [p.relative_to(EXAMPLES) for p in EXAMPLES.rglob("*") if p.is_file()]
    assert files
    for path in files:
        assert str(path) in text, path


# --- Prometheus and Grafana ---

@pytest.fixture(scope="module")
def prometheus(example_row, tmp_path_factory):
    """Its address; started as the page says, on this row."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copytree(EXAMPLES / "prometheus", folder / "prometheus")
    config = folder / "prometheus" / "prometheus.yml"
    config.write_text(consumers.replaced(config.read_text(), **{"127.0.0.1:9109": f"127.0.0.1:{example_row.http_port}", ": 10s": ": 1s"}))
    *checks, server = commands("Prometheus")
    for check in checks:
        r = run(check, cwd=folder)
        assert r.returncode == 0 and "SUCCESS" in r.stdout, r.stdout + r.stderr
    (port,) = free_ports(1)
    server = [consumers.replaced(word, **{"127.0.0.1:9090": f"127.0.0.1:{port}"}) if "9090" in word else word for word in server]
    server = [consumers.replaced(word, **{"/var/lib/prometheus": folder / "data"}) if "/var/lib" in word else word for word in server]
    process = example_row.start(harness.Process, server, cwd=folder)
    process.wait_line("Server is ready to receive web requests")
    return f"http://127.0.0.1:{port}/api/v1"


def samples(address, query):
    """The series that a query gives now."""
    found = consumers.ask(f"{address}/query", query=query)
    assert found["status"] == "success", found
    return found["data"]["result"]


def test_prometheus_shows_the_row_and_fires(example_row, prometheus):
    (target,) = harness.wait_for(lambda: [t for t in consumers.ask(f"{prometheus}/targets")["data"]["activeTargets"] if t["health"] == "up"], "the target")
    assert target["labels"]["rack"] == "r07" and target["lastError"] == ""
    ratio = harness.wait_for(lambda: samples(prometheus, "coolantd_pue_power_ratio"), "the PUE")[0]
    assert ratio["metric"]["site"] == "dc1" and 1.05 < float(ratio["value"][1]) < 1.2
    assert {r["name"] for g in consumers.ask(f"{prometheus}/rules")["data"]["groups"] for r in g["rules"]} >= {"CoolantAlarmCritical", "CoolantdDown"}
    example_row.say("leak cdu1 on")

    def fired():
        return [a for a in consumers.ask(f"{prometheus}/alerts")["data"]["alerts"] if a["labels"]["alertname"] == "CoolantAlarmCritical" and a["state"] == "firing"]
    (alert,) = harness.wait_for(fired, "the alert")
    assert (alert["labels"]["alarm"], alert["annotations"]["summary"]) == ("leak1", "dc1 r07: leak1")


def panels():
    return json.loads((EXAMPLES / "grafana" / "coolantd.json").read_text())["panels"]


def for_now(expression):
    """A query of the dashboard as Grafana would send it, with all sites and racks chosen."""
    return expression.replace("$site", ".*").replace("$rack", ".*").replace("$__rate_interval", "10s").replace("$__interval", "10s")


def test_every_query_of_the_dashboard_gives_data(example_row, prometheus):
    example_row.say("leak cdu1 on")  # else the table of alarms is rightly empty
    board = json.loads((EXAMPLES / "grafana" / "coolantd.json").read_text())
    queries = {t["expr"] for p in panels() for t in p.get("targets", [])}
    assert len(queries) > 25
    for query in queries:
        text = for_now(query)
        assert "$" not in text
        if LATE in query:
            samples(prometheus, text)
        else:
            harness.wait_for(lambda q=text: samples(prometheus, q), f"data for {text}")
    samples(prometheus, for_now(board["annotations"]["list"][0]["expr"]))
    for name in ("site", "rack"):
        variable = next(v for v in board["templating"]["list"] if v["name"] == name)
        series, label = variable["query"]["query"].removeprefix("label_values(").rstrip(")").rsplit(", ", 1)
        assert {s["metric"][label] for s in samples(prometheus, for_now(series))} == {{"site": "dc1", "rack": "r07"}[name]}


def test_the_dashboard_is_one():
    found, taken = panels(), set()
    assert sorted(p["id"] for p in found) == list(range(1, len(found) + 1))
    for p in found:
        at = p["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, p["title"]
        taken |= cells
        for t in p.get("targets", []):
            assert t["datasource"] == p["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert 'site=~"$site",rack=~"$rack"' in t["expr"]


# --- Mosquitto ---

class Client:
    """A user of a broker."""

    def __init__(self, port, user, transport="tcp", ca=None):
        self.got, self.ready = [], threading.Event()
        self.client = mqtt.Client(transport=transport, protocol=mqtt.MQTTv5)
        if user:
            self.client.username_pw_set(user, "secret")
        if ca:
            self.client.tls_set(ca, cert_reqs=ssl.CERT_REQUIRED)
        self.refused = None
        self.client.on_connect = self.connected
        self.client.on_message = lambda c, u, m: self.got.append((m.topic, m.payload.decode(errors="replace")))
        self.client.connect("localhost" if ca else "127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(harness.PATIENCE)

    def connected(self, client, user, flags, reason, properties=None):
        self.refused = reason != 0
        client.on_subscribe = lambda *_: self.ready.set()
        if self.refused:
            client.disconnect()
            self.ready.set()
        else:
            client.subscribe([(topic, 1) for topic in ("coolant/#", "homeassistant/#", "spBv1.0/#", "BMS/#")])

    def publish(self, topic, text):
        m = self.client.publish(topic, text, qos=1, retain=True)
        m.wait_for_publish(harness.PATIENCE)

    def stop(self):
        self.client.loop_stop()
        self.client.disconnect()


@pytest.fixture
def site(start, tmp_path):
    """The site's broker, as the page says: ports and the authority of its certificate."""
    made = tmp_path / "site"
    (made / "certs").mkdir(parents=True)
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", made / "certs/server.key", "-out", made / "certs/server.crt"])
    shutil.copy(EXAMPLES / "mosquitto/coolantd.acl", made)
    (made / "web").mkdir()
    (made / "web/index.html").write_text("the page")
    for user in re.findall(r"^user (\S+)", (made / "coolantd.acl").read_text(), re.M):
        flags = [] if (made / "coolantd.passwd").exists() else ["-c"]
        assert run(["mosquitto_passwd", *flags, "-b", made / "coolantd.passwd", user, "secret"], env=consumers.PATH).returncode == 0
    plain, tls, web = free_ports(3)
    (made / "coolantd.conf").write_text(consumers.replaced((EXAMPLES / "mosquitto/coolantd.conf").read_text(), **{
        "/etc/mosquitto": made, "/usr/share/coolantd/web": made / "web", "listener 1883 127.0.0.1": f"listener {plain} 127.0.0.1",
        "listener 8883": f"listener {tls} 127.0.0.1", "listener 9443": f"user {getpass.getuser()}\nlog_type all\nlistener {web} 127.0.0.1"}))
    ((program, option, path),) = commands("Mosquitto")
    broker = start(harness.Process, [program, option, consumers.replaced(path, **{"mosquitto/": f"{made}/"})], env=consumers.PATH)
    harness.wait_for(lambda: harness.is_listening(web) and harness.is_listening(tls), lambda: broker.text)
    return {"broker": broker, "plain": plain, "tls": tls, "web": web, "ca": str(made / "certs/server.crt")}


def test_mosquitto_lets_a_rack_write_its_topics_and_readers_read(site, start, example_row, tmp_path):
    # from the rack's broker to the site's
    (local,) = free_ports(1)
    bridge = consumers.replaced((EXAMPLES / "mosquitto/bridge.conf").read_text(), **{
        "broker.example.net:8883": f"localhost:{site['tls']}", "/etc/ssl/certs/ca-certificates.crt": site["ca"], "change-me": "secret"})
    start(harness.Broker, tmp_path, f"user {getpass.getuser()}\nlistener {local} 127.0.0.1\nallow_anonymous true\n{bridge}", local)
    wall = start(Client, site["web"], "wall", "websockets", site["ca"])
    other = start(Client, site["tls"], "dc1-r08", ca=site["ca"])
    home = start(Client, site["plain"], "homeassistant")
    assert start(Client, site["plain"], None).refused
    rack = start(Client, local, None)
    pue = example_row.last()["coolant/dc1/r07/pue/row"].text
    rack.publish("coolant/dc1/r07/pue/row", pue)
    rack.publish("homeassistant/device/coolantd_dc1_r07/config", "{}")
    rack.publish("coolant/dc1/r08/pue/row", "a bridge hands on its own rack alone")
    harness.wait_for(lambda: ("coolant/dc1/r07/pue/row", pue) in wall.got, lambda: wall.got)
    harness.wait_for(lambda: ("coolant/dc1/r07/bridge", "1") in wall.got, lambda: wall.got)
    harness.wait_for(lambda: ("homeassistant/device/coolantd_dc1_r07/config", "{}") in home.got, lambda: home.got)
    # what is not allowed is acknowledged and goes nowhere; what is allowed after it shows that it had its time
    for who, topic in ((wall, "coolant/dc1/r07/status"), (other, "coolant/dc1/r07/status"), (home, "coolant/dc1/r07/status"),
                       (other, "coolant/dc2/r08/status"), (home, "homeassistant/device/x/config")):
        who.publish(topic, "forged")
    other.publish("coolant/dc1/r08/status", "online")
    harness.wait_for(lambda: ("coolant/dc1/r08/status", "online") in wall.got, lambda: wall.got)
    late = start(Client, site["plain"], "reader")
    harness.wait_for(lambda: ("coolant/dc1/r08/status", "online") in late.got, lambda: late.got)
    seen = wall.got + late.got + home.got
    assert not [m for m in seen if m[1] == "forged" or "a bridge" in m[1]]
    assert other.got == [], "a rack reads nothing"
    assert not [t for t, _ in wall.got if t.startswith("homeassistant")]


def test_all_that_coolantd_publishes_is_allowed(site, start, tmp_path):
    """In every format; a Sparkplug host is waited for, so what it says must be readable as well."""
    scada, bms, home = (start(Client, site["plain"], user) for user in ("scada", "bms", "homeassistant"))
    scada.publish("spBv1.0/STATE/scada", json.dumps({"online": True, "timestamp": int(time.time() * 1000)}))
    (tmp_path / "mqtt.password").write_text("secret")
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 40}}})
    start(harness.Coolantd, tmp_path, harness.head(tmp_path, site["plain"], "username = dc1-r07\npassword_file = mqtt.password\nlayout = both\nhomeassistant = yes\n") +
          "[sparkplug]\ngroup = dc1\nprimary_host = scada\n[dsx]\nrack_location_id = r07\n" + harness.tcp_bus("b", server.port) +
          harness.device("d", "b", extra="poll_interval = 200ms\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"))
    for who, topic in ((scada, "spBv1.0/dc1/NBIRTH/dc1-r07"), (scada, "spBv1.0/dc1/DBIRTH/dc1-r07/d"), (bms, "BMS/v1/PUB/Value/System/"),
                       (home, "coolant/dc1/r07/point/d/flow"), (home, "homeassistant/device/coolantd_dc1_r07_d/config")):
        harness.wait_for(lambda w=who, t=topic: any(seen.startswith(t) for seen, _ in w.got), lambda t=topic, w=who: (t, w.got))
    assert not [line for line in site["broker"].lines if "Denied PUBLISH" in line]
    scada.publish("coolant/dc1/r07/status", "forged")
    site["broker"].wait_line("Denied PUBLISH.*coolant/dc1/r07/status")
