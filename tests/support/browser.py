"""A headless Chromium driven over the DevTools protocol, as a person would use it."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import requests
import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 30
PATIENCE = 30  # seconds to wait for an element
PAUSE = 0.1
SWITCHES = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-features=Translate",
    "--disable-gpu",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--lang=en-US",
    "--mute-audio",
)
# Key events carry the code and the number that pages ask for.
KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, "Backspace": 8, "ArrowDown": 40, "ArrowUp": 38}

# Finds the visible elements of a selector, by text if one is given.
FIND = """
(selector, text) => [...document.querySelectorAll(selector)].filter((element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 0 && box.height > 0 && style.visibility !== "hidden"
        && (!text || element.textContent.replace(/\\s+/g, " ").includes(text));
})
"""


class BrowserError(Exception):
    """The page or the browser did not do what was expected of it."""


class Browser:
    """One page of a Chromium of its own, without history or cookies.

    :param width: of the viewport, in CSS pixels.
    :param height: of the viewport, in CSS pixels.

    ``console_errors`` collects what the page reported as errors, uncaught exceptions included.
    """

    def __init__(self, width: int = 1366, height: int = 800):
        self.size = (width, height)
        self.console_errors: list[str] = []
        self.dialogs: list[str] = []
        self._ids = itertools.count(1)
        self._answers: dict[int, Future] = {}
        self._lock = threading.Lock()
        self._profile = ""

    # -- life ---------------------------------------------------------------------------------

    def __enter__(self) -> Browser:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _start(self) -> None:
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if not program:
            raise BrowserError("there is no Chromium on this machine: setup/test installs it")
        self._profile = tempfile.mkdtemp(prefix="ajw-browser-")
        switches = [*SWITCHES, f"--user-data-dir={self._profile}"]
        if os.getuid() == 0:
            # Chromium's own sandbox refuses to work for root.
            switches.append("--no-sandbox")
        self._log = open(Path(self._profile, "browser.log"), "wb")  # noqa: SIM115
        self._process = subprocess.Popen(
            [program, *switches, "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # So that its many children can be ended together.
            start_new_session=True,
            # Files of an unprivileged user's home must not be needed.
            env={**os.environ, "HOME": self._profile},
        )
        port = self._port()
        self._socket = websocket.create_connection(
            self._page_address(port), timeout=None, suppress_origin=True, max_size=None
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.command(f"{domain}.enable")
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)
        self.set_viewport(*self.size)

    def _port(self) -> int:
        file = Path(self._profile, "DevToolsActivePort")
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            lines = file.read_text().splitlines() if file.exists() else []
            if lines:
                return int(lines[0])
            time.sleep(PAUSE)
        log = Path(self._profile, "browser.log").read_text(errors="replace")
        raise BrowserError(f"Chromium did not start:\n{log[-2000:]}")

    def _page_address(self, port: int) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            for target in requests.get(f"http://127.0.0.1:{port}/json/list", timeout=10).json():
                if target["type"] == "page":
                    return target["webSocketDebuggerUrl"]
            time.sleep(PAUSE)
        raise BrowserError("Chromium opened no page")

    def close(self) -> None:
        """End the browser and delete its profile."""
        process = getattr(self, "_process", None)
        if process is not None:
            try:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            self._process = None
        if getattr(self, "_socket", None):
            self._socket.close()
            self._socket = None
        if getattr(self, "_log", None):
            self._log.close()
        if self._profile:
            shutil.rmtree(self._profile, ignore_errors=True)

    # -- protocol -----------------------------------------------------------------------------

    def _read(self) -> None:
        """Sort what the browser says; ends with the connection."""
        connection = self._socket
        while True:
            try:
                message = json.loads(connection.recv())
            except (OSError, ValueError, websocket.WebSocketException, AttributeError):
                break
            if "id" in message:
                answer = self._answers.pop(message["id"], None)
                if answer and "error" in message:
                    answer.set_exception(BrowserError(message["error"]["message"]))
                elif answer:
                    answer.set_result(message["result"])
            else:
                self._event(message["method"], message["params"])
        for answer in list(self._answers.values()):
            if not answer.done():
                answer.set_exception(BrowserError("Chromium closed the connection"))

    def _event(self, method: str, params: dict) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            thrown = details.get("exception", {}).get("description") or details["text"]
            self.console_errors.append(thrown)
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            words = [str(a.get("value", a.get("description", ""))) for a in params["args"]]
            self.console_errors.append(" ".join(words))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            if entry["source"] == "intervention":
                return  # what the browser itself prevents, such as asking before a page is left
            self.console_errors.append(f"{entry['text']} {entry.get('url', '')}".strip())
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(params["message"])
            # Answered from this thread, so without waiting for the result.
            self._send("Page.handleJavaScriptDialog", {"accept": True})

    def _send(self, method: str, params: dict) -> Future:
        answer: Future = Future()
        with self._lock:
            number = next(self._ids)
            self._answers[number] = answer
            self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        return answer

    def command(self, method: str, **params: Any) -> dict:
        """Send a command of the DevTools protocol and return its result.

        :raises BrowserError: when the browser refuses or does not answer.
        """
        try:
            return self._send(method, params).result(PATIENCE)
        except TimeoutError:
            raise BrowserError(f"Chromium did not answer {method}") from None

    # -- page ---------------------------------------------------------------------------------

    def set_viewport(self, width: int, height: int, mobile: bool = False, scale: float = 1) -> None:
        """Set the size of the page.

        :param mobile: behave as a phone: touch, and the page's own viewport setting counts.
        :param scale: device pixels per CSS pixel; 2 makes sharper pictures.
        """
        self.size = (width, height)
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=mobile,
        )
        self.command("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def open(self, address: str) -> None:
        """Go to an address and wait until its document is loaded.

        :raises BrowserError: when it cannot be reached.
        """
        self.evaluate("window.ajwLeft = true")
        result = self.command("Page.navigate", url=address)
        # A change of only the fragment loads nothing, and a download leaves the page as it is.
        if result.get("errorText"):
            raise BrowserError(f"{address}: {result['errorText']}")
        if "loaderId" in result:
            self.wait_until("!window.ajwLeft && document.readyState === 'complete'", address)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; promises are awaited.

        :raises BrowserError: when it throws.
        """
        result = self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(
                details.get("exception", {}).get("description") or details.get("text")
            )
        return result["result"].get("value")

    def wait_until(self, expression: str, what: str = "", seconds: float = PATIENCE) -> Any:
        """Wait until a JavaScript expression is true and return its value.

        :raises BrowserError: when the time is up.
        """
        until = time.monotonic() + seconds
        problem = ""
        while time.monotonic() < until:
            try:
                value = self.evaluate(expression)
            except BrowserError as error:
                # A page that is being left has no context for a moment.
                value, problem = None, str(error)
            if value:
                return value
            time.sleep(PAUSE)
        raise BrowserError(
            f"waited {seconds} s in vain for {what or expression} at {self.address()}"
            f" {problem}\nconsole errors: {self.console_errors[-3:]}"
        )

    def address(self) -> str:
        """Return the address shown."""
        return self.evaluate("location.href")

    def _found(self, selector: str, text: str) -> str:
        return f"({FIND})({json.dumps(selector)}, {json.dumps(text)})"

    def has(self, selector: str, text: str = "") -> bool:
        """Tell whether an element is visible now."""
        return bool(self.evaluate(f"{self._found(selector, text)}.length"))

    def wait_for(self, selector: str, text: str = "", seconds: float = PATIENCE) -> str:
        """Wait until an element is visible and return its text.

        :param text: words that it contains.
        :raises BrowserError: when the time is up.
        """
        what = f"{selector} {text!r}" if text else selector
        found = self._found(selector, text)
        self.wait_until(f"{found}.length > 0", what, seconds)
        return self.evaluate(f"({found}[0] || {{}}).innerText") or ""

    def wait_gone(self, selector: str, text: str = "", seconds: float = PATIENCE) -> None:
        """Wait until no such element is visible.

        :raises BrowserError: when the time is up.
        """
        expression = f"{self._found(selector, text)}.length === 0"
        self.wait_until(expression, f"{selector} to go", seconds)

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all visible elements of a selector."""
        return self.evaluate(f"{self._found(selector, '')}.map((e) => e.innerText.trim())")

    def _position(self, selector: str, text: str) -> tuple[float, float]:
        """Return the middle of an element once it has stopped moving and nothing covers it."""
        place = f"""(() => {{
            const element = {self._found(selector, text)}[0];
            if (!element) return null;
            element.scrollIntoView({{block: "center", inline: "center", behavior: "instant"}});
            const box = element.getBoundingClientRect();
            const x = box.x + box.width / 2, y = box.y + box.height / 2;
            const top = document.elementFromPoint(x, y);
            const free = top && (element.contains(top) || top.contains(element));
            return free ? [x, y] : null;
        }})()"""
        self.wait_for(selector, text)
        before = None
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            position = self.evaluate(place)
            if position and position == before:
                return position[0], position[1]
            before = position
            time.sleep(PAUSE)
        raise BrowserError(f"{selector} {text!r} cannot be clicked: something covers it")

    def click(self, selector: str, text: str = "") -> None:
        """Wait for an element and click its middle with the mouse.

        :param text: words that it contains.
        :raises BrowserError: when it does not appear or is covered.
        """
        x, y = self._position(selector, text)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def type(self, selector: str, text: str) -> None:
        """Click a field, replace what is in it, and leave the focus there."""
        self.click(selector)
        self.evaluate("document.activeElement.select && document.activeElement.select()")
        if text:
            self.command("Input.insertText", text=text)
        else:
            self.press("Backspace")

    def press(self, key: str) -> None:
        """Press a key, named as in JavaScript (``Enter``, ``Escape``)."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.command("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, path: Path, selector: str = "", full: bool = False) -> Path:
        """Write a PNG picture of the page.

        :param selector: only this element.
        :param full: the whole height of the page, not only what is in view.
        """
        # Let fonts and pictures arrive, and two frames pass.
        self.evaluate(
            "document.fonts.ready.then(() => new Promise("
            "(done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))"
        )
        options: dict[str, Any] = {"format": "png"}
        if selector:
            self.wait_for(selector)
            x, y, width, height = self.evaluate(
                f"""(() => {{
                    const box = {self._found(selector, "")}[0].getBoundingClientRect();
                    return [box.x + scrollX, box.y + scrollY, box.width, box.height];
                }})()"""
            )
            options["clip"] = {"x": x, "y": y, "width": width, "height": height, "scale": 1}
            options["captureBeyondViewport"] = True
        elif full:
            options["captureBeyondViewport"] = True
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {**size, "scale": 1}
        data = self.command("Page.captureScreenshot", **options)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
        return path

    def cookies(self) -> dict[str, str]:
        """Return the cookies of the page's address."""
        found = self.command("Network.getCookies")["cookies"]
        return {cookie["name"]: cookie["value"] for cookie in found}

    # -- Odoo ---------------------------------------------------------------------------------

    def login(self, address: str, login: str, password: str) -> None:
        """Log in to Odoo by its form and wait for the first screen.

        :param address: of the server.
        """
        self.open(f"{address}/web/login")
        self.type("input#login", login)
        self.type("input#password", password)
        self.click("button[type=submit]", "Log in")
        self.wait_for(".o_main_navbar", seconds=2 * PATIENCE)
