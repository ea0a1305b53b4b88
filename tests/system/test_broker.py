"""The broker comes late, goes away, refuses; coolantd starts, stops and dies."""
import os
import signal
import subprocess
import time

import harness
from harness import BASE, Broker, Coolantd, Subscriber, device, free_port, head, tcp_bus

POINT = "[point:d.p]\nregister = holding:0\n"


def one_device(start, tmp_path, port, mqtt="", extra=""):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 5}}})
    daemon = start(Coolantd, tmp_path, head(tmp_path, port, mqtt) + tcp_bus("b", server.port) +
                   device("d", "b", extra=extra + POINT))
    return server, daemon


def test_status_info_and_a_clean_stop(start, broker, subscriber, tmp_path):
    _, daemon = one_device(start, tmp_path, broker.port)
    subscriber.wait("status", lambda m: m.text == "online")
    info = subscriber.wait("info").json
    assert info["version"] and info["config_hash"] and info["devices"] == ["d"]
    assert subscriber.wait("info/d").json["points"]["p"]["type"] == "u16"
    assert abs(info["start_time"] / 1000 - time.time()) < 30
    subscriber.wait("device/d")
    begin = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begin < 2
    subscriber.wait("status", lambda m: m.text == "offline")
    # all of it retained, for those who come later
    late = start(Subscriber, broker.port)
    for suffix in ("status", "info", "device/d", "health"):
        assert late.wait(suffix).retain
    assert late.wait("status").text == "offline"
    late.close()


def test_the_will_tells_of_a_crash(start, broker, subscriber, tmp_path):
    _, daemon = one_device(start, tmp_path, broker.port)
    subscriber.wait("status", lambda m: m.text == "online")
    daemon.process.kill()
    daemon.process.wait()
    subscriber.wait("status", lambda m: m.text == "offline")


def test_a_broker_that_comes_later(start, tmp_path):
    port = free_port()
    _, daemon = one_device(start, tmp_path, port, "publish = always\n", "poll_interval = 100ms\n")
    daemon.wait_line("no connection to the broker")
    broker = start(Broker, tmp_path, port=port)
    subscriber = Subscriber(port)
    subscriber.wait("device/d")
    # what was read meanwhile comes as history, oldest first, not retained, and without a gap
    subscriber.wait("history/device/d")
    live = subscriber.wait("device/d", lambda m: not m.retain).json["seq"]
    harness.wait_for(lambda: len(subscriber.of("history/device/d")) >= live - 1, "the whole history")
    history = subscriber.of("history/device/d")
    assert [m.json["seq"] for m in history] == list(range(1, len(history) + 1))
    assert not any(m.retain for m in history)
    subscriber.close()
    assert broker.process.process.poll() is None


def test_broker_restart_loses_nothing(start, broker, tmp_path):
    _, daemon = one_device(start, tmp_path, broker.port, "publish = always\nfull_interval = 1d\n", "poll_interval = 100ms\n")
    first = Subscriber(broker.port)
    first.wait("device/d", lambda m: m.json["seq"] >= 5)
    broker.stop()
    daemon.wait_line("no connection to the broker|connection was lost|lost")
    first.close()
    broker.start()
    second = Subscriber(broker.port)
    mark = second.wait("device/d").json["seq"]
    second.wait("device/d", lambda m: m.json["seq"] > mark + 10)
    seen = {m.json["seq"] for s in (first, second) for m in s.messages
            if m.topic in (f"{BASE}/device/d", f"{BASE}/history/device/d")}

    def complete():
        seen.update(m.json["seq"] for m in second.of("history/device/d"))
        return set(range(1, mark)) <= seen
    harness.wait_for(complete, lambda: f"missing: {sorted(set(range(1, mark)) - seen)[:20]}")
    # old data never took the place of a live value
    assert all("history/" in m.topic or m.json["seq"] >= mark for m in second.messages if "device/d" in m.topic)
    health = second.wait("health", lambda m: m.json["publisher"]["reconnects"] >= 1, timeout=25).json
    assert health["publisher"]["dropped"] == 0
    second.close()


def test_version_3_1_1_and_qos_0(start, broker, subscriber, tmp_path):
    one_device(start, tmp_path, broker.port, "protocol = 3.1.1\nqos = 0\n")
    subscriber.wait("status", lambda m: m.text == "online")
    subscriber.wait("device/d")


def password_broker(start, tmp_path):
    port, passwords = free_port(), tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "row", "secret"], check=True,
                   env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
    config = f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
    return start(Broker, tmp_path, config, port)


def test_a_password_from_a_credential_file(start, tmp_path):
    broker = password_broker(start, tmp_path)
    (tmp_path / "mqtt-password").write_text("secret\n")
    _, daemon = one_device(start, tmp_path, broker.port, "username = row\npassword_file = mqtt-password\n")
    daemon.wait_line("connected to the broker")


def test_a_wrong_password_is_said_and_tried_again(start, tmp_path):
    broker = password_broker(start, tmp_path)
    password = tmp_path / "mqtt-password"
    password.write_text("wrong\n")
    _, daemon = one_device(start, tmp_path, broker.port, "username = row\npassword_file = mqtt-password\n")
    line = daemon.wait_line("no connection to the broker")
    assert "authori" in line.lower() or "user name" in line.lower(), line
    password.write_text("secret\n")  # taken without a restart
    daemon.wait_line("connected to the broker")


def test_sigterm_within_two_seconds_whatever_hangs(start, tmp_path):
    """No broker, a Modbus port that black-holes, a device that never answers."""
    silent = start(harness.Process, ["socat", "-u", f"TCP-LISTEN:{(port := free_port())},bind=127.0.0.1,fork", "OPEN:/dev/null"])
    harness.wait_for(lambda: harness.is_listening(port), lambda: silent.text)
    daemon = start(Coolantd, tmp_path, head(tmp_path, free_port()) +
                   tcp_bus("a", port, "response_timeout = 10s\n") + device("d", "a", extra=POINT) +
                   "[bus:hole]\ntype = tcp\nhost = 240.0.0.1\nconnect_timeout = 20s\n" +
                   device("e", "hole", extra=POINT.replace("d.p", "e.p")))
    daemon.wait_line("no connection to the broker")
    begin = time.monotonic()
    assert daemon.stop(signal.SIGTERM) == 0
    assert time.monotonic() - begin < 2
