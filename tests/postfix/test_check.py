"""Postfix's settings against ours, as the real postconf prints them: what fits is silent, what does not is named."""

import os
import re
import subprocess
import sys

import pytest

from milter.config import Config, UnixAddress
from milter.postfix.findings import findings, in_use
from milter.postfix.layout import lay_out
from milter.postfix.settings import parse_settings, read_settings

LAYOUTS = ["before-queue", "after-queue", "after-queue+policies", "milter", "lmtp", "lmtp+mailbox"]
FEW = {"max_size": 65_536, "max_memory": 65_536}
POLICIES = {"policies": {"b@example.org": {"quarantine": True}}}


@pytest.fixture
def written(make_postfix):
    """Write a Postfix's settings: `written(layout, main=added lines, master={old: new})`; it is not started."""

    def write(layout, main="", master=None):
        postfix = make_postfix(layout)
        config = postfix.folder / "config"
        with (config / "main.cf").open("a") as file:
            file.write(_filled(main, postfix))
        text = (config / "master.cf").read_text()
        for old, new in (master or {}).items():
            assert _filled(old, postfix) in text, text
            text = text.replace(_filled(old, postfix), _filled(new, postfix))
        (config / "master.cf").write_text(text)
        return postfix

    return write


def _filled(text, postfix):
    return (
        text.replace("FRONT", str(postfix.front))
        .replace("FILTER", str(postfix.filter))
        .replace("BACK", str(postfix.back))
    )


def asked(postfix):
    """What postconf says of it; it would wait two seconds for a file as young as this one."""
    os.utime(postfix.folder / "config" / "main.cf", (0, 0))

    def run(command):
        environment = os.environ | {"MAIL_CONFIG": str(postfix.folder / "config")}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    return read_settings(run)


def found(postfix, **changed):
    return [str(finding) for finding in findings(asked(postfix), Config(**postfix.settings | changed))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_printed_lay_out_fits(written, layout):
    postfix = written(layout)
    assert found(postfix) == []
    front = f" of 127.0.0.1:{postfix.front} inet"
    used = {
        "before-queue": f"smtpd_proxy_filter{front}",
        "milter": f"smtpd_milters{front}",
        "lmtp+mailbox": "virtual_transport",
    }.get(layout, f"content_filter{front}")
    assert in_use(asked(postfix), Config(**postfix.settings))[0] == used


@pytest.mark.parametrize("layout", ["before-queue", "milter"])
def test_printed_for_policies_it_fits_too(written, layout):
    assert found(written(layout), **POLICIES) == []


@pytest.mark.parametrize(
    ("layout", "settings"),
    [
        ("before-queue", {"listen": "unix:/run/b/s"}),
        ("before-queue", {"listen": "[::1]:10025", "next_hop": "smtp://[::1]:10026"}),
        ("before-queue", {"listen": "10.0.0.3:10025", "next_hop": "smtp://10.0.0.2:10026"}),
        ("before-queue", {"max_connections": 5, "inspect_timeout": 500, "max_size": 100_000, "max_memory": 100_000}),
        ("after-queue", {"next_hop": ["smtp://127.0.0.1:10026", "smtp://127.0.0.1:10027"], "inspect_timeout": 700}),
        ("after-queue", {"listen": "0.0.0.0:10025"}),
        ("milter", {"milter": "[::]:10027", "inspect_timeout": 400}),
        ("lmtp", {"lmtp": "unix:/run/b/l", "next_hop": "lmtp+unix:/run/dovecot/lmtp"}),
    ],
)
def test_printed_for_other_addresses_and_limits_it_fits_too(make_postfix, layout, settings):
    assert found(make_postfix(layout, **settings)) == []


BROKEN = {
    "nothing leads here": (
        ("before-queue", "", {"    -o smtpd_proxy_filter=127.0.0.1:FILTER\n": ""}),
        {},
        "main.cf, master.cf: no smtpd_proxy_filter, content_filter, transport or milter leads to the filter"
        " (listen: 127.0.0.1:FILTER); add the lines",
    ),
    "proxy filter elsewhere": (
        ("before-queue", "", {"=127.0.0.1:FILTER": "=127.0.0.1:1"}),
        {},
        "master.cf, 127.0.0.1:FRONT inet, -o smtpd_proxy_filter: 127.0.0.1:1 is not where the filter listens"
        " (listen: 127.0.0.1:FILTER)",
    ),
    "content filter elsewhere": (
        ("after-queue", "content_filter = blackmail:[127.0.0.1]:1\n", {}),
        {},
        "main.cf, content_filter: [127.0.0.1]:1 is not where",
    ),
    "lmtp elsewhere": (
        ("lmtp", "content_filter = blackmail:inet:127.0.0.1:1\n", {}),
        {},
        "main.cf, content_filter: inet:127.0.0.1:1 is not where the filter listens (lmtp: ",
    ),
    "milter elsewhere": (
        ("milter", "smtpd_milters = inet:127.0.0.1:1\nnon_smtpd_milters =\n", {}),
        {},
        "main.cf, smtpd_milters: inet:127.0.0.1:1 is not where the filter listens (milter: ",
    ),
    "the other family of addresses": (
        ("before-queue", "", {"=127.0.0.1:FILTER": "=[::1]:FILTER"}),
        {},
        "master.cf, 127.0.0.1:FRONT inet, -o smtpd_proxy_filter: [::1]:FILTER is not where",
    ),
    "chrooted smtpd": (
        (
            "milter",
            "smtpd_milters = unix:/run/b/m\nnon_smtpd_milters=\n",
            {"FRONT inet  n       -       n": "FRONT inet n - y"},
        ),
        {"milter": "unix:/run/b/m"},
        "main.cf, smtpd_milters: 127.0.0.1:FRONT inet is chrooted and looks for ",
    ),
    "chrooted lmtp": (
        (
            "lmtp",
            "content_filter = blackmail:unix:/run/b/l\n",
            {"blackmail unix  -       -       n": "blackmail unix - - y"},
        ),
        {"lmtp": "unix:/run/b/l"},
        "main.cf, content_filter: blackmail unix is chrooted and looks for ",
    ),
    "not trusted": (
        ("after-queue", "", {}),
        {"trusted_clients": ["10.0.0.0/8"]},
        "config, trusted_clients: Postfix comes from 127.0.0.1, which is not among them, so its mail gets 554; add",
    ),
    "TLS asked of the proxy": (
        ("before-queue", "", {}),
        {"tls": {"certificate": "a.pem", "key": "b.pem", "required": True}},
        "config, tls.required: 127.0.0.1:FRONT inet hands mail over by smtpd_proxy_filter, which knows no TLS",
    ),
    "TLS asked of the transport": (
        ("after-queue", "", {}),
        {"tls": {"certificate": "a.pem", "key": "b.pem", "required": True}},
        "master.cf, blackmail unix, -o smtp_tls_security_level: the filter takes mail by TLS only",
    ),
    "impatient proxy": (
        ("before-queue", "smtpd_proxy_timeout = 1m\n", {}),
        {},
        "main.cf, smtpd_proxy_timeout: Postfix gives up after 60 s, while the filter may take 90 s (inspect_timeout +"
        " next_hop_timeout), so mails come late or twice; set smtpd_proxy_timeout = 100s",
    ),
    "impatient transport": (
        ("after-queue", "", {"    -o smtp_generic_maps=\n": "    -o smtp_data_done_timeout=30s\n"}),
        {},
        "master.cf, blackmail unix, -o smtp_data_done_timeout: Postfix gives up after 30 s",
    ),
    "impatient lmtp": (
        ("lmtp", "lmtp_data_done_timeout = 30s\n", {}),
        {},
        "main.cf, lmtp_data_done_timeout: Postfix gives up after 30 s",
    ),
    "impatient milter": (
        ("milter", "milter_content_timeout = 20s\n", {}),
        {},
        "main.cf, milter_content_timeout: Postfix gives up after 20 s, while the filter may take 30 s (inspect",
    ),
    "impatient milter of its own": (
        ("milter", "smtpd_milters = { inet:127.0.0.1:FILTER, content_timeout = 10s }\n", {}),
        {},
        "main.cf, milter_content_timeout: Postfix gives up after 10 s",
    ),
    "more processes than sessions": (
        ("before-queue", "", {"FRONT inet  n       -       n       -       20": "FRONT inet n - n - 500"}),
        {"workers": 2},
        "master.cf, 127.0.0.1:FRONT inet, maxproc: Postfix connects up to 500 times at once, the filter takes 400",
    ),
    "processes by default": (
        ("milter", "default_process_limit = 300\n", {}),
        {},
        "master.cf, 127.0.0.1:FRONT inet, maxproc: Postfix connects up to 300 times at once, the filter takes 200",
    ),
    "one client": (
        ("after-queue", "", {}),
        {"max_connections_per_client": 10},
        "master.cf, blackmail unix, maxproc: Postfix connects up to 20 times at once, the filter takes 10",
    ),
    "no limit of processes": (
        ("milter", "", {"FRONT inet  n       -       n       -       -": "FRONT inet n - n - 0"}),
        {},
        "master.cf, 127.0.0.1:FRONT inet, maxproc: Postfix connects without limit",
    ),
    "client not told": (
        ("after-queue", "", {"    -o smtp_send_xforward_command=yes\n": ""}),
        {},
        "main.cf, smtp_send_xforward_command: the filter does not hear who sent a mail",
    ),
    "client not told by LMTP": (
        ("lmtp", "", {"lmtp_send_xforward_command=yes": "lmtp_send_xforward_command=no"}),
        {},
        "master.cf, blackmail unix, -o lmtp_send_xforward_command: the filter does not hear who sent a mail",
    ),
    "client not taken back": (
        ("after-queue", "", {"    -o smtpd_authorized_xforward_hosts=127.0.0.0/8\n": ""}),
        {},
        "main.cf, smtpd_authorized_xforward_hosts: Postfix does not take the real client from the filter",
    ),
    "passes unseen": (
        ("milter", "milter_default_action = accept\n", {}),
        {},
        "main.cf, milter_default_action: while the filter is away, mail passes that nobody has looked at (accept); set"
        " milter_default_action = tempfail",
    ),
    "refused unseen": (
        ("milter", "milter_default_action = reject\n", {}),
        {},
        "main.cf, milter_default_action: while the filter is away, mail is refused for good",
    ),
    "passes unseen by its own setting": (
        ("milter", "non_smtpd_milters = { inet:127.0.0.1:FILTER, default_action = accept }\n", {}),
        {},
        "main.cf, milter_default_action: while the filter is away, mail passes",
    ),
    "hangs up early": (
        ("before-queue", "smtpd_hard_error_limit = 20\n", {}),
        POLICIES,
        "main.cf, smtpd_hard_error_limit: recipients with policies of their own are put off by 452, which Postfix takes"
        " for errors: from the 20th on it hangs up; set smtpd_hard_error_limit = 200",
    ),
    "slow early": (
        ("milter", "smtpd_soft_error_limit = 10\n", {}),
        POLICIES,
        "main.cf, smtpd_soft_error_limit: recipients with policies of their own are put off by 452, which Postfix takes"
        " for errors: from the 10th on it slows down",
    ),
    "speed_adjust": (
        ("before-queue", "smtpd_proxy_options = speed_adjust\n", {}),
        POLICIES,
        "main.cf, smtpd_proxy_options: with speed_adjust",
    ),
    "one copy for all": (
        ("after-queue", "", {}),
        POLICIES,
        "main.cf, blackmail_destination_recipient_limit: recipients with policies of their own wait",
    ),
    "into a folder": (
        ("before-queue", "", {}),
        {"next_hop": "maildir:/var/mail/x"},
        "config, next_hop: mail goes into the folder /var/mail/x instead of back to Postfix",
    ),
    "no way back": (
        ("after-queue", "", {"127.0.0.1:BACK inet": "127.0.0.1:1 inet"}),
        {},
        "master.cf: no smtpd listens on 127.0.0.1:BACK, where the filter hands mail back (next_hop)",
    ),
    "content filter loops": (
        ("after-queue", "", {"    -o content_filter=\n": ""}),
        {},
        "main.cf, content_filter: mail that the filter hands back to 127.0.0.1:BACK inet goes there again, without end;"
        " put -o content_filter= below",
    ),
    "proxy filter loops": (
        (
            "before-queue",
            "smtpd_proxy_filter = 127.0.0.1:FILTER\n",
            {"    -o smtpd_proxy_filter=\n": "", "    -o smtpd_proxy_filter=127.0.0.1:FILTER\n": ""},
        ),
        {},
        "main.cf, smtpd_proxy_filter: mail that the filter hands back to 127.0.0.1:BACK inet goes there again, without",
    ),
    "open to the network": (
        ("before-queue", "inet_interfaces = all\n", {"127.0.0.1:BACK inet": "BACK inet"}),
        {},
        "master.cf, BACK inet: everyone who reaches this port gets past the filter; write 127.0.0.1:BACK as its name",
    ),
    "open on all addresses": (
        ("after-queue", "", {"127.0.0.1:BACK inet": "0.0.0.0:BACK inet"}),
        {},
        "master.cf, 0.0.0.0:BACK inet: everyone who reaches this port gets past the filter",
    ),
    "relays for everyone": (
        ("after-queue", "", {"=permit_mynetworks,reject": "=permit"}),
        {},
        "master.cf, 127.0.0.1:BACK inet, -o smtpd_recipient_restrictions: 127.0.0.1:BACK inet relays for everyone",
    ),
    "everyone's network behind": (
        ("after-queue", "", {"-o mynetworks=127.0.0.0/8": "-o mynetworks=0.0.0.0/0"}),
        {},
        "master.cf, 127.0.0.1:BACK inet, -o mynetworks: 0.0.0.0/0 is everyone, so",
    ),
    "everyone's network": (
        ("milter", "mynetworks = 127.0.0.0/8, [::]/0\n", {}),
        {},
        "main.cf, mynetworks: [::]/0 is everyone, so 127.0.0.1:FRONT inet relays for everyone",
    ),
    "aliases never": (
        ("after-queue", "", {"=no_unknown_recipient_checks,no_header": "=no_address_mappings,no_header"}),
        {},
        "master.cf, 127.0.0.1:BACK inet, -o receive_override_options: no_address_mappings holds here, too",
    ),
    "aliases never, before the queue": (
        ("before-queue", "", {"no_unknown_recipient_checks,no_milters": "no_address_mappings"}),
        {},
        "master.cf, 127.0.0.1:BACK inet, -o receive_override_options: no_address_mappings leaves aliases as they are",
    ),
    "copies twice": (
        ("after-queue", "receive_override_options =\nalways_bcc = c@example.org\n", {}),
        {},
        "main.cf, receive_override_options: always_bcc is looked up before the filter and again behind it",
    ),
    "words withheld": (
        (
            "before-queue",
            "",
            {"    -o mynetworks=": "    -o smtpd_discard_ehlo_keywords=smtputf8,8BITMIME\n    -o mynetworks="},
        ),
        {},
        "master.cf, 127.0.0.1:BACK inet, -o smtpd_discard_ehlo_keywords: 8BITMIME, SMTPUTF8 is offered by"
        " 127.0.0.1:FRONT inet and not by 127.0.0.1:BACK inet",
    ),
    "larger than we take": (
        ("before-queue", "", {}),
        FEW,
        "main.cf, message_size_limit: Postfix takes 10240000 bytes, the filter 65536 (max_size); mails between are"
        " refused only after they were sent whole; set message_size_limit = 65536, or max_size: 10240000",
    ),
    "larger than we take, queued": (
        ("after-queue", "message_size_limit = 0\n", {}),
        {},
        "main.cf, message_size_limit: Postfix takes any size, the filter 52428800 (max_size); mails between bounce",
    ),
}


@pytest.mark.parametrize(("settings", "changed", "sentence"), BROKEN.values(), ids=BROKEN)
def test_each_fault_is_named_once(written, settings, changed, sentence):
    layout, main, master = settings
    postfix = written(layout, main, master)
    (only,) = found(postfix, **changed)
    assert only.startswith(_filled(sentence, postfix)), only


def test_a_default_that_nobody_wrote_is_no_fault_beside_another_filter(written):
    """listen has a default; a Postfix with amavis and our milter uses no such thing."""
    amavis = "\namavis unix - - n - 2 smtp\n"
    postfix = written("milter", "content_filter = amavis:[127.0.0.1]:10024\n", {"\npickup ": amavis + "pickup "})
    config = Config(milter=f"127.0.0.1:{postfix.filter}")
    assert findings(asked(postfix), config) == []
    assert [str(f) for f in findings(asked(postfix), config.model_copy(update={"listen": None}))] == []
    (named,) = findings(asked(postfix), Config(**postfix.settings | {"listen": "127.0.0.1:10025"}))
    assert named.where == "main.cf, content_filter"


@pytest.mark.parametrize("column", ["n", "y"])
def test_a_socket_in_postfix_own_folder_is_found_with_and_without_chroot(written, column):
    postfix = written("milter", "", {"FRONT inet  n       -       n": f"FRONT inet n - {column}"})
    inside = postfix.folder / "queue" / "blackmail" / "milter"
    with (postfix.folder / "config" / "main.cf").open("a") as main:
        main.write("smtpd_milters = unix:blackmail/milter\nnon_smtpd_milters =\n")
    assert found(postfix, milter=f"unix:{inside}") == []


def test_the_printed_path_of_a_socket_is_what_postfix_finds():
    inside, outside = "/var/spool/postfix/blackmail/l", "/run/blackmail/l"
    for path, printed in ((inside, "unix:blackmail/l"), (outside, f"unix:{outside}")):
        config = Config(lmtp=UnixAddress(path=path), listen=None, next_hop="smtp://127.0.0.1:10026")
        assert f"content_filter = blackmail:{printed}\n" in lay_out("lmtp", config).main


def test_own_settings_of_a_service_come_before_those_of_all():
    settings = parse_settings(
        "smtpd_proxy_timeout = 100s\ndefault_process_limit = 7\nqueue_directory = /q\ncompatibility_level = 0\n",
        "smtp inet n - - - - smtpd -o smtpd_proxy_timeout=2m\n[::1]:10026 inet n - n - 3 smtpd\n",
        "smtp/inet/smtpd_proxy_timeout = 2m\n[::1]:10026/inet/mynetworks = [::1]/128\n",
    )
    front, back = settings.services
    assert (front.processes, front.chrooted, front.port, front.host) == (7, True, 25, None)
    assert (back.processes, back.chrooted, back.port, back.host) == (3, False, 10026, "::1")
    assert (settings.seconds("smtpd_proxy_timeout", front), settings.seconds("smtpd_proxy_timeout", back)) == (120, 100)
    assert back.options == {"mynetworks": "[::1]/128"}


@pytest.fixture
def check(tmp_path):
    """Run the command against a Postfix's settings."""

    def run(postfix, **changed):
        lines = (
            f"{key}: {'null' if value is None else value}\n" for key, value in (postfix.settings | changed).items()
        )
        (tmp_path / "config.yaml").write_text("".join(lines))
        words = [sys.executable, "-m", "milter", "check", "--postfix", "-c", "config.yaml"]
        environment = os.environ | {"MAIL_CONFIG": str(postfix.folder / "config")}
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_command_says_that_all_is_fine(written, check):
    postfix = written("after-queue")
    done = check(postfix)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        f"\nPostfix fits: content_filter of 127.0.0.1:{postfix.front} inet, content_filter of pickup unix\n"
        in done.stdout
    )
    assert "own_domains: [example.org]" in done.stdout


def test_the_command_prints_a_line_for_each_fault(written, check):
    done = check(written("milter", "milter_default_action = accept\nmilter_content_timeout = 1s\n"))
    assert done.returncode == 1
    assert len(re.findall(r"^main\.cf, milter_\w+: .*; set milter_\w+ = \w+$", done.stdout, re.MULTILINE)) == 2
    assert "Postfix fits" not in done.stdout
    assert "0 faults" in done.stdout


def test_without_postfix_the_command_says_so(tmp_path):
    words = [sys.executable, "-m", "milter", "check", "--postfix"]
    done = subprocess.run(words, env=os.environ | {"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "postconf cannot be run (No such file or directory): is Postfix here" in done.stderr
    assert done.stderr.count("\n") == 1
