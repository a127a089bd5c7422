"""A real browser for tests: Debian's Chromium, driven over its DevTools protocol, with nothing to install.

    with Browser() as browser:
        page = browser.open(url, width=1200, height=800)
        page.wait_for("document.querySelector('h1')")
        assert page.messages == []

Every wait is on an event or on a condition inside the page, with a deadline; nothing here sleeps.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

from simple_websocket import Client, ConnectionClosed

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEADLINE = 30.0  # seconds for whatever should take a fraction of one

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
_KEYS = {"Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}
_KEYS |= {"ArrowDown": 40, "PageUp": 33, "PageDown": 34, "Tab": 9, "Backspace": 8}


class Browser:
    """One Chromium with a profile of its own; `with` ends it and removes the profile."""

    def __init__(self) -> None:
        assert PROGRAM, "no Chromium on this machine"
        self._profile = tempfile.mkdtemp(prefix="eye-browser-")
        command = [PROGRAM, *_SWITCHES, f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._sequence = 0
        self._lock = threading.Lock()
        self._answers: dict[int, dict[str, Any]] = {}
        self._answered = threading.Condition()
        self._pages: dict[str, Page] = {}
        self._socket = Client(self._address(), receive_bytes=1 << 16)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        # What Chromium says on stderr is of no interest, but a full pipe would stop it.
        self._drain = threading.Thread(target=self._process.stderr.read, daemon=True)  # type: ignore[union-attr]
        self._drain.start()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._socket.close()
        except ConnectionClosed:
            pass
        self._process.terminate()
        self._process.wait(DEADLINE)
        self._drain.join(DEADLINE)
        self._process.stderr.close()  # type: ignore[union-attr]
        self._reader.join(DEADLINE)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url: str, *, width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        """Open a tab of that size and colour scheme, with its messages collected from the start."""
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.send("Emulation.setDeviceMetricsOverride", **metrics)
        page.emulate(prefers_color_scheme=scheme)
        page.goto(url)
        return page

    def send(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> Any:
        """Ask the browser something and wait for the answer."""
        with self._lock:
            self._sequence += 1
            number = self._sequence
            message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
            if session:
                message["sessionId"] = session
            self._socket.send(json.dumps(message))
        with self._answered:
            assert self._answered.wait_for(lambda: number in self._answers, DEADLINE * 2), f"no answer to {method}"
            answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _address(self) -> str:
        for line in self._process.stderr or ():
            if line.startswith("DevTools listening on "):
                return line.split()[-1]
        raise AssertionError("Chromium ended before it listened")

    def _read(self) -> None:
        try:
            while True:
                message = json.loads(self._socket.receive())
                if "id" in message:
                    with self._answered:
                        self._answers[message["id"]] = message
                        self._answered.notify_all()
                elif message.get("sessionId") in self._pages:
                    self._pages[message["sessionId"]].hear(message["method"], message["params"])
        except ConnectionClosed:
            pass


class Page:
    """One tab. `messages` is everything that its console was told, errors and violations included."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser, self._session = browser, session
        self.messages: list[str] = []
        self.sockets: list[str] = []

    def send(self, method: str, **params: Any) -> Any:
        return self._browser.send(method, params, self._session)

    def hear(self, event: str, params: dict[str, Any]) -> None:
        if event == "Runtime.consoleAPICalled":
            self.messages.append(" ".join(str(each.get("value", each)) for each in params["args"]))
        elif event == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.messages.append(str(details.get("exception", {}).get("description", details["text"])))
        elif event == "Log.entryAdded":
            self.messages.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif event == "Network.webSocketCreated":
            self.sockets.append(params["url"])

    def goto(self, url: str) -> None:
        self.send("Page.navigate", url=url)

    def emulate(self, **features: str) -> None:
        """Set media features, such as `prefers_color_scheme="dark"`."""
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", features=named)

    def get(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, condition: str, seconds: float = DEADLINE) -> Any:
        """Wait until a JavaScript expression is true, and return it."""
        return self.get(
            f"""new Promise((resolve, reject) => {{
              const until = performance.now() + {seconds * 1000};
              const look = () => {{
                let value;
                try {{ value = ({condition}); }} catch (error) {{ value = undefined; }}
                if (value) return resolve(value);
                if (performance.now() > until) return reject(new Error("not true: " + {json.dumps(condition)}));
                setTimeout(look, 15);
              }};
              look();
            }})"""
        )

    def press(self, *keys: str) -> None:
        """Press keys one after another: a character, or a name such as ArrowDown."""
        for key in keys:
            code = _KEYS.get(key, ord(key.upper()[0]))
            about: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
            if len(key) == 1 or key == "Enter":
                about["text"] = "\r" if key == "Enter" else key
            self.send("Input.dispatchKeyEvent", type="keyDown", **about)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def move_mouse(self, x: float, y: float, *, click: bool = False) -> None:
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path: Path | str) -> None:
        picture = self.send("Page.captureScreenshot", format="png")["data"]
        Path(path).write_bytes(base64.b64decode(picture))
