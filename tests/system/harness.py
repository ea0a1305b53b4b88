"""What the system tests are made of: coolantd, a broker, Modbus servers, a subscriber. All on loopback, ended by pid."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import paho.mqtt.client as mqtt
import schemas

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("COOLANTD_BUILD", ROOT / "build"))
# slower, with as slow tests beside: bounds of time are wider there
SANITIZED = BUILD != pathlib.Path(os.environ.get("COOLANTD_PLAIN_BUILD", BUILD))
COOLANTD = BUILD / "daemon" / "coolantd"
COOLANTCTL = BUILD / "daemon" / "coolantctl"
SIM = BUILD / "tests" / "sim" / "coolantd-sim"
PROFILES = ROOT / "config" / "profiles"
# sanitizers and valgrind make everything slower; waits are for conditions, so this only bounds a failure
BASE = "coolant/dc1/r07"
PATIENCE = float(os.environ.get("COOLANTD_PATIENCE", "15"))


def free_ports(count):
    """Different ones: all are held until the last is found."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def free_port():
    return free_ports(1)[0]


def free_run(count):
    """The first of so many free ports in a row, below the range that connections get theirs from."""
    while True:
        base = random.randrange(10000, 30000)
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
            try:
                for i, s in enumerate(sockets):
                    s.bind(("127.0.0.1", base + i))
            except OSError:
                continue
            return base


def wait_for(condition, what, timeout=PATIENCE):
    """The first true value of a condition; fails with `what` after the timeout."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.01)


def is_listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A child whose output is collected line by line with its time."""

    def __init__(self, args, env=None, **options):
        self.lines = []
        self.process = subprocess.Popen([str(a) for a in args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace",
                                        env={**os.environ, **(env or {})}, **options)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait_line(self, pattern, timeout=PATIENCE, after=0):
        def found():
            ended = not self.reader.is_alive()
            line = next((l for l in self.lines[after:] if re.search(pattern, l)), None)
            assert line or not ended, f"ended without a line like {pattern!r}:\n{self.text}"
            return line
        return wait_for(found, lambda: f"a line like {pattern!r} in:\n{self.text}", timeout)

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=PATIENCE):
        """Ends it; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {timeout} s:\n{self.text}") from None
        self.reader.join(PATIENCE)
        return code


class Broker:
    def __init__(self, folder, config="", port=None):
        self.folder, self.port = pathlib.Path(folder), port or free_port()
        self.config = self.folder / "mosquitto.conf"
        self.config.write_text(config or f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.start()

    def start(self):
        env = {"PATH": os.environ["PATH"] + ":/usr/sbin"}
        self.process = Process(["mosquitto", "-c", self.config], env=env)
        wait_for(lambda: is_listening(self.port), lambda: "the broker:\n" + self.process.text)

    def stop(self):
        self.process.stop()


class Message:
    def __init__(self, m):
        self.time, self.topic, self.retain, self.qos = time.time(), m.topic, m.retain, m.qos
        self.text = m.payload.decode()

    @property
    def json(self):
        return json.loads(self.text)


class Received:
    """What came to a subscriber, or to a broker, as `messages`."""

    def of(self, suffix, after=0):
        """The messages of BASE/suffix, from the message `after` on."""
        return [m for m in self.messages[after:] if m.topic == f"{BASE}/{suffix}"]

    def last(self, suffix):
        found = self.of(suffix)
        return found[-1] if found else None

    def wait(self, suffix, condition=lambda m: True, timeout=PATIENCE, after=0):
        """The first message of a topic that fulfils a condition."""
        def found():
            return next((m for m in self.of(suffix, after) if condition(m)), None)
        return wait_for(found, lambda: f"{suffix}; last: {getattr(self.last(suffix), 'text', None)}", timeout)


class Subscriber(Received):
    def __init__(self, port, topic="#", **connect):
        self.messages, self.port = [], port
        self.ready = threading.Event()
        self.client = mqtt.Client()
        self.client.on_connect = lambda c, *_: c.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = lambda c, u, m: self.messages.append(Message(m))
        if connect.get("username"):
            self.client.username_pw_set(connect["username"], connect["password"])
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(PATIENCE)

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()


class ModbusServer(Process):
    """pymodbus in a process of its own. `units`: {unit: {"holding": {address: value, …}, "input": …}}."""

    def __init__(self, folder, units, port=None, serial=None, baud=19200, rtu=False, identity=()):
        self.port = port or (None if serial else free_port())
        self.log = pathlib.Path(folder) / f"modbus-{self.port or 'serial'}.log"
        self.log.write_text("")
        spec = pathlib.Path(folder) / f"modbus-{self.port or 'serial'}.json"
        spec.write_text(json.dumps({"units": units, "port": self.port, "serial": serial, "baud": baud, "rtu": rtu, "identity": identity,
                                    "log": str(self.log)}))
        super().__init__(["/usr/bin/python3", pathlib.Path(__file__).with_name("modbus_server.py"), spec])
        self.wait_line("^ready$")

    def replies(self):
        """(time, unit, first address) of each answered read."""
        return [(float(t), int(u), int(a)) for t, u, a in (l.split() for l in self.log.read_text().splitlines())]

    def set(self, unit, table, address, values):
        self.process.stdin.write(json.dumps({"unit": unit, "table": table, "address": address, "values": values}) + "\n")
        self.process.stdin.flush()


class SerialLine:
    """Two ptys joined by socat: a serial line."""

    def __init__(self, folder):
        self.a, self.b = pathlib.Path(folder) / "ttyA", pathlib.Path(folder) / "ttyB"
        self.process = Process(["socat", f"pty,raw,echo=0,link={self.a}", f"pty,raw,echo=0,link={self.b}"])
        wait_for(lambda: self.a.exists() and self.b.exists(), lambda: "the serial line:\n" + self.process.text)

    def stop(self):
        self.process.stop()


class Coolantd(Process):
    def __init__(self, folder, ini, profiles=None, env=None, wrapper=(), wait=True):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "coolantd.ini"
        self.path.write_text(ini)
        super().__init__([*wrapper, COOLANTD, "-c", self.path],
                         env={"COOLANTD_PROFILE_PATH": f"{profiles or folder}:{PROFILES}", **(env or {})})
        if wait:
            self.wait_line("started: ")

    def reload(self, ini):
        self.path.write_text(ini)
        before = len(self.lines)
        self.send(signal.SIGHUP)
        return self.wait_line("reloaded", after=before)


class Unix(http.client.HTTPConnection):
    """To the coolantd whose head() has this folder."""

    def __init__(self, folder):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = f"{folder}/http"

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def ask(folder, method, path, body=None):
    """(status, JSON) of a request to the coolantd whose head() has this folder."""
    with contextlib.closing(Unix(folder)) as connection:
        connection.request(method, path, body)
        reply = connection.getresponse()
        text = reply.read().decode()
    schemas.check_answer(method, path, reply.status, text)
    return reply.status, json.loads(text)


def fetch(folder, path, headers=None):
    """(status, type, text) of a GET."""
    with contextlib.closing(Unix(folder)) as connection:
        connection.request("GET", path, headers=headers or {})
        reply = connection.getresponse()
        return reply.status, reply.getheader("Content-Type"), reply.read().decode()


def head(folder, broker_port, extra="", spool="replay_delay = 0s\n"):
    return (f"[daemon]\nsite = dc1\nrack = r07\nstate_dir = {folder}/state\nhttp_socket = {folder}/http\n[spool]\n{spool}"
            f"[mqtt]\nbroker = mqtt://127.0.0.1:{broker_port}\n{extra}")


def tcp_bus(name, port, extra=""):
    return f"[bus:{name}]\ntype = tcp\nhost = 127.0.0.1\ntcp_port = {port}\n{extra}"


def device(name, bus, unit=1, profile="", extra=""):
    line = f"profile = {profile}\n" if profile else ""
    return f"[device:{name}]\nbus = {bus}\nunit = {unit}\n{line}{extra}"


def f32(value):
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def registers(start, values):
    return {start + i: v for i, v in enumerate(values)}


def run(args, **options):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120, check=False, **options)


def say(text):
    print(text, file=sys.stderr)
