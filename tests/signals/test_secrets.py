"""Passwords in excerpts are masked, ordinary words beside "password" are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milter.signals import mask_secrets
from milter.signals.secrets import MASK, find_secrets


@pytest.mark.parametrize(
    ("excerpt", "secret"),
    [
        ("your password is hunter2", "hunter2"),
        ("Your password: hunter2.", "hunter2"),
        ('your password is "s3cret"', "s3cret"),
        ("your password (hunter2) and more", "hunter2"),
        ("your password, hunter2, is mine", "hunter2"),
        ("password 'abc123'", "abc123"),
        ("hunter2 is your password", "hunter2"),
        ("I know hunter2 is one of your passwords", "hunter2"),
        ("sunshine is your password", "sunshine"),
        ("your password is sunshine.", "sunshine"),
        ("your password is sunshine. I know it.", "sunshine"),
        ("your password is sunshine and I know more", "sunshine"),
        ("your pass word is hunter2", "hunter2"),
        ("p4ssword: hunter2", "hunter2"),
        ("my password for this is Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("dein Passwort ist hunter2!", "hunter2"),
        ("Ihr Passwort lautet: Sonne", "Sonne"),
        ("Sommer ist dein Passwort", "Sommer"),
        ("Kennwort: Sommer", "Sommer"),
        ("hunter2 ist eines deiner Passwörter", "hunter2"),
        ("Mot de passe : Tournesol77", "Tournesol77"),
        ("votre mot de passe est soleil.", "soleil"),
        ("tu contraseña es girasol.", "girasol"),
        ("Se que canela1984 es una de tus contraseñas", "canela1984"),
        ("conozco su contraseña (Girasol#33)", "Girasol#33"),
        ("la tua password e pippo1971, vero", "pippo1971"),
        ("la tua chiave: pippo", "pippo"),
        ("je wachtwoord is welkom.", "welkom"),
        ("sua senha vazou: tucano12", "tucano12"),
        ("twoje hasło to kotek", "kotek"),
        ("tvoje heslo je pejsek", "pejsek"),
        ("ditt lösenord är sommar.", "sommar"),
        ("din adgangskode er sommer22", "sommer22"),
        ("ваш пароль — qwerty99", "qwerty99"),
        ("ваш пароль: солнышко", "солнышко"),
        ("Şifreniz: kedi", "kedi"),
        ("パスワードは hunter2 です", "hunter2"),
        ("あなたのパスワードはhunter2です", "hunter2"),
        ("sakura1192、これはあなたのパスワードですね", "sakura1192"),
        ("비밀번호는 hunter2 입니다", "hunter2"),
        ("비밀번호 hunter2를 알고", "hunter2"),
        ("你的密码是hunter2", "hunter2"),
        ("xiaoming1990,这是你的密码吧", "xiaoming1990"),
    ],
)
def test_a_password_is_masked(excerpt, secret):
    assert mask_secrets(excerpt) == excerpt.replace(secret, MASK)


@pytest.mark.parametrize(
    "excerpt",
    [
        "your password and the rest",
        "your password is the following",
        "your password is",
        "this is your password",
        "What is your password?",
        "your password was compromised",
        "Password reset for your account",
        "your passwords are stored in plain text",
        "your password is required to log in",
        "your password is shared with others",
        "your password will expire in 48h",
        "change your password within 24h",
        "pay 1450$ or lose your password",
        "reset your password: https://example.org/r/abc123",
        "password for anna1@example.org",
        "wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa and your password",
        "Ihr Passwort wurde geändert",
        "Ihr Passwort ist abgelaufen und muss erneuert werden",
        "das ist dein Passwort",
        "votre mot de passe est expiré",
        "voici votre mot de passe",
        "tu contraseña es muy débil",
        "esta es tu contraseña",
        "questa è la tua password",
        "twoje hasło jest słabe",
        "Din adgangskode er ikke sikker.",
        "ваш пароль украден",
        "это ваш пароль",
        "パスワードを変更してください",
        "비밀번호를 변경하십시오",
        "请修改你的密码。",
        "password-protected file",
        "I will send hunter2 to your friends",
        "",
    ],
)
def test_ordinary_words_stay(excerpt):
    assert mask_secrets(excerpt) == excerpt


@given(
    st.from_regex(r"[a-z]{3,8}[0-9]{3,4}[A-Z]", fullmatch=True),
    st.sampled_from(["your password is {}", "Passwort: {}", "{} is your password"]),
)
def test_any_mix_of_letters_and_digits_is_masked(secret, frame):
    assert secret not in mask_secrets(frame.format(secret))


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing_more(excerpt):
    once = mask_secrets(excerpt)
    assert mask_secrets(once) == once


def test_secrets_are_found_in_a_text_of_any_length():
    text = f"{'Nothing here. ' * 500}Your password is hunter2. {'More. ' * 500}\nパスワードは sakura1192 です"
    assert find_secrets(text) == {"hunter2", "sakura1192"}


def test_a_secret_far_behind_a_row_of_words_is_found():
    assert find_secrets("password password password " + "x " * 100 + "your password is s3cret!") == {"s3cret"}


def test_what_is_no_secret_is_not_found():
    assert find_secrets("Your password is safe. Reset your password here: https://example.org/x1") == frozenset()
