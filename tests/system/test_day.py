"""A day of meters with wraps, a reset, lost replies, late polls and restarts, computed twice: by the PUE library and by
this file, which shares nothing with it. Energies must agree to a step of the counter, the PUE to 1e-4."""
import datetime
import math
import random
import subprocess

import harness
import pytest

START = int(datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc).timestamp())
DAY, BEFORE, STEP = 86400, 300, 10
PUE = 1.18
QUANTUM_WH = (1, 10)  # of the facility's and the IT meter


def it_watts(t):
    """80 to 120 kW over the day, and a job that comes and goes each hour."""
    return 100e3 + 20e3 * math.sin(2 * math.pi * t / DAY) + (8e3 if t % 3600 < 900 else 0)


class Truth:
    """Energy by the midpoint rule at a tenth of a second."""

    def __init__(self, factor):
        self.factor, self.wh, total = factor, [0.0], 0.0
        for i in range(-BEFORE * 10, (DAY + BEFORE) * 10):
            total += factor * it_watts((i + 0.5) / 10) / 36000
            self.wh.append(total)

    def at(self, t):
        x = (t + BEFORE) * 10
        i = int(x)
        return self.wh[i] + (x - i) * (self.wh[i + 1] - self.wh[i])

    def between(self, a, b):
        return self.at(b) - self.at(a)


@pytest.fixture(scope="module")
def truths():
    return Truth(PUE), Truth(1)


class Counter:
    def __init__(self, truth, quantum, raw):
        self.truth, self.quantum, self.raw, self.since = truth, quantum, raw, -BEFORE

    def read(self, t):
        return (self.raw + int(self.truth.between(self.since, t) / self.quantum)) % 2**32

    def reset(self, t, raw):
        self.raw, self.since = raw, t


def day(truths, seed):
    """Lines for pue_stream."""
    chance = random.Random(seed)
    # the facility's counter passes the end of its 32 bits during the day
    counters = [Counter(truths[0], 1, 2**32 - chance.randrange(10**5, 2 * 10**6)), Counter(truths[1], 10, 5000)]
    resets = {(DAY // 2 + chance.randrange(1000)) // STEP * STEP}
    stops = sorted((chance.randrange(3000, DAY - 3000), chance.choice((0, 15, 60, 240))) for _ in range(6))
    lines = []
    for i in range(-BEFORE // STEP, (DAY + 120) // STEP):
        t = i * STEP
        if t in resets:
            counters[1].reset(t + 5, 0)
        for meter, phase in ((0, 1.7), (1, 6.4)):
            at = t + phase + 0.2 * chance.random()
            stopped = any(a <= at < a + length for a, length in stops)
            if stopped or (t not in resets and t - STEP not in resets and chance.random() < 0.01):
                continue
            watts = it_watts(at) * (PUE if meter == 0 else 1)
            lines.append((at, f"{int((START + at) * 1000)} {meter} {counters[meter].read(int(at * 1000) / 1000)} {watts}"))
    lines += [(a + length, f"restart {int((START + a + length) * 1000)}") for a, length in stops]
    return "".join(line + "\n" for _, line in sorted(lines))


@pytest.mark.parametrize("seed", range(5))
def test_a_day_computed_twice(truths, seed):
    done = subprocess.run([harness.BUILD / "tests/unit/pue_stream"], input=day(truths, seed), capture_output=True, text=True,
                          check=True, timeout=120)
    assert len(done.stdout.splitlines()) == 2
    for line in done.stdout.splitlines():
        *numbers, quality = line.split()
        start, end, *kwh, pue, coverage = (float(x) for x in numbers)
        start, end, whole_day = start / 1000 - START, end / 1000 - START, end - start > 80000e3
        assert quality == "good" and coverage > 0.98
        for meter in range(2):
            # the meter that was reset has counted twice from a beginning of its own: a step for each
            steps = 2 if meter == 1 and whole_day else 1
            wrong = kwh[meter] * 1000 - truths[meter].between(start, end)
            assert abs(wrong) <= steps * QUANTUM_WH[meter], (start, end, meter, wrong)
        assert abs(pue - truths[0].between(start, end) / truths[1].between(start, end)) <= 1e-4


def stream(lines):
    """The windows that pue_stream makes of the lines: by length, (start, end, [kWh], PUE, coverage, quality)."""
    text = "".join(line + "\n" for _, line in sorted(lines, key=lambda timed: timed[0]))
    done = subprocess.run([harness.BUILD / "tests/unit/pue_stream"], input=text, capture_output=True, text=True, check=True,
                          timeout=120)
    windows = {}
    for line in done.stdout.splitlines():
        *numbers, quality = line.split()
        start, end, *kwh, pue, coverage = (float(x) for x in numbers)
        windows[round((end - start) / 1000)] = (start / 1000 - START, end / 1000 - START, kwh, pue, coverage, quality)
    return windows


def reading(at, meter, raw):
    return at, f"{int((START + at) * 1000)} {meter} {raw} {it_watts(at) * (PUE if meter == 0 else 1)}"


@pytest.mark.parametrize("seed", range(5))
def test_a_day_of_faults(truths, seed):
    """A meter is set 2,000 kWh up, the other shows zeros, then ones, for three readings; each is silent for itself, both for
    more than an hour, with ten minutes between their returns; the clock is set four times."""
    chance = random.Random(seed)
    counters = [Counter(truths[0], 1, 26000000), Counter(truths[1], 10, 700000)]
    preset, zeros, ones = (chance.randrange(a, a + 5000) // STEP * STEP for a in (5000, 15000, 25000))
    one, both = chance.randrange(35000, 40000), chance.randrange(50000, 60000)
    silent = [[(both, both + 4000)], [(one, one + 1200), (both, both + 4600)]]
    lines = [(chance.randrange(1000, DAY - 1000) + 0.5, f"clock {ms}") for ms in (150, -250, 400, 0)]
    lines = [(at, line) for (at, _), (_, line) in zip(sorted(lines), lines)]
    for i in range(-BEFORE // STEP, (DAY + 120) // STEP):
        t = i * STEP
        if t == preset:
            counters[0].raw += 2000000
        for meter, phase in ((0, 1.7), (1, 6.4)):
            at = int((t + phase + 0.2 * chance.random()) * 1000) / 1000
            raw = counters[meter].read(at)
            if meter == 1 and zeros <= t < zeros + 3 * STEP:
                raw = 0
            if meter == 1 and ones <= t < ones + 3 * STEP:
                raw = 2**32 - 1
            if not any(a <= at < b for a, b in silent[meter]):
                lines.append(reading(at, meter, raw))
    start, end, kwh, pue, coverage, quality = stream(lines)[DAY]
    # the clock is right again at the end
    assert (start, end, quality) == (0, DAY, "estimated") and 0.92 < coverage < 0.94
    assert abs(kwh[1] * 1000 - truths[1].between(0, DAY)) <= 3 * QUANTUM_WH[1], (kwh[1], truths[1].between(0, DAY))
    # where it was set the power of the reading before stands for the counter, for one interval
    assert abs(kwh[0] * 1000 - truths[0].between(0, DAY)) <= 35, (kwh[0], truths[0].between(0, DAY))
    assert abs(pue - PUE) <= 1e-4


def test_a_day_of_a_slow_and_coarse_counter(truths):
    """The IT's counter refreshes each quarter of an hour: nothing of an hour, and the day to the uncertainty."""
    counters = [Counter(truths[0], 1, 26000000), Counter(truths[1], 10, 700000)]
    lines = []
    for i in range(-BEFORE // STEP, (DAY + BEFORE) // STEP):
        t = i * STEP
        shown = (t + 420) // 900 * 900 - 420
        lines += [reading(t, 0, counters[0].read(t)), reading(t, 1, counters[1].read(max(shown, -BEFORE)))]
    windows = stream(lines)
    assert windows[3600][5] == "invalid"
    start, end, kwh, pue, coverage, quality = windows[DAY]
    assert quality == "good" and coverage > 0.98
    # what it showed first may be as old as a refresh: that is in the stated uncertainty
    assert abs(pue - PUE) <= PUE * math.sqrt(2 * 0.005 ** 2 + (900 / DAY) ** 2), pue
