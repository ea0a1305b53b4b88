"""packaging/docs/unknown-device.md: each command of the page is run, on a Modbus server that is not ours, and says what the page says.

COOLANTD_WRITE_DOCS=1 writes what the commands say into the page."""
import os
import pathlib
import re
import struct

import pytest

import harness
from harness import COOLANTCTL, COOLANTD, ROOT, run

PAGE = ROOT / "packaging" / "docs" / "unknown-device.md"
FLOW = struct.unpack("<HH", struct.pack("<f", 1.85))  # the low word first
DEVICE = {3: {"holding": {100: 225, 101: 301}, "input": {10: FLOW[0], 11: FLOW[1]}, "discrete": {5: 0}}}
BLOCK = re.compile(r"^```(console|ini)\n(.*?)^```$", re.M | re.S)


@pytest.fixture
def site(start, tmp_path, broker):
    """What of the page is another thing here: texts that are replaced in commands, and back in their output."""
    line = start(harness.SerialLine, tmp_path)
    start(harness.ModbusServer, tmp_path, DEVICE, serial=str(line.b))
    etc = tmp_path / "etc"
    (etc / "profiles").mkdir(parents=True)
    (etc / "coolantd.d").mkdir()
    (etc / "coolantd.ini").write_text(harness.head(tmp_path, broker.port))
    return {"/dev/ttyUSB0": str(line.a), "/etc/coolantd": str(etc)}


def there(text, site):
    for name, real in site.items():
        text = text.replace(name, real)
    return text


def said(command, site):
    """What a command of the page says, as the page has it: times are of the machine."""
    words = there(command, site).replace("coolantctl", str(COOLANTCTL)).replace("coolantd --check", f"{COOLANTD} -c {site['/etc/coolantd']}/coolantd.ini --check")
    r = run(["sh", "-c", words], env={**os.environ, "COOLANTD_PROFILE_PATH": f"{site['/etc/coolantd']}/profiles"})
    text = r.stdout + r.stderr
    for name, real in site.items():
        text = text.replace(real, name)
    return re.sub(r"in \d+\.\d ms", "in 11.4 ms", text)


def test_the_page_says_what_the_programs_say(site, coolantd, subscriber, tmp_path):
    page, at, new = PAGE.read_text(), 0, ""
    files = iter(["profiles/acme-cdu.ini", "coolantd.d/cdu.ini"])
    for block in BLOCK.finditer(page):
        kind, text = block.groups()
        if kind == "ini":
            (pathlib.Path(site["/etc/coolantd"]) / next(files)).write_text(there(text, site))
            continue
        commands = [l for l in text.splitlines() if l.startswith("$ ")]
        text = "".join(f"{c}\n{said(c[2:], site)}" for c in commands)
        new += page[at:block.start()] + f"```console\n{text}```"
        at = block.end()
    new += page[at:]
    if os.environ.get("COOLANTD_WRITE_DOCS"):
        PAGE.write_text(new)
    assert new == page

    # and it works
    etc = pathlib.Path(site["/etc/coolantd"])
    coolantd((etc / "coolantd.d" / "cdu.ini").read_text(), profiles=etc / "profiles")
    subscriber.wait("device/cdu1", lambda m: m.json["quality"] == {} and m.json["values"] == {
        "flow_rate": 1.85, "supply_temperature": 22.5, "return_temperature": 30.1, "leak": False})
    subscriber.wait("alarm/cdu1-leak", lambda m: m.json["state"] == "normal")
