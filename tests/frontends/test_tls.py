"""Certificate and key of our own: what is wrong with them is said in one line, before anybody is served."""

import re
import shutil
import ssl

import pytest
from authority import DAY
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization

from milter.cli.check import command
from milter.config import Tls
from milter.errors import ConfigError
from milter.frontends.tls import server_context


@pytest.fixture
def files(authority, tmp_path):
    """A certificate and its key, in files of this test's own."""
    made = authority.certify("filter.example")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    return Tls(certificate=shutil.copy(made.certificate, certificate), key=shutil.copy(made.key, key))


def refusal(settings):
    with pytest.raises(ConfigError) as caught:
        server_context(settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_tls_1_2_is_the_least(files):
    assert server_context(files).minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("setting", ["certificate", "key"])
def test_a_missing_file_is_named(setting, files):
    path = getattr(files, setting)
    path.unlink()
    unreadable = "cannot be read (No such file or directory): check the path and its permissions"
    assert refusal(files) == f"tls.{setting}: {path} {unreadable}"


@pytest.mark.parametrize(("setting", "content"), [("certificate", "certificate"), ("key", "private key")])
def test_a_file_with_something_else_is_named(setting, content, files):
    path = getattr(files, setting)
    path.write_text("nothing of that kind")
    assert refusal(files) == f"tls.{setting}: {path} holds no {content} in PEM form"


def test_certificate_and_key_that_were_exchanged(files):
    assert refusal(Tls(certificate=files.key, key=files.certificate)).startswith("tls.certificate: ")


def test_the_key_of_another_certificate(files, authority):
    other = authority.certify("other.example")
    assert refusal(Tls(certificate=files.certificate, key=other.key)) == (
        f"tls: the key in {other.key} does not belong to the first certificate in {files.certificate}"
    )


def test_a_broken_certificate(files):
    files.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert re.fullmatch(r"tls: \S+cert\.pem and \S+key\.pem cannot be used \(.+\)", refusal(files))


def test_a_key_with_a_password_asks_nobody_for_it(files):
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))
    assert refusal(files) == f"tls.key: {files.key} is encrypted; store the key without a password"


def test_check_reads_them(files, tmp_path):
    files.key.unlink()
    path = tmp_path / "config.yaml"
    path.write_text(f"tls: {{certificate: {files.certificate}, key: {files.key}}}\n")
    error = CliRunner().invoke(command, ["-c", str(path)]).exception
    assert isinstance(error, ConfigError)
    assert str(error).startswith(f"tls.key: {files.key} cannot be read ")


def presented(server, authority):
    """Serial number of the certificate that a new client is shown."""
    client = server.client()
    client.starttls(context=ssl.create_default_context(cafile=authority.ca_file))
    number = client.sock.getpeercert()["serialNumber"]
    client.ehlo("client.example")
    assert client.sendmail("a@example.org", ["b@example.org"], b"Subject: x\r\n\r\n") == {}
    return number


@pytest.fixture
def on_loopback(files, authority):
    """As files, for a server on loopback."""

    def renew(**ends):
        made = authority.certify("127.0.0.1", **ends)
        shutil.copy(made.certificate, files.certificate)
        shutil.copy(made.key, files.key)
        return {"tls": {"certificate": str(files.certificate), "key": str(files.key)}}

    return renew


def test_a_renewed_certificate_is_taken_on_sighup(start, on_loopback, authority):
    server = start(**on_loopback())
    before = presented(server, authority)
    assert presented(server, authority) == before
    old = server.client()
    on_loopback(ends=5 * DAY)
    server.reload()
    server.says("reloaded")
    assert presented(server, authority) != before
    old.starttls(context=ssl.create_default_context(cafile=authority.ca_file))
    assert old.sock.getpeercert()["serialNumber"] == before


def test_a_renewed_certificate_without_its_key_changes_nothing(start, on_loopback, authority, files):
    server = start(**on_loopback())
    before = presented(server, authority)
    shutil.copy(authority.certify("other.example").certificate, files.certificate)
    server.reload()
    server.says("reload refused, the old settings stay: tls: the key in ")
    assert presented(server, authority) == before
