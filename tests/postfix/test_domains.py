"""Own domains from Postfix's settings; the outputs are those of postconf 3.7 for such settings."""

from milter.postfix.domains import read_postconf

OUTPUT = """mail.example.org, localhost.example.org, localhost, Example.ORG, bücher.example, /etc/postfix/destinations
example.net hash:/etc/postfix/virtual_domains, !not.example.net, inline:{{a.test = 1, b.test = 2}}

"""


def test_domains_and_tables():
    asked = []
    found = read_postconf(lambda command: (asked.append(list(command)), OUTPUT)[1])
    assert asked == [["postconf", "-xh", "mydestination", "virtual_mailbox_domains", "relay_domains"]]
    assert found.domains == (
        "mail.example.org",
        "localhost.example.org",
        "example.org",
        "xn--bcher-kva.example",
        "example.net",
    )
    assert found.tables[:2] == ("/etc/postfix/destinations", "hash:/etc/postfix/virtual_domains")


def test_a_fresh_postfix_names_no_domain():
    assert read_postconf(lambda _: "vm, vm, localhost.localdomain, , localhost\n\n\n").domains == ()
