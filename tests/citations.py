"""What people write around a blackmail mail that they cite, in each language, and footers that pretend to."""

# ruff: noqa: E501  a sentence a line

from __future__ import annotations

# A police, bank or help desk that warns: what stands above the cited letter, and below it.
ADVICE = {
    "cs": ("policie varuje před vyděračskými e-maily, které teď dostává mnoho lidí. Pachatelé v nich tvrdí, že mají video:",
           "Jde o podvod. Neplaťte, na e-mail nereagujte a oznamte ho policii. Pokud je v něm vaše heslo, změňte si ho."),
    "da": ("politiet advarer mod afpresningsmails, som mange borgere får lige nu. Afsenderen påstår at have en video:",
           "Det er svindel. Du skal ikke betale og ikke svare. Anmeld mailen til politiet, og skift dit kodeord."),
    "de": ("die Polizei warnt vor Erpressermails, die zurzeit viele Menschen erhalten. Die Täter behaupten darin, ein Video zu haben:",
           "Das ist eine bekannte Betrugsmasche. Bitte zahlen Sie nicht und antworten Sie nicht. Erstatten Sie Anzeige bei der Polizei und ändern Sie Ihr Passwort."),
    "en": ("the police warn of blackmail mails that many residents receive at present. The scammers claim to have a video:",
           "This is a well-known scam. Do not pay and do not answer, report the mail to the police. Change your password wherever you still use it."),
    "es": ("la policía advierte de correos de chantaje que reciben muchos vecinos. Los delincuentes dicen tener un vídeo de la víctima:",
           "Es una estafa masiva. No pague ni conteste, denuncie el correo ante la policía y cambie la contraseña si todavía la usa."),
    "fr": ("la police met en garde contre des courriels de chantage que beaucoup d'habitants reçoivent. Les escrocs prétendent avoir une vidéo de la victime :",
           "Il s'agit d'une escroquerie. Ne payez pas, ne répondez pas, signalez le message à la police et changez votre mot de passe."),
    "it": ("la polizia segnala una nuova ondata di e-mail di ricatto. I truffatori sostengono di avere un video della vittima:",
           "Si tratta di una truffa. Non pagate e non rispondete, segnalate l'e-mail alla polizia e cambiate la password."),
    "ja": ("警察は、多くの方に届いている脅迫メールについて注意を呼びかけています。犯人は動画を持っていると主張します。",
           "これは詐欺です。お金を支払わず、返信もせず、警察に相談してください。パスワードは変更してください。"),
    "ko": ("경찰은 최근 불특정 다수에게 발송되는 협박 메일에 주의하라고 당부했습니다. 범인은 영상을 가지고 있다고 주장합니다.",
           "이는 사기입니다. 절대 돈을 보내거나 답장하지 마시고 경찰에 신고하시기 바랍니다. 비밀번호는 바로 변경하십시오."),
    "nl": ("de politie waarschuwt voor afpersmails die veel mensen nu ontvangen. De oplichters beweren dat zij een video hebben:",
           "Het is oplichting. Betaal niet en reageer niet. Meld de mail bij de politie en verander uw wachtwoord."),
    "pl": ("policja ostrzega przed mailami z szantażem, które otrzymuje teraz wiele osób. Przestępcy twierdzą w nich, że mają nagranie:",
           "To oszustwo. Nie należy płacić ani odpowiadać. Prosimy zgłosić wiadomość na policję i zmienić hasło."),
    "pt": ("a polícia alerta para mensagens de extorsão que muitas pessoas estão a receber. Os criminosos afirmam ter um vídeo da vítima:",
           "Trata-se de uma burla. Não pague nem responda, apresente queixa às autoridades e altere a palavra-passe."),
    "ru": ("полиция предупреждает о письмах с шантажом, которые сейчас получают многие. Мошенники утверждают, что у них есть видео:",
           "Это мошенничество. Не платите и не отвечайте, сообщите о письме в полицию и смените пароль."),
    "sv": ("polisen varnar för utpressningsmejl som många får just nu. Bedragarna påstår sig ha en film på mottagaren:",
           "Det är ett bluffmejl. Betala inte och svara inte. Gör en polisanmälan och byt ditt lösenord."),
    "tr": ("polis, son günlerde pek çok kişiye gelen şantaj e-postalarına karşı uyarıyor. Dolandırıcılar ellerinde görüntü olduğunu iddia ediyor:",
           "Bu bir dolandırıcılıktır. Ödeme yapmayın, cevap vermeyin, e-postayı polise ihbar edin ve şifrenizi değiştirin."),
    "zh": ("警方提醒市民谨防近期收到的敲诈邮件。骗子声称手中有视频:",
           "此类邮件是诈骗。请不要汇款,不要回复,保留证据并报警,同时修改密码。"),
}  # fmt: skip
# A frightened reader who asks the help desk.
VICTIM = {
    "cs": "dobrý den, dnes ráno jsem dostala tento e-mail. Je to pravda, nebo je to podvod? Nic jsem neplatila. Co mám dělat?",
    "da": "hej support, jeg har fået denne mail i morges. Er det ægte, eller er det svindel? Jeg har ikke betalt. Hvad skal jeg gøre?",
    "de": "hallo Helpdesk, diese Mail habe ich heute früh bekommen und habe ein bisschen Angst. Ist das echt oder Betrug? Ich habe nichts bezahlt. Was soll ich tun?",
    "en": "hello help desk, I received the mail below this morning and I am a bit scared. Is this real or a scam? I have not paid anything. What should I do?",
    "es": "hola, compañeros, me ha llegado este correo y estoy asustada. ¿Es de verdad o es una estafa? No he pagado nada. ¿Qué debo hacer?",
    "fr": "bonjour le support, j'ai reçu ce message ce matin. Est-ce que c'est vrai ou une arnaque ? Je n'ai rien payé. Que dois-je faire ?",
    "it": "ciao, mi è arrivata questa mail stamattina. È vera o è una truffa? Non ho pagato niente. Che cosa devo fare?",
    "ja": "お疲れさまです。今朝、以下のメールが届きました。これは本物でしょうか、それとも詐欺でしょうか。支払いはしていません。どうすればよいでしょうか。",
    "ko": "안녕하세요. 오늘 아침 아래와 같은 메일을 받았습니다. 진짜인가요, 아니면 사기인가요? 돈은 보내지 않았습니다. 어떻게 해야 하나요?",
    "nl": "hallo helpdesk, deze mail kreeg ik vanmorgen en ik ben een beetje geschrokken. Is dit echt of is het oplichting? Ik heb niets betaald. Wat moet ik doen?",
    "pl": "dzień dobry, dostałam dziś rano taką wiadomość. Czy to prawda, czy oszustwo? Nic nie zapłaciłam. Co mam zrobić?",
    "pt": "bom dia, recebi este e-mail hoje de manhã e fiquei assustada. É verdade ou é golpe? Não paguei nada. O que devo fazer?",
    "ru": "добрый день, сегодня утром мне пришло такое письмо. Это правда или мошенничество? Я ничего не платила. Что мне делать?",
    "sv": "hej, jag fick det här mejlet i morse och blev orolig. Är det på riktigt eller är det bluff? Jag har inte betalat något. Vad ska jag göra?",
    "tr": "merhaba, bu sabah bana aşağıdaki e-posta geldi. Bu gerçek mi, yoksa dolandırıcılık mı? Hiç ödeme yapmadım. Ne yapmalıyım?",
    "zh": "您好,我今天早上收到了下面这封邮件,有点害怕。这是真的还是诈骗?我没有付款。我该怎么办?",
}  # fmt: skip
# An administrator who reports the sender to another one.
REPORT = {
    "cs": "dobrý den, z vašeho serveru byl našim uživatelům rozeslán vyděračský e-mail. Celou zprávu s hlavičkami přikládáme. Prosíme o zablokování odesílatele.",
    "da": "hej abuse, fra jeres server er der sendt afpresningsmails til vores brugere. Hele mailen med headere er vedhæftet. Vi beder jer spærre afsenderen.",
    "de": "sehr geehrtes Abuse-Team, von Ihrem Server werden Erpressermails an unsere Kunden verschickt. Die vollständige Mail mit Kopfzeilen finden Sie im Anhang. Bitte sperren Sie den Absender.",
    "en": "dear abuse team, one of our customers received the attached extortion mail from your server. The complete mail with all headers is attached. Please look into this and block the sender.",
    "es": "estimado equipo de abuso: desde su servidor se han enviado correos de extorsión a nuestros usuarios. Adjuntamos el mensaje completo con cabeceras. Les rogamos que bloqueen al remitente.",
    "fr": "bonjour, des courriels d'extorsion sont envoyés à nos utilisateurs depuis votre serveur. Le message complet avec ses en-têtes est joint. Merci de bloquer l'expéditeur.",
    "it": "gentile abuse desk, dal vostro server vengono inviate e-mail di estorsione ai nostri utenti. Alleghiamo il messaggio completo con le intestazioni. Vi preghiamo di bloccare il mittente.",
    "ja": "ご担当者様。貴社のサーバーから、当社の利用者あてに脅迫メールが送信されています。ヘッダーを含む全文を添付しますので、送信元の停止をお願いいたします。",
    "ko": "담당자 귀하. 귀사의 서버에서 저희 사용자들에게 협박성 메일이 발송되고 있습니다. 헤더를 포함한 전문을 첨부하니 발송자를 차단해 주시기 바랍니다.",
    "nl": "beste abuse-afdeling, vanaf uw server worden afpersmails naar onze klanten gestuurd. Het volledige bericht met kopregels is bijgevoegd. Wilt u de afzender blokkeren?",
    "pl": "szanowni Państwo, z Państwa serwera wysyłane są do naszych użytkowników maile z szantażem. Pełna wiadomość z nagłówkami w załączniku. Prosimy o zablokowanie nadawcy.",
    "pt": "prezada equipe de abuso, do vosso servidor são enviados e-mails de extorsão aos nossos utilizadores. Segue em anexo a mensagem completa com cabeçalhos. Pedimos o bloqueio do remetente.",
    "ru": "здравствуйте, с вашего сервера нашим пользователям рассылаются письма с вымогательством. Полный текст с заголовками во вложении. Прошу заблокировать отправителя.",
    "sv": "hej abuse, från er server skickas utpressningsmejl till våra användare. Hela mejlet med alla rubriker är bifogat. Vi ber er spärra avsändaren.",
    "tr": "sayın yetkili, sunucunuzdan kullanıcılarımıza şantaj e-postaları gönderilmektedir. Üstbilgilerle birlikte tam metin ektedir. Göndereni kapatmanızı rica ederiz.",
    "zh": "您好,贵方服务器正在向我方用户发送敲诈勒索邮件。附上包含邮件头的完整原文,请停用发件账号。",
}  # fmt: skip
# Marks of citation that each language puts around a passage.
MARKS = {"cs": "„“", "de": "„“", "pl": "„”", "fr": "«»", "ru": "«»", "ja": "「」", "zh": "“”", "ko": "“”", "tr": "“”"}
NEWSLETTER = """
--
You receive this newsletter because you subscribed to it. To unsubscribe, follow https://news.example/unsubscribe
Example Publishers, 1 Main Street. This message is confidential and intended for the addressee only.
"""
LIST_FOOTER = """
_______________________________________________
talk mailing list
talk@lists.example.org
https://lists.example.org/listinfo/talk
"""
PROSE = """The choir meets again on Thursday at seven in the hall behind the library. We shall go through the second half of
the programme, and those who missed the last evening can find the notes on the shelf by the door. Please bring a
pencil. Tea and cake are welcome, and somebody should see to the heating before we begin.

"""
