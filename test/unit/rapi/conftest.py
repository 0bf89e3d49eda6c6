"""A real REST server, and a master daemon's double at its LUXI socket."""

from __future__ import annotations

import http.client
import json

import pytest

from ganeti.luxi.client import Client
from ganeti.rapi import app, auth
from ganeti.rapi import client as rapi_client
from ganeti.rapi.resources import TABLE
from test import luxidouble

USERS = f"""
# people
jack  {auth.hashed("jack", "abc")}  read,write
ro    {{cleartext}}secret  read
none  plain
broken line with too many words
"""


class Rig:
    """Both servers on an event loop of their own, and ways to ask."""

    def __init__(self, directory, *, read=5, **options):
        self.socket = str(directory / "luxi")
        self._served = luxidouble.Served(self.socket)
        self.master, self.luxi = self._served.master, self._served.server
        self.run = self._served.loop.run
        self.users = directory / "users"
        self.users.write_text(USERS)
        self.server = app.Server(
            TABLE, auth.Users(str(self.users)),
            lambda: Client(self.socket, connect_timeout=1, read_timeout=read,
                           is_master=lambda: False, sleep=lambda seconds: None),
            **options)
        self.port = self.run(self.server.start("127.0.0.1", 0, None))

    def close(self):
        self.run(self.server.stop())
        self._served.close()

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
