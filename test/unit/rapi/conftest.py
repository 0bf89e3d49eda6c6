"""A real REST server, and a master daemon's double at its LUXI socket."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading

import pytest

from ganeti import errors
from ganeti.luxi import protocol
from ganeti.luxi.client import Client
from ganeti.luxi.server import LuxiServer
from ganeti.rapi import app, auth
from ganeti.rapi import client as rapi_client
from ganeti.rapi.resources import TABLE

USERS = f"""
# people
jack  {auth.hashed("jack", "abc")}  read,write
ro    {{cleartext}}secret  read
none  plain
broken line with too many words
"""


class Master:
    """Answers LUXI calls as told in `answers`, and remembers them in `calls`."""

    def __init__(self):
        self.calls = []
        self.answers = {protocol.REQ_SUBMIT_JOB: 42}

    def handler(self, method):
        async def handle(args, peer):
            self.calls.append((method, args))
            answer = self.answers.get(method, errors.ProgrammerError(f"no answer to {method}"))
            if callable(answer):
                answer = answer(*args)
                if asyncio.iscoroutine(answer):
                    answer = await answer
            if isinstance(answer, Exception):
                raise answer
            return answer
        return handle

    def called(self, method):
        return [args for name, args in self.calls if name == method]

    @property
    def job(self):
        """The opcodes of the only submitted job."""
        ((ops,),) = self.called(protocol.REQ_SUBMIT_JOB)
        return ops


class Rig:
    """Both servers on an event loop of their own, and ways to ask."""

    def __init__(self, directory, *, read=5, **options):
        self.master = Master()
        self.socket = str(directory / "luxi")
        self.users = directory / "users"
        self.users.write_text(USERS)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.luxi = LuxiServer({name: self.master.handler(name) for name in protocol.METHODS})
        self.server = app.Server(
            TABLE, auth.Users(str(self.users)),
            lambda: Client(self.socket, connect_timeout=1, read_timeout=read,
                           is_master=lambda: False, sleep=lambda seconds: None),
            **options)
        self.run(self.luxi.start(self.socket))
        self.port = self.run(self.server.start("127.0.0.1", 0, None))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def close(self):
        self.run(self.server.stop())
        self.run(self.luxi.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def client(self, user="jack", password="abc"):
        return rapi_client.Client("127.0.0.1", self.port, username=user, password=password,
                                  context=None, timeout=20)

    def raw(self, method, target, body=None, headers=None):
        """Status, headers and JSON of an answer to a request made by hand."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, target, body, headers or {})
            response = connection.getresponse()
            text = response.read()
            return response.status, response.headers, json.loads(text)
        finally:
            connection.close()


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def make_rig(tmp_path):
    made = []

    def make(**options):
        made.append(Rig(tmp_path, **options))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def master(rig):
    return rig.master


@pytest.fixture
def api(rig):
    with rig.client() as client:
        yield client
