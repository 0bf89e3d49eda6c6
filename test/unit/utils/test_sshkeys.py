"""SSH keys as files: pairs, authorized_keys, the cluster's list."""

import os
import subprocess
import threading

import pytest

from ganeti import errors
from ganeti.utils import io, sshkeys

A = "ssh-rsa AAAAB3NzaC1yc2EA root@a"
B = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNo root@b"


@pytest.mark.parametrize(("kind", "bits", "line"), [
    ("rsa", 2048, "ssh-rsa "), ("ecdsa", None, "ecdsa-sha2-nistp256 "),
    ("ecdsa", 521, "ecdsa-sha2-nistp521 ")])
def test_pairs_are_usable_by_openssh(tmp_path, kind, bits, line):
    path = str(tmp_path / "ssh" / "id")
    private, public = sshkeys.generate(kind, bits, "root@node1")
    sshkeys.write_pair(path, private, public)
    assert public.startswith(line)
    assert public.endswith(" root@node1")
    assert os.stat(path).st_mode & 0o777 == 0o600
    again = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, text=True,
                           check=True)
    assert again.stdout.split()[:2] == public.split()[:2]


@pytest.mark.parametrize(("kind", "bits", "words"), [
    ("rsa", 1024, "at least 2048"), ("ecdsa", 300, "256, 384 or 521"),
    ("dsa", None, "not accepted"), ("ed448", None, "Unknown type")])
def test_keys_that_can_not_be_had(kind, bits, words):
    with pytest.raises(errors.OpPrereqError, match=words):
        sshkeys.check_type(kind, bits)


def test_a_users_pair_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sshkeys, "ssh_directory", lambda user="root": str(tmp_path / ".ssh"))
    first = sshkeys.ensure_user_key("ecdsa", None, "root@node1")
    assert sshkeys.ensure_user_key("ecdsa", None, "root@node1") == first
    assert os.stat(tmp_path / ".ssh").st_mode & 0o777 == 0o700


def test_authorized_keys_keep_what_they_do_not_know(tmp_path):
    path = str(tmp_path / "authorized_keys")
    comment = "# the administrator's"
    options = f'from="192.0.2.1",no-pty {B}'
    io.write_file(path, f"{comment}\n{options}\n")
    assert sshkeys.add_authorized(path, [A, A, f"{A} again"])
    assert not sshkeys.add_authorized(path, [A, B])
    assert io.read_file(path).splitlines() == [comment, options, A]
    assert sshkeys.remove_authorized(path, [A.replace("root@a", "other comment")])
    assert not sshkeys.remove_authorized(path, [A])
    assert io.read_file(path).splitlines() == [comment, options]
    assert sshkeys.remove_authorized(path, [B])


def test_many_writers_lose_nothing(tmp_path):
    path = str(tmp_path / "authorized_keys")
    keys = [f"ssh-rsa AAAA{number} root@{number}" for number in range(12)]
    threads = [threading.Thread(target=sshkeys.add_authorized, args=(path, [key]))
               for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(io.read_file(path).splitlines()) == sorted(keys)


def test_the_list_of_public_keys(tmp_path):
    listed = sshkeys.PublicKeys(str(tmp_path / "keys"))
    assert listed.read() == {}
    listed.add({"u1": [A], "node2": [B]})
    listed.add({"u1": [A, B]})
    assert listed.read() == {"u1": [A, B], "node2": [B]}
    assert listed.read(["u1", "u9"]) == {"u1": [A, B]}
    listed.rename("node2", "u2")
    listed.rename("node9", "u9")
    listed.replace({"u1": [B]})
    assert listed.read() == {"u1": [B], "u2": [B]}
    listed.remove(["u1", "u9"])
    assert listed.read() == {"u2": [B]}
    listed.override({"u3": [A]})
    assert listed.read() == {"u3": [A]}
    assert os.stat(listed.path).st_mode & 0o777 == 0o600
    listed.clear()
    assert listed.read() == {}
