"""Chromium for the tests and the bench of the dashboard, driven by browser.mjs; installs what that needs with npm."""
import json
import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent


def install(folder):
    """The packages of a lock file, when they are not there as it says."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".lock"
    if done.exists() and done.read_text() == lock.read_text():
        return
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    done.write_text(lock.read_text())


class Browser:
    def __init__(self):
        install(FOLDER)
        self.process = subprocess.Popen(["node", "browser.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reply()

    def _reply(self):
        line = self.process.stdout.readline()
        assert line, "the browser ended"
        reply = json.loads(line)
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def do(self, command, argument=None):
        self.process.stdin.write(json.dumps([command, argument]) + "\n")
        self.process.stdin.flush()
        return self._reply()

    def wait(self, code, timeout=30):
        """Until an expression of the page is true."""
        try:
            self.do("wait", {"code": code, "timeout": 1000 * timeout})
        except AssertionError as e:
            raise AssertionError(f"{e}\nfor: {code}\nthe page says:\n{self.text()}") from None

    @staticmethod
    def _text(selector):
        return f"((e) => e?.innerText ?? e?.textContent ?? '')(document.querySelector({json.dumps(selector)}))"  # a drawing has no innerText

    def text(self, selector="body"):
        return self.do("evaluate", self._text(selector))

    def wait_text(self, text, selector="body", timeout=30):
        self.wait(f"{self._text(selector)}.includes({json.dumps(text)})", timeout)

    def close(self):
        self.process.stdin.close()
        self.process.wait(15)
