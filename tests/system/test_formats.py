"""Number and text formats that devices have: registers as they are on the wire, and the value that arrives."""
import harness
import pytest
from harness import COOLANTD, PROFILES, device, head, run
from wire import Wire

BAD = "bad"  # null, with this quality

# name -> [(settings, registers, value)]
FORMATS = {
    "48 bits": [
        ("type = u48\n", [0x0001, 0x0203, 0x0405], 0x000102030405),
        ("type = u48\n", [0xffff, 0xffff, 0xffff], 2**48 - 1),
        ("type = u48\nword_order = little\n", [0x0405, 0x0203, 0x0001], 0x000102030405),
        ("type = u48\nbyte_order = little\n", [0x0100, 0x0302, 0x0504], 0x000102030405),
        ("type = u48\nscale = 0.001\n", [0, 0x0001, 0x86a0], 100),
        ("type = u48\ninvalid = 0xffffffffffff\n", [0xffff, 0xffff, 0xffff], BAD),
        ("type = i48\n", [0xffff, 0xffff, 0xfffe], -2),
        ("type = i48\n", [0x8000, 0, 0], -2**47),
        ("type = i48\n", [0x7fff, 0xffff, 0xffff], 2**47 - 1),
        ("type = i48\ninvalid = 0x800000000000\n", [0x8000, 0, 0], BAD),
    ],
    "f16": [
        ("type = f16\n", [0x3c00], 1),
        ("type = f16\n", [0xc000], -2),
        ("type = f16\n", [0x4d52], pytest.approx(21.28125, rel=1e-3)),
        ("type = f16\n", [0x7bff], pytest.approx(65504, rel=1e-3)),
        ("type = f16\n", [0x0001], pytest.approx(2**-24, rel=1e-3)),
        ("type = f16\nbyte_order = little\n", [0x003c], 1),
        ("type = f16\nscale = 10\n", [0xc000], -20),
        ("type = f16\n", [0x7e00], BAD),  # not a number
        ("type = f16\n", [0x7c00], BAD),  # infinite
    ],
    "sign and magnitude": [
        ("type = sm16\n", [0x0005], 5),
        ("type = sm16\n", [0x8005], -5),
        ("type = sm16\n", [0x8000], 0),
        ("type = sm16\n", [0xffff], -32767),
        ("type = sm16\nscale = 0.1\n", [0x80fa], -25),
        ("type = sm16\ninvalid = 0x7fff\n", [0x7fff], BAD),
        ("type = sm32\n", [0x8000, 0x0001], -1),
        ("type = sm32\n", [0x0001, 0x0000], 65536),
        ("type = sm32\nword_order = little\n", [0x0001, 0x8000], -1),
    ],
    "bcd": [
        ("type = bcd\nlength = 1\n", [0x1234], 1234),
        ("type = bcd\nlength = 2\n", [0x1234, 0x5678], 12345678),
        ("type = bcd\nlength = 2\nword_order = little\n", [0x5678, 0x1234], 12345678),
        ("type = bcd\nlength = 2\nbyte_order = little\n", [0x3412, 0x7856], 12345678),
        ("type = bcd\nlength = 4\n", [0x1234, 0x5678, 0x9012, 0x3456], 1234567890123456),
        ("type = bcd\nlength = 2\nscale = 0.1\n", [0x0000, 0x1234], 123.4),
        ("type = bcd\nlength = 1\n", [0x12a4], BAD),  # no digit
        ("type = bcd\nlength = 2\n", [0x0012, 0x000f], BAD),
    ],
    "mod10k": [
        ("type = mod10k\nlength = 2\n", [1234, 5678], 12345678),
        ("type = mod10k\nlength = 2\nword_order = little\n", [5678, 1234], 12345678),
        ("type = mod10k\nlength = 3\nword_order = little\n", [9999, 0, 1], 100009999),
        ("type = mod10k\nlength = 4\n", [1234, 5678, 9012, 3456], 1234567890123456),
        ("type = mod10k\nlength = 2\nscale = 0.01\n", [1, 1], 100.01),
        ("type = mod10k\nlength = 2\n", [1, 10000], BAD),  # more than a register of this kind holds
    ],
    "signed bits": [
        ("type = i16\nbits = 8..15\n", [0xf6aa], -10),
        ("type = i16\nbits = 0..7\n", [0xaaf6], -10),
        ("type = i16\nbits = 8..15\n", [0x0aff], 10),
        ("type = i16\nbits = 4..7\n", [0x0080], -8),
        ("type = i16\nbits = 8..15\nscale = 0.5\n", [0xf600], -5),
        ("type = i32\nbits = 12..27\n", [0x0fff, 0xe000], -2),
    ],
    "unsigned bits": [
        ("type = u16\nbits = 8..15\n", [0xf600], 246),
        ("type = u32\nbits = 12..27\n", [0x0fff, 0xe000], 0xfffe),
    ],
    "characters": [
        ("type = string\nlength = 3\nchars = low\n", [0x0043, 0x0044, 0x0055], "CDU"),
        ("type = string\nlength = 3\nchars = high\n", [0x4300, 0x4400, 0x5500], "CDU"),
        ("type = string\nlength = 2\nchars = both\n", [0x4344, 0x5537], "CDU7"),
        ("type = string\nlength = 5\nchars = low\n", [0x0043, 0x0044, 0x0020, 0x0020, 0x0000], "CD"),
        ("type = string\nlength = 3\nchars = low\nbyte_order = little\n", [0x4300, 0x4400, 0x5500], "CDU"),
        ("type = string\nlength = 3\nchars = low\n", [0xff43, 0xff44, 0xff55], "CDU"),  # the other byte says nothing
    ],
}


def served(start, rows):
    """A device whose points p0, p1, … have these settings and registers, each with a gap behind it; its configuration."""
    registers, text, at = {}, "", 100
    for i, (settings, words) in enumerate(rows):
        text += f"[point:d.p{i}]\nregister = holding:{at}\n{settings}"
        registers |= {at + k: w for k, w in enumerate(words)}
        at += len(words) + 1
    server = start(Wire, "tcp", lambda r: [r.words([registers.get(r.address + i, 0) for i in range(r.count)])])
    return registers, server.bus("b") + device("d", "b", 1, extra="poll_interval = 200ms\n" + text)


@pytest.mark.parametrize("name", FORMATS)
def test_formats(start, coolantd, subscriber, name):
    rows = FORMATS[name]
    _, ini = served(start, [(settings, words) for settings, words, _ in rows])
    coolantd(ini)
    m = subscriber.wait("device/d", lambda m: len(m.json["values"]) == len(rows)).json
    seen = [BAD if m["quality"].get(f"p{i}") == "bad" and m["values"][f"p{i}"] is None else m["values"][f"p{i}"] for i in range(len(rows))]
    assert seen == [value for _, _, value in rows]
    assert set(m["quality"].values()) <= {"bad"}


def test_a_scale_that_the_device_tells(start, coolantd, subscriber):
    """As SunSpec has it: ten to the power of another point, which may change, and may be read less often."""
    rows = [("type = i16\ninvalid = 0x8000\n", [0xfffe]),              # p0: -2
            ("scale_from = p0\n", [1234]),
            ("type = i16\nscale_from = p0\n", [0xff9c]),
            ("type = u32\nscale_from = p0\n", [0x0001, 0x86a0]),
            ("scale_from = p0\nscale = 0.001\nunit = kW\n", [50000]),   # W on the wire
            ("type = i16\npoll = once\n", [1]),                         # p5
            ("scale_from = p5\n", [7])]
    registers, ini = served(start, rows)
    coolantd(ini)

    def values(wanted):
        def seen(m):
            return [m.json["values"].get(f"p{i}") for i in range(len(rows))] == wanted
        return subscriber.wait("device/d", seen)
    values([-2, 12.34, -1, 1000, 0.5, 1, 70])
    registers[100] = 1
    values([1, 12340, -1000, 1000000, 500, 1, 70])
    registers[100] = 0x8000  # not implemented: nothing can be said of what it scales
    m = values([None, None, None, None, None, 1, 70])
    assert {m.json["quality"][f"p{i}"] for i in range(5)} <= {"bad", "invalid"}


@pytest.mark.parametrize("settings, key, words", [
    ("scale_from = nope\n", "scale_from", "nope"),
    ("scale_from = p\n", "scale_from", ""),
    ("type = string\nscale_from = q\n", "scale_from", "string"),
    ("type = u16\nchars = low\n", "chars", "string"),
    ("type = string\nchars = some\n", "chars", "both"),
    ("type = f16\nbits = 0..3\n", "bits", "whole numbers"),
])
def test_mistakes_with_them_are_said(tmp_path, settings, key, words):
    ini = tmp_path / "coolantd.ini"
    ini.write_text(head(tmp_path, harness.free_port()) + "[bus:b]\ntype = tcp\nhost = 127.0.0.1\n" + device("d", "b", 1) +
                   f"[point:d.q]\nregister = holding:9\n[point:d.p]\nregister = holding:1\n{settings}")
    said = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert said.returncode == 78
    line = next((l for l in said.stderr.splitlines() if f"[point:d.p] {key}: " in l and "unknown" not in l), "")
    assert line and words in line, said.stderr


@pytest.mark.parametrize("settings", ["bit = 0\n", "type = string\n", "scale_from = other\n"])
def test_a_scale_that_is_changed_into_none_is_said(tmp_path, settings):
    """In a profile all was well."""
    (tmp_path / "meter.ini").write_text("[profile]\n[point:sf]\nregister = holding:0\ntype = i16\n[point:other]\nregister = holding:20\n"
                                        "[point:v]\nregister = holding:40\nscale_from = sf\n")
    ini = tmp_path / "coolantd.ini"
    text = head(tmp_path, harness.free_port()) + "[bus:b]\ntype = tcp\nhost = 127.0.0.1\n" + device("d", "b", 1, "meter")
    for more, code in (("", 0), (f"[point:d.sf]\n{settings}", 78)):
        ini.write_text(text + more)
        said = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(tmp_path)})
        assert said.returncode == code, said.stderr
    assert "[point:d.sf] scale_from: 'sf' is" in said.stderr


def test_a_float_that_another_point_scales_has_no_noise(start, coolantd, subscriber):
    _, ini = served(start, [("type = i16\n", [0xffff]), ("type = f32\nscale_from = p0\n", [0x3dcc, 0xcccd])])  # 0.1
    coolantd(ini)
    assert '"p1":0.01,' in subscriber.wait("device/d", lambda m: m.json["values"]["p1"] is not None).text.replace("}", ",")
