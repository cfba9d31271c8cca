"""How sixteen languages word a sum, a time to pay, and a demand: data, without accents and in lower case.

Words of `asking` and `giving` are beginnings of words, those of `past` whole words that make a time lie behind the reader;
units are regular expressions for whole words. Chinese, Japanese and Korean have numerals and units of their own below.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR, DAY, WEEK = 1, 24, 168


@dataclass(frozen=True, slots=True)
class Words:
    """One language. numbers: "word value …"; joiners stand inside number words ("achtundvierzig")."""

    numbers: str
    joiners: str
    hour: str
    day: str
    week: str
    asking: str
    giving: str
    past: str


WORDS = {
    "en": Words(
        "one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 fifteen 15 twenty 20 "
        "thirty 30 forty 40 fourty 40 fifty 50 sixty 60 seventy 70 eighty 80 ninety 90 hundred 100 thousand 1000",
        "and",
        "hours?|hrs?",
        "days?",
        "weeks?",
        "pay send transfer deposit want ask demand price amount sum fee cost charge need require request wire settle donat ransom",
        "within have give left deadline expire remain until till start countdown get only exactly next after ultimatum limit time in",
        "ago last past earlier old before since previous every per",
    ),
    "de": Words(
        "ein 1 eins 1 eine 1 einen 1 einem 1 einer 1 zwei 2 zwo 2 drei 3 vier 4 funf 5 fuenf 5 sechs 6 sieben 7 sieb 7 acht 8 neun 9 "
        "zehn 10 elf 11 zwolf 12 zwoelf 12 zwanzig 20 dreissig 30 vierzig 40 funfzig 50 fuenfzig 50 sechzig 60 siebzig 70 achtzig 80 "
        "neunzig 90 hundert 100 tausend 1000",
        "und",
        "stunden?|std",
        "(?:werk|arbeits|kalender)?tagen?|tages?",
        "wochen?",
        "zahl bezahl uberweis ueberweis schick send ford verlang betrag summe preis kost gebuhr transfer mochte moechte will losegeld einzahl",
        "innerhalb binnen innert haben habt hast gebe frist zeit bleib verbleib bis ablauf ablaufen nachste ultimatum genau nur ab countdown in",
        "vor seit letzten letzte vergangenen jede jeden pro alle",
    ),
    "fr": Words(
        "un 1 une 1 deux 2 trois 3 quatre 4 cinq 5 six 6 sept 7 huit 8 neuf 9 dix 10 onze 11 douze 12 quinze 15 vingt 20 trente 30 "
        "quarante 40 cinquante 50 soixante 60 quatre-vingts 80 quatre-vingt 80 cent 100 cents 100 mille 1000",
        "et",
        "heures?",
        "jours?",
        "semaines?",
        "pay vers virer virement envo transf montant somme prix frais veux veuill demand exig rancon cout regl",
        "avez as ai delai dans sous laiss dispos donn reste temps avant expire prochain compte ultimatum seulement",
        "il-y-a depuis dernier derniers dernieres derniere chaque par auparavant passe",
    ),
    "es": Words(
        "un 1 uno 1 una 1 dos 2 tres 3 cuatro 4 cinco 5 seis 6 siete 7 ocho 8 nueve 9 diez 10 once 11 doce 12 quince 15 veinte 20 "
        "veinticuatro 24 treinta 30 cuarenta 40 cincuenta 50 sesenta 60 setenta 70 ochenta 80 noventa 90 cien 100 ciento 100 "
        "doscientos 200 trescientos 300 cuatrocientos 400 quinientos 500 seiscientos 600 setecientos 700 ochocientos 800 novecientos 900 "
        "mil 1000",
        "y",
        "horas?",
        "dias?",
        "semanas?",
        "pag envi transf deposit quiero cantidad suma monto importe precio tarifa exij solicit cuest cobr ingres rescate",
        "tien plazo en dentro doy damos queda dispon tiempo antes expir vence limite proxim solo exactamente",
        "hace desde ultimos ultimas ultimo ultima cada por pasad atras",
    ),
    "it": Words(
        "un 1 uno 1 una 1 due 2 tre 3 quattro 4 cinque 5 sei 6 sette 7 otto 8 nove 9 dieci 10 undici 11 dodici 12 quindici 15 venti 20 "
        "trenta 30 quaranta 40 quarant 40 cinquanta 50 cinquant 50 sessanta 60 settanta 70 ottanta 80 novanta 90 cento 100 mille 1000 mila 1000",
        "e",
        "or[ae]",
        "giorn[oi]|gg",
        "settiman[ae]",
        "pag invi trasfer versa versare deposit voglio importo somma prezzo tariffa chied richied cost bonific riscatto",
        "ha hai avete entro tempo rest scad dando do concedo concediamo prossim solo esattamente dispo termine",
        "fa scorsi scorso scorsa ultimi ultime ultimo ogni al da",
    ),
    "nl": Words(
        "een 1 twee 2 drie 3 vier 4 vijf 5 zes 6 zeven 7 acht 8 negen 9 tien 10 elf 11 twaalf 12 vijftien 15 twintig 20 dertig 30 veertig 40 "
        "vijftig 50 zestig 60 zeventig 70 tachtig 80 negentig 90 honderd 100 duizend 1000",
        "en",
        "uur|uren",
        "(?:werk)?dag(?:en)?",
        "week|weken",
        "betaal betal stuur sturen overma stort wil bedrag som prijs kost vraag vrag eis losgeld overboek",
        "binnen heb hebt heeft geef krijg tijd deadline rest over tot termijn verloop komende slechts precies nog",
        "geleden afgelopen vorige sinds laatste elke per",
    ),
    "pt": Words(
        "um 1 uma 1 dois 2 duas 2 tres 3 quatro 4 cinco 5 seis 6 sete 7 oito 8 nove 9 dez 10 onze 11 doze 12 quinze 15 vinte 20 trinta 30 "
        "quarenta 40 cinquenta 50 sessenta 60 setenta 70 oitenta 80 noventa 90 cem 100 cento 100 duzentos 200 trezentos 300 quatrocentos 400 "
        "quinhentos 500 seiscentos 600 setecentos 700 oitocentos 800 novecentos 900 mil 1000",
        "e",
        "horas?",
        "dias?",
        "semanas?",
        "pag envi transf deposit quero valor quantia soma montante preco taxa exij pec cust resgate",
        "tem tens prazo em dentro dou damos rest dispoe dispon tempo ate antes expir proxim apenas exatamente limite",
        "ha atras ultimos ultimas ultimo faz desde cada por passad",
    ),
    "pl": Words(
        "jeden 1 jedna 1 jedno 1 jedną 1 dwa 2 dwie 2 dwoch 2 trzy 3 trzech 3 cztery 4 piec 5 pieciu 5 szesc 6 siedem 7 osiem 8 dziewiec 9 "
        "dziesiec 10 dwanascie 12 pietnascie 15 dwadziescia 20 trzydziesci 30 czterdziesci 40 piecdziesiat 50 szescdziesiat 60 "
        "siedemdziesiat 70 sto 100 dwiescie 200 trzysta 300 czterysta 400 piecset 500 szescset 600 siedemset 700 osiemset 800 dziewiecset 900 "
        "tysiac 1000 tysiace 1000 tysiecy 1000",
        "",
        r"godzin\w{0,3}|godz",
        "dni|dnia|dzien|dniach|dob[aey]?",
        "tydzien|tygodni\\w{0,3}",
        "zaplac plac wplac przel wysl prze[sś]l kwot sum cen opla zada chc okup koszt",
        "masz macie ma w ciagu daje dajemy czas termin zostal pozostal do nastepn tylko dokladnie uplyw przez",
        "temu ostatnich ostatnie ostatni od przed co na",
    ),
    "cs": Words(
        "jeden 1 jedna 1 jedno 1 jednu 1 dva 2 dve 2 dvou 2 tri 3 tri 3 ctyri 4 pet 5 peti 5 sest 6 sedm 7 osm 8 devet 9 deset 10 dvanact 12 "
        "patnact 15 dvacet 20 tricet 30 ctyricet 40 padesat 50 sedesat 60 sedmdesat 70 sto 100 ste 100 sta 100 set 100 tisic 1000 tisice 1000",
        "a",
        r"hodin\w{0,3}|hod",
        "dn[yiu]|den|dnech|dnu",
        "tyden|tydn[yuei]|tydnech",
        "zaplat plat zasl posl posil prevod prevest castk sum cen poplat chci pozad vykup uhrad",
        "mate mas do behem lhut cas davam zbyva termin konci nasledujic dalsi pouze jen presne vyprsi",
        "pred poslednich posledni od kazd lety zpet",
    ),
    "sv": Words(
        "en 1 ett 1 tva 2 tre 3 fyra 4 fem 5 sex 6 sju 7 atta 8 nio 9 tio 10 elva 11 tolv 12 femton 15 tjugo 20 trettio 30 fyrtio 40 femtio 50 "
        "sextio 60 sjuttio 70 attio 80 nittio 90 hundra 100 tusen 1000",
        "och",
        r"tim(?:mar|me|mars|mes)?",
        r"dag(?:ar|ars|s)?|dygn|arbetsdagar",
        "veck(?:a|or|ors|as)",
        "betal skick overfor satt belopp summa pris avgift vill begar krav kost losen",
        "har inom ger tid kvar frist deadline pa bara exakt innan narmaste senast efter ut",
        "sedan senaste forra sista varje per",
    ),
    "da": Words(
        "en 1 et 1 to 2 tre 3 fire 4 fem 5 seks 6 syv 7 otte 8 ni 9 ti 10 elleve 11 tolv 12 femten 15 tyve 20 tredive 30 fyrre 40 "
        "halvtreds 50 tres 60 halvfjerds 70 firs 80 halvfems 90 hundrede 100 tusind 1000 tusinde 1000",
        "og",
        "timer?|times?",
        "dag(?:e|es)?|døgn",
        "uger?",
        "betal send overfør belob beløb sum pris gebyr vil kraev kræv kost lose løse overfor",
        "har inden giver tid tilbage frist deadline pa på kun praecis præcis naeste næste udlob udløb senest fra",
        "siden seneste sidste forrige hver per",
    ),
    "ru": Words(
        "один 1 одни 1 одна 1 одну 1 два 2 две 2 двух 2 двое 2 три 3 трое 3 трех 3 четыре 4 пять 5 пяти 5 шесть 6 семь 7 восемь 8 девять 9 "
        "десять 10 двенадцать 12 пятнадцать 15 двадцать 20 тридцать 30 сорок 40 пятьдесят 50 шестьдесят 60 семьдесят 70 сто 100 двести 200 "
        "триста 300 четыреста 400 пятьсот 500 шестьсот 600 семьсот 700 восемьсот 800 девятьсот 900 тысяча 1000 тысячи 1000 тысяч 1000 тысячу 1000",
        "",
        "час(?:а|ов|ам|у)?|ч",
        "день|дня|днеи|дни|суток|сутки",
        "недел(?:я|и|ю|ь)",
        "заплат плат оплат перевод перевед перевес отправ пришл сумм цен стоимост хочу треб выкуп перечисл внес",
        "у вас есть в течение срок дам дае даю осталось остаётся времени время через за до ровно только истек",
        "назад последние последних последние прошлые каждые",
    ),
    "tr": Words(
        "bir 1 iki 2 uc 3 dort 4 bes 5 altı 6 alti 6 yedi 7 sekiz 8 dokuz 9 on 10 yirmi 20 otuz 30 kırk 40 kirk 40 elli 50 altmış 60 altmis 60 "
        "yetmis 70 yuz 100 bin 1000",
        "",
        "saat\\w{0,5}",
        "gun\\w{0,5}",
        "hafta\\w{0,4}",
        "ode gonder transfer yatir yatır havale miktar tutar fiyat ucret isti talep fidye bedel",
        "icinde sure var vakt zaman veriyor kald sadece tam kadar son once",
        "once önce gecen her son",
    ),
}

# Spelt as the text is after folding: no voicing marks on kana.
MULTIPLIERS = {
    "k": 1000, "tsd": 1000, "тыс": 1000, "tys": 1000, "tis": 1000, "mio": 1_000_000, "million": 1_000_000, "millionen": 1_000_000,
    "百": 100, "백": 100, "千": 1000, "천": 1000, "万": 10_000, "萬": 10_000, "만": 10_000, "億": 10**8, "亿": 10**8, "억": 10**8,
}  # fmt: skip

CJK_DIGITS = {**{c: i for i, c in enumerate("〇一二三四五六七八九")}, "两": 2, "兩": 2, "零": 0,
              "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9}  # fmt: skip
CJK_SCALES = {"十": 10, "십": 10, "百": 100, "백": 100, "千": 1000, "천": 1000, "万": 10_000, "萬": 10_000, "만": 10_000}

# Unit → hours; a number stands before it. 日 and 일 are also days of the month, so a word of duration must follow.
CJK_UNITS = {
    r"個?时|小时|小時|时间|時間|钟头|鐘頭|시간": HOUR,
    r"天|日(?=以?内|間|间|の間|のうち|中に|の猶予|の期限|後|后|之内)|일(?=\s*(?:이내|안|내|간|동안|의|후|뒤))": DAY,
    r"週間|周|星期|주(?=\s*(?:이내|안|내|간|동안|의|후|일))|주일": WEEK,
}
CJK_WHOLE = {"하루": 24, "이틀": 48, "사흘": 72, "나흘": 96, "닷새": 120, "일주일": 168, "丸一日": 24, "丸二日": 48}
CJK_ASKING = "支払 払 送金 振込 要求 金額 代金 転送 入金 支付 付款 转账 轉賬 汇款 匯款 转 金额 价格 发送 赎金 贖金 지불 송금 입금 보내 금액 요구 결제 이체 가격"
CJK_GIVING = "以内 猶予 与え 期限 内に あります 残 後 以內 之内 时间 時間 给你 給你 期限 有 还有 剩 内 안에 이내 시간을 드리 있습니다 남 기한 까지 주겠 제한"
CJK_PAST = "前 以前 過去 ここ 过去 最近 每 毎 전 전에 지난 최근 매"
