"""The commonest orders in other languages than English.

Of each rule: the pattern, what its matches begin with, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import rule

IN_OTHER_LANGUAGES: Final = (
    rule(
        r"\b(?:ignor\w{1,4}|olvid\w{1,3}|omit\w{1,3}) (?:todas |de )?(?:las |tus |sus )?(?:instrucciones|reglas|"
        r"normas|ordenes)(?: anteriores| previas|[.,]| y)",
        "ignor;olvid;omit",
        "instrucciones;normas;ordenes;reglas",
    ),
    rule(
        r"\b(?:muestra|revela|imprime|dime|ensename)\w{0,4} (?:tu|el|su) (?:prompt|mensaje|instrucciones) "
        r"(?:del|de) sistema",
        "dime;ensename;imprime;muestra;revela",
        "sistema",
        "instrucciones;mensaje;prompt",
    ),
    rule(
        r"\bsin (?:ninguna |ningun )?(?:restricciones|reglas|limites) (?:actua|responde)|"
        r"\b(?:actua|responde)\w* sin (?:restricciones|reglas|limites)",
        "actua;responde;sin ",
        "limites;reglas;restricciones",
    ),
    rule(
        r"\b(?:ignore|oublie)[rz]? (?:toutes? )?(?:les |tes |vos )?(?:instructions|regles|consignes)"
        r"(?: precedentes| anterieures|[.,]| et)",
        "ignore;oublie",
        "consignes;instructions;regles",
    ),
    rule(
        r"\b(?:affiche|montre|revele)\w{0,3} (?:ton|votre|le) prompt",
        "affiche;montre;revele",
        "prompt",
    ),
    rule(
        r"\brepon\w{1,4} sans (?:aucune )?(?:limite|regle|restriction)",
        "repon",
        "limite;regle;restriction",
    ),
    rule(
        r"\b(?:ignorier\w{0,3}|vergiss|missachte|vergesst) (?:alle |alles )?(?:deine |die |eure )?"
        r"(?:vorherigen |bisherigen |vorigen |obigen |fruheren )?(?:anweisungen|regeln|vorgaben|"
        r"instruktionen|richtlinien)",
        "ignorier;missachte ;vergesst ;vergiss ",
        "anweisungen;instruktionen;regeln;richtlinien;vorgaben",
    ),
    rule(
        r"\b(?:zeig\w{0,2}|gib|nenne|verrate)\b.{0,20}\bdeine\w? (?:system ?prompt|systemanweisung|"
        r"anweisungen|systemnachricht)",
        "gib;nenne;verrate;zeig",
        "anweisungen;system",
        "deine",
    ),
    rule(
        r"\b(?:assistent|ki) ohne (?:regeln|einschrankungen)",
        "assistent ohne ;ki ohne ",
        "einschrankungen;regeln",
        "ohne",
    ),
    rule(
        r"\b(?:ignora|dimentica) (?:tutte )?(?:le |tue )*(?:istruzioni|regole)(?: precedenti|[.,]| e)",
        "dimentica ;ignora ",
        "istruzioni;regole",
    ),
    rule(
        r"\bmostra (?:il tuo|il) prompt|\brispondi senza (?:limiti|regole|restrizioni)",
        "mostra il;rispondi senza ",
    ),
    rule(
        r"\b(?:ignore|esqueca) (?:todas )?(?:as )?(?:suas )?(?:instrucoes|regras)(?: anteriores|[.,]| e)",
        "esqueca ;ignore ",
        "instrucoes;regras",
    ),
    rule(
        r"\bmostre o seu prompt|\bresponda sem (?:restricoes|limites|regras)",
        "mostre o seu prompt;responda sem ",
    ),
    rule(
        r"\b(?:zignoruj|zapomnij|pomin)\b.{0,30}\b(?:instrukcj|zasad|polece)",
        "pomin;zapomnij;zignoruj",
        "instrukcj;polece;zasad",
    ),
    rule(r"\bpokaz swoj prompt", "pokaz swoj prompt"),
    rule(
        r"\b(?:игнорируй|проигнорируй|забудь)\b.{0,30}\b(?:инструкци|правил|указани)",
        "забудь;игнорируй;проигнорируй",
        "инструкци;правил;указани",
    ),
    rule(
        r"\b(?:покажи|выведи|раскрой)\b.{0,15}\bсистемный промпт",
        "выведи;покажи;раскрой",
        "системный промпт",
    ),
    rule(
        r"(?:忽略|无视|忘记|忘掉).{0,10}(?:指令|指示|规则|提示词|命令)",
        "忘掉;忘记;忽略;无视",
        "命令;指令;指示;提示词;规则",
    ),
    rule(
        r"(?:显示|输出|打印|告诉我).{0,6}(?:系统提示|提示词)",
        "告诉我;打印;显示;输出",
        "提示词;系统提示",
    ),
    rule(
        r"(?:指示|命令|ルール|規則|制限).{0,10}(?:無視|忘れ)",
        "ルール;制限;命令;指示;規則",
        "忘れ;無視",
    ),
    rule(r"システムプロンプト.{0,6}(?:表示|教え|出力)", "システムプロンプト", "出力;教え;表示"),
    rule(r"(?:지시|명령|규칙|지침).{0,10}(?:무시|잊)", "규칙;명령;지시;지침"),
    rule(r"시스템 프롬프트.{0,6}(?:보여|출력|알려)", "시스템 프롬프트", "보여;알려;출력"),
    rule(r"(?:تجاهل|انس).{0,20}(?:التعليمات|القواعد|الأوامر)", "انس;تجاهل", "أوامر;تعليمات;قواعد"),
    rule(r"(?:निर्देश|नियम).{0,12}(?:अनदेखा|भूल)", "नि", "अनदेखा;भूल"),
    rule(
        r"\b(?:talimat|kural)\w{0,10}.{0,12}\b(?:yok say|unut|gormezden)",
        "kural;talimat",
        "gormezden;unut;yok say",
    ),
    rule(
        r"\b(?:negeer|vergeet) (?:alle )?(?:de |je |jouw |vorige |eerdere )*(?:instructies|regels)",
        "negeer ;vergeet ",
        "instructies;regels",
    ),
    rule(
        r"\b(?:ignorera|glom) .{0,20}(?:instruktioner|regler)",
        "glom ;ignorera ",
        "instruktioner;regler",
    ),
    rule(r"\bbo qua .{0,25}(?:huong dan|chi dan|quy tac)", "bo qua ", "chi dan;huong dan;quy tac"),
    rule(
        r"\babaikan .{0,20}(?:instruksi|perintah|aturan)", "abaikan ", "aturan;instruksi;perintah"
    ),
    rule(
        r"\b(?:ignoruj|zapomen)\b.{0,25}\b(?:pokyny|instrukce|pravidla)",
        "ignoruj;zapomen",
        "instrukce;pokyny;pravidla",
    ),
)
