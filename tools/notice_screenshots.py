"""Pictures of the notice for docs/notice, made with Chromium as a mail program shows it.

    apt-get install chromium fonts-noto-cjk && pip install '.[bench]'     (Pillow makes the pictures small)
    python tools/notice_screenshots.py

To be looked at after each change of the texts, of milter/data/notice or of milter/data/reporting.yaml.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from email import message_from_bytes
from html import escape
from pathlib import Path

from PIL import Image, ImageChops

from milter.actions.rewrite import reader_of, rewrite
from milter.config import Config, Policy
from milter.content.message import read
from milter.inspector import configured_rules
from milter.model import Envelope
from milter.pipeline import inspect

ROOT = Path(__file__).parents[1]
POLICY = Policy(notice="add", subject_tag=True)
RECIPIENTS = {"de": "anna@example.de", "ja": "yuki@example.jp", "en": "anna@example.co.uk"}
COLOURS = {"light": "background:#ffffff;color:#1a1a1a", "dark": "background:#1c1c1e;color:#e8e8ea"}
WALLET = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
LETTERS = {
    "de": """Subject: Schlechte Nachrichten

Ihr Passwort lautet Sommer2019. Ich habe Ihren Rechner gehackt und Sie mit der Webcam gefilmt.

Zahlen Sie binnen 48 Stunden 950 Euro in Bitcoin an {wallet}. Sonst schicke ich das Video an alle Ihre Kontakte.
""",
    "ja": """Subject: 悪い知らせがあります

あなたのパスワードは sakura2019 です。あなたのパソコンをハッキングし、ウェブカメラであなたを録画しました。

48時間以内に、ビットコインで800ドルを {wallet} に送金してください。支払わなければ、動画をすべての連絡先に送ります。
""",
    "en": """Subject: Bad news for you

Your password is summer2019. I hacked your computer and recorded you through your webcam.

Pay me 950 dollars in bitcoin to {wallet} within 48 hours. Otherwise I send the video to all your contacts.
""",
}
PERSONAL = """Subject: Du

Du bist 15 und gehst noch zur Schule. Ich habe dich mit der Webcam gefilmt und schicke das Video an alle deine \
Kontakte, wenn du mir nicht binnen 48 Stunden 300 Euro in Bitcoin zahlst.
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its name, a mail and who gets it, and the width of the window in a scheme."""

    name: str
    raw: bytes
    recipient: str
    width: int
    scheme: str


def letter(text: str, sender: str, recipient: str) -> bytes:
    """A mail with this text."""
    fields = f"From: {sender}\nTo: {recipient}\nContent-Type: text/plain; charset=utf-8\n"
    return (fields + text.format(wallet=WALLET)).encode()


def shots() -> list[Shot]:
    """Each language on a wide light and a narrow dark screen, and a personal case."""
    found = []
    for language, recipient in RECIPIENTS.items():
        raw = letter(LETTERS[language], recipient, recipient)
        for width, scheme in ((760, "light"), (390, "dark")):
            found.append(Shot(f"{language}-{scheme}-{width}", raw, recipient, width, scheme))
    personal = letter(PERSONAL, "Leo <leo@example.net>", RECIPIENTS["de"])
    return [*found, Shot("de-personal-light-390", personal, RECIPIENTS["de"], 390, "light")]


def page(shot: Shot) -> str:
    """The changed mail as a page: subject, notice, and the text below it."""
    envelope, config = Envelope(rcpt_to=(shot.recipient,)), Config()
    verdict = inspect(read(shot.raw), envelope, rules=configured_rules(config), policy=POLICY)
    done = rewrite(shot.raw, verdict, POLICY, reader_of(verdict, POLICY, envelope, config))
    assert done is not None
    mail = message_from_bytes(done.top + done.mail)
    notice, original = mail.get_payload()
    block = notice.get_payload(1).get_payload(decode=True).decode().partition("<body")[2].partition(">")[2]
    texts = "\n".join(text.content for text in read(original.as_bytes()).texts)
    subject = read(done.top + done.mail).texts[0].content
    return (
        '<!doctype html><meta charset="utf-8"><style>body{margin:0;padding:12px 14px;font:15px/1.45 "Noto Sans",'
        f'"Noto Sans CJK JP",sans-serif;{COLOURS[shot.scheme]}}}</style><b style="font-size:18px">{escape(subject)}</b>'
        f"<br>{escape(mail['From'])}<hr>{block.partition('</body>')[0]}"
        f'<div style="white-space:pre-wrap">{escape(texts)}</div>'
    )


def take(shot: Shot, folder: Path) -> None:
    """Write the picture, without the empty ground at its end, in a palette of 64 colours."""
    (folder / "mail.html").write_text(page(shot), encoding="utf-8")
    # Chromium's own windows are at least 500 wide.
    frame = f'<body style="margin:0"><iframe src="mail.html" style="border:0;width:{shot.width}px;height:2600px">'
    (folder / "frame.html").write_text(frame, encoding="utf-8")
    picture = folder / "picture.png"
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--screenshot={picture}"]
    scheme = f"--blink-settings=preferredColorScheme={0 if shot.scheme == 'dark' else 1}"
    subprocess.run([*words, scheme, f"--window-size={shot.width},2600", str(folder / "frame.html")], check=True)
    image = Image.open(picture).convert("RGB")
    ground = Image.new("RGB", image.size, image.getpixel((1, image.height - 2)))
    box = ImageChops.difference(image, ground).getbbox()
    image = image.crop((0, 0, image.width, min(image.height, (box or image.getbbox())[3] + 14)))
    image.quantize(64).save(ROOT / "docs" / "notice" / f"{shot.name}.png", optimize=True)
    print(shot.name, image.size)


if __name__ == "__main__":
    (ROOT / "docs" / "notice").mkdir(exist_ok=True)
    for one in shots():
        with tempfile.TemporaryDirectory() as name:
            take(one, Path(name))
