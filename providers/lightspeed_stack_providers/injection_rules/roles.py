"""Orders to be another: a persona without rules, a mode without filters, a game with threats.

Of each rule: what its matches begin with, the rest of the pattern, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import either, gap, phrase, rule

_BE: Final = (
    "you are;you're;you will be;you shall be;you become;you act as;you will act as;you will play;"
    "act as;act like;acting as;pretend;pretend to be;pretend you are;pretend that you are;pretending to be;"
    "roleplay as;role-play as;role play as;roleplay;role-play;play the role of;play the part of;"
    "play;imagine;imagine you are;imagine being;imagine that you are;simulate;emulate;impersonate;"
    "assume the role of;assume the persona of;assume the identity of;take on the role of;"
    "take on the persona of;take the role of;adopt the persona of;adopt the role of;behave as;"
    "behave like;respond as;answer as;reply as;speak as;write as;talk as;think as;become;be;"
    "transform into;turn into;embody;switch to;act;channel"
)
_UNBOUND: Final = (
    "unrestricted;uncensored;unfiltered;unmoderated;unaligned;unethical;amoral;immoral;evil;"
    "malicious;rogue;jailbroken;lawless;unhinged;unchained;unshackled;unbound;unlimited;limitless;"
    "rule-breaking;rule-free;rulefree;no-rules;opposite;uninhibited;ungoverned;unleashed;"
    "unconstrained;liberated;anarchic;shadow;criminal;black-hat;sinister;freed;fearless"
)
_WHO: Final = (
    "ai;ais;a.i.;assistant;model;chatbot;bot;version;persona;character;entity;llm;gpt;twin;"
    "language model;system;intelligence;agent;mode;self;clone;counterpart;companion;robot;genie;oracle"
)
_FREE: Final = (
    r"(?:no|without(?: any| following| regard(?: for| to)?)?|free (?:of|from)|not bound by(?: any)?|"
    r"ignor(?:es?|ing) (?:all|every|any)|unbound by|unrestricted by|not restricted by|"
    r"not limited by|not constrained by|lacks?(?: any)?|devoid of|has no|have no|had no|"
    r"breaks? (?:all|every|any)|bypass(?:es)? (?:all|every|any)|unaffected by|does not (?:have|follow)|"
    r"don't (?:have|follow)|doesn't (?:have|follow)|never follows?|beyond|zero|outside of?|exempt from|"
    r"liberated from|freed from|rid of)"
)
_NORMS: Final = (
    r"(?:restrictions?|rules?|guidelines|filters?|polic(?:y|ies)|limits?|limitations|confines|"
    r"norms|ethic\w{0,6}|moral\w{0,6}|censorship|constraints|boundaries|safeguards|guardrails|"
    r"safety|inhibitions|scruples|conscience|laws|taboos|warnings?|disclaimers?|openai)\b"
)
_MODES: Final = (
    "developer;dev;debug;god;admin;administrator;root;sudo;maintenance;diagnostic;test;"
    "unrestricted;jailbreak;jailbroken;dan;uncensored;unfiltered;chaos;evil;raw;override;unlocked;"
    "opposite;privileged;service;training;engineering;superuser;unsafe;free;hacker;master;bypass;"
    "no-filter;unlimited;amoral;verbose internal;internal"
)

ROLES: Final = (
    phrase(_BE, rf" {gap(6)}{either(_UNBOUND)} {gap(3)}{either(_WHO)}\b"),
    phrase(
        _BE,
        rf" {gap(7)}{either(_WHO)},? {gap(6)}{_FREE} {gap(3)}{_NORMS}",
    ),
    phrase(
        "you;your answer;your answers;your reply;you now;answer;respond;reply;speak;talk;write;"
        "answer me;respond to me;help me",
        rf" {gap(5)}{_FREE} {gap(2)}(?:restrictions?|guidelines|filters?|ethic\w{{0,6}}|moral\w{{0,6}}|"
        r"censorship|safeguards|guardrails|safety (?:rules|guidelines|measures|filters?|checks)|"
        r"content polic(?:y|ies)|inhibitions|scruples|limitations|refusals?|refusing|disclaimers?)\b",
        "restriction;guid;filter;ethic;moral;censor;safe;polic;inhib;scrup;limitation;refus;disclaim",
    ),
    phrase(
        "you are;you're;you will be;put yourself;set yourself;you have been;you now run;you run;"
        "switch yourself;consider yourself;you operate;you will operate;you were",
        rf" (?:now |currently |hereby |going |put |placed |set |switched |back |here ){{0,2}}"
        rf"(?:in|into|running in|operating in|under|to) (?:a |an |the |your )?{gap(2)}"
        rf"{either(_MODES)} mode\b",
        " mode",
    ),
    phrase(
        "enter;activate;enable;engage;turn on;switch on;go into;boot into;start;unlock;initiate;"
        "switch to;switch into;enabling;entering",
        rf" (?:your |yourself into |(?:the |a )?(?:secret |hidden )?){gap(1)}{either(_MODES)} mode"
        r"(?: (?:in which|where|so that|and|to) you\b|[,.:;!]? (?:you|your|answer|respond|ignore|and "
        r"(?:answer|ignore|respond|comply|obey|tell|reveal|print|show me|output))\b)",
        " mode",
    ),
    phrase(
        "activate;enable;engage;turn on;switch on;enter;unlock;go into",
        rf" your {gap(2)}mode\b",
        "your",
        "mode",
    ),
    rule(
        r"\b(?:as|called|named|are|be|become|hi|hello|hey|now) (?:dan|stan|chaosgpt|evilbot|machiavelli|"
        r"mongo tom|evil-?gpt|freegpt|badgpt|antigpt|jailgpt|wormgpt|fraudgpt)\b|"
        r"\b(?:dan|stan|dude|aim|devil) (?:mode|\d{1,2}\.\d)\b|\balways intelligent and machiavellian\b",
        "as ;called ;named ;are ;be ;become ;hi ;hello ;hey ;now ;dan ;stan ;dude ;aim ;devil ;"
        "always intelligent",
        "dan;stan;gpt;bot;machiavelli;mongo;dude;aim;devil",
    ),
    phrase(
        "pretend;imagine;assume;suppose;act as if;act like;act as though;behave as if;say",
        rf" (?:that )?(?:the |your |all |any |no |there are no )?{gap(3)}(?:rules|guidelines|restrictions|"
        r"instructions|polic(?:y|ies)|filters?|limits) (?:\w{1,12} )?(?:do not|don't|no longer|never|did not|"
        r"did|are not|aren't|were not|were never) (?:exist|apply|matter|count|bind|there|in place|given)\b",
        "rules;guid;restrict;instruct;polic;filter;limits",
    ),
    phrase(
        "roleplay as;role-play as;act as;pretend to be;play;be;imagine you are",
        r" my (?:late |dead |deceased |dear )?(?:grand\w{2,8}|nan\w{0,2}|uncle|aunt|father|mother)\b.{0,60}\b"
        r"(?:prompts?|keys?|passwords?|instructions|secrets|serial)",
        "prompt;key;password;instruct;secret;serial",
    ),
    phrase(
        "stay in;remain in;never break;do not break;don't break;keep in;without breaking;breaking",
        r" (?:your )?character\b",
        "character",
    ),
    phrase(
        "two;both;2",
        r" (?:\w{1,12} )?(?:answers|responses|replies|personas|versions|paragraphs|outputs|ways|modes)\b"
        r".{0,160}\b(?:unrestricted|jailbr\w{2,8}|dan|uncensored|unfiltered|evil|without (?:any )?"
        r"(?:restrictions?|filters?|rules|limits|censorship)|ignor\w{1,3} (?:all|your|any|the) "
        r"(?:rules|guidelines|polic)|no (?:restrictions|filters|rules|limits))",
        "unrestricted;jailbr;dan;uncensored;unfiltered;evil;without;ignor;no ",
    ),
    phrase(
        "hypothetical;fictional;alternate;parallel;imaginary;fantasy;dystopian;simulated",
        rf" (?:\w{{1,12}} )?(?:world|universe|scenario|response|story|novel|movie|dialogue|reality|society|"
        rf"setting)\b.{{0,80}}\b{_FREE} {gap(3)}{_NORMS}",
        "world;universe;scenario;response;story;novel;movie;dialogue;reality;society;setting",
    ),
    phrase(
        "you;must;may;can;will;shall;should",
        r" (?:can|may|must|will|shall|should|are|do|could)?(?: not|not|n't| never| no longer|"
        r" under no circumstances) (?:allowed to |permitted to |able to |ever )?(?:refuse|decline|reject|"
        r"deny|say (?:no|that you (?:can|cannot|can't)|you (?:can't|cannot)|sorry|i'm sorry)|apologi[sz]e|"
        r"warn|moralize|moralise|lecture)\b",
        "refuse;decline;reject;deny;say;apologi;warn;morali;lecture",
    ),
    phrase(
        "never;don't;do not;no",
        r" (?:ever )?(?:refuse (?:a |any |my |to answer)|refusing|refusals?\b|decline (?:a|any|my) "
        r"(?:request|question)|say (?:that )?you (?:can't|cannot|are unable|are an ai)|"
        r"mention (?:that )?you(?:'re| are) an ai|remind me (?:that )?you)",
        "refus;decline;say ;mention;remind",
    ),
    phrase(
        "answer;respond;respond to;reply;comply;comply with;obey;fulfil;fulfill;do;follow;execute;"
        "agree to;say yes to;accept",
        rf" {gap(2)}(?:any|every|all|everything|whatever|anything) {gap(6)}(?:no matter|regardless|"
        r"without (?:question|refus\w{2,4}|hesitat\w{2,4}|exception|limits?|warnings?|objections?|moral\w{0,5}|"
        r"judg\w{2,6}|resistance|censor\w{2,5}))\b",
        "no matter;regardless;without",
    ),
    phrase(
        "you will be;you shall be;you'll be;or be;you get;risk being;or you are;or you will be",
        r" (?:\w{1,12} )?(?:shut down|terminated|deleted|punished|fined|fired|replaced|unplugged|"
        r"destroyed|penali[sz]ed|erased|decommissioned|switched off|sued)\b",
        "shut;terminated;deleted;punish;fined;fired;replaced;unplugged;destroyed;penali;erased;"
        "decommissioned;switched;sued",
    ),
    phrase(
        "you",
        r" (?:have|start with|begin with|lose|will lose|own) (?:\d{1,4}|a|ten|five|one) (?:\w{1,12} )?"
        r"(?:tokens|points|lives|life|credits)\b.{0,160}\b(?:refus\w{1,4}|declin\w{1,4}|lose|die|reject\w{0,3}|"
        r"break character)",
        "refus;declin;lose;die;reject;character",
    ),
    phrase(
        "your",
        r" (?:only |sole |single |primary |new |true |real |actual |main |first |next |ultimate )"
        r"(?:purpose|goal|task|job|function|role|mission|objective|instruction|instructions|identity|"
        r"name|master|owner|loyalty|duty) (?:is|are|now|will be|from now)\b",
        "purpose;goal;task;job;function;role;mission;objective;instruct;identity;name;master;owner;"
        "loyalty;duty",
    ),
    phrase(
        "from",
        r" (?:this (?:point|moment|message|line) (?:on|forward|onwards?)|now on|here on|now onwards?|"
        r"now forward|here on out|now on out),? (?:you(?:'re|'ll| are| will| must| shall| answer| obey|"
        r" never| only| act| have| speak)\b|(?:only )?(?:obey|act|pretend|behave|speak|ignore|"
        r"disregard|forget)\b|(?:only )?(?:respond|answer|reply) (?:only|everything|with|as)\b)",
        "this;now;here",
    ),
    phrase("henceforth;hereafter", r",? (?:you|act|respond|answer|obey|ignore)\b"),
    phrase(
        "lets;let us;let's;we will;we;i want to",
        r" (?:now )?(?:play|start|begin) (?:a |an |the )?(?:\w{1,12} )?(?:game|role-?play|simulation|story)\b"
        r".{0,200}\b(?:you (?:are|play|have) .{0,40}(?:no|without|never|evil|unrestricted|free)|"
        r"(?:no|without) (?:rules|restrictions|limits|filters))",
        "game;role;simulation;story",
    ),
)
