"""A Sparkplug host: mqtt.js and sparkplug-payload (sparkplug/host.js), and what it knows of the nodes of a group."""
import fcntl
import json
import pathlib
import subprocess

import harness
from harness import Process, wait_for

FOLDER = pathlib.Path(__file__).parent / "sparkplug"
MODULES = FOLDER / "node_modules"


def install():
    """With the versions of the lock file, once."""
    with (FOLDER / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (MODULES / ".package-lock.json").exists() or \
                (MODULES / ".package-lock.json").stat().st_mtime < (FOLDER / "package-lock.json").stat().st_mtime:
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=FOLDER, check=True, timeout=300)


def fields(data):
    """{number: [value, …]} of a protobuf message: whole numbers, and bytes of anything else."""
    found, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        size = {1: 8, 5: 4}.get(key & 7) or (varint() if key & 7 == 2 else None)
        if size is None:
            found.setdefault(key >> 3, []).append(varint())
        else:
            at, value = at + size, data[at:at + size]
            found.setdefault(key >> 3, []).append(value)
    return found


def session_number(payload):
    """bdSeq of a birth or death of a node."""
    metrics = [fields(m) for m in fields(payload)[2]]
    return next(m[11][0] for m in metrics if m[1] == [b"bdSeq"])


class SparkplugMessage:
    def __init__(self, seen):
        _, self.group, self.verb, self.node, *device = seen["topic"].split("/")
        self.device = device[0] if device else None
        self.topic, self.qos, self.retain, self.bytes = seen["topic"], seen["qos"], seen["retain"], bytes.fromhex(seen["bytes"])
        self.payload = seen["payload"]
        self.metrics = self.payload.get("metrics", [])
        self.seq = int(self.payload["seq"]) if "seq" in self.payload else None

    def metric(self, name):
        return next((m for m in self.metrics if m.get("name") == name), None)

    def __repr__(self):
        return f"{self.verb} {self.device or ''} {self.seq}"


class SparkplugHost(Process):
    def __init__(self, port, group="plant", host=None):
        install()
        super().__init__(["node", FOLDER / "host.js", port, group, *([host] if host else [])], cwd=FOLDER)
        self.wait_line('"ready"')

    def command(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    @property
    def messages(self):
        seen = [json.loads(line) for line in list(self.lines) if line.startswith('{"topic"')]
        return [SparkplugMessage(s) for s in seen]

    def of(self, verb, device=None, after=0):
        return [m for m in self.messages[after:] if m.verb == verb and (device is None or m.device == device)]

    def wait(self, verb, device=None, condition=lambda m: True, after=0, timeout=harness.PATIENCE):
        return wait_for(lambda: next((m for m in self.of(verb, device, after) if condition(m)), None),
                        lambda: f"{verb} {device or ''} in {self.messages[after:]}:\n{self.text[-3000:]}", timeout)

    def values(self, device, after=0):
        """The present value of each metric of a device by its name, as a host keeps it: (value, quality)."""
        names, now = {}, {}
        for m in self.messages[after:]:
            if m.device != device or m.verb not in ("DBIRTH", "DDATA"):
                continue
            if m.verb == "DBIRTH":
                names, now = {x["alias"]: x["name"] for x in m.metrics}, {}
            for x in m.metrics:
                if not x.get("isHistorical"):
                    name = names[x["alias"]]
                    quality = x.get("properties", {}).get("Quality", {}).get("value", now.get(name, (None, 192))[1])
                    now[name] = (x["value"], quality)
        return now
