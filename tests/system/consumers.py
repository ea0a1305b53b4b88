"""What the tests of packaging/examples share: the shipped row, and the commands of packaging/docs/consumers.md."""
import json
import os
import re
import shlex
import urllib.parse
import urllib.request

import harness
import schemas
import test_sim
from harness import ROOT

EXAMPLES = ROOT / "packaging" / "examples"
PAGE = ROOT / "packaging" / "docs" / "consumers.md"
PATH = {"PATH": os.environ["PATH"] + ":/usr/sbin"}


class Row:
    """The example configuration on the simulator, a broker, and what is published."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.broker = self.start(harness.Broker, folder)
        ini, _ = test_sim.row(folder, self.broker.port)
        self.http_port = harness.free_port()
        (folder / "coolantd.d" / "60-consumers.ini").write_text(
            f"[daemon]\nhttp_socket = {folder}/http\nhttp_listen = 127.0.0.1:{self.http_port}\n[mqtt]\nlayout = both\n"
            "[group:cooling]\nloops = secondary1, secondary2\nneeded = 1\n")
        self.plant = test_sim.simulator(self.start, ini)
        self.subscriber = self.start(harness.Subscriber, self.broker.port)
        daemon = self.start(harness.Process, [harness.COOLANTD, "-c", ini], env={"COOLANTD_PROFILE_PATH": str(harness.PROFILES)})
        daemon.wait_line("started: ")
        self.subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)

    def start(self, kind, *args, **options):
        thing = kind(*args, **options)
        self.started.append(thing)
        return thing

    def say(self, command):
        """To the plant."""
        self.plant.process.stdin.write(command + "\n")
        self.plant.process.stdin.flush()

    def publish(self, topic, payload):
        """As another coolantd would."""
        self.subscriber.client.publish(topic, payload if isinstance(payload, str) else json.dumps(payload), qos=1, retain=True)

    def last(self):
        """{topic: message} of the latest ones."""
        return {m.topic: m for m in list(self.subscriber.messages)}

    def stop(self):
        for thing in reversed(self.started):
            thing.close() if hasattr(thing, "close") else thing.stop()
        schemas.check(self.subscriber.messages)


def commands(title):
    """The command lines that the page has under a title, as words."""
    section = re.split(rf"^## {title}$", PAGE.read_text(), flags=re.M)[1].split("\n## ")[0]
    return [shlex.split(line) for block in re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S) for line in block.splitlines()]


def replaced(text, **changes):
    """A text with other values for this machine; each must be there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, str(new))
    return text


def ask(url, **parameters):
    """The JSON at a URL."""
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    with urllib.request.urlopen(url + query, timeout=harness.PATIENCE) as reply:
        return json.loads(reply.read())
