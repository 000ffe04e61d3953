"""The interpreter that jupyter_driver.py talks to: Jupyter's ipykernel, told three things.

What cells and their children write goes out in the order it was written in; nobody who does not read holds it up in
memory; nothing of it listens on the network.
"""

import codecs
import fcntl
import io
import os
import select
import struct
import sys
import termios
import threading
import time

import zmq
from ipykernel import kernelapp

CHUNK = 65_536
MAX_WAITING = 64


class Stream(io.TextIOWrapper):
    """A descriptor as a pipe that a thread of ours reads, so that children are heard in their turn.

    ipykernel flushes before it shows a value, says an error or ends a cell: a flush waits for all that was written.
    """

    def __init__(self, session, iopub, name, **_):
        self.session, self.iopub, self.title = session, iopub, name
        self.owner, self.parent = os.getpid(), {}
        self.lock, self.taken = threading.Lock(), 0
        target = {"stdout": 1, "stderr": 2}[name]
        self.source, writer = os.pipe()
        os.dup2(writer, target, inheritable=True)
        os.close(writer)
        super().__init__(io.FileIO(target, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        threading.Thread(target=self.pass_on, daemon=True).start()

    def set_parent(self, parent):
        self.parent = parent

    def pass_on(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        ready = select.poll()
        ready.register(self.source, select.POLLIN)
        while True:
            ready.poll()
            with self.lock:
                chunk = os.read(self.source, CHUNK)
                self.say(decoder.decode(chunk))
                self.taken += len(chunk)
            time.sleep(0)

    def say(self, text):
        if text:
            content = {"name": self.title, "text": text}
            self.session.send(self.iopub, "stream", content, self.parent, ident=f"stream.{self.title}".encode())

    def flush(self):
        super().flush()
        # Others' threads, and their locks, do not come along into a fork.
        if os.getpid() != self.owner or self.closed:
            return
        with self.lock:
            due = self.taken + struct.unpack("i", fcntl.ioctl(self.source, termios.FIONREAD, b"\0\0\0\0"))[0]
        while self.taken < due:
            time.sleep(0.001)


class Kernel(kernelapp.IPKernelApp):
    def init_iopub(self, context):
        # Rather wait for the reader than drop what a cell says, the word that it is over among it.
        context.setsockopt(zmq.XPUB_NODROP, 1)
        context.setsockopt(zmq.SNDHWM, MAX_WAITING)
        super().init_iopub(context)

    def init_kernel(self):
        super().init_kernel()
        self.forked = False
        os.register_at_fork(after_in_child=self.after_fork)
        self.kernel.shell.events.register("post_execute", self.end_fork)

    def after_fork(self):
        self.forked = True

    def end_fork(self):
        """A child that a cell forked is the cell's: it must not take the kernel's next messages."""
        if self.forked:
            os._exit(0)


def without_network(socket, **_):
    """The thread that publishes, without its port for forked children; those write to the descriptors."""
    return Thread(socket)


if __name__ == "__main__":
    # Cells import from their own folder, not from ours.
    sys.path[0] = ""
    Thread, kernelapp.IOPubThread = kernelapp.IOPubThread, without_network
    Kernel.launch_instance(outstream_class="__main__.Stream", log_level=50)
