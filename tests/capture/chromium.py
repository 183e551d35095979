# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium, driven over two pipes (--remote-debugging-pipe): no port, no driver, and a profile of its own.

https://chromedevtools.github.io/devtools-protocol/ has the commands; each message is JSON with a NUL behind it.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE = 120      # seconds for any answer: the machine may be busy
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
         "--disable-extensions", "--disable-sync", "--disable-breakpad", "--disable-crash-reporter", "--lang=en",
         "--password-store=basic", "--force-color-profile=srgb", "--hide-scrollbars", "--remote-debugging-pipe")


class Chromium:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="siptls-chromium-")
        self.buffer, self.number, self.events = b"", 0, []
        from_us, self.to_it = os.pipe()
        self.from_it, from_it_end = os.pipe()
        environment = {"PATH": os.environ["PATH"], "HOME": self.folder, "LC_ALL": "C.UTF-8", "TZ": "UTC",
                       "XDG_RUNTIME_DIR": self.folder}
        # bash, which unlike dash redirects descriptors above 9: Chromium reads 3 and writes 4
        script = f'exec "$@" 3<&{from_us} 4>&{from_it_end}'
        command = ["bash", "-c", script, "bash", shutil.which("chromium") or "chromium", *FLAGS,
                   f"--user-data-dir={self.folder}/profile", "about:blank"]
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(command, env=environment, pass_fds=(from_us, from_it_end),
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)
        os.close(from_us)
        os.close(from_it_end)

    def close(self):
        try:
            self.send("Browser.close")
            self.process.wait(PATIENCE)
        except (OSError, AssertionError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self.process.pid, 9)      # whatever it has left behind is in its group
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.to_it)
        os.close(self.from_it)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def receive(self, until):
        """The next message."""
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.from_it], [], [], max(0, until - time.monotonic()))
            octets = os.read(self.from_it, 1 << 20) if ready else b""
            if not octets:
                self.log.seek(0)
                raise AssertionError(f"Chromium {'ended' if ready else 'does not answer'}:\n{self.log.read()[-4000:]}")
            self.buffer += octets
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, session=None, **parameters):
        """A command's result; events that come before it are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        octets = json.dumps(message).encode() + b"\0"
        while octets:
            octets = octets[os.write(self.to_it, octets):]
        until = time.monotonic() + PATIENCE
        while (answer := self.receive(until)).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def wait_for(self, method, session):
        """An event's parameters; those before it stay in self.events."""
        until = time.monotonic() + PATIENCE
        seen = 0
        while True:
            for event in self.events[seen:]:
                if event.get("method") == method and event.get("sessionId") == session:
                    return event["params"]
            seen = len(self.events)
            self.events.append(self.receive(until))

    def page(self, path, **options):
        return Page(self, path, **options)


class Page:
    """A tab with a file in it. `problems` are errors of its script and what its policy forbade; `requests` its URLs."""

    def __init__(self, browser, path, width=1280, height=900, script=True, dark=False, fragment=""):
        self.browser, self.url = browser, f"file://{path}"
        self.target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.send("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.resize(width, height)
        self.media(dark=dark)
        self.send("Page.navigate", url=self.url + fragment)
        self.wait_for("Page.loadEventFired")

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def wait_for(self, method):
        return self.browser.wait_for(method, self.session)

    def close(self):
        self.browser.send("Target.closeTarget", targetId=self.target)

    def resize(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def media(self, kind="screen", dark=False):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=kind, features=[scheme])

    def run(self, expression):
        """The value of a JavaScript expression; a promise's when it is kept."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def drawn(self):
        """Waits until what was changed is drawn: only then do others see it, too."""
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def key(self, key, code=0, text=""):
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, text):
        for letter in text:
            self.key(letter, ord(letter.upper()) if letter.isalnum() else 0, letter)

    def press(self, *names):
        for name in names:
            self.key(name, *{"Tab": (9,), "Enter": (13, "\r"), " ": (32, " "), "End": (35,), "ArrowDown": (40,)}[name])

    def picture(self, path, height=None):
        """What is seen, as PNG; with a height, so much from the top."""
        if height:
            self.resize(self.run("innerWidth"), height)
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def pdf(self):
        return base64.b64decode(self.send("Page.printToPDF", printBackground=False)["data"])

    def events(self, method):
        return [event["params"] for event in self.browser.events
                if event.get("method") == method and event.get("sessionId") == self.session]

    @property
    def requests(self):
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    @property
    def problems(self):
        self.run("0")       # what was before it has been told
        return [*self.events("Runtime.exceptionThrown"), *self.events("Runtime.consoleAPICalled"),
                *(event["entry"] for event in self.events("Log.entryAdded"))]
