"""A Modbus device or gateway of which a test decides every byte, on tcp, rtutcp and rtu.

A register's value tells where it comes from (`encoded`), so that the reply to another request is seen as such.
"""
import contextlib
import os
import socket
import struct
import threading
import time

import harness
import pytest

TRANSPORTS = ("tcp", "rtutcp", "rtu")
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
CLOSE = object()  # a part of a script: the connection ends


def known(reason):
    """Of a fault that is not mended yet: the mark must go when it is."""
    return pytest.mark.xfail(strict=True, reason=reason)


def crc(body):
    value = 0xffff
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xa001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def encoded(unit, table, address):
    """Of units up to 247, and addresses up to 127 of holding and input registers. A bit tells only whether it is below 40."""
    if table in ("coil", "discrete"):
        return int(address < 40)
    return unit << 8 | (FUNCTIONS[table] == 4) << 7 | address & 0x7f


class Request:
    """What was asked, and the frames that answer it."""

    def __init__(self, transport, data, link):
        self.transport, self.raw, self.link, self.time = transport, data, link, time.monotonic()
        self.transaction = struct.unpack(">H", data[:2])[0] if transport == "tcp" else None
        self.unit, self.function, self.address, self.count = struct.unpack(">BBHH", data[6:12] if transport == "tcp" else data[:6])
        self.table = next((t for t, f in FUNCTIONS.items() if f == self.function), None)

    def covers(self, address):
        return self.address <= address < self.address + self.count

    def pdu(self, pdu, unit=None, transaction=None):
        unit = self.unit if unit is None else unit
        if self.transport == "tcp":
            transaction = self.transaction if transaction is None else transaction & 0xffff
            return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu
        return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)

    def words(self, words, function=None, **header):
        pdu = bytes([function or self.function, 2 * len(words)]) + b"".join(struct.pack(">H", w) for w in words)
        return self.pdu(pdu, **header)

    def bits(self, bits, **header):
        packed = bytes(sum(bit << i for i, bit in enumerate(bits[at:at + 8])) for at in range(0, len(bits), 8))
        return self.pdu(bytes([self.function, len(packed)]) + packed, **header)

    def right(self, **header):
        values = [encoded(self.unit, self.table, a) for a in range(self.address, self.address + self.count)]
        return self.bits(values, **header) if self.function < 3 else self.words(values, **header)

    def exception(self, code, **header):
        return self.pdu(bytes([self.function | 0x80, code]), **header)


class Wire:
    """Answers as script(request) says: a list of bytes, seconds to be busy with, (seconds, bytes) to send later, or CLOSE.

    `greet(send, link)` runs beside each new connection; `link` is its number, from 1.
    """

    def __init__(self, transport, script=lambda r: [r.right()], greet=None):
        self.transport, self.script, self.greet, self.process = transport, script, greet, self
        self.requests, self.connected, self.links, self.dead_links, self.open = [], [], 0, 0, True
        self.lock, self.ends = threading.Lock(), []
        if transport == "rtu":
            self.fd, self.slave = os.openpty()
            self.place = os.ttyname(self.slave)
            harness.run(["stty", "-F", self.place, "raw", "-echo"])
            self.begin(lambda n: os.read(self.fd, n), lambda data: os.write(self.fd, data))
        else:
            self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
            self.place = self.socket.getsockname()[1]
            threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ends.append(client)
            self.begin(client.recv, client.sendall, client)

    def begin(self, read, write, client=None):
        self.links += 1
        self.connected.append(time.monotonic())
        link = self.links

        def send(data):
            try:
                write(data)
            except OSError:  # the other side has given up
                return False
            return True
        threading.Thread(target=self.serve, args=(read, send, link, client), daemon=True).start()
        if self.greet:
            threading.Thread(target=self.greet, args=(send, link), daemon=True).start()

    def serve(self, read, send, link, client):
        size, data = 12 if self.transport == "tcp" else 8, b""
        with contextlib.suppress(OSError):
            while self.open and (chunk := read(size - len(data))):
                data += chunk
                if len(data) < size:
                    continue
                request, data = Request(self.transport, data, link), b""
                with self.lock:
                    self.requests.append(request)
                if link > self.dead_links and not self.play(self.script(request), send):
                    break
        if client:
            client.close()

    @staticmethod
    def play(parts, send):
        for part in parts:
            if part is CLOSE:
                return False
            if isinstance(part, tuple):
                threading.Timer(part[0], send, [part[1]]).start()
            elif isinstance(part, bytes):
                send(part)
            else:
                time.sleep(part)  # the delay is the fault itself
        return True

    def die(self):
        """Connections as they are swallow everything from now on; new ones work."""
        self.dead_links = self.links

    def asked(self, since=0.0, **what):
        """The requests from a moment on, of a unit, an address, …"""
        with self.lock:
            found = list(self.requests)
        return [r for r in found if r.time >= since and all(getattr(r, k) == v for k, v in what.items())]

    def bus(self, name, extra=""):
        where = f"port = {self.place}\nparity = none\n" if self.transport == "rtu" else f"host = 127.0.0.1\ntcp_port = {self.place}\n"
        return f"[bus:{name}]\ntype = {self.transport}\n{where}{extra}"

    def stop(self):
        self.open = False
        if self.transport == "rtu":
            os.close(self.slave)
            os.close(self.fd)
            return
        self.socket.close()
        for client in self.ends:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def points(device, blocks, extra=""):
    """Points named after their registers (holding5, input5, …): blocks of (table, first address, count)."""
    return "".join(f"[point:{device}.{table}{a}]\nregister = {table}:{a}\n{extra}"
                   for table, first, count in blocks for a in range(first, first + count))


def readings(subscriber, device):
    """(message, name, value) of everything that was ever published of a device, live or late."""
    return [(m, name, value) for m in list(subscriber.messages) if m.topic.endswith(f"device/{device}") and m.text
            for name, value in m.json["values"].items()]


def wrong(subscriber, device, unit):
    """What was published of `points`, and is not the register's value."""
    def expected(name):
        table = name.rstrip("0123456789")
        return encoded(unit, table, int(name.removeprefix(table)))
    return [(name, value) for _, name, value in readings(subscriber, device) if value is not None and value != expected(name)]


def all_good(message):
    return bool(message.text) and message.json["quality"] == {} and None not in message.json["values"].values()


def share_of_cycles(subscriber, device, interval, since, until):
    """How many of its cycles a device had between two moments (time.time), in always mode: 1 is all."""
    times = [m.json["ts"] / 1000 for m in list(subscriber.messages) if m.topic.endswith(f"/device/{device}") and all_good(m)]
    return len({t for t in times if since <= t < until}) / int((until - since) / interval)


def devices_health(subscriber, bus, after_uptime=0):
    """{device: figures} of a bus in a health message that is to come, or later."""
    return subscriber.wait("health", lambda m: m.json["uptime_s"] >= after_uptime, timeout=30,
                           after=len(subscriber.messages)).json["buses"][bus]["devices"]


def pass_time(seconds):
    end = time.monotonic() + seconds
    harness.wait_for(lambda: time.monotonic() > end, "the time", seconds + 5)
