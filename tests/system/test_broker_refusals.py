"""Brokers that end connections, refuse messages, or take less than they could: the reason is said, and the rest flows."""
import re
import time

import harness
import paho.mqtt.client as mqtt
import pytest
import wire
from harness import BASE, Broker, Coolantd, Subscriber, device, head
from mqtt_broker import CLOSE, MAXIMUM_PACKET, MAXIMUM_QOS, RETAIN_AVAILABLE, ScriptedBroker, sequence
from wire import Wire, points

INTERVAL_S = 0.2
HISTORY_S = 40  # for history to come, with the pause before it


def row(start, *names):
    """Devices that are polled five times a second."""
    server = start(Wire, "tcp")
    return server.bus("b") + "".join(device(n, "b", u, extra="poll_interval = 200ms\n" + points(n, [("holding", 0, 2)]))
                                     for u, n in enumerate(names, 1))


def run_on(start, tmp_path, port, ini, mqtt_keys="", **spool):
    return start(Coolantd, tmp_path, head(tmp_path, port, "publish = always\n" + mqtt_keys, **spool) + ini)


def check_complete(broker, name):
    """All that was made of a device until now arrives."""
    last = max(sequence(broker, name))

    def missing():
        return set(range(1, last)) - set(sequence(broker, name))
    harness.wait_for(lambda: not missing(), lambda: f"{name}: missing {sorted(missing())[:20]}", HISTORY_S)


ENDS = {0x8e: "another client uses this client id", 0x9d: "moved", 0x9c: "another server", 0x98: "administrative", 0x8b: "shutting down",
        0x89: "busy", 0x97: "quota", 0x93: "receive maximum"}


@pytest.mark.parametrize("reason, close", [pytest.param(r, c, id=f"{r:x}-{'closed' if c else 'left-open'}")
                                           for r, c in (*((r, True) for r in ENDS), (0x8e, False), (0x8b, False))])
def test_the_broker_ends_the_connection_with_a_reason(start, tmp_path, reason, close):
    broker = start(ScriptedBroker)
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    broker.wait("device/d", lambda m: m.json["seq"] > 3)
    broker.link.disconnect(reason, "as you know", close)
    harness.wait_for(lambda: len(broker.connects) == 2, "another connection", 8)
    mark = len(broker.messages)
    assert broker.wait("device/d", after=mark, timeout=3).age < 2
    said = [l for l in daemon.lines if re.search(ENDS[reason], l, re.I)]
    assert len(said) == 1, daemon.text
    check_complete(broker, "d")


def test_a_session_that_is_taken_over_again_and_again_is_left_for_longer_each_time(start, tmp_path):
    """Two controllers with one name would throw each other out once a second for ever."""
    broker = start(ScriptedBroker)
    broker.on_connected = lambda link: (time.sleep(0.2), link.disconnect(0x8e))
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    wire.pass_time(17)
    times = [l.began for l in broker.connects]
    waits = [b - a for a, b in zip(times, times[1:])]
    assert 3 <= len(waits) <= 6 and max(waits) > 3.9, f"connected again after {[round(w, 1) for w in waits]} s"
    assert waits == sorted(waits)
    daemon.wait_line("another client uses this client id")


def test_another_client_with_our_id_on_mosquitto(start, broker, subscriber, tmp_path):
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    subscriber.wait("device/d")
    other = mqtt.Client("coolantd-dc1-r07", protocol=mqtt.MQTTv5)
    other.connect("127.0.0.1", broker.port)
    harness.wait_for(lambda: other.loop(0.1) == 0 and other.is_connected(), "the other client")
    other.disconnect()
    daemon.wait_line("the connection was lost", timeout=5)  # the library does not read a DISCONNECT of two bytes
    mark = len(subscriber.messages)
    subscriber.wait("device/d", lambda m: m.time - m.json["ts"] / 1000 < 1, after=mark, timeout=5)


class Rival:
    """A client with the controller's id that comes back a second after it was thrown out; `thrown` has the times."""

    def __init__(self, port):
        self.thrown = []
        self.client = mqtt.Client("coolantd-dc1-r07", protocol=mqtt.MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_disconnect = lambda *_: self.thrown.append(time.time())
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def stop(self):
        self.client.disconnect()
        self.client.loop_stop()


def said_of_a_rival(daemon):
    return sum("another client may use this client id coolantd-dc1-r07" in l for l in daemon.lines)


def test_a_rival_for_our_id_on_mosquitto(start, broker, subscriber, tmp_path):
    """The reason does not come through: it is guessed, said once, and the rival is left alone for longer each time."""
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    subscriber.wait("device/d")
    rival = start(Rival, broker.port)
    daemon.wait_line("another client may use this client id coolantd-dc1-r07", timeout=25)
    began = len(rival.thrown)
    wire.pass_time(28)
    waits = [b - a for a, b in zip(rival.thrown[began:], rival.thrown[began + 1:])]
    assert 2 <= len(waits) <= 5 and waits[-1] > waits[0] + 2 and said_of_a_rival(daemon) == 1, (waits, daemon.text)
    rival.stop()
    # a session that lasts shows that all is well again
    mark = len(subscriber.messages)
    subscriber.wait("status", lambda m: m.text == "online", timeout=25, after=mark)
    wire.pass_time(31)
    mark = len(subscriber.messages)
    broker.stop()
    broker.start()
    subscriber.wait("device/d", lambda m: m.time - m.json["ts"] / 1000 < 1, after=mark, timeout=8)


def test_a_broker_that_is_restarted_again_and_again_is_no_rival(start, broker, tmp_path):
    """It was away between: that is no client that takes our session."""
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    for times in range(1, 11):
        harness.wait_for(lambda: sum(": connected to the broker" in l for l in daemon.lines) == times, lambda: daemon.text, 7)
        broker.stop()
        wire.pass_time(4)
        broker.start()
    assert said_of_a_rival(daemon) == 0


REASONS = {0x80: "unspecified", 0x83: "implementation", 0x87: "not authori[sz]ed", 0x90: "topic name", 0x97: "quota", 0x99: "payload format"}


def test_what_the_broker_refuses_for_good_is_dropped_and_the_rest_flows(start, tmp_path):
    """PUBACK with a reason: said once a topic, counted, never sent again; history of the others comes as ever."""
    broker, refused = start(ScriptedBroker), {f"r{reason:x}": reason for reason in REASONS}

    def verdict(m):
        return refused.get(m.topic.rsplit("/", 1)[-1], 0) if "device/" in m.topic else 0
    broker.verdict = verdict
    daemon = run_on(start, tmp_path, broker.port, row(start, "d", *refused, "e"))
    broker.wait("device/e", lambda m: m.json["seq"] > 20)
    broker.away()
    wire.pass_time(1)
    broker.back()
    broker.wait("device/e", lambda m: m.json["seq"] > 45)
    for n in ("d", "e"):
        check_complete(broker, n)
    for n, reason in refused.items():
        seqs = [m.json["seq"] for t in ("device/", "history/device/") for m in broker.of(t + n)]
        assert len(seqs) <= len(set(seqs)) + 1, f"{hex(reason)}: sent again: {sorted(seqs)[:20]}"  # one was under way in the outage
        said = [l for l in daemon.lines if re.search(rf"device/{n}\b", l)]
        assert len(said) == 1 and re.search(REASONS[reason], said[0], re.I), daemon.text
    health = broker.wait("health", lambda m: m.json["publisher"]["dropped"] > 0, timeout=25).json["publisher"]
    assert health["dropped"] >= 100


def test_a_message_that_nobody_subscribes_to_is_delivered(start, tmp_path):
    """PUBACK with reason 0x10 is a success."""
    broker = start(ScriptedBroker)
    broker.verdict = lambda m: 0x10
    run_on(start, tmp_path, broker.port, row(start, "d"))
    broker.wait("device/d", lambda m: m.json["seq"] > 20)
    live, late = ([m.json["seq"] for m in broker.of(t + "device/d")] for t in ("", "history/"))
    assert live == sorted(set(live)) and not set(live) & set(late)  # late is what was made before the connection was there
    assert broker.wait("health", timeout=25).json["publisher"]["dropped"] == 0


def check_rest_flows(daemon, received, topic, connects):
    """Within 25 s all but the one topic is live for six seconds, and the connection stays; it was said, by its topic."""
    def flows():
        now = time.time()
        live = [m for m in received.of("device/d") if now - 6 < m.time]
        ages = [m.time - m.json["ts"] / 1000 for m in live]
        return len(live) >= 0.97 * 6 / INTERVAL_S - 1 and max(ages) < 2
    harness.wait_for(flows, lambda: f"{len(received.of('device/d'))} live values, connected {connects()} times:\n{daemon.text}", 25)
    assert [l for l in daemon.lines if re.search(rf"\b{topic}\b", l)], daemon.text


MOSQUITTO = {
    "denied": ("acl_file {0}/acl\n", "device/denied"),
    "too large": ("max_packet_size 2500\n", "info/?"),
}


@pytest.mark.parametrize("protocol, why", [("5", "denied"), ("3.1.1", "too large")])
def test_a_message_that_mosquitto_does_not_take(start, tmp_path, protocol, why):
    """Denied by its ACL it has a PUBACK with a reason; too large for it, it ends the connection without one."""
    extra, topic = MOSQUITTO[why]
    port = harness.free_port()
    (tmp_path / "acl").write_text(f"topic readwrite #\ntopic deny {BASE}/device/denied\ntopic deny {BASE}/history/device/denied\n")
    (tmp_path / "acl").chmod(0o600)
    start(Broker, tmp_path, f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n" + extra.format(tmp_path), port)
    subscriber = Subscriber(port)
    large = "".join(f"[point:d.x{i}]\nregister = holding:9\ndescription = {'x' * 100}\npoll = slow\n" for i in range(40)) if why == "too large" else ""
    daemon = run_on(start, tmp_path, port, row(start, "d", "denied") + large, f"protocol = {protocol}\n")
    check_rest_flows(daemon, subscriber, topic, lambda: sum("connected to" in l for l in daemon.lines))
    subscriber.wait("health", lambda m: m.json["publisher"]["dropped"] > 0, timeout=25)
    subscriber.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_closes_at_a_topic(start, tmp_path, protocol):
    broker = start(ScriptedBroker)
    broker.verdict = lambda m: CLOSE if m.topic.endswith("device/bad") else 0
    daemon = run_on(start, tmp_path, broker.port, row(start, "d", "bad"), f"protocol = {protocol}\n")
    check_rest_flows(daemon, broker, "device/bad", lambda: len(broker.connects))
    check_complete(broker, "d")
    assert len(broker.connects) <= 12


ABOUT_MESSAGES = {0x87: "not authori[sz]ed", 0x95: "packet too large", 0x99: "payload format", 0x97: "quota", 0x9b: "qos", 0x9a: "retain",
                  0x90: "topic name", 0x94: "alias", 0x93: "receive maximum"}


@pytest.mark.parametrize("reason", ABOUT_MESSAGES, ids=hex)
def test_a_broker_that_disconnects_at_a_topic(start, tmp_path, reason):
    """With a reason that is about the message (MQTT 5): it counts like a close, and is in the words."""
    broker = start(ScriptedBroker)
    broker.verdict = lambda m: (reason,) if m.topic.endswith("device/bad") else 0
    daemon = run_on(start, tmp_path, broker.port, row(start, "d", "bad"))
    check_rest_flows(daemon, broker, "device/bad", lambda: len(broker.connects))
    assert [l for l in daemon.lines if re.search(rf"device/bad is dropped.*{ABOUT_MESSAGES[reason]}", l, re.I)], daemon.text
    assert len(broker.connects) <= 12 and broker.retained[f"{BASE}/status"] == b"online"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("times", [3, 5])
def test_a_link_that_dies_after_each_connect_takes_nothing_from_the_state(start, tmp_path, protocol, taken, times):
    """It dies of itself, at whatever comes then: that is the fault of no message."""
    broker = start(ScriptedBroker)

    def verdict(m):
        return CLOSE if m.link.number <= times and len([o for o in broker.messages if o.link is m.link]) >= taken else 0
    broker.verdict = verdict
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"), f"protocol = {protocol}\n")
    harness.wait_for(lambda: {"status", "info", "info/d", "device/d"} <= set(broker.kept()) and broker.kept()["status"] == "online",
                     lambda: f"{sorted(broker.kept().items())}\n{daemon.text}", 30)
    assert len(broker.connects) == times + 1 and "is dropped" not in daemon.text, daemon.text


def test_a_broker_that_closes_at_our_status(start, tmp_path):
    """The rest flows; it is tried again, and said once the broker takes it, without another connect."""
    broker = start(ScriptedBroker)
    broker.verdict = lambda m: CLOSE if m.topic.endswith("/status") else 0
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    check_rest_flows(daemon, broker, "status", lambda: len(broker.connects))
    broker.verdict = lambda m: 0
    connects = len(broker.connects)
    harness.wait_for(lambda: broker.kept().get("status") == "online", lambda: daemon.text, 40)
    assert len(broker.connects) <= connects + 1


@pytest.mark.parametrize("delay", ["1s", "11s"])
def test_a_broker_that_closes_at_a_late_topic(start, tmp_path, delay):
    """However long the connection lived: what was under way when it was closed counts."""
    broker = start(ScriptedBroker)
    broker.verdict = lambda m: CLOSE if m.topic.endswith("history/device/bad") else 0
    broker.away()
    daemon = run_on(start, tmp_path, broker.port, row(start, "d", "bad", "e"), spool=f"replay_delay = {delay}\n")
    wire.pass_time(4)
    broker.back()
    harness.wait_for(lambda: "history/device/bad is dropped" in daemon.text, lambda: daemon.text, 90)
    for n in ("d", "e"):
        check_complete(broker, n)
    dropped = [l for l in daemon.lines if "is dropped" in l]
    assert len(dropped) == 1 and said_of_a_rival(daemon) == 0, daemon.text
    for link in broker.links:
        late = [m.time for m in broker.messages if m.link is link and "/history/" in m.topic]
        assert not late or min(late) - link.began > int(delay[:-1]) - 0.2


def test_a_broker_that_closes_at_one_message(start, tmp_path):
    """Live and late: all others of its topic arrive."""
    broker, bad = start(ScriptedBroker), 12
    broker.verdict = lambda m: CLOSE if m.topic.endswith("device/d") and m.text and m.json["seq"] == bad else 0
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    check_rest_flows(daemon, broker, "device/d", lambda: len(broker.connects))
    last = max(sequence(broker, "d"))
    harness.wait_for(lambda: set(range(1, last)) - set(sequence(broker, "d")) <= {bad}, "the rest", HISTORY_S)
    assert len([m for m in broker.messages if m.topic.endswith("device/d") and m.json["seq"] == bad]) <= 4


@pytest.mark.parametrize("name, limit, too_much", [("qos", {MAXIMUM_QOS: 0}, lambda m: m.qos > 0),
                                                   ("retain", {RETAIN_AVAILABLE: 0}, lambda m: m.retain)])
def test_a_broker_that_can_less(start, tmp_path, name, limit, too_much):
    """It would close the connection at the first message that asks for more."""
    broker = start(ScriptedBroker)
    broker.connack_properties = limit
    broker.verdict = lambda m: CLOSE if too_much(m) else 0
    run_on(start, tmp_path, broker.port, row(start, "d"))
    assert broker.wait("device/d", lambda m: m.json["seq"] > 15, timeout=8).age < 2
    assert len(broker.connects) == 1 and not [m for m in broker.messages if too_much(m)], name


@pytest.mark.parametrize("reason, too_much", [(0x9b, lambda l: l.will_qos > 0), (0x9a, lambda l: l.will_retain)], ids=["qos", "retain"])
def test_a_broker_that_refuses_such_a_will(start, tmp_path, reason, too_much):
    """It says so in its CONNACK: the next try asks for less, at once, and so does each message."""
    broker = start(ScriptedBroker)
    broker.connack = lambda link: reason if too_much(link) else 0
    broker.verdict = lambda m: CLOSE if (m.qos if reason == 0x9b else m.retain) else 0
    daemon = run_on(start, tmp_path, broker.port, row(start, "d"))
    assert broker.wait("device/d", lambda m: m.json["seq"] > 15, timeout=8).age < 2
    assert len(broker.connects) == 2 and broker.link.will
    broker.link.end()
    mark = len(broker.messages)
    broker.wait("device/d", after=mark, timeout=8)
    assert len(broker.connects) == 3
    assert len([l for l in daemon.lines if "takes no QoS 1" in l or "retains nothing" in l]) == 1, daemon.text


def test_the_largest_packet_is_counted_to_the_byte(start, tmp_path):
    """What fits goes out, what is a byte too long does not; that is said once for each topic."""
    broker = start(ScriptedBroker)
    daemon = run_on(start, tmp_path, broker.port, row(start, "d", "e"))
    size = broker.wait("info/d").packet_size

    def connect_with(limit):
        broker.connack_properties, mark = {MAXIMUM_PACKET: limit}, len(broker.messages)
        broker.link.end()
        broker.wait("device/d", after=mark, timeout=8)
        wire.pass_time(1)
        later = broker.messages[mark:]
        assert max(m.packet_size for m in later) <= limit
        return [m for m in later if m.topic.endswith("info/d")]
    assert connect_with(size) and f"{BASE}/info/d is dropped" not in daemon.text
    assert not connect_with(size - 1) and not connect_with(size - 1)
    daemon.wait_line(f"info/d is dropped: {size} bytes")
    said = [l.split()[1] for l in daemon.lines if "more than the broker takes" in l]
    assert len(said) == len(set(said)) and f"{BASE}/info/e" in said, said


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("way", ["stop", "reload"])
def test_offline_is_said_to_a_broker_that_acknowledges_slowly(start, tmp_path, protocol, way):
    broker, other = start(ScriptedBroker), start(ScriptedBroker)
    ini, keys = row(start, *(f"d{i}" for i in range(20))), f"protocol = {protocol}\n"
    daemon = run_on(start, tmp_path, broker.port, ini, keys)
    broker.wait("device/d19", lambda m: m.json["seq"] > 5)
    broker.delay = 5
    wire.pass_time(8)
    assert broker.kept()["status"] == "online"
    if way == "stop":
        daemon.stop()
    else:
        daemon.reload(head(tmp_path, other.port, "publish = always\n" + keys) + ini)
    harness.wait_for(lambda: broker.kept()["status"] == "offline", lambda: daemon.text, 8)
