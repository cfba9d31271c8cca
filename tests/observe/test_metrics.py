"""What is counted, in a process of its own: prometheus-client is told of its folder when it is first imported."""

import json
import subprocess
import sys

SCRIPT = """
import json, os, sys
from pathlib import Path
from milter.actions.deliver import Outcome
from milter.actions.nexthop import Reply
from milter.model import Refusal, RuleMatch, Verdict
from milter.observe import meter

folder = Path(sys.argv[1])
meter.switch_on(folder)
from milter.observe.ended import gather_ended
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

def rules(*names):
    return tuple(RuleMatch(name, "threat", 1.0, "text", "") for name in names)

def outcome(fate, code, verdict=None, would=None):
    return Outcome(fate, Reply(code, ("x",)), verdict, None, would)

def in_child(action):
    pid = os.fork()
    if not pid:
        action()
        os._exit(0)
    os.waitpid(pid, 0)

def first():
    counts = meter.counts
    bomb = Verdict("tag", 6.0, "bomb", reasons=rules("a.b", "a.b"))
    counts.mail(100, outcome("tag", 250, bomb), 0.3, {"deliver": 0.2})
    counts.mail(10, outcome("defer", 451), 0.003, {"deliver": 0.001})
    counts.mail(10, outcome("accept", 250, would="quarantine"), 0.003, {"deliver": 0.001})
    counts.mail(10, outcome("accept", 552), 0.003, {"deliver": 0.001})
    counts.mail(10, outcome("quarantine", 250, Verdict("quarantine", 12.0)), 0.003, {"keep": 0.001})
    counts.fault(); counts.dns("timeout"); counts.dns_cache_hit(); counts.refused(Refusal.FULL)
    counts.sessions(3); counts.in_hand(2, 200)

def many_rules():
    for number in range(1100):
        meter.counts.mail(1, outcome("tag", 250, Verdict("tag", 6.0, "bomb", reasons=rules(f"r.{number}"))), 0.1, {})

def figures():
    registry = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(registry, path=str(folder))
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {sample.name + json.dumps(sample.labels): sample.value for sample in samples}

in_child(first)
live = figures()
gather_ended(folder)
once = figures()
gather_ended(folder)
again = figures()
in_child(first)
gather_ended(folder)
twice = figures()
in_child(many_rules)
gather_ended(folder)
print(json.dumps({
    "live": live, "once": once, "again": again, "twice": twice,
    "rules": len([name for name in figures() if "rule_matches" in name]),
    "others": figures().get('blackmail_rule_matches_total{"rule": "(others)"}'),
    "files": sorted(path.name for path in folder.iterdir() if str(os.getpid()) not in path.name),
}))
"""
OFF = """
import sys
import milter.cli.serve, milter.frontends.supervisor
from milter.observe import meter
assert meter.counts is None
sys.exit(sorted({"prometheus_client", "structlog", "http.server", "milter.frontends.monitor"} & set(sys.modules)) or 0)
"""


def test_counts_of_processes_add_up_and_stay_when_they_are_gone(tmp_path):
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    once = told["once"]
    assert once == told["again"]
    of_the_living = ("blackmail_sessions{}", "blackmail_mails_in_hand{}", "blackmail_bytes_in_hand{}")
    assert {**once, **dict.fromkeys(of_the_living)} == {**told["live"], **dict.fromkeys(of_the_living)}
    expected = {
        'blackmail_mails_total{"action": "tag"}': 1,
        'blackmail_mails_total{"action": "defer"}': 1,
        'blackmail_mails_total{"action": "accept"}': 2,
        'blackmail_mails_total{"action": "quarantine"}': 1,
        'blackmail_mails_would_total{"action": "quarantine"}': 1,
        'blackmail_mail_kinds_total{"kind": "bomb"}': 1,
        'blackmail_mail_kinds_total{"kind": "other"}': 1,
        'blackmail_rule_matches_total{"rule": "a.b"}': 1,
        'blackmail_next_hop_replies_total{"class": "2xx"}': 2,
        'blackmail_next_hop_replies_total{"class": "5xx"}': 1,
        'blackmail_next_hop_replies_total{"class": "none"}': 1,
        "blackmail_mail_bytes_total{}": 140,
        "blackmail_faults_total{}": 1,
        'blackmail_dns_questions_total{"result": "timeout"}': 1,
        "blackmail_dns_cache_hits_total{}": 1,
        'blackmail_sessions_refused_total{"reason": "full"}': 1,
        'blackmail_stage_seconds_count{"stage": "total"}': 5,
        'blackmail_stage_seconds_bucket{"stage": "deliver", "le": "0.2"}': 4,
        'blackmail_stage_seconds_bucket{"stage": "deliver", "le": "0.1"}': 3,
        'blackmail_stage_seconds_count{"stage": "keep"}': 1,
    }
    assert {name: once[name] for name in expected} == expected
    assert {name: told["twice"][name] for name in expected} == {name: 2 * value for name, value in expected.items()}
    # What those who are gone had open is no more.
    assert told["live"]["blackmail_sessions{}"] == 3
    assert once["blackmail_sessions{}"] == once["blackmail_mails_in_hand{}"] == once["blackmail_bytes_in_hand{}"] == 0
    assert told["files"] == ["counter_ended.db", "histogram_ended.db"]
    assert told["rules"] <= 1002
    assert told["others"] == 100


def test_known_labels_are_there_before_the_first_mail(tmp_path):
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True)
    once = json.loads(done.stdout)["once"]
    assert once['blackmail_mails_total{"action": "unchecked"}'] == 0
    assert once['blackmail_reloads_total{"result": "failed"}'] == 0


def test_where_it_is_off_nothing_is_loaded_for_it():
    subprocess.run([sys.executable, "-c", OFF], check=True)
