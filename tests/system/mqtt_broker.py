"""An MQTT broker of which a test decides every answer: 3.1.1 and 5, as far as a publisher needs it."""
import contextlib
import itertools
import json
import queue
import socket
import struct
import threading
import time

import harness

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = (
    1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14)
CLOSE = "close"  # a verdict on a message: the connection ends, without a word
IGNORE = None    # a verdict on a message: it is never acknowledged
# and a tuple of one reason: a DISCONNECT (MQTT 5) for it

# MQTT 5, 2.2.2.2
PROPERTIES = {1: "B", 2: "I", 3: "s", 8: "s", 9: "b", 11: "v", 17: "I", 18: "s", 19: "H", 21: "s", 22: "b", 23: "B", 24: "I", 25: "B",
              26: "s", 28: "s", 31: "s", 33: "H", 34: "H", 35: "H", 36: "B", 37: "B", 38: "p", 39: "I", 40: "B", 41: "B", 42: "B"}
EXPIRY, REASON, RECEIVE_MAXIMUM, MAXIMUM_QOS, RETAIN_AVAILABLE, USER, MAXIMUM_PACKET = 2, 31, 33, 36, 37, 38, 39


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, code):
        return struct.unpack(">" + code, self.take(struct.calcsize(code)))[0]

    def binary(self):
        return self.take(self.number("H"))

    def text(self):
        return self.binary().decode()

    def varint(self):
        value = 0
        for shift in range(0, 28, 7):
            byte = self.number("B")
            value |= (byte & 127) << shift
            if byte < 128:
                break
        return value

    def rest(self):
        return self.data[self.at:]

    def properties(self):
        """{code: value}; of user properties a list."""
        inner, found = Reader(self.take(self.varint())), {}
        while inner.at < len(inner.data):
            code = inner.varint()
            kind = PROPERTIES[code]
            if kind == "p":
                found.setdefault(code, []).append((inner.text(), inner.text()))
            else:
                found[code] = {"s": inner.text, "b": inner.binary, "v": inner.varint}.get(kind, lambda k=kind, r=inner: r.number(k))()
        return found


def varint(n):
    out = b""
    while True:
        n, byte = n >> 7, n & 127
        out += bytes([byte | (128 if n else 0)])
        if not n:
            return out


def text(s):
    return struct.pack(">H", len(s.encode())) + s.encode()


def properties(values):
    body = b"".join(bytes([code]) + (text(v) if PROPERTIES[code] == "s" else struct.pack(">" + PROPERTIES[code], v))
                    for code, v in values.items())
    return varint(len(body)) + body


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


class Message:
    """As the broker got it; `time` is when it was taken from the link."""

    def __init__(self, flags, body, link):
        r = Reader(body)
        self.time, self.link = time.time(), link
        self.packet_size = 1 + len(varint(len(body))) + len(body)
        self.qos, self.retain, self.again = flags >> 1 & 3, bool(flags & 1), bool(flags & 8)
        self.topic = r.text()
        self.id = r.number("H") if self.qos else 0
        self.properties = r.properties() if link.version == 5 else {}
        self.payload = r.rest()

    @property
    def text(self):
        return self.payload.decode()

    @property
    def json(self):
        return json.loads(self.payload)

    @property
    def age(self):
        """Of what it tells, when it was taken, in seconds."""
        return self.time - self.json["ts"] / 1000


class Link:
    """One client's connection."""

    def __init__(self, broker, sock, number):
        self.broker, self.socket, self.number, self.version, self.will, self.client_id = broker, sock, number, 4, None, ""
        self.will_qos, self.will_retain = 0, False
        self.began, self.is_open, self.clean_end = 0, True, False  # began: when its CONNECT came
        self.clean_start, self.properties, self.filters, self.goodbye = False, {}, [], None  # goodbye: the reason of its DISCONNECT
        self.answers = queue.Queue()
        threading.Thread(target=self.answer, daemon=True).start()
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, data):
        with contextlib.suppress(OSError):
            self.socket.sendall(data)

    def send_later(self, data, delay):
        self.answers.put((time.monotonic() + delay, data))

    def answer(self):
        """In their order, each when it is due."""
        while (item := self.answers.get()) is not None:
            wait = item[0] - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            self.send(item[1])

    def receive(self, n):
        data = b""
        while len(data) < n:
            chunk = self.socket.recv(n - len(data))
            if not chunk:
                raise OSError("closed")
            data += chunk
        return data

    def serve(self):
        with contextlib.suppress(OSError):
            while self.is_open:
                first, length = self.receive(1)[0], b""
                while not length or length[-1] & 128:
                    length += self.receive(1)
                body = self.receive(Reader(length).varint())
                if not self.handle(first >> 4, first & 15, body):
                    break
        self.end()

    def end(self):
        self.is_open = False
        self.answers.put(None)
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        will, self.will = self.will, None
        if will and self.will_retain and not self.clean_end:
            self.broker.retained[will[0]] = will[1]

    def handle(self, kind, flags, body):
        """False when the connection shall end."""
        if kind == CONNECT:
            return self.connect(Reader(body))
        if kind == PUBLISH:
            return self.broker.publish(self, Message(flags, body, self))
        if kind == DISCONNECT:
            self.goodbye = body[0] if body else 0
            self.clean_end = self.goodbye == 0
            return False
        if self.broker.mute:
            return True
        if kind == PINGREQ:
            self.send(packet(PINGRESP))
        elif kind in (SUBSCRIBE, UNSUBSCRIBE):
            self.subscribe(kind, Reader(body))
        return True

    def connect(self, r):
        r.text()
        self.version, flags, self.keep_alive = r.number("B"), r.number("B"), r.number("H")
        self.clean_start = bool(flags & 2)
        if self.version == 5:
            self.properties = r.properties()
        self.client_id = r.text()
        if flags & 4:
            if self.version == 5:
                r.properties()
            self.will, self.will_qos, self.will_retain = (r.text(), r.binary()), flags >> 3 & 3, bool(flags & 32)
        self.began = time.time()
        self.broker.connects.append(self)
        if self.broker.mute:
            return True
        reason = self.broker.connack(self) if callable(self.broker.connack) else self.broker.connack
        extra = properties(self.broker.connack_properties) if self.version == 5 else b""
        self.send(packet(CONNACK, bytes([0, reason]) + extra))
        if reason == 0 and self.broker.on_connected:
            threading.Thread(target=self.broker.on_connected, args=(self,), daemon=True).start()
        return reason == 0

    def subscribe(self, kind, r):
        """Granted; what is retained under such a topic comes at once."""
        id_ = r.number("H")
        if self.version == 5:
            r.properties()
        filters = []
        while r.at < len(r.data):
            filters.append(r.text())
            if kind == SUBSCRIBE:
                self.filters.append((filters[-1], r.number("B") & 3, len(self.broker.messages)))
        extra = properties({}) if self.version == 5 else b""
        self.send(packet(SUBACK if kind == SUBSCRIBE else UNSUBACK, struct.pack(">H", id_) + extra + bytes(len(filters))))
        for topic, payload in list(self.broker.retained.items()) if kind == SUBSCRIBE else []:
            if payload and any(matches(f, topic) for f in filters):
                self.send(packet(PUBLISH, text(topic) + extra + payload, flags=1))

    def deliver(self, topic, payload):
        self.send(packet(PUBLISH, text(topic) + (properties({}) if self.version == 5 else b"") + payload))

    def disconnect(self, reason, why="", close=True):
        """The broker's own DISCONNECT (MQTT 5)."""
        self.send(packet(DISCONNECT, bytes([reason]) + properties({REASON: why} if why else {})))
        if close:
            self.clean_end = True  # no will: the broker ended it
            self.end()


def matches(filter_, topic):
    f, t = filter_.split("/"), topic.split("/")
    for i, level in enumerate(f):
        if level == "#":
            return True
        if i >= len(t) or level not in ("+", t[i]):
            return False
    return len(f) == len(t)


class ScriptedBroker(harness.Received):
    """`verdict(message)` is the reason code of its PUBACK, IGNORE or CLOSE. What is set here may be changed at any time."""

    def __init__(self, port=None, small_buffers=False):
        self.port, self.small_buffers, self.process = port or harness.free_port(), small_buffers, self
        self.messages, self.connects, self.links, self.retained = [], [], [], {}
        self.verdict, self.on_connected = (lambda m: 0), None
        self.connack, self.connack_properties = 0, {}  # the first may also be a function of the link
        self.delay = 0      # seconds until a PUBACK: a long way
        self.rate = None    # messages a second that come through: a narrow link
        self.mute = False   # reads everything, says nothing
        self.numbers, self.lock = itertools.count(1), threading.Lock()
        self.socket = None
        self.back()

    def back(self):
        """Listens (again)."""
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.small_buffers:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(16)
        threading.Thread(target=self.accept, args=(self.socket,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.links.append(Link(self, client, next(self.numbers)))

    def away(self, forget=False):
        """Gone without a word; with all that was retained, when it forgets."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for link in list(self.links):
            link.clean_end = True
            link.end()
        if forget:
            self.retained.clear()

    def publish(self, link, m):
        if self.rate:
            time.sleep(1 / self.rate)  # the narrow link itself
            m.time = time.time()
        verdict = self.verdict(m)
        with self.lock:
            self.messages.append(m)
            refused = verdict == CLOSE or isinstance(verdict, tuple)
            if m.retain and not refused and (verdict or 0) < 0x80:
                self.retained[m.topic] = m.payload
        if isinstance(verdict, tuple):
            link.send(packet(DISCONNECT, bytes([verdict[0]]) + properties({})))
        if refused:
            return False
        if m.qos and verdict is not IGNORE and not self.mute:
            reason = struct.pack(">HB", m.id, verdict) if link.version == 5 and verdict else struct.pack(">H", m.id)
            link.send_later(packet(PUBACK, reason), self.delay)
        return True

    @property
    def link(self):
        """The connection that is there, or None."""
        return next((l for l in reversed(self.links) if l.is_open and l.client_id), None)

    def kept(self):
        """What is retained under BASE, without what was emptied: {suffix: text}."""
        return {t.removeprefix(harness.BASE + "/"): p.decode() for t, p in self.retained.copy().items() if p}

    def stop(self):
        self.away()


def sequence(broker, name, after=0):
    """{seq: message} of a device, live or late."""
    return {m.json["seq"]: m for t in ("history/device/", "device/") for m in broker.of(t + name, after) if m.text}
