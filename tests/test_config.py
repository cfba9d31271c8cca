"""Settings: every key is documented, and wrong ones are refused with their place."""

from pathlib import Path

import pytest
import yaml

from milter.config import Address, Config, MaildirNextHop, SmtpNextHop, UnixAddress, load, worker_count
from milter.errors import ConfigError

EXAMPLE = Path(__file__).parents[1] / "config.example.yaml"


def keys(model: type, prefix: str = "") -> set[str]:
    out = set()
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        inner = field.annotation
        out |= keys(inner, f"{name}.") if hasattr(inner, "model_fields") else {prefix + name}
    return out


def test_the_example_names_every_setting_with_its_default() -> None:
    given = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    flat = {
        f"{key}.{inner}" if inner else key
        for key, value in given.items()
        for inner in (value if isinstance(value, dict) and value else [""])
    }
    assert flat == keys(Config)
    example, default = load(EXAMPLE), Config(hostname="mail.example.org")
    assert example == default


def test_each_setting_says_what_it_is() -> None:
    assert [name for name, field in Config.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listen: 127.0.0.1", ":1: listen: write it as host:port or unix:/PATH"),
        ("listen: unix:here", ":1: listen: write it as host:port or unix:/PATH"),
        ("listen: 127.0.0.1:99999", ":1: listen: write it as host:port"),
        ("\nnext_hopp: maildir:x", ":2: next_hopp: is not a known key; did you mean 'next_hop'?"),
        (
            "next_hop: mail.example.org",
            ":1: next_hop: write it as smtp://host:port, lmtp://host:port, smtp+unix:PATH, lmtp+unix:PATH or",
        ),
        ("next_hop: []", ":1: next_hop: name at least one next hop"),
        ("next_hop: [maildir:a, maildir:b]", ":1: next_hop: a Maildir needs no other next hop"),
        ("next_hop: [smtp://a:1, lmtp://b:2]", ":1: next_hop: next hops that stand in for each other are all"),
        ("max_memory: 65536", ":1: the file: max_memory must not be below max_size"),
        ("policy:\n  tag_at: high", ":2: policy.tag_at: must be a number"),
        ("policy: {tag_at: 9, quarantine_at: 3}", ":1: policy: quarantine_at must not be below tag_at"),
        ("trusted_clients: [10.0.0.0/33]", ":1: trusted_clients.0: '10.0.0.0/33' does not appear to be"),
        ("on_error: ignore", ":1: on_error: must be 'accept' or 'tempfail'"),
        ("listen: null", ":1: the file: listen, lmtp and milter must not all be null"),
        ("milter: 127.0.0.1", ":1: milter: write it as host:port"),
        ("store: {url: mysql://u:secret@h/d}", ":1: store.url: write it as sqlite:///PATH or postgresql://USER"),
        ("store: {url: 'sqlite:///:memory:'}", ":1: store.url: write it as sqlite:///PATH or postgresql://USER"),
        ("store: {url: 'sqlite://'}", ":1: store.url: write it as sqlite:///PATH or postgresql://USER"),
        ("store: {retention_days: -1}", ":1: store.retention_days: must be greater than"),
        ("max_size: -1", ":1: max_size: must be greater than"),
        ("max_size: 1\nmax_size: 2", ":2: not valid YAML: key 'max_size' is given twice"),
        ("tls: yes", ":1: tls: must be keys with values, such as {key: value}"),
        ("proxy_protocol: yes", ":1: proxy_protocol: must be a list, such as [a, b]"),
        ("monitor_headers: maybe", ":1: monitor_headers: must be true or false"),
        ("mode: monitoring", ":1: mode: must be 'filter' or 'monitor'"),
        ("workers: many", ":1: workers: must be a whole number"),
        ("workers: 0", ":1: workers: must be greater than 0"),
        ("socket_mode: 0660", ':1: socket_mode: must be three octal digits in quotes, such as "0660"'),
        ('socket_mode: "0999"', ':1: socket_mode: must be three octal digits in quotes, such as "0660"'),
        ("country: de", ":1: country: must be two capital letters, such as DE"),
        ("cache_dir: 7", ":1: cache_dir: must be a path"),
        ("metrics: {listen: 9109}", ":1: metrics.listen: write it as host:port"),
        (
            "next_hop: smtp://127.0.0.1",
            ":1: next_hop: write it as smtp://host:port, for instance smtp://127.0.0.1:10026",
        ),
        (f"listen: unix:/{'x' * 107}", ":1: listen: the path of a Unix socket has 107 bytes at most"),
        (f"next_hop: lmtp+unix:/{'x' * 107}", ":1: next_hop: the path of a Unix socket has 107 bytes at most"),
        ("lmtp: 127.0.0.1:10025", ":1: lmtp: 127.0.0.1:10025 is the address of listen already"),
        (
            "listen: 127.0.0.1:1\nmetrics:\n  listen: 127.0.0.1:1",
            ":3: metrics.listen: 127.0.0.1:1 is the address of listen already; choose another one",
        ),
        ("\nnext_hop: smtp://127.0.0.1:10025", ":2: next_hop: 127.0.0.1:10025 is where the filter itself listens"),
        ("[", ":1: not valid YAML"),
        ("- listen", ":1: must be a mapping"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path) + expected)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: cannot be read \(No such file"):
        load(tmp_path / "nothing.yaml")


def test_addresses(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text('listen: "[::1]:2525"\nnext_hop: smtp://relay.example.org:25\nworkers: auto\n', encoding="utf-8")
    config = load(path)
    assert str(config.listen) == "[::1]:2525"
    assert config.next_hop == (SmtpNextHop(address=Address(host="relay.example.org", port=25)),)
    assert worker_count(config) >= 1
    assert isinstance(Config().next_hop[0], MaildirNextHop)


def test_unix_sockets_and_several_next_hops(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("listen: unix:/run/in\nnext_hop: [smtp+unix:/run/out, smtp://h:1]\nnext_hop_tls: off\n")
    config = load(path)
    assert config.listen == UnixAddress(path=Path("/run/in"))
    assert [str(hop.address) for hop in config.next_hop] == ["unix:/run/out", "h:1"]
    assert config.next_hop_tls == "off"
