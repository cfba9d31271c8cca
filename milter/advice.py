"""What a recipient does next, in calm words: by kind of extortion, and whether it is a mass bluff or a personal case.

The advice is that of police and national cyber security centres (NCSC-CH, NCSC-UK, LKA Baden-Württemberg,
cybermalveillance.gouv.fr, INCIBE, Polizia Postale), in our own words.
"""

from __future__ import annotations

from dataclasses import dataclass

from milter.i18n import Translator, msgid, translator
from milter.model import Kind, Verdict
from milter.reason import is_test


@dataclass(frozen=True, slots=True)
class Advice:
    """Texts for one reader: a headline, what is behind such mails, what to do, what not to do, and comfort."""

    headline: str
    summary: str
    do: tuple[str, ...]
    avoid: tuple[str, ...]
    comfort: str


NO_MONEY = msgid("Do not pay. Whoever pays gets new demands.")
NO_ANSWER = msgid("Do not answer. An answer shows that your address is in use.")
NO_LINKS = msgid("Do not open links or attachments, and do not scan QR codes.")
KEEP = msgid("Keep the mail until you have reported it. Then you can delete it.")
KEEP_ALL = msgid("Keep the mail as it is, so that the police can examine it.")
REPORT = msgid("Report the mail to the police. Do so in any case if you have paid or if such pictures really exist.")
REPORT_ANY = msgid("Report the mail to the police, at a station or online.")
PAID = msgid("If you have paid: call your bank, or the service that you paid with, at once.")
TELL = msgid("Tell someone you trust about it.")
PASSWORD = msgid(
    "If the mail shows a password of yours: it comes from an old data leak. Change it wherever you still use it. "
    "Choose a different strong password for each account, and switch on two-factor sign-in."
)
CALL = msgid("Call the police at once: {number}. Read the mail to them.")
CALL_ANY = msgid("Call the emergency number of the police at once. Read the mail to them.")
OWN_ADDRESS = msgid(
    "Your own address stands as the sender. Anyone can forge that; it does not prove that your account was broken into."
)
NO_SHAME = msgid("This happens to very many people. Nobody needs to be ashamed of it.")
NOT_ALONE = msgid("You do not have to judge alone how serious this is. It is right to call, even if it was a bluff.")
BUSINESSES = msgid("Businesses of every size get such letters. You have time to check it calmly.")

BLUFF = Advice(
    msgid("This is almost certainly a bluff."),
    msgid(
        "Mails like this go to thousands of people at once. The sender hopes that some of them are frightened and pay. "
        "There is almost never anything behind it."
    ),
    (PASSWORD, KEEP, REPORT_ANY, PAID, TELL),
    (NO_MONEY, NO_ANSWER, NO_LINKS),
    NO_SHAME,
)
SEXTORTION = Advice(
    msgid("This is almost certainly a bluff."),
    msgid(
        "Mails like this go to thousands of people at once, always with the same story. "
        "There is almost never a recording, and nobody was in your device."
    ),
    (PASSWORD, KEEP, REPORT, PAID, TELL),
    (NO_MONEY, NO_ANSWER, NO_LINKS),
    NO_SHAME,
)
BOMB = Advice(
    msgid("This mail threatens with a bomb. Call the police now."),
    msgid(
        "Such mails are mostly sent to many people at once, and nothing happens. Even so, let the police judge that."
    ),
    (CALL, msgid("Tell the people responsible for the building, and follow what the police say."), KEEP_ALL),
    (NO_MONEY, NO_ANSWER, msgid("Do not touch or move anything that seems suspicious to you.")),
    NOT_ALONE,
)
VIOLENCE = Advice(
    msgid("This mail threatens violence. Call the police now."),
    msgid(
        "Such mails are mostly sent to many people at once, and nobody was hired. Even so, let the police judge that."
    ),
    (CALL, msgid("If you feel unsafe, go where other people are."), TELL, KEEP_ALL),
    (NO_MONEY, NO_ANSWER, NO_LINKS),
    NOT_ALONE,
)
DDOS = Advice(
    msgid("This is most likely a bluff. Let your IT department know today."),
    msgid(
        "The same letter goes to many businesses, often under the name of a well-known group. "
        "An attack seldom follows, and paying does not prevent it."
    ),
    (
        msgid("Pass the mail on to those who run your network, and to your internet provider."),
        msgid("Ask your provider how it protects you against overload, and have that ready."),
        KEEP_ALL,
        REPORT_ANY,
    ),
    (NO_MONEY, NO_ANSWER, NO_LINKS),
    BUSINESSES,
)
DATA_LEAK = Advice(
    msgid("This is most likely a bluff. Let your IT department check it."),
    msgid(
        "The same letter goes to many businesses and websites, and most senders hold no data at all. "
        "What counts is whether they show data that only you can have."
    ),
    (
        msgid("Pass the mail on to those who look after your systems. They should look for traces of a break-in."),
        msgid(
            "If personal data may really have got out: involve your data protection officer. "
            "In the EU the authority has to be told within 72 hours."
        ),
        KEEP_ALL,
        REPORT_ANY,
    ),
    (NO_MONEY, NO_ANSWER, NO_LINKS),
    BUSINESSES,
)
FAKE_AUTHORITY = Advice(
    msgid("This letter is almost certainly forged."),
    msgid(
        "Police and courts do not send accusations by mail, and they do not close a case for money. "
        "Names, seals and signatures in it are copied."
    ),
    (
        msgid("If you are unsure: ask your police. Look up the number yourself instead of taking it from the mail."),
        KEEP,
        REPORT_ANY,
        msgid("If you have paid or sent a copy of an identity card: tell your bank and the police at once."),
    ),
    (
        NO_MONEY,
        NO_ANSWER,
        msgid("Do not send copies of identity cards, bank details or other personal data."),
        NO_LINKS,
    ),
    NO_SHAME,
)
REPUTATION = Advice(
    msgid("This is most likely a bluff."),
    msgid(
        "The same letter goes to many websites and businesses. Mostly nothing follows, "
        "and paying does not protect your good name."
    ),
    (
        msgid("Tell those who look after your website or your online profiles."),
        msgid("If false reviews or messages do appear: report them to the platform, which can remove them."),
        KEEP,
        REPORT_ANY,
    ),
    (NO_MONEY, NO_ANSWER, NO_LINKS),
    BUSINESSES,
)
PERSONAL = Advice(
    msgid("Someone may mean you personally. You can get help."),
    msgid(
        "Some signs show that the sender may know you or may really hold something of yours. "
        "What the sender does is a crime. It is not your fault."
    ),
    (
        msgid("Talk to someone you trust today. You do not have to go through this alone."),
        msgid("Under 18? Tell an adult whom you trust. You will not be punished for asking for help."),
        msgid("Keep everything: this mail, chats, profile names and payment details. Take screenshots."),
        msgid("Report it to the police. They know such cases and treat them in confidence."),
        msgid("If pictures were published or may be: ask the platform to remove them. Free services help with that."),
        PASSWORD,
        PAID,
    ),
    (
        msgid("Do not pay. Demands go on after a payment."),
        msgid("Do not send any more pictures or data, and do not meet the sender."),
        msgid("Do not argue with the sender. Save the evidence first, then block the contact."),
    ),
    msgid(
        "Many people have been through this and are well today. If it becomes too much for you, "
        "call a crisis line or the emergency number now."
    ),
)
TEST = Advice(
    msgid("This is only a test of the mail filter."),
    msgid(
        "Somebody wants to know whether the filter works, and sent its test string. Nothing else was found in the mail."
    ),
    (
        msgid("You need not do anything. You can delete the mail."),
        msgid("If you did not expect a test, ask those who look after your mail."),
    ),
    (msgid("Do not report the mail to the police. Nothing has happened."),),
    msgid("Nobody threatens you, and nobody wants anything from you."),
)
BY_KIND: dict[Kind, Advice] = {
    "sextortion": SEXTORTION,
    "hacked-device": SEXTORTION,
    "leaked-password": SEXTORTION,
    "bomb": BOMB,
    "violence": VIOLENCE,
    "ddos": DDOS,
    "data-leak": DATA_LEAK,
    "fake-authority": FAKE_AUTHORITY,
    "reputation": REPUTATION,
    "other": BLUFF,
}
EMERGENCIES: tuple[Kind, ...] = ("bomb", "violence")


def advice(verdict: Verdict, language: str | None, *, personal: bool, emergency: str = "") -> Advice:
    """Words for the recipient of a flagged mail.

    personal: signs show that the reader is meant (`Verdict.personal`). emergency: the number of the police where the
    reader lives (`reporting.emergency_number`), "" if unknown.
    """
    words = translator(language)
    voice = TEST if is_test(verdict) else _voice(verdict, personal)
    rules = {reason.rule for reason in verdict.reasons if reason.score > 0}
    summary = [voice.summary, *([OWN_ADDRESS] if "spoof.own_address" in rules else [])]
    return Advice(
        words.gettext(voice.headline),
        words.joined(words.gettext(text) for text in summary),
        tuple(_filled(words, text, emergency) for text in voice.do if text != PASSWORD or "claim.password" in rules),
        tuple(words.gettext(text) for text in voice.avoid),
        words.gettext(voice.comfort),
    )


def _voice(verdict: Verdict, personal: bool) -> Advice:
    voice = BY_KIND[verdict.kind or "other"]
    if not personal:
        return voice
    if verdict.kind in EMERGENCIES:
        return Advice(voice.headline, PERSONAL.summary, voice.do, PERSONAL.avoid, voice.comfort)
    return PERSONAL


def _filled(words: Translator, text: str, emergency: str) -> str:
    if text == CALL:
        return words.gettext(CALL).format(number=emergency) if emergency else words.gettext(CALL_ANY)
    return words.gettext(text)
