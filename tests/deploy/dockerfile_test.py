#!/usr/bin/env python3
"""Carries out deploy/Dockerfile without Docker: each stage in a copy of a bare Debian, each instruction as Docker would.

What it makes is started as the image says, in a network of its own, must become healthy by the image's own probe, serve
streams, and end well. An instruction or a flag that it does not know is an error, so nothing is passed over.

Usage: dockerfile_test.py SOURCE_DIR TREES SCRATCH, as root: TREES/bookworm is a bare Debian 12, SCRATCH is written to.
"""

import ctypes
import fcntl
import glob
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import time

BASES = {"debian:12-slim": "bookworm"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLONE_NEWNET = 0x40000000


def read_instructions(text):
    """(instruction, rest) of each, continued lines joined, comments left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


class Stage:
    """What one FROM and the instructions after it make."""

    def __init__(self, base, tree):
        self.tree = tree
        self.environment = {"PATH": PATH, "HOME": "/root"}
        self.directory = "/"
        self.user = "0:0"
        self.volumes, self.ports = [], []
        self.command = self.probe = None
        subprocess.run(["cp", "-a", "--reflink=auto", base, tree], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", f"{tree}/proc"], check=True)

    def leave(self):
        subprocess.run(["umount", f"{self.tree}/proc"], check=False)

    def path(self, name):
        return self.tree + os.path.join(self.directory, name)

    def chroot(self, command, **options):
        line = ["chroot", f"--userspec={self.user}", self.tree]
        line += ["env", "-i", "-C", self.directory] + [f"{k}={v}" for k, v in self.environment.items()]
        return subprocess.Popen(line + command, stdin=subprocess.DEVNULL, **options)

    def run(self, rest):
        if rest.startswith("--"):
            raise ValueError(f"RUN {rest.split()[0]} is not known here")
        process = self.chroot(["/bin/sh", "-c", rest], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate()
        if process.returncode != 0:
            sys.stderr.write(output.decode(errors="replace")[-4000:])
            raise RuntimeError(f"RUN {rest} ended with {process.returncode}")

    def copy(self, rest, stages, context):
        words = shlex.split(rest)
        root = context
        while words[0].startswith("--"):
            flag, value = words.pop(0).split("=")
            if flag != "--from":
                raise ValueError(f"COPY {flag} is not known here")
            root = stages[value].tree
        *sources, target = words
        into = self.path(target)
        for source in sources:
            found = glob.glob(root + "/" + source.lstrip("/")) if source != "." else [root]
            if not found:
                raise RuntimeError(f"COPY: there is no {source}")
            for name in found:
                copy_one(name, into, is_directory=target.endswith("/") or target == ".")


def copy_one(name, into, is_directory):
    if os.path.isdir(name):
        shutil.copytree(name, into, symlinks=True, dirs_exist_ok=True)
        return
    target = pathlib.Path(into) / os.path.basename(name) if is_directory else pathlib.Path(into)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(name, target)


def export_context(source_dir, scratch):
    """The committed tree, and what is not committed yet: all that the build is given."""
    names = subprocess.run(["git", "-C", source_dir, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True).stdout.decode().split("\0")
    ignored = {line for line in pathlib.Path(source_dir, "deploy/Dockerfile.dockerignore").read_text().splitlines()
               if line and not line.startswith("#")}
    for name in filter(None, names):
        if name.split("/")[0] in ignored or not os.path.exists(os.path.join(source_dir, name)):
            continue
        copy_one(os.path.join(source_dir, name), os.path.join(scratch, "context", name), False)
    return os.path.join(scratch, "context")


def expand(text, environment):
    return re.sub(r"\$\{?(\w+)\}?", lambda match: environment.get(match[1], ""), text)


def carry_out(source_dir, trees, scratch, stages):
    """The last stage."""
    context = export_context(source_dir, scratch)
    stage = None
    instructions = read_instructions(pathlib.Path(source_dir, "deploy/Dockerfile").read_text())
    for instruction, rest in instructions:
        print(f"  {instruction} {rest[:100]}", flush=True)
        if instruction == "FROM":
            image, _, name = rest.partition(" AS ")
            tree = os.path.join(scratch, name or "image")
            stage = stages[name or "image"] = Stage(os.path.join(trees, BASES[image]), tree)
        elif instruction == "RUN":
            stage.run(rest)
        elif instruction == "COPY":
            stage.copy(rest, stages, context)
        elif instruction == "ENV":
            for word in shlex.split(rest):
                name, value = word.split("=", 1)
                stage.environment[name] = expand(value, stage.environment)
        elif instruction == "WORKDIR":
            stage.directory = os.path.join(stage.directory, rest)
            os.makedirs(stage.path("."), exist_ok=True)
        elif instruction == "USER":
            stage.user = rest
        elif instruction == "VOLUME":
            stage.volumes.append(rest)
        elif instruction == "EXPOSE":
            stage.ports.append(int(rest))
        elif instruction == "STOPSIGNAL":
            assert rest == "SIGTERM", rest
        elif instruction == "HEALTHCHECK":
            stage.probe = json.loads(re.search(r"CMD (\[.*\])$", rest)[1])
        elif instruction == "CMD":
            stage.command = json.loads(rest)
        else:
            raise ValueError(f"{instruction} is not known here")
    return stage


def enter_own_network():
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))


def request(port, method, path, body=""):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall((f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}").encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, rule, holds):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {rule}")


def is_healthy(image):
    return image.chroot(image.probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait() == 0


def becomes_healthy(image, server):
    until = time.monotonic() + 30
    while time.monotonic() < until and server.poll() is None:
        if is_healthy(image):
            return True
        time.sleep(0.05)
    return False


def check_image(image, checks):
    enter_own_network()
    data = os.stat(image.tree + image.volumes[0])
    user = int(image.user.split(":")[0])
    checks.check("the image has a user without privileges, by number", user > 0)
    checks.check("the volume is that user's alone", data.st_uid == user and data.st_mode & 0o777 == 0o700)
    checks.check("no compiler came along", not glob.glob(image.tree + "/usr/bin/*g++*"))
    checks.check("before it runs it is not healthy", not is_healthy(image))
    server = image.chroot(image.command)
    checks.check("it becomes healthy", becomes_healthy(image, server))
    port = image.ports[0]
    checks.check("a stream is created", "HTTP/1.1 201" in request(port, "PUT", "/v1/stream/a"))
    checks.check("a stream is appended to", "HTTP/1.1 204" in request(port, "POST", "/v1/stream/a", "in a container"))
    checks.check("a stream is read", "in a container" in request(port, "GET", "/v1/stream/a?offset=-1"))
    checks.check("streams are in the volume", bool(glob.glob(image.tree + image.volumes[0] + "/data/journal*")))
    server.terminate()
    checks.check("it ends well", server.wait(timeout=30) == 0)


def main():
    source_dir, trees, scratch = sys.argv[1:]
    stages, checks = {}, Checks()
    try:
        image = carry_out(source_dir, trees, scratch, stages)
        checks.check("every step is carried out", True)
        check_image(image, checks)
    except (RuntimeError, OSError, ValueError, KeyError) as error:
        checks.check(f"{type(error).__name__}: {error}", False)
    finally:
        for stage in stages.values():
            stage.leave()
    print(f"dockerfile: {checks.passed} passed, {checks.failed} failed")
    sys.exit(checks.failed > 0)


if __name__ == "__main__":
    main()
