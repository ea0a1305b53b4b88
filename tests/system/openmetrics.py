"""A strict reader of OpenMetrics 1.0: what the standard forbids is an error. No more of it than what is made here."""
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SAMPLE = re.compile(rf"({NAME})(?:\{{([^ ].*)\}})? (\S+)$")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")  # nothing here is infinite or none
SUFFIXES = {"counter": {"_total"}, "gauge": {""}, "info": {"_info"}, "summary": {"_count", "_sum"}}
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help, self.samples = name, None, None, None, {}


def unescape(text):
    assert not re.search(r'(?<!\\)(?:\\\\)*"', text), f"a quote that is not escaped: {text}"
    return re.sub(r"\\.", lambda m: ESCAPES[m.group()], text)


def labels_of(text):
    labels, place = {}, 0
    while text and place < len(text):
        m = LABEL.match(text, place)
        assert m, f"no label at {text[place:]!r}"
        assert m[1] not in labels and not m[1].startswith("__"), f"label {m[1]}"
        labels[m[1]] = re.sub(r"\\.", lambda e: ESCAPES[e.group()], m[2])
        place = m.end()
        if place < len(text):
            assert text[place] == "," and place + 1 < len(text), f"no comma at {text[place:]!r}"
            place += 1
    return labels


def read_head(family, word, text):
    assert not family.samples, f"{family.name}: {word} behind a sample"
    assert getattr(family, word.lower()) is None, f"{family.name}: {word} twice"
    if word == "TYPE":
        assert text in SUFFIXES, text
    if word == "UNIT":
        assert family.name.endswith("_" + text), f"{family.name} does not end in its unit {text}"
    setattr(family, word.lower(), unescape(text) if word == "HELP" else text)


def read_sample(family, line):
    m = SAMPLE.match(line)
    assert m, f"not a sample: {line!r}"
    name, labels, value = m[1], labels_of(m[2]), m[3]
    assert family and name.startswith(family.name) and name[len(family.name):] in SUFFIXES[family.type], \
        f"{name} is not of the family {family and family.name}"
    assert NUMBER.match(value), f"not a number: {line!r}"
    number = float(value)
    if family.type in ("counter", "summary"):
        assert number >= 0, line
    if family.type == "info":
        assert number == 1 and labels, line
    key = (name, frozenset(labels.items()))
    assert key not in family.samples, f"twice: {line}"
    family.samples[key] = number


def parse(text):
    """{family: Family}."""
    assert text.endswith("# EOF\n") and "\r" not in text
    families, family = {}, None
    for line in text[:-len("# EOF\n")].split("\n")[:-1]:
        m = re.match(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)$", line)
        assert m or not line.startswith("#"), f"neither a sample nor a head: {line!r}"
        if m and (family is None or m[2] != family.name):
            assert m[2] not in families, f"{m[2]} is not in one piece"
            family = families[m[2]] = Family(m[2])
        if m:
            read_head(family, m[1], m[3])
        else:
            read_sample(family, line)
    for f in families.values():
        assert f.type and f.help and f.samples, f.name
        others = {n + s for n, o in families.items() if o is not f for s in SUFFIXES[o.type]}
        assert not others & {f.name + s for s in SUFFIXES[f.type]}, f"{f.name} clashes"
    return families


def value(families, name, **labels):
    """Of a sample whose labels are at least these; None = there is none."""
    found = [v for f in families.values() for (n, l), v in f.samples.items() if n == name and set(labels.items()) <= set(l)]
    assert len(found) < 2, (name, labels, found)
    return found[0] if found else None
