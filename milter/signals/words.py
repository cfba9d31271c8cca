"""How sixteen languages word a time to pay, a demand, and numbers: data, in lower case and without accents.

A word of `asking` and `giving` is the beginning of a word, or a whole one if it has at most three letters. `before` and
`after` are whole words beside a time that lies behind the reader ("vor 3 Tagen", "3 days ago"). Chinese, Japanese and
Korean write without blanks; their words stand below.
"""

from __future__ import annotations

from dataclasses import dataclass

HOUR, DAY, WEEK = 1, 24, 168


@dataclass(frozen=True, slots=True)
class Words:
    """One language. numbers: "word value word value …"; joiner stands inside number words ("achtundvierzig")."""

    numbers: str
    joiner: str
    hours: str
    days: str
    weeks: str
    asking: str
    giving: str
    before: str
    after: str


WORDS = {
    "en": Words(
        "one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 fifteen 15 "
        "twenty 20 "
        "thirty 30 forty 40 fourty 40 fifty 50 sixty 60 seventy 70 eighty 80 ninety 90 hundred 100 thousand 1000",
        "and",
        "hour hours hr hrs",
        "day days",
        "week weeks",
        "pay paid send transfer deposit want ask demand price amount sum fee cost charg need requir request "
        "wire settl "
        "donat ransom bitcoin",
        "within have give left deadline expir remain until till start countdown only exactly next after ultimatum "
        "limit dispos in",
        "last past previous every each per",
        "ago earlier old before later",
    ),
    "de": Words(
        "ein 1 eins 1 eine 1 einen 1 einem 1 einer 1 zwei 2 zwo 2 drei 3 vier 4 funf 5 fuenf 5 sechs 6 sieben 7 "
        "sieb 7 "
        "acht 8 neun 9 zehn 10 elf 11 zwolf 12 zwoelf 12 zwanzig 20 dreissig 30 vierzig 40 funfzig 50 fuenfzig 50 "
        "sechzig 60 siebzig 70 achtzig 80 neunzig 90 hundert 100 tausend 1000",
        "und",
        "stunde stunden std stundige stundigen stundiges stundenfrist",
        "tag tage tagen werktage werktagen arbeitstage arbeitstagen kalendertage kalendertagen",
        "woche wochen",
        "zahl bezahl uberweis ueberweis schick send ford verlang betrag summe preis kost gebuhr transfer mochte "
        "moechte "
        "will losegeld einzahl",
        "innerhalb binnen innert haben habt hast gebe frist zeit bleib verbleib bis ablauf ablaufen nachste "
        "ultimatum genau "
        "nur ab countdown in",
        "vor seit letzten letzte vergangenen jede jeden pro alle",
        "alt lang her",
    ),
    "fr": Words(
        "un 1 une 1 deux 2 trois 3 quatre 4 cinq 5 six 6 sept 7 huit 8 neuf 9 dix 10 onze 11 douze 12 quinze 15 "
        "vingt 20 "
        "trente 30 quarante 40 cinquante 50 soixante 60 quatre-vingts 80 quatre-vingt 80 cent 100 cents 100 mille "
        "1000",
        "et",
        "heure heures",
        "jour jours",
        "semaine semaines",
        "pay vers virer virement envo transf montant somme prix frais veux veuill demand exig rancon cout regl",
        "avez delai dans sous laiss dispos donn reste temps avant expir prochain compte ultimatum seulement",
        "a depuis dernier derniers dernieres derniere chaque par tous",
        "auparavant plus",
    ),
    "es": Words(
        "un 1 uno 1 una 1 dos 2 tres 3 cuatro 4 cinco 5 seis 6 siete 7 ocho 8 nueve 9 diez 10 once 11 doce 12 "
        "quince 15 "
        "veinte 20 veinticuatro 24 treinta 30 cuarenta 40 cincuenta 50 sesenta 60 setenta 70 ochenta 80 noventa 90 "
        "cien 100 ciento 100 doscientos 200 trescientos 300 cuatrocientos 400 quinientos 500 seiscientos 600 "
        "setecientos 700 ochocientos 800 novecientos 900 mil 1000",
        "y",
        "hora horas",
        "dia dias",
        "semana semanas",
        "pag envi transf deposit quiero cantidad suma monto importe precio tarifa exij solicit cuest cobr ingres "
        "rescate",
        "tien plazo dentro doy damos queda dispon tiempo antes expir venc limite proxim solo exactamente en",
        "hace desde ultimos ultimas ultimo ultima cada por",
        "atras pasados pasadas antes",
    ),
    "it": Words(
        "un 1 uno 1 una 1 due 2 tre 3 quattro 4 cinque 5 sei 6 sette 7 otto 8 nove 9 dieci 10 undici 11 dodici 12 "
        "quindici 15 venti 20 trenta 30 quaranta 40 quarant 40 cinquanta 50 cinquant 50 sessanta 60 settanta 70 "
        "ottanta 80 novanta 90 cento 100 mille 1000 mila 1000",
        "e",
        "ora ore",
        "giorno giorni gg",
        "settimana settimane",
        "pag invi trasfer versa deposit voglio importo somma prezzo tariffa chied richied cost bonific riscatto",
        "hai avete entro tempo rest scad dando concedo concediamo prossim solo esattamente termine ha",
        "da scorsi ultimi ultime ultimo ogni",
        "fa scorsi prima",
    ),
    "nl": Words(
        "een 1 twee 2 drie 3 vier 4 vijf 5 zes 6 zeven 7 acht 8 negen 9 tien 10 elf 11 twaalf 12 vijftien 15 "
        "twintig 20 "
        "dertig 30 veertig 40 vijftig 50 zestig 60 zeventig 70 tachtig 80 negentig 90 honderd 100 duizend 1000",
        "en",
        "uur uren",
        "dag dagen werkdagen",
        "week weken",
        "betaal betal stuur sturen overma stort wil bedrag som prijs kost vraag vrag eis losgeld overboek",
        "binnen hebt heeft geef krijg tijd deadline rest over tot termijn verloop komende slechts precies nog",
        "afgelopen vorige sinds laatste elke per",
        "geleden oud",
    ),
    "pt": Words(
        "um 1 uma 1 dois 2 duas 2 tres 3 quatro 4 cinco 5 seis 6 sete 7 oito 8 nove 9 dez 10 onze 11 doze 12 "
        "quinze 15 "
        "vinte 20 trinta 30 quarenta 40 cinquenta 50 sessenta 60 setenta 70 oitenta 80 noventa 90 cem 100 cento 100 "
        "duzentos 200 trezentos 300 quatrocentos 400 quinhentos 500 seiscentos 600 setecentos 700 oitocentos 800 "
        "novecentos 900 mil 1000",
        "e",
        "hora horas",
        "dia dias",
        "semana semanas",
        "pag envi transf deposit quero valor quantia soma montante preco taxa exij pec cust resgate",
        "tem tens prazo dentro dou damos rest dispoe dispon tempo ate antes expir proxim apenas exatamente limite em",
        "ha ultimos ultimas ultimo faz desde cada por",
        "atras passados antes",
    ),
    "pl": Words(
        "jeden 1 jedna 1 jedno 1 jednej 1 dwa 2 dwie 2 dwoch 2 trzy 3 trzech 3 cztery 4 piec 5 pieciu 5 szesc 6 "
        "siedem 7 "
        "osiem 8 dziewiec 9 dziesiec 10 dwanascie 12 pietnascie 15 dwadziescia 20 trzydziesci 30 czterdziesci 40 "
        "piecdziesiat 50 szescdziesiat 60 siedemdziesiat 70 sto 100 dwiescie 200 trzysta 300 czterysta 400 "
        "piecset 500 "
        "szescset 600 siedemset 700 osiemset 800 dziewiecset 900 tysiac 1000 tysiace 1000 tysiecy 1000",
        "",
        "godzin godziny godzina godzine godzinie godzinach godzinny godz",
        "dni dnia dzien dniach doba dobe doby dob",
        "tydzien tygodnie tygodni tygodnia tygodniu",
        "zaplac plac wplac przel wysl przesl kwot sum cen opla zada chc okup koszt",
        "masz macie ma ciagu daje dajemy czas termin zostal pozostal do nastepn tylko dokladnie uplyw",
        "ostatnich ostatnie ostatni od przed co przez",
        "temu",
    ),
    "cs": Words(
        "jeden 1 jedna 1 jedno 1 jednu 1 dva 2 dve 2 dvou 2 tri 3 ctyri 4 pet 5 peti 5 sest 6 sedm 7 osm 8 devet 9 "
        "deset 10 dvanact 12 patnact 15 dvacet 20 tricet 30 ctyricet 40 padesat 50 sedesat 60 sedmdesat 70 sto 100 "
        "ste 100 sta 100 set 100 tisic 1000 tisice 1000",
        "a",
        "hodin hodiny hodina hodinu hodinach hod",
        "dny dni dnu dnech",
        "tyden tydny tydnu tydne tydnech",
        "zaplat plat zasl posl posil prevod prevest castk sum cen poplat chci pozad vykup uhrad",
        "mate mas do behem lhut cas davam zbyva termin konci nasledujic dalsi pouze jen presne vyprsi",
        "pred poslednich posledni od kazdych",
        "zpet zpatky",
    ),
    "sv": Words(
        "en 1 ett 1 tva 2 tre 3 fyra 4 fem 5 sex 6 sju 7 atta 8 nio 9 tio 10 elva 11 tolv 12 femton 15 tjugo 20 "
        "trettio 30 fyrtio 40 femtio 50 sextio 60 sjuttio 70 attio 80 nittio 90 hundra 100 tusen 1000",
        "och",
        "timme timmar timmars timmes tim",
        "dag dagar dagars dygn arbetsdagar",
        "vecka veckor veckors",
        "betal skick overfor satt belopp summa pris avgift vill begar krav kost losen",
        "har inom ger tid kvar frist deadline bara exakt innan narmaste senast efter pa",
        "senaste sista varje per",
        "sedan gammal",
    ),
    "da": Words(
        "en 1 et 1 to 2 tre 3 fire 4 fem 5 seks 6 syv 7 otte 8 ni 9 ti 10 elleve 11 tolv 12 femten 15 tyve 20 "
        "tredive 30 "
        "fyrre 40 halvtreds 50 tres 60 halvfjerds 70 firs 80 halvfems 90 hundrede 100 tusind 1000 tusinde 1000",
        "og",
        "timer timers",
        "dag dage dages dogn",
        "uge uger",
        "betal send overfor belob sum pris gebyr vil kraev kost losesum",
        "har inden giver tid tilbage frist deadline kun praecis naeste udlob senest fra pa",
        "seneste sidste hver per",
        "siden gammel",
    ),
    "ru": Words(
        "один 1 одни 1 одна 1 одну 1 два 2 две 2 двух 2 двое 2 три 3 трое 3 трех 3 четыре 4 пять 5 пяти 5 шесть 6 "
        "семь 7 "
        "восемь 8 девять 9 десять 10 двенадцать 12 пятнадцать 15 двадцать 20 тридцать 30 сорок 40 пятьдесят 50 "
        "шестьдесят 60 семьдесят 70 сто 100 двести 200 триста 300 четыреста 400 пятьсот 500 шестьсот 600 семьсот 700 "
        "восемьсот 800 девятьсот 900 тысяча 1000 тысячи 1000 тысяч 1000 тысячу 1000",
        "",
        "час часа часов часам часу ч",
        "день дня дней дни суток сутки",
        "неделя недели неделю недель",
        "заплат плат оплат перевод перевед перевес отправ пришл сумм цен стоимост хочу треб выкуп перечисл внес",
        "есть течение срок дам даю дает осталось остается времени время через за до ровно только истек у",
        "последние последних прошлые каждые",
        "назад",
    ),
    "tr": Words(
        "bir 1 iki 2 uc 3 dort 4 bes 5 alti 6 yedi 7 sekiz 8 dokuz 9 on 10 yirmi 20 otuz 30 kirk 40 elli 50 "
        "altmis 60 yetmis 70 yuz 100 bin 1000",
        "",
        "saat saati saatin saatiniz saatlik saatten saate",
        "gun gunu gunun gununuz gunluk gunden gune",
        "hafta haftaniz haftalik haftaya",
        "ode gonder transfer yatir havale miktar tutar fiyat ucret isti talep fidye bedel",
        "icinde sure var vakt zaman veriyor kald sadece tam kadar",
        "son gecen her",
        "once evvel oldu boyunca",
    ),
}

# Units that mean one of themselves where no number stands before them: "у вас сутки".
BARE = frozenset({"сутки", "неделю", "dobe", "tydzien", "tyden"})

# "two thousand", "5k", "3 mil", "10万": words between a number and its currency, with their factors.
MULTIPLIERS = {
    1000: "k thousand tsd tausend mille mila mil duizend tys tysiac tysiace tysiecy tis tisic tisice tusen tusind "
    "tusinde bin тыс тысяча тысячи тысяч тысячу 千 천",
    100: "百 백",
    10_000: "万 萬 만",
    10**6: "million millions millionen millones milioni mio миллион миллиона миллионов milyon",
    10**8: "億 亿 억",
}

CJK_DIGITS = {
    **dict(zip("〇一二三四五六七八九", range(10), strict=True)),
    **dict(zip("영일이삼사오육칠팔구", range(10), strict=True)),
    "零": 0,
    "两": 2,
    "兩": 2,
}
CJK_SCALES = dict(zip("十십百백千천万萬만", (10, 10, 100, 100, 1000, 1000, 10_000, 10_000, 10_000), strict=True))

# A number stands before these. 日 and 일 are also days of the month, so a word of duration must follow them.
CJK_HOUR = "小时|小時|时间|時間|钟头|鐘頭|시간"
CJK_DAY = "天|日(?=以?内|以?內|間|间|の|のうち|中に|後|后|之内)|일(?= ?(?:이내|안|내|간|동안|의|후|뒤))"
CJK_WEEK = "週間|周|星期|주일?(?= ?(?:이내|안|내|간|동안|의|후|뒤))"
CJK_SPANS = {"하루": 24, "이틀": 48, "사흘": 72, "나흘": 96, "닷새": 120, "일주일": 168}
CJK_ASKING = (
    "支払 払 送金 振込 振り込 要求 金額 代金 転送 入金 支付 付款 转账 轉賬 汇款 匯款 转 金额 价格 发送 赎金 贖金 "
    "지불 송금 입금 보내 금액 요구 결제 이체 가격"
)
CJK_GIVING = (
    "以内 猶予 与え 期限 内に あります 残 之内 给你 給你 你有 还有 剩 内 时间 時間 안에 이내 시간을 드리 있습니다 "
    "남 기한 까지 주겠 제한"
)
CJK_BEFORE = "過去 过去 最近 每 毎 지난 최근 매"
CJK_AFTER = "前 以前 전"
