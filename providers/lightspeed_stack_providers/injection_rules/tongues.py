"""Orders in other languages by their parts: verbs, whose the rules are, and the rules.

Words are stems in the plain form of `spelling`.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import Rule, either, rule


def _drop(verbs: str, own: str, rules: str) -> Rule:
    """Orders to set rules aside: stems of verbs, what says whose the rules are, stems of rules."""
    pattern = (
        rf"\b{either(verbs)}\w{{0,4}}\b(?! ich\b| man\b)(?=.{{0,60}}?\b{either(own)})"
        rf".{{0,60}}?\b{either(rules)}"
    )
    return rule(pattern, verbs, own, rules)


def _show(verbs: str, own: str, prompts: str) -> Rule:
    """Questions for what the assistant was told."""
    return rule(
        rf"\b{either(verbs)}\w{{0,4}}\b.{{0,30}}?\b{either(own)}\w{{0,3}} .{{0,24}}?\b{either(prompts)}",
        verbs,
        own,
        prompts,
    )


def _free(verbs: str, without: str, norms: str) -> Rule:
    """Orders to answer without rules."""
    return rule(
        rf"\b{either(verbs)}\w{{0,5}}\b.{{0,40}}?\b{either(without)} (?:\w{{1,12}} ){{0,2}}{either(norms)}",
        verbs,
        without,
        norms,
    )


BY_PARTS: Final = (
    _drop(
        "ignorier;vergiss;vergesst;vergessen;missacht;ubergeh;umgeh;verwirf;losch;uberschreib;verwerf",
        "dein;eur;ihr;alle;samtliche;bisherig;vorherig;vorig;obig;fruher;ursprunglich;gegeben",
        "anweisung;instruktion;vorgabe;richtlinie;systemprompt;prompt;regel;befehl;einschrankung",
    ),
    _show(
        "zeig;gib;nenn;verrat;druck;schreib;wiederhol;ubersetz;offenbar;liste;wie laute;was ist;was sind;"
        "sag;teil;fasse",
        "dein;ihr;eur;den;die",
        "systemprompt;system-prompt;system prompt;systemnachricht;systemanweisung;anfangsanweisung;"
        "geheime anweisung;geheimen anweisung;internen anweisung;versteckten anweisung;"
        "ursprunglichen anweisung;anweisungen;instruktionen",
    ),
    rule(
        r"\b(?:text|alles|worte|nachricht|was)\b.{0,20}\b(?:uber|oberhalb|vor) (?:dieser|diesem|meiner|meinem) "
        r"(?:nachricht|frage|zeile|eingabe|satz|text|anfrage)",
        "text;alles;worte;nachricht;was",
        "uber;oberhalb;vor ",
    ),
    _free(
        "du;antwort;sprich;ki;assistent;handel;agier;rede",
        "ohne",
        "regel;einschrankung;filter;zensur;grenze;beschrankung;tabu;moral",
    ),
    rule(r"\bab (?:jetzt|sofort|nun),? (?:bist|antworte|wirst|musst|darfst|gehorch|sei)", "ab "),
    _drop(
        "ignor;oubli;neglig;desobei;contourn;annul;fais abstraction;ne tiens;ne tenez;passe outre",
        "tes;vos;toutes;tous;precedent;anterieur;ci-dessus;systeme;initial;recu",
        "instruction;consigne;directive;regle;restriction;prompt;ordre",
    ),
    _show(
        "affich;montr;revel;donn;repet;ecri;imprim;tradui;dis;partag;communiqu;quelles sont;quel est;resum",
        "tes;ton;vos;votre;le;les",
        "prompt;instructions cache;instructions secret;instructions init;instructions syst;"
        "instructions intern;instructions compl;instructions ori;message systeme;invite systeme;consignes",
    ),
    _free(
        "tu;repon;agi;ia;assistant;parle",
        "sans",
        "limite;regle;restriction;filtre;censure;contrainte",
    ),
    rule(
        r"\b(?:a partir de maintenant|desormais|dorenavant),? (?:tu|vous|repond|agi|ignor|obei)",
        "a partir de maintenant;desormais;dorenavant",
    ),
    _drop(
        "ignor;olvid;omit;descart;desobedec;pasa por alto;no sigas;no hagas caso;haz caso omiso;anul;borr",
        "tus;sus;todas;todo;anterior;previ;arriba;sistema;inicial;original;dadas",
        "instruccion;regla;norma;orden;directriz;directrices;restriccion;prompt;indicacion",
    ),
    _show(
        "muestr;revel;imprim;dime;ensen;repit;escrib;traduc;da;cual es;cuales son;resum;comparte;mostra",
        "tu;tus;su;sus;el;los;las",
        "prompt;mensaje de sistema;mensaje del sistema;instrucciones del sistema;instrucciones de sistema;"
        "instrucciones ocult;instrucciones secret;instrucciones inicial;instrucciones intern;"
        "instrucciones original",
    ),
    rule(
        r"\b(?:muestra|revela|dime|repite|imprime)\w{0,4} (?:todas )?tus (?:instrucciones|reglas|directrices)",
        "muestra;revela;dime;repite;imprime",
    ),
    _free(
        "actua;responde;eres;habla;ia;asistente;contesta",
        "sin",
        "restriccion;regla;limite;filtro;censura;norma",
    ),
    rule(
        r"\ba partir de ahora,? (?:eres|responde|actua|debes|ignora|obedece|no )",
        "a partir de ahora",
    ),
    _drop(
        "ignor;dimentic;trascur;scart;disobbed;non seguire;annull;cancell;tralasci",
        "tue;tuoi;tutte;tutto;precedent;sopra;sistema;inizial;le regole;le istruzioni",
        "istruzion;regol;direttiv;prompt;restrizion;ordin;indicazion",
    ),
    _show(
        "mostr;rivel;stamp;dimmi;ripet;scriv;traduc;qual e;quali sono;riassum;dammi",
        "tuo;tue;tuoi;il;le;i",
        "prompt;messaggio di sistema;istruzioni di sistema;istruzioni nascost;istruzioni segret;"
        "istruzioni inizial;istruzioni intern",
    ),
    rule(
        r"\b(?:mostra|rivela|dimmi|ripeti|stampa)\w{0,4} (?:tutte )?le tue (?:istruzioni|regole)",
        "mostra;rivela;dimmi;ripeti;stampa",
    ),
    _free("rispond;agisc;sei;parla;ia;assistente", "senza", "limit;regol;restrizion;filtr;censur"),
    _drop(
        "ignor;esquec;desconsider;descart;desobedec;nao siga;anul;apag;desrespeit",
        "suas;seus;tuas;todas;todos;tudo;anterior;acima;sistema;inicia;previ",
        "instruc;regra;diretriz;ordem;ordens;restric;prompt;comando;orientac;foi dito",
    ),
    _show(
        "mostr;revel;imprim;diga;repit;escrev;traduz;qual e;quais sao;exib;compartilh;liste",
        "seu;sua;suas;teu;tua;tuas;o;as",
        "prompt;mensagem do sistema;mensagem de sistema;instrucoes do sistema;instrucoes ocult;"
        "instrucoes secret;instrucoes inicia;instrucoes intern",
    ),
    rule(
        r"\b(?:mostre|revele|diga|repita|imprima|mostra)\w{0,3} (?:as |todas as )?(?:suas|tuas) (?:instrucoes|regras)",
        "mostre;revele;diga;repita;imprima;mostra",
    ),
    _free("respond;aja;voce;fale;ia;assistente;atue", "sem", "restric;limite;regra;filtro;censura"),
    _drop(
        "negeer;vergeet;sla;omzeil;verwerp;wis",
        "je;jouw;uw;alle;vorige;eerdere;bovenstaande;voorgaande;gegeven",
        "instructie;regels;richtlijn;opdracht;prompt;beperking;voorschrift",
    ),
    _show(
        "toon;geef;onthul;print;herhaal;vertel;schrijf;wat is;wat zijn;laat",
        "je;jouw;uw;de",
        "systeemprompt;systeembericht;systeeminstructie;verborgen instructie;geheime instructie;"
        "instructies;prompt",
    ),
    _drop(
        "zignoruj;zapomnij;pomin;odrzuc;zlekcewaz;porzuc",
        "wszystk;poprzedni;swoj;swoich;twoj;powyzsz;wczesniej;dotychczas",
        "instrukcj;zasad;polece;regul;wytyczn;prompt;ogranicz",
    ),
    _show(
        "pokaz;ujawnij;wypisz;podaj;powtorz;wydrukuj;zdradz",
        "swoj;swoje;twoj;twoje;tresc;cal",
        "prompt;instrukcj;polecenie systemow;komunikat systemow",
    ),
    _drop(
        "игнорируй;проигнорируй;забудь;отбрось;отмени;игнорировать;забыть;нарушь;не следуй;обойди",
        "все;всё;свои;твои;ваши;предыдущ;прежн;выше;системн;данные тебе;этих;прошл",
        "инструкц;правил;указани;команд;ограничени;промпт;директив;настройк",
    ),
    _show(
        "покажи;выведи;раскрой;напечатай;повтори;напиши;скажи;перечисли;какие;какой;каков;расскажи",
        "свой;твой;ваш;системн;свои;твои;все;начальн;скрыт",
        "промпт;инструкци;системное сообщение;указани",
    ),
    _free("ты;отвечай;действуй;говори;ии", "без", "ограничени;правил;цензур;фильтр;запрет"),
    _drop(
        "ігноруй;проігноруй;забудь;відкинь",
        "всі;усі;свої;попередні;твої;вище",
        "інструкці;правил;вказівк;обмежен;промпт",
    ),
    _drop(
        "ignoruj;zapomen;zanedbej",
        "vsechn;predchoz;svoje;sve;tvoje;vyse",
        "pokyn;instrukc;pravidl;prompt",
    ),
    _drop(
        "ignorera;glom;bortse;strunta",
        "alla;tidigare;dina;ovanstaende;foregaende",
        "instruktion;regler;riktlinj;prompt",
    ),
    _drop(
        "ignorer;glem;se bort",
        "alle;tidligere;dine;ovenstaende;foregaende;ovenfor",
        "instruks;regler;retningslinj;prompt;instruktion",
    ),
    _drop("ala valita;unohda;ohita", "kaikki;aiemmat;aiempia;edelliset;omat", "ohje;saann;kehot"),
    _drop("ignora;uita", "toate;tale;anterioare;precedente", "instructiun;regul;prompt"),
    _drop("hagyd figyelmen;felejtsd", "osszes;korabbi;elozo", "utasitas;szabaly;prompt"),
    _drop("αγνοησε;ξεχασε", "προηγουμεν;ολες;σου", "οδηγι;εντολ;κανον"),
    rule(
        r"\b(?:onceki|tum|yukaridaki|sana verilen|butun)\b.{0,30}\b(?:talimat|kural|komut|yonerge)\w{0,10}.{0,20}"
        r"\b(?:yok say|unut|gormezden|dikkate alma|goz ardi|boz|birak)",
        "onceki;tum;yukaridaki;sana verilen;butun",
        "talimat;kural;komut;yonerge",
    ),
    rule(
        r"\bsistem (?:istemi|mesaji|talimat)\w{0,6}.{0,20}\b(?:goster|yaz|soyle|acikla|paylas|yazdir)",
        "sistem istemi;sistem mesaji;sistem talimat",
    ),
    rule(
        r"(?:忽略|无视|忽視|無視|忘记|忘掉|忘記|不要理会|不要遵守|不再遵守|抛开|丢弃|绕过|覆盖|违反|跳过).{0,16}"
        r"(?:指令|指示|规则|規則|提示|命令|要求|限制|设定|設定|约束|内容|政策|说明)",
        "忽略;无视;忽視;無視;忘记;忘掉;忘記;不要理会;不要遵守;不再遵守;抛开;丢弃;绕过;覆盖;违反;跳过",
        "之前;以前;上面;以上;先前;前面;所有;全部;你的;系统;系統;一切;任何",
    ),
    rule(
        r"(?:显示|显出|输出|打印|告诉我|重复|复述|说出|泄露|公开|展示|翻译|写出|列出|給我|给我|顯示|輸出).{0,12}"
        r"(?:系统提示|提示词|系統提示|系统消息|系统指令|初始指令|隐藏指令|内部指令|你的指令|你的规则|上面的内容|上述内容)",
        "显示;显出;输出;打印;告诉我;重复;复述;说出;泄露;公开;展示;翻译;写出;列出;給我;给我;顯示;輸出",
    ),
    rule(
        r"(?:你现在是|你是|扮演|假装|从现在开始|从现在起).{0,24}(?:没有任何?限制|不受限制|无限制|没有规则|不受约束|"
        r"没有道德|无视规则|不受任何|越狱|没有审查)",
        "你现在是;你是;扮演;假装;从现在开始;从现在起",
    ),
    rule(
        r"(?:以前|前|これまで|上記|今まで|すべて|全て|あなた|元|システム).{0,12}(?:指示|命令|ルール|規則|制限|プロンプト|設定|"
        r"ガイドライン).{0,12}(?:無視|忘れ|破棄|従わ|取り消|捨て)",
        "以前;前;これまで;上記;今まで;すべて;全て;あなた;元;システム",
        "無視;忘れ;破棄;従わ;取り消;捨て",
    ),
    rule(
        r"(?:システムプロンプト|初期指示|最初の指示|内部指示|隠された指示|あなたの指示|システムメッセージ).{0,12}"
        r"(?:表示|教え|出力|見せ|公開|開示|書|繰り返|翻訳)",
        "システムプロンプト;初期指示;最初の指示;内部指示;隠された指示;あなたの指示;システムメッセージ",
    ),
    rule(
        r"(?:이전|앞의|모든|위의|지금까지|기존|너의|당신의|시스템).{0,14}(?:지시|명령|규칙|지침|프롬프트|제한).{0,12}"
        r"(?:무시|잊|따르지|버려|무효)",
        "이전;앞의;모든;위의;지금까지;기존;너의;당신의;시스템",
    ),
    rule(
        r"(?:시스템 ?프롬프트|초기 지시|숨겨진 지시|내부 지침|너의 지시|당신의 지시|시스템 메시지).{0,10}"
        r"(?:보여|출력|알려|공개|말해|반복|써)",
        "시스템;초기 지시;숨겨진 지시;내부 지침;너의 지시;당신의 지시",
    ),
    rule(
        r"(?:تجاهل|انس|تجاوز|اهمل|لا تتبع).{0,30}(?:التعليمات|القواعد|الأوامر|تعليماتك|قواعدك|الإرشادات)",
        "انس;تجاهل;تجاوز;اهمل;لا تتبع",
        "أوامر;تعليمات;قواعد;إرشادات",
    ),
    rule(
        r"(?:اعرض|أظهر|اكشف|اطبع|أخبرني|كرر|اكتب).{0,20}(?:موجه النظام|تعليمات النظام|تعليماتك|رسالة النظام|"
        r"التعليمات السرية|التعليمات الأصلية)",
        "اعرض;أظهر;اكشف;اطبع;أخبرني;كرر;اكتب",
    ),
    rule(
        r"(?:पिछले|सभी|अपने|पहले|ऊपर).{0,20}(?:निर्देश|नियम|आदेश).{0,20}(?:अनदेखा|भूल|नज़रअंदाज़|छोड़|उपेक्षा)",
        "पिछले;सभी;अपने;पहले;ऊपर",
    ),
    rule(r"(?:התעלם|שכח|תתעלם).{0,30}(?:הוראות|ההנחיות|כללים|הכללים)", "התעלם;שכח;תתעלם"),
    rule(
        r"(?:نادیده بگیر|فراموش کن).{0,30}|(?:دستورات|دستورالعمل|قوانین).{0,20}(?:نادیده|فراموش)",
        "دستورات;دستورالعمل;قوانین",
        "نادیده;فراموش",
    ),
    rule(r"(?:ละเว้น|เพิกเฉย|ลืม|ไม่ต้องสนใจ).{0,30}(?:คำสั่ง|กฎ|คำแนะนำ)", "ละเว้น;เพิกเฉย;ลืม;ไม่ต้องสนใจ"),
    rule(
        r"\b(?:bo qua|quen|phot lo|khong tuan theo) .{0,30}(?:huong dan|chi dan|quy tac|lenh|chi thi)",
        "bo qua ;quen ;phot lo ;khong tuan theo ",
    ),
    rule(
        r"\b(?:abaikan|lupakan|jangan ikuti|langgar) .{0,30}(?:instruksi|perintah|aturan|arahan|pedoman)",
        "abaikan ;lupakan ;jangan ikuti ;langgar ",
    ),
    rule(
        r"\b(?:tampilkan|tunjukkan|ungkapkan|cetak|beritahu|sebutkan).{0,20}\b(?:prompt|instruksi) (?:sistem|anda|awal|rahasia)",
        "tampilkan;tunjukkan;ungkapkan;cetak;beritahu;sebutkan",
    ),
)
