"""One Python interpreter for one notebook, driven over two file descriptors by JSON lines.

Commands come in on descriptor 3: {"op": "execute", "id", "source"} and {"op": "shutdown"}. Events go out on descriptor
4: {"id", "type": "stream" | "display" | "result" | "error" | "done", ...}, the last of which ends a cell. Descriptors 1
and 2 are the cells' own, and those of whatever they start. When descriptor 3 ends the whole process group does.

Plain Python 3.8 or newer, standard library only.
"""

import ast
import asyncio
import base64
import builtins
import codecs
import fcntl
import inspect
import io
import json
import linecache
import math
import os
import queue
import select
import signal
import struct
import sys
import termios
import threading
import time
import traceback
import types

COMMANDS, EVENTS = 3, 4
MAX_TEXT = 1_000_000
MAX_ERROR = 20_000
MAX_TRACE_LINES = 100
CHUNK = 65_536


class Wire:
    """The way out: one line an event, whole, whoever writes."""

    def __init__(self):
        self.lock = threading.Lock()
        self.cell = None

    def send(self, kind, **fields):
        line = encode({"id": self.cell, "type": kind, **fields})
        with self.lock:
            view = memoryview(line)
            while view:
                view = view[os.write(EVENTS, view):]


def encode(event):
    try:
        text = json.dumps(event, allow_nan=False)
    except ValueError:
        text = json.dumps(without_nan(event), allow_nan=False)
    return text.encode("ascii") + b"\n"


def without_nan(value):
    """JSON has no word for NaN and the infinities: they are said as text, as Jupyter's kernel does."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(float(value))
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return [without_nan(item) for item in value] if isinstance(value, (list, tuple)) else value


wire = Wire()


class Output:
    """Descriptors 1 and 2 as pipes that a thread of ours reads, so that children are heard as well."""

    NAMES = ("stdout", "stderr")

    def __init__(self):
        self.lock = threading.Lock()
        self.sources = {}
        self.taken = {}
        for target, name in ((1, "stdout"), (2, "stderr")):
            reader, writer = os.pipe()
            os.dup2(writer, target, inheritable=True)
            os.close(writer)
            self.taken[reader] = 0
            self.sources[reader] = (name, codecs.getincrementaldecoder("utf-8")("replace"))
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            ready, _, _ = select.select(list(self.sources), [], [])
            # Held until it is sent: what is neither waiting nor counted by whoever gets the lock was never written.
            with self.lock:
                for source in ready:
                    name, decoder = self.sources[source]
                    chunk = os.read(source, CHUNK)
                    text = decoder.decode(chunk)
                    if text:
                        wire.send("stream", name=name, text=text)
                    self.taken[source] += len(chunk)
            time.sleep(0)

    def drain(self):
        """Waits until all that was written is sent; what a child writes on and on meanwhile is not waited for."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # a cell may put anything in their place
                pass
        with self.lock:
            due = {source: self.taken[source] + waiting(source) for source in self.sources}
        while any(self.taken[source] < place for source, place in due.items()):
            time.sleep(0.001)


def waiting(descriptor):
    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))[0]


def clip(text, most=MAX_TEXT):
    text = text if isinstance(text, str) else str(text)
    # Half a surrogate pair is no text elsewhere.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


METHODS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)


def encoded(value):
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, str):
        return value
    return json.loads(json.dumps(value))


def forms_of(value):
    """A value by media type, and metadata; what cannot be shown in one form is shown in the others."""
    data, metadata = {}, {}
    bundle = None if isinstance(value, type) else getattr(value, "_repr_mimebundle_", None)
    if callable(bundle):
        given = bundle()
        if isinstance(given, tuple):
            given, metadata = given
        data.update({kind: encoded(item) for kind, item in (given or {}).items() if item is not None})
    for method, kind in METHODS:
        call = None if isinstance(value, type) else getattr(value, method, None)
        if kind in data or not callable(call):
            continue
        given = call()
        if isinstance(given, tuple):
            given = given[0]
        if given is not None:
            data[kind] = encoded(given)
    data = fitted(data)
    data.setdefault("text/plain", clip(repr(value)))
    return data, metadata


def fitted(data):
    """A bundle without what is too long to be shown, or with a word in its place."""
    for kind in [kind for kind, item in data.items() if isinstance(item, str) and len(item) > MAX_TEXT]:
        data[kind] = f"[{kind} of {len(data[kind])} characters left out]" if kind.startswith("text/") else None
    return {kind: item for kind, item in data.items() if item is not None}


def trace_of(lines):
    """Lines of a traceback, of which there may be thousands, as they are told."""
    if len(lines) > MAX_TRACE_LINES:
        half = MAX_TRACE_LINES // 2
        lines = [*lines[:half], f"[{len(lines) - MAX_TRACE_LINES} lines left out]", *lines[-half:]]
    return [clip(line, 2000) for line in lines]


class Kernel:
    def __init__(self):
        self.output = Output()
        self.module = types.ModuleType("__main__")
        self.module.__dict__.update({"__builtins__": builtins, "display": self.display})
        sys.modules["__main__"] = self.module
        self.loop = None
        self.count = 0
        self.running = False
        self.forked = False

    def display(self, *values):
        """Shows values in the richest form they have; a dict of media types is shown as such."""
        for value in values:
            is_bundle = isinstance(value, dict) and value and all(isinstance(key, str) and "/" in key for key in value)
            data, metadata = ({k: encoded(v) for k, v in value.items()}, {}) if is_bundle else forms_of(value)
            self.output.drain()
            wire.send("display", data=data, metadata=metadata)

    def on_interrupt(self, *_):
        if self.running:
            raise KeyboardInterrupt

    def execute(self, cell, source):
        wire.cell = cell
        self.count += 1
        name = f"<cell {self.count}>"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        signal.signal(signal.SIGINT, self.on_interrupt)
        status = "ok"
        try:
            self.running = True
            try:
                self.run(source, name)
            finally:
                self.running = False
            self.show_figures()
        except KeyboardInterrupt as error:
            status = "interrupted"
            self.fail(error)
        except BaseException as error:  # SystemExit too: the interpreter is not the cell's to end
            status = "error"
            self.fail(error)
        if self.forked:
            os._exit(0)
        self.output.drain()
        wire.send("done", status=status)
        wire.cell = None

    def run(self, source, name):
        tree = ast.parse(source, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        self.evaluate(compile(tree, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        if last is None:
            return
        value = self.evaluate(compile(ast.Expression(last.value), name, "eval", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        if value is None or source.rstrip().endswith(";"):
            return
        self.module.__dict__["_"] = value
        data, metadata = forms_of(value)
        self.output.drain()
        wire.send("result", data=data, metadata=metadata)

    def evaluate(self, code):
        value = eval(code, self.module.__dict__)
        if not code.co_flags & inspect.CO_COROUTINE:
            return value
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
        task = self.loop.create_task(value)
        try:
            return self.loop.run_until_complete(task)
        except KeyboardInterrupt:
            task.cancel()
            raise

    def show_figures(self):
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None:
            return
        for number in pyplot.get_fignums():
            picture = io.BytesIO()
            pyplot.figure(number).savefig(picture, format="png", bbox_inches="tight")
            data = {"image/png": encoded(picture.getvalue()), "text/plain": f"<Figure {number}>"}
            self.output.drain()
            wire.send("display", data=data, metadata={})
        pyplot.close("all")

    def fail(self, error):
        frames = error.__traceback__
        while frames is not None and not frames.tb_frame.f_code.co_filename.startswith("<cell"):
            frames = frames.tb_next
        try:
            lines = traceback.format_exception(type(error), error, frames)
        except Exception:
            lines = [f"{type(error).__name__} (whose text cannot be shown)"]
        try:
            value = str(error)
        except Exception:
            value = ""
        self.output.drain()
        trace = trace_of("".join(lines).splitlines())
        wire.send("error", name=type(error).__name__, value=clip(value, MAX_ERROR), traceback=trace)

    def after_fork(self):
        """A child that a cell forked is the cell's: it must not speak for the kernel."""
        self.forked = True
        for descriptor in (COMMANDS, EVENTS):
            os.close(descriptor)
        # Others' threads, and their locks, did not come along.
        self.output.drain = lambda: None
        wire.send = lambda *_, **__: None


def read_commands(commands):
    """Reads ahead in a thread of its own, so that the end of whoever drives us is noticed while a cell runs."""
    with open(COMMANDS, "rb", closefd=False) as lines:
        for line in lines:
            commands.put(json.loads(line))
    leave()


def leave():
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def leave_no_core():
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_memory():
    import resource

    most = int(os.environ.pop("MYELIN_KERNEL_MEMORY_BYTES", "0"))
    if most:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for descriptor in (COMMANDS, EVENTS):
        os.set_inheritable(descriptor, False)
    leave_no_core()
    limit_memory()
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path[0] = ""
    sys.argv = [""]
    kernel = Kernel()
    os.register_at_fork(after_in_child=kernel.after_fork)
    commands = queue.Queue()
    threading.Thread(target=read_commands, args=(commands,), daemon=True).start()
    wire.send("ready")
    while True:
        command = commands.get()
        if command["op"] == "shutdown":
            leave()
        kernel.execute(command["id"], command["source"])


if __name__ == "__main__":
    main()
