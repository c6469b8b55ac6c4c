"""Which mailbox provider an address is at, by its domain: those that give everybody a mailbox.

Where a company's own domain is hosted cannot be told from the domain; it is "other domains".
"""

from __future__ import annotations

OTHER = "other domains"

_BRAND = {
    "Gmail": "gmail.com googlemail.com",
    "Outlook.com": "outlook.com hotmail.com live.com msn.com passport.com windowslive.com",
    "Yahoo": "yahoo.com ymail.com rocketmail.com myyahoo.com aol.com aim.com verizon.net",
    "Yahoo Japan": "yahoo.co.jp ymail.ne.jp",
    "Apple": "icloud.com me.com mac.com privaterelay.appleid.com",
    "GMX and WEB.DE": "web.de gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.eu gmx.us gmx.co.uk gmx.fr gmx.es"
    " gmx.info",
    "mail.com": "mail.com email.com",
    "Proton": "proton.me protonmail.com protonmail.ch pm.me",
    "Fastmail": "fastmail.com fastmail.fm fastmail.net fastmail.org messagingengine.com",
    "Tuta": "tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me",
    "HEY": "hey.com",
    "Zoho": "zoho.com zohomail.com zohomail.eu zohomail.in zoho.eu",
    "Orange": "orange.fr wanadoo.fr",
    "Free": "free.fr",
    "La Poste": "laposte.net",
    "SFR": "sfr.fr neuf.fr cegetel.net club-internet.fr numericable.fr",
    "Bouygues": "bbox.fr",
    "T-Online": "t-online.de magenta.de",
    "Freenet": "freenet.de",
    "Posteo": "posteo.de posteo.net",
    "mailbox.org": "mailbox.org",
    "Bluewin": "bluewin.ch",
    "Libero": "libero.it iol.it inwind.it blu.it giallo.it",
    "TIM": "tim.it alice.it tin.it virgilio.it",
    "Tiscali": "tiscali.it",
    "Telenet": "telenet.be",
    "Proximus": "proximus.be skynet.be",
    "Ziggo": "ziggo.nl upcmail.nl home.nl",
    "KPN": "kpnmail.nl planet.nl hetnet.nl xs4all.nl",
    "WP": "wp.pl",
    "Onet": "onet.pl onet.eu op.pl vp.pl poczta.onet.pl",
    "Interia": "interia.pl interia.eu poczta.fm",
    "o2": "o2.pl tlen.pl go2.pl",
    "Seznam": "seznam.cz email.cz post.cz",
    "BT": "btinternet.com btopenworld.com",
    "Sky": "sky.com",
    "Virgin Media": "virginmedia.com ntlworld.com blueyonder.co.uk",
    "TalkTalk": "talktalk.net tiscali.co.uk",
    "Comcast": "comcast.net xfinity.com",
    "AT&T": "att.net sbcglobal.net bellsouth.net ameritech.net pacbell.net",
    "Spectrum": "charter.net spectrum.net roadrunner.com rr.com twc.com",
    "Cox": "cox.net",
    "EarthLink": "earthlink.net mindspring.com",
    "Rogers": "rogers.com",
    "Bell": "sympatico.ca bell.net",
    "Telstra": "bigpond.com bigpond.net.au",
    "UOL": "uol.com.br bol.com.br",
    "Terra": "terra.com.br",
    "Mail.ru": "mail.ru inbox.ru list.ru bk.ru internet.ru",
    "Yandex": "yandex.ru yandex.com yandex.by yandex.kz yandex.ua yandex.com.tr ya.ru",
    "Rambler": "rambler.ru",
    "ukr.net": "ukr.net",
    "QQ": "qq.com foxmail.com",
    "NetEase": "163.com 126.com yeah.net vip.163.com",
    "Sina": "sina.com sina.cn",
    "Naver": "naver.com",
    "Daum": "daum.net hanmail.net",
    "Docomo": "docomo.ne.jp",
    "au": "ezweb.ne.jp au.com",
    "SoftBank": "softbank.ne.jp i.softbank.jp",
    "Rediff": "rediffmail.com",
}

# The same brand under the domains of countries. Written out, for anybody may own such a name elsewhere.
_COUNTRIES = {
    "Outlook.com": {
        "outlook": "at be cl cz de dk es fr hu ie in it jp kr lv pt sa sk co.id co.il co.th com.ar com.au"
        " com.br com.gr com.tr com.vn ph my sg",
        "hotmail": "at be ca ch cl cz de dk es fi fr gr hu it nl no se co.id co.il co.jp co.nz co.th co.uk"
        " co.za com.ar com.au com.br com.mx com.tr",
        "live": "at be ca ch cl cn de dk fi fr ie in it jp nl no pt ru se co.uk co.za com.ar com.au com.mx"
        " com.pt com.sg",
    },
    "Yahoo": {
        "yahoo": "at be bg ca ch cl cz de dk es fi fr gr hr hu ie in it nl no pl pt ro ru se co.id co.il"
        " co.in co.kr co.nz co.th co.uk co.za com.ar com.au com.br com.cn com.co com.hk com.mx com.my"
        " com.pe com.ph com.sg com.tr com.tw com.ve com.vn",
        "aol": "at be ca de es fr it jp nl pl se co.uk com.au com.br com.mx",
    },
}

PROVIDERS = {domain: provider for provider, domains in _BRAND.items() for domain in domains.split()} | {
    f"{brand}.{country}": provider
    for provider, brands in _COUNTRIES.items()
    for brand, countries in brands.items()
    for country in countries.split()
}


def provider_of(domain: str) -> str:
    """Return the name of the provider of a mail domain (lower case, as punycode), or ``OTHER``."""
    return PROVIDERS.get(domain, OTHER)
