"""One ipykernel for one notebook, behind the same lines on descriptors 3 and 4 as driver.py.

Speaks Jupyter's protocol to it, over sockets in a folder that is nobody else's (MYELIN_KERNEL_FOLDER); whoever started
us removes that. What our lines have no word for is not passed on: `clear_output`, widgets (`comm`) and questions to the
reader. Of a display that is updated the last form is shown once more when the cell ends.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

import zmq
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session

from driver import COMMANDS, EVENTS, MAX_ERROR, clip, fitted, leave, leave_no_core, limit_memory, trace_of, wire

HERE = os.path.dirname(os.path.abspath(__file__))
LOOK_MS = 200
ANSWER_MS = 1_000
LEAVE_MS = 5_000
MAX_WAITING = 64
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Cell:
    """What is known of the cell that runs."""

    def __init__(self, request):
        self.request = request
        self.status = None
        self.begun = self.answered = self.interrupted = False
        self.idle_since = self.leaving_since = None
        self.updates = {}

    def is_over(self):
        # What the kernel is to end with ends as the kernel does: the next cell must not begin in one that goes.
        if self.leaving_since is not None:
            return False
        if self.idle_since is None or self.answered:
            return self.idle_since is not None
        # An interrupt that comes between the cell and the answer, on either side, leaves no answer.
        return not self.begun or time.monotonic() > self.idle_since + ANSWER_MS / 1000

    def leaves_late(self):
        return self.leaving_since is not None and time.monotonic() > self.leaving_since + LEAVE_MS / 1000


class Jupyter:
    def __init__(self, folder):
        file, key = os.path.join(folder, "connection.json"), os.urandom(32).hex().encode()
        _, ports = write_connection_file(file, transport="ipc", ip=os.path.join(folder, "k"), key=key)
        self.process = start(file, folder)
        self.session = Session(key=key)
        self.shell = connect(zmq.DEALER, f"ipc://{folder}/k-{ports['shell_port']}")
        self.iopub = connect(zmq.SUB, f"ipc://{folder}/k-{ports['iopub_port']}")
        self.poller = zmq.Poller()
        for source in (self.shell, self.iopub):
            self.poller.register(source, zmq.POLLIN)
        self.lines, self.ended = b"", False
        self.cell = None
        self.wanted = []

    def run(self):
        signal.signal(signal.SIGINT, self.on_interrupt)
        self.greet()
        self.poller.register(COMMANDS, zmq.POLLIN)
        while True:
            self.look(LOOK_MS)
            if self.cell is None and self.wanted:
                self.begin(self.wanted.pop(0))

    def greet(self):
        """Until it answers where we listen: a subscriber that comes late has missed what was said."""
        heard = set()
        while heard != {self.shell, self.iopub}:
            self.session.send(self.shell, "kernel_info_request", {})
            heard = {source for source, _ in self.poller.poll(ANSWER_MS)}
            self.look(ANSWER_MS // 10)
        wire.send("ready")

    def look(self, wait_ms):
        for source, _ in self.poller.poll(wait_ms):
            if source == COMMANDS:
                self.read_commands()
            else:
                self.read(source)
        if self.process.poll() is not None:
            while self.read(self.iopub):
                pass
            follow(self.process.returncode)
        if self.cell is not None and self.cell.leaves_late():
            self.process.kill()
        if self.cell is not None and self.cell.is_over():
            self.end()

    def read_commands(self):
        chunk = os.read(COMMANDS, 65_536)
        if not chunk:
            leave()
        *lines, self.lines = (self.lines + chunk).split(b"\n")
        for command in map(json.loads, lines):
            if command["op"] == "shutdown":
                leave()
            self.wanted.append(command)

    def read(self, source):
        """One message, so that whoever says more and more does not keep us from all else; False when there is none."""
        try:
            _, message = self.session.recv(source, zmq.NOBLOCK)
        except ValueError:  # not signed with our key
            return True
        cell = self.cell
        if message and cell and message["parent_header"].get("msg_id") == cell.request:
            self.take(cell, message["header"]["msg_type"], message["content"])
        return message is not None

    def begin(self, command):
        wire.cell = command["id"]
        content = {"code": command["source"], "silent": False, "store_history": True, "user_expressions": {}}
        content.update(allow_stdin=False, stop_on_error=False)
        self.cell = Cell(self.session.send(self.shell, "execute_request", content)["header"]["msg_id"])

    def end(self):
        for data, metadata in self.cell.updates.values():
            wire.send("display", data=data, metadata=metadata)
        if self.cell.status is None and self.cell.interrupted:
            self.cell.status = "interrupted"
        elif self.cell.status is None:
            # ipykernel gives up on an exception whose text raises another.
            self.fail(self.cell, {"ename": "Exception", "evalue": "", "traceback": ["(which cannot be shown)"]})
        wire.send("done", status=self.cell.status)
        self.cell = wire.cell = None

    def take(self, cell, kind, content):
        if kind == "execute_input":
            cell.begun = True
            if cell.interrupted:
                self.process.send_signal(signal.SIGINT)
        elif kind == "stream":
            wire.send("stream", name=content["name"], text=clip(content["text"]))
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self.show(cell, kind, content)
        elif kind == "error":
            self.fail(cell, content)
        elif kind == "status" and content["execution_state"] == "idle":
            cell.idle_since = time.monotonic()
        elif kind == "execute_reply":
            cell.answered = True
            if cell.status is None and content["status"] == "ok":
                cell.status = "ok"
            payload = content.get("payload") or []
            if any(page.get("source") == "ask_exit" and not page.get("keepkernel") for page in payload):
                cell.leaving_since = time.monotonic()
            self.show_help(payload)

    def show(self, cell, kind, content):
        data = content["data"]
        if isinstance(data.get("text/plain"), str):
            data["text/plain"] = clip(data["text/plain"])
        for form, item in data.items():
            if form.startswith("image/") and form != "image/svg+xml" and isinstance(item, str):
                data[form] = "".join(item.split())
        shown = (fitted(data), content.get("metadata") or {})
        if kind == "update_display_data":
            cell.updates[content["transient"]["display_id"]] = shown
        else:
            wire.send("result" if kind == "execute_result" else "display", data=shown[0], metadata=shown[1])

    def show_help(self, payload):
        """What `name?` says, which Jupyter shows in a pane of its own."""
        for page in payload:
            if page.get("source") == "page":
                plain = COLOURS.sub("", str(page.get("data", {}).get("text/plain", "")))
                wire.send("display", data={"text/plain": clip(plain)}, metadata={})

    def fail(self, cell, content):
        cell.status = "interrupted" if content["ename"] == "KeyboardInterrupt" else "error"
        lines = COLOURS.sub("", "\n".join(content["traceback"])).splitlines()
        value = clip(COLOURS.sub("", content["evalue"]), MAX_ERROR)
        wire.send("error", name=content["ename"], value=value, traceback=trace_of(lines))

    def on_interrupt(self, *_):
        """The kernel has heard it as well, but listens only while a cell runs: one that is about to is told again."""
        if self.cell is not None:
            self.cell.interrupted = True


def connect(kind, address):
    socket = zmq.Context.instance().socket(kind)
    socket.linger = 0
    # What we have not read the kernel has to wait with.
    socket.setsockopt(zmq.RCVHWM, MAX_WAITING)
    if kind == zmq.SUB:
        socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.connect(address)
    return socket


def start(file, folder):
    """The kernel in our own process group, so that whoever signals that reaches it and all its children."""
    own = {name: os.path.join(folder, name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    env = {**os.environ, **own, "JPY_PARENT_PID": str(os.getpid())}
    env.pop("MYELIN_KERNEL_MEMORY_BYTES", None)
    env.pop("MYELIN_KERNEL_FOLDER", None)
    options = ["-f", file, "--HistoryManager.enabled=False", "--InteractiveShell.colors=NoColor"]
    argv = [sys.executable, "-u", os.path.join(HERE, "jupyter_kernel.py"), *options]
    return subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, preexec_fn=limit_memory)


def follow(code):
    """Ends as the kernel did, which is what is told of us."""
    if code < 0:
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def main():
    # Nobody hears an interrupt before there is a cell; our own children begin as deaf as we are.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in (COMMANDS, EVENTS):
        os.set_inheritable(descriptor, False)
    leave_no_core()
    Jupyter(os.environ["MYELIN_KERNEL_FOLDER"]).run()


main()
