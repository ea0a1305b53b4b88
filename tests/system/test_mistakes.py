"""What users write by mistake: each is told with its line, what is allowed, and what was probably meant."""
import re

import pytest

from harness import COOLANTD, PROFILES, run

HEAD = "[daemon]\nsite = dc1\nrack = r07\n[mqtt]\nbroker = mqtt://localhost\n"
DEVICE = "[bus:b]\ntype = tcp\nhost = 127.0.0.1\n[device:d]\nbus = b\nunit = 1\n"

# each file: lines after which stands what must be said of them; what they are mistaken for is from manuals of devices,
# from other programs' configurations, and from what users ask in public
FILES = {
    "registers": HEAD + DEVICE + """
[point:d.a]
register = 40001                      -> did you mean 'holding:0'.* zero-based
[point:d.b]
register = 30011                      -> did you mean 'input:10'
[point:d.c]
register = 400101                     -> did you mean 'holding:100'
[point:d.d]
register = hr:7                       -> did you mean 'holding:7'
[point:d.e]
register = 4x:7                       -> did you mean 'holding:7'
[point:d.f]
register = 100                        -> did you mean 'holding:100' or 'input:100'
[point:d.g]
register = holdin:5                   -> holding, input, coil or discrete
[point:d.h]
register = holding:65536              -> 0\\.\\.65535
[point:d.i]
register = holding:-1                 -> 0\\.\\.65535
[point:d.j]
register = holding:0
type = float                          -> did you mean 'f32'
[point:d.k]
register = holding:2
type = UINT16                         -> did you mean 'u16'
[point:d.l]
register = holding:3
type = dword                          -> did you mean 'u32'
[point:d.m]
register = holding:5
type = f32
word_order = CDAB                     -> did you mean 'little'
byte_order = msb                      -> did you mean 'big'
[point:d.n]
register = holding:7
scale = 0,1                           -> with a point
[point:d.o]
register = holding:8
scale = 1/10                          -> a number
[point:d.p]
register = holding:9
unit = °C                             -> did you mean 'Cel'
[point:d.q]
register = holding:10
unit = lpm                            -> did you mean 'L/min'
[point:d.r]
register = holding:11
enum = 0=off, 1=on                    -> 0:off, 1:on
[point:d.s]
register = holding:12
min = 10                              -> min <= max
max = 1
[point:d.t]
register = holding:13
bit = 16                              -> bit
[point:d.Temp]                        -> not
register = holding:14
[point:x.a]                           -> no such device
register = holding:15
""",
    "buses and devices": """
[daemon]
site = dc/1                           -> without blank / \\+ #
rack = r07
state_dir = state                     -> absolute path
http_socket = run/http.sock           -> absolute path
http_listen = 9109                    -> 127\\.0\\.0\\.1:9109
log_level = warn                      -> did you mean 'warning'
timezone = CET+1                      -> Europe/Berlin
control_interval = 1                  -> a duration with unit
[mqtt]
topic_prefix = /coolant/              -> no / at either end
qos = 2                               -> 0\\.\\.1
keep_alive = 15                       -> a duration with unit
[spool]
max_size = 256MB                      -> a size with unit B, KiB, MiB or GiB
[bus:one]
type = tcp
host = tcp://192.0.2.1                -> a port goes into tcp_port
[bus:two]
type = tcp
host = 192.0.2.1:502                  -> a port goes into tcp_port
[bus:three]
type = tcp
host = [2001:db8::1]                  -> IPv6 too without brackets
[bus:four]
type = tcp
host = 192.0.2.256                    -> no IPv4 address
[bus:five]
type = modbus-tcp                     -> did you mean 'tcp'
host = 192.0.2.5
[bus:six]
type = rtu
port = /dev/ttyUSB6
parity = 8N1                          -> did you mean 'none'
baud = 9601                           -> did you mean '9600'
[bus:seven]
type = tcp
host = 192.0.2.7
port = /dev/ttyUSB0                   -> has no meaning for type = tcp
[bus:Eight]                           -> did you mean 'eight'
type = tcp
host = 192.0.2.8
[bus:nine]
type = tcp
host = 192.0.2.9
respones_timeout = 1s                 -> did you mean 'response_timeout'
[bus:ten]
type = tcp
host = 192.0.2.10
[device:CDU.1]                        -> did you mean 'cdu_1'
bus = ten
profile = generic-flow
[device:d2]
bus = teen                            -> did you mean 'ten'
profile = generic-flow
[device:d3]
bus = ten
unit = 248                            -> 0\\.\\.247
profile = generic-flow
[device:d4]
bus = ten
unit = 4
profile = generic-flow.ini            -> did you mean 'generic-flow'
[device:d5]
bus = ten
unit = 5
profile = generic_flow                -> did you mean 'generic-flow'
[device:d6]
bus = ten
unit = 6
profile = generic-flow
enabled = true                        -> did you mean 'yes'
poll_interval = 0s                    -> out of range
labels = serial=4711                  -> KEY:VALUE
""",
    "figures and alarms": HEAD + DEVICE + """
[point:d.flag]
register = coil:0
[point:d.number]
register = holding:0
[loop:l]
coolant = glycol                      -> did you mean 'pg25'
flow = d.number                       -> which is no flow
supply = d.numbre                     -> did you mean 'number'
return = e.number                     -> no
[pue:p]
facility = d.number                   -> allowed: W, kW
it = d                                -> active_power
[alarm:one]
point = d.number
when = >                              -> did you mean 'above'
limit = 20
[alarm:two]
point = d.number
when = above
limit = 20 Cel                        -> without its unit
[alarm:three]
point = d.number
when = above
limit = 20,5                          -> with a point
[alarm:four]
point = d.number
when = true                           -> is a number
[alarm:five]
point = d.flag
severity = crit                       -> did you mean 'critical'
delay_on = 5                          -> a duration with unit
[alarm:six]
point = d.number
when = outside
low = 5
high =                                -> required for outside
[alarm:seven]
point = d.number
when = above
limit = 1
message = "hot                        -> begins with a quote
[alarm:eight]
point = number                        -> DEVICE\\.POINT
[alarms:nine]                         -> did you mean 'alarm'
nonsense
""",
}


def split(text):
    """The file, and for each line with a mistake what must be said of it."""
    lines, wanted = [], {}
    for n, line in enumerate(text.split("\n"), 1):
        written, _, pattern = line.partition("->")
        lines.append(written.rstrip())
        if pattern:
            wanted[n] = pattern.strip()
    return "\n".join(lines), wanted


def check(ini, *, env=None):
    return run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES), **(env or {})})


@pytest.mark.parametrize("name", FILES)
def test_a_mistake_is_told_with_the_way_out(tmp_path, name):
    text, wanted = split(FILES[name])
    assert len(wanted) > 15
    ini = tmp_path / "coolantd.ini"
    ini.write_text(text)
    r = check(ini)
    assert r.returncode == 78
    for line, pattern in wanted.items():
        assert re.search(rf"^coolantd: {re.escape(str(ini))}:{line}: .*{pattern}", r.stderr, re.M), (line, pattern, r.stderr)
    # nothing is said of lines that are right
    told = {int(n) for n in re.findall(rf"^coolantd: {re.escape(str(ini))}:(\d+): ", r.stderr, re.M)}
    right = {n for n, line in enumerate(text.split("\n"), 1) if "=" in line and n not in wanted}
    assert not told & right, r.stderr


def test_what_is_taken_otherwise_than_meant_is_said(tmp_path):
    ini = tmp_path / "coolantd.ini"
    ini.write_text(HEAD + DEVICE + "[point:d.a]\nregister = holding:0\nscale =\nmax =\n"
                   "[alarm:a]\npoint = d.a\nwhen = above\nlimit = 1\nhysteresis =   ; later\n"
                   "message = pump #1 is hot\n"
                   "[alarm:b]\npoint = d.a\nwhen = above\nlimit = 1\nmessage = hot # the pump\n")
    (tmp_path / "coolantd.d").mkdir()
    (tmp_path / "coolantd.d" / "10-site.conf").write_text("nonsense")
    r = check(ini)
    assert r.returncode == 0
    lines = ini.read_text().split("\n")
    place = f"coolantd: {ini}:"
    assert sorted(r.stderr.split("\n")[:-1]) == sorted([
        f"{place}{lines.index('scale =') + 1}: [point:d.a] scale: empty, so the default holds: 1",
        f"{place}{lines.index('max =') + 1}: [point:d.a] max: empty, so it is not set",
        f"{place}{lines.index('hysteresis =   ; later') + 1}: [alarm:a] hysteresis: empty, so the default holds: 0",
        f"{place}{lines.index('message = pump #1 is hot') + 1}: [alarm:a] message: 'pump' is taken, what follows is a comment "
        "(in double quotes all is taken)",
        f"coolantd: {tmp_path}/coolantd.d/10-site.conf: not read (allowed: names that end in .ini)",
    ])


def test_quotes_do_not_belong_to_the_value(tmp_path):
    """A message may have a # in it."""
    ini = tmp_path / "coolantd.ini"
    ini.write_text('[daemon]\nsite = "dc1"\nrack = "r\\"7"   ; said so\n' + DEVICE +
                   '[point:d.a]\nregister = holding:0\n[alarm:a]\npoint = "d.a"\nwhen = above\nlimit = "1"\n'
                   'message = "pump #1; hot"\n')
    r = check(ini)
    assert (r.returncode, r.stderr) == (0, "")


def test_text_of_windows(tmp_path):
    ini = tmp_path / "coolantd.ini"
    ini.write_bytes((HEAD + DEVICE).replace("\n", "\r\n").encode("utf-16"))
    r = check(ini)
    assert r.returncode == 78 and f"{ini}: UTF-16 text (allowed: UTF-8" in r.stderr
