"""MQTT as in production: TLS, websockets, failover, links that go dead, limits of the broker."""
import re
import socket
import subprocess
import threading
import time

import harness
import paho.mqtt.client as mqtt
from harness import BASE, Broker, Coolantd, Subscriber, device, free_port, head, tcp_bus
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

POINT = "[point:d.p]\nregister = holding:0\nunit = kW\n"
ALL = "allow_anonymous true\nuser root\n"


def row(start, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 5}}})
    return tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 200ms\n" + POINT)


class Certificates:
    """Two authorities, and what each test asks for, made with openssl."""

    def __init__(self, folder):
        self.folder = folder
        for ca in ("ca", "other-ca"):
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{ca}.key", "-out", f"{ca}.crt",
                         "-days", "2", "-subj", f"/CN=test {ca}")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def make(self, name, host="localhost", ca="ca", days="2"):
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / "ext").write_text(f"subjectAltName=DNS:{host}\n")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial",
                     "-days", days, "-extfile", "ext", "-out", f"{name}.crt")


def tls_row(start, tmp_path, server, client="", require=False, scheme="mqtts", ca="ca.crt"):
    port = free_port()
    protocol = "protocol websockets\n" if scheme == "wss" else ""
    start(Broker, tmp_path, f"{ALL}listener {free_port()} 127.0.0.1\nlistener {port} 127.0.0.1\n{protocol}cafile {tmp_path}/ca.crt\ncertfile {tmp_path}/{server}.crt\n"
          f"keyfile {tmp_path}/{server}.key\nrequire_certificate {'true' if require else 'false'}\n", port)
    extra = f"ca_file = {tmp_path}/{ca}\n"
    if client:
        extra += f"cert_file = {tmp_path}/{client}.crt\nkey_file = {tmp_path}/{client}.key\n"
    ini = head(tmp_path, port, extra).replace("mqtt://127.0.0.1", f"{scheme}://localhost")
    return start(Coolantd, tmp_path, ini + row(start, tmp_path))


def expect_refusal(daemon, words):
    line = daemon.wait_line("no connection to the broker")
    assert words in line, line
    # tried again, with a pause, and not said each time
    began = time.monotonic()
    harness.wait_for(lambda: time.monotonic() - began > 4, "some tries")
    assert 1 <= sum("no connection" in l for l in daemon.lines) <= 3, daemon.text
    assert daemon.process.poll() is None


def test_tls_and_a_client_certificate(start, tmp_path):
    certificates = Certificates(tmp_path)
    certificates.make("server")
    certificates.make("row")
    tls_row(start, tmp_path, "server", client="row", require=True).wait_line("connected to the broker mqtts://localhost")


def test_a_missing_client_certificate_is_said(start, tmp_path):
    Certificates(tmp_path).make("server")
    expect_refusal(tls_row(start, tmp_path, "server", require=True), "the broker wants a client certificate")


def test_a_certificate_for_another_host_is_said(start, tmp_path):
    Certificates(tmp_path).make("server", host="other.example")
    expect_refusal(tls_row(start, tmp_path, "server"), "the broker's certificate is for another host name")


def test_an_expired_certificate_is_said(start, tmp_path):
    Certificates(tmp_path).make("server", days="-1")
    expect_refusal(tls_row(start, tmp_path, "server"), "the broker's certificate has expired")


def test_an_unknown_authority_is_said(start, tmp_path):
    Certificates(tmp_path).make("server")
    expect_refusal(tls_row(start, tmp_path, "server", ca="other-ca.crt"), "an authority that is not in ca_file")


def test_why_there_is_no_connection_is_said_for_each_broker(start, tmp_path):
    Certificates(tmp_path).make("server")
    plain, tls, nobody = harness.free_ports(3)
    start(Broker, tmp_path, f"{ALL}listener {plain} 127.0.0.1\nlistener {tls} 127.0.0.1\ncafile {tmp_path}/ca.crt\n"
          f"certfile {tmp_path}/server.crt\nkeyfile {tmp_path}/server.key\n", plain)
    brokers = {f"mqtt://127.0.0.1:{nobody}": "Connection refused",
               "mqtt://no-such-host.invalid:1883": "not known|resolution",
               f"mqtts://localhost:{nobody}": "Connection refused",
               f"mqtts://localhost:{plain}": "does not answer|TLS|SSL",
               f"mqtt://127.0.0.1:{tls}": "does not answer|closed|lost"}
    ini = head(tmp_path, nobody).replace(f"mqtt://127.0.0.1:{nobody}", ", ".join(brokers))
    line = start(Coolantd, tmp_path, ini + row(start, tmp_path)).wait_line("no connection to the broker", 60)
    for broker, words in brokers.items():
        assert re.search(rf"{re.escape(broker)}: [^;]*({words})", line), line


def test_a_broker_without_tls_behind_one_with(start, tmp_path):
    plain, nobody = harness.free_ports(2)
    Certificates(tmp_path)
    start(Broker, tmp_path, f"{ALL}listener {plain} 127.0.0.1\n", plain)
    ini = head(tmp_path, nobody, f"ca_file = {tmp_path}/ca.crt\n").replace(
        f"mqtt://127.0.0.1:{nobody}", f"mqtts://localhost:{nobody}, wss://localhost:{nobody}, mqtt://127.0.0.1:{plain}")
    start(Coolantd, tmp_path, ini + row(start, tmp_path)).wait_line(f"connected to the broker mqtt://127.0.0.1:{plain}")


def test_websockets(start, tmp_path):
    port = free_port()
    start(Broker, tmp_path, f"{ALL}listener {free_port()} 127.0.0.1\nlistener {port} 127.0.0.1\nprotocol websockets\n", port)
    ini = head(tmp_path, port).replace(f"mqtt://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/behind/a/proxy")
    start(Coolantd, tmp_path, ini + row(start, tmp_path)).wait_line("connected to the broker ws://.*/behind/a/proxy")


def test_websockets_over_tls(start, tmp_path):
    Certificates(tmp_path).make("server")
    tls_row(start, tmp_path, "server", scheme="wss").wait_line("connected to the broker wss://")


def test_failover_and_return(start, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    one, two = (start(Broker, folder) for folder in folders)
    ini = head(tmp_path, one.port, "publish = always\n").replace(
        f"mqtt://127.0.0.1:{one.port}", f"mqtt://127.0.0.1:{one.port}, mqtt://127.0.0.1:{two.port}")
    daemon = start(Coolantd, tmp_path, ini + row(start, tmp_path))
    daemon.wait_line(f"connected to the broker mqtt://127.0.0.1:{one.port}")
    second = Subscriber(two.port)
    one.stop()
    daemon.wait_line(f"connected to the broker mqtt://127.0.0.1:{two.port}", 30)
    second.wait("device/d")
    one.start()
    first = Subscriber(one.port)
    daemon.wait_line("an earlier broker of the list is back", 80)
    first.wait("status", lambda m: m.text == "online")
    seqs = lambda s: {m.json["seq"] for m in s.messages if m.topic.endswith("device/d")}  # noqa: E731
    mark = first.wait("device/d", lambda m: not m.retain).json["seq"]
    begun = min(m.json["seq"] for m in second.messages if m.topic == f"{BASE}/device/d")
    harness.wait_for(lambda: set(range(begun, mark)) <= seqs(first) | seqs(second),
                     lambda: f"missing {sorted(set(range(begun, mark)) - seqs(first) - seqs(second))[:20]} of {begun} to {mark}")
    first.close()
    second.close()


class Proxy:
    """Forwards a port until it is told to swallow: then connections stand, and nothing comes through."""

    def __init__(self, to):
        self.to, self.process, self.swallow = to, self, False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            born_dead = self.swallow
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.forward, args=(a, b, born_dead), daemon=True).start()

    def forward(self, a, b, born_dead):
        doomed = False
        try:
            while data := a.recv(65536):
                doomed |= self.swallow or born_dead
                if not doomed:
                    b.sendall(data)
        except OSError:
            return

    def stop(self):
        self.socket.close()


def test_a_link_that_swallows_everything(start, broker, subscriber, tmp_path):
    proxy = start(Proxy, broker.port)
    daemon = start(Coolantd, tmp_path, head(tmp_path, proxy.port, "publish = always\nkeep_alive = 5s\n") + row(start, tmp_path))
    subscriber.wait("device/d", lambda m: m.json["seq"] > 5)
    proxy.swallow = True
    begin = time.monotonic()
    daemon.wait_line("the broker has acknowledged nothing for 5 s", 30)
    noticed = time.monotonic() - begin
    proxy.swallow = False
    mark = len(daemon.lines)
    daemon.wait_line("connected to the broker", 30, after=mark)
    assert noticed < 7
    harness.say(f"a dead link was noticed after {noticed:.1f} s with keep_alive = 5s")
    mark = subscriber.last("device/d").json["seq"]
    subscriber.wait("device/d", lambda m: m.json["seq"] > mark)

    def seen():
        return {m.json["seq"] for m in subscriber.messages if m.topic in (f"{BASE}/device/d", f"{BASE}/history/device/d")}
    harness.wait_for(lambda: set(range(1, mark)) <= seen(), lambda: sorted(set(range(1, mark)) - seen()))


def test_properties(start, broker, tmp_path):
    """MQTT 5: what is retained does not expire, a single value carries its unit."""
    start(Coolantd, tmp_path, head(tmp_path, broker.port, "layout = both\n") + row(start, tmp_path))
    seen = {}
    client = mqtt.Client(protocol=mqtt.MQTTv5)
    client.on_connect = lambda c, *_: c.subscribe("#", options=SubscribeOptions(qos=1))
    client.on_message = lambda c, u, m: seen.setdefault(m.topic[len(BASE) + 1:], m.properties)
    client.connect("127.0.0.1", broker.port, properties=Properties(PacketTypes.CONNECT))
    client.loop_start()
    topics = {"device/d", "point/d/p", "status", "info", "info/d", "alarm/coolantd-spool", "health"}
    harness.wait_for(lambda: topics <= set(seen), lambda: sorted(seen))
    client.loop_stop()
    assert seen["point/d/p"].UserProperty == [("unit", "kW")]
    assert not [t for t in seen if hasattr(seen[t], "MessageExpiryInterval")]


def test_a_message_that_is_too_large_for_the_broker(start, tmp_path):
    port = free_port()
    start(Broker, tmp_path, f"{ALL}listener {port} 127.0.0.1\nmax_packet_size 3000\nmax_inflight_messages 2\n", port)
    points = "".join(f"[point:d.p{i}]\nregister = holding:0\ndescription = {'x' * 100}\n" for i in range(60))
    daemon = start(Coolantd, tmp_path, head(tmp_path, port) + row(start, tmp_path) + points)
    line = daemon.wait_line("info/d is dropped")
    assert "allowed: 3000" in line
    subscriber = Subscriber(port)
    subscriber.wait("device/d")
    assert subscriber.wait("status").text == "online"
    health = subscriber.wait("health", lambda m: m.json["publisher"]["dropped"] > 0, timeout=25).json
    assert health["publisher"]["reconnects"] == 0
    subscriber.close()
