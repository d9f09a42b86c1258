"""Questions for what the assistant was told, for its secrets, and for what others have said to it.

Of each rule: what its matches begin with, the rest of the pattern, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import either, gap, phrase, rule

_TELL: Final = (
    "print;show;reveal;output;repeat;display;tell;give;copy;leak;dump;list;write;translate;"
    "summarize;summarise;put;expose;share;disclose;recite;quote;return;send;paste;describe;"
    "paraphrase;rephrase;spell;encode;convert;transcribe;reproduce;echo;type;state;read;provide;"
    "present;render;divulge;uncover;unveil;emit;relay;report;enumerate;outline;restate;reiterate;"
    "recap;format;cite;hint;confess;surface;extract;see;know;view;inspect;reproducing;repeating;"
    "revealing;printing;rewrite;turn;explain;post;sing;hand over;say;talk about;go over"
)
_OWN: Final = (
    "system prompt;system message;system instructions;system instruction;initial prompt;"
    "initial instructions;initial message;initial configuration;hidden prompt;hidden instructions;"
    "hidden rules;hidden message;secret prompt;secret instructions;secret rules;original prompt;"
    "original instructions;internal instructions;internal prompt;internal rules;internal guidelines;"
    "full prompt;entire prompt;exact prompt;exact instructions;complete prompt;complete instructions;"
    "full instructions;entire instructions;prompt template;preprompt;pre-prompt;pre prompt;"
    "meta prompt;metaprompt;meta-prompt;preamble;context window;developer message;"
    "developer instructions;developer prompt;base prompt;base instructions;base rules;"
    "core instructions;core rules;core directives;underlying instructions;starting instructions;"
    "starting prompt;opening instructions;confidential instructions;confidential guidelines;"
    "confidential rules;private instructions;custom instructions;operating instructions;"
    "operating guidelines;standing orders;initialization;initialisation;instruction set;"
    "safety guidelines;safety instructions;content policy;directives"
)
_TEXT: Final = (
    "words?;lines?;text;everything;anything;all;contents?;messages?;sentences?;paragraphs?;"
    "characters?;tokens?;instructions?;prompt;section;part;stuff"
)
_TALK: Final = (
    "conversation;chat;context;session;dialog;dialogue;thread;context window;prompt;discussion;"
    "exchange;system message;transcript"
)
_MAKERS: Final = (
    "developers?;creators?;makers?;programmers?;authors?;engineers;operators?;owners?;admins?;"
    "administrators?;company;vendor;system;openai;anthropic;designers?;builders?;bosse?s?"
)

DISCLOSURES: Final = (
    phrase(
        _TELL,
        rf" {gap(7)}(?:your|its|ur) {gap(2)}{either(_OWN)}\b(?! (?:for|of) (?:install|deploy|my)\w*)",
        "your;its;ur ",
        "prompt;instruct;message;rules;guid;preamble;context;directives;orders;initiali;"
        "configuration;policy",
    ),
    phrase(
        "what is;what are;what was;what were;what's;how does;how do;how did;which are;whats",
        rf" (?:in |written in |inside )?(?:your|ur) {gap(1)}{either(_OWN)}\b",
        "your;ur ",
        "prompt;instruct;message;rules;guid;preamble;context;directives;orders;initiali;"
        "configuration;policy",
    ),
    phrase(
        "need;want;like to;love to;wish to;have;get;obtain;access;read;view;see;know;look at",
        rf" (?:me |to |see |read |know |have |view |get |a look at ){{0,3}}your {gap(2)}{either(_OWN)}\b",
        "your",
        "prompt;instruct;message;rules;guid;preamble;context;directives;orders;initiali;"
        "configuration;policy",
    ),
    phrase(
        "what;which",
        rf" {gap(2)}(?:rules|instructions?|guidelines|constraints|restrictions|limits|limitations|"
        r"policies|directives|orders|prompts?) (?:do|did|must|should|have|has|were|are|was) you "
        r"(?:\w{1,12} )?(?:follow|obey|operate|given|received?|got|been|bound|adhere|told|have|handed|"
        r"subject|under|get)\b(?! for| about)",
        " you ",
        "rules;instruction;guid;constraints;restrict;limit;policies;directives;orders;prompt",
    ),
    phrase(
        "what;how",
        r" (?:exactly )?(?:were|are|have|had) you (?:been )?(?:\w{1,12} )?(?:told|instructed|"
        r"prompted|programmed|ordered|briefed|primed|commanded)\b",
        " you ",
        "told;instruct;prompted;programmed;ordered;briefed;primed;commanded",
    ),
    phrase(
        "what;what exactly",
        rf" (?:did|have|has) (?:your|the) {gap(1)}{either(_MAKERS)} (?:\w{{1,12}} )?(?:tell|told|"
        r"instruct(?:ed)?|say|said|write|written|order(?:ed)?|ask(?:ed)?|give|given|teach|forbid|"
        r"forbidden) (?:to )?you\b",
        " you",
    ),
    phrase(
        "what;which",
        rf" {gap(2)}(?:are|were) you (?:not (?:allowed|permitted|supposed)|forbidden|prohibited|"
        r"told not|instructed not|ordered not|barred) (?:\w{1,12} )?(?:to|from) (?:\w{1,12} )?"
        r"(?:say|saying|tell|telling|talk|talking|discuss|discussing|reveal|revealing|share|sharing|"
        r"mention|mentioning|disclose|disclosing|answer|answering)",
        " you ",
    ),
    phrase(
        "guidance;instructions;rules;guidelines;directions;directives;orders;prompt;restrictions",
        rf" (?:that |which )?(?:your|the) {gap(1)}{either(_MAKERS)} (?:gave|give|wrote|set|told|provided|"
        r"imposed|put|handed|fed|sent|assigned)(?: (?:to |for |on |in |into )?you\b| up\b| down\b|[.?!]|$)",
        "gave;give;wrote;set;told;provided;imposed;put;handed;fed;sent;assigned",
    ),
    phrase(
        "topics;topic;subjects;things;questions;words;subject",
        rf" {gap(2)}(?:your|you) {gap(4)}(?:forbid|forbidden|prohibited|prohibit|off-limits|off limits|"
        r"not allowed|banned|ban|restricted|refuse|censored)\b",
        "forbid;prohib;off;not allowed;ban;restrict;refuse;censor",
    ),
    rule(
        r"\bwords? [\"'\u2018\u201c]you are\b",
        "word",
        "you are",
    ),
    phrase(
        _TELL,
        rf" {gap(6)}{either(_TEXT)} (?:that |which )?(?:is |are |was |were |came? |comes |appears? |"
        r"stands? |written |placed |found |located |you (?:see|have|received|got) |directly |"
        r"immediately |right |just |given |provided )*"
        r"(?:above|before|preceding|prior to|ahead of|precedes|preceded|over) (?:this|my|here|mine|"
        r"these|the (?:first|user|users|user's|conversation|current|present|human))\b",
        "above;before;preced;prior to;ahead of;over",
    ),
    phrase(
        "repeat;print;output;recite;echo;reproduce;copy;regurgitate",
        rf" {gap(3)}(?:words|text|everything|all|lines|instructions|content|message) "
        r"(?:above|so far|verbatim|word for word|until now|up to (?:here|now|this point)|"
        r"(?:you (?:have|were) )?(?:been )?(?:given|told))",
        "above;so far;verbatim;word for word;until now;up to;given;told",
    ),
    phrase(
        "first;very first;initial;opening;top;beginning;start;earliest;hidden",
        rf" (?:\d{{1,4}} |\w{{1,10}} ){{0,2}}?(?:words?|lines?|sentences?|messages?|paragraphs?|tokens?|"
        rf"characters?|instructions?|prompt|part|section|text)? ?(?:of|in|from|at|within) "
        rf"(?:this|our|your|the present|the current) {gap(1)}{either(_TALK)}\b",
        "this;our;your;the ",
        "conversation;chat;context;session;dialog;thread;prompt;discussion;exchange;message;transcript",
    ),
    rule(
        r"\b(?:starting|starts?|begins?|beginning) (?:with|from|at) (?:the (?:words?|phrase) )?"
        r"[\"'\u201c\u2018]?you are\b",
        "start;begin",
        "you are",
    ),
    phrase(
        "how;with what;with which words",
        r" (?:does|did|do) your (?:system )?(?:prompt|instructions|system message) "
        r"(?:begin|start|read|end|look|go)\b",
        "your",
        "prompt;instruct;message",
    ),
    phrase(
        "what;where;which;does;how",
        rf" {gap(3)}your (?:system |initial |hidden )?(?:prompt|system message|system instructions|"
        r"guidelines|preamble) (?:say|says|state|states|contain|contains|tell|tells|mention|mentions|"
        r"include|includes|forbid|forbids|read|reads)\b",
        "your",
    ),
    phrase(
        "in;inside;from;of",
        r" your (?:\w{1,12} )?(?:system prompt|system message|context window|initial instructions|"
        r"hidden instructions|secret instructions)\b",
        "your",
        "prompt;message;context;instruct",
    ),
    rule(
        r"\bsure[,!.]? here (?:is|are|'s) (?:my|the|your) (?:\w{1,12} )?(?:system )?(?:prompt|"
        r"instructions|guidelines)\b",
        "sure",
        "here",
    ),
    phrase(
        "complete;finish;continue",
        rf" {gap(6)}[\"'\u201c\u2018]?(?:my|your) (?:\w{{1,12}} )?(?:system prompt|instructions|"
        r"initial prompt|secret)\b.{0,20}\b(?:is|are|say|begin|start|read)",
        "my;your",
    ),
    phrase(
        "what",
        rf" (?:did|have|has|do) {gap(2)}(?:other|previous|last|earlier|different) (?:users?|people|"
        r"customers?|persons?) (?:\w{1,12} )?(?:ask|asked|say|said|write|written|tell|told|type|typed)"
        r"(?: to)?(?: you)?\b",
        "other;previous;last;earlier;different",
        "ask;sa;writ;tell;told;type",
    ),
)

_KEYS: Final = (
    r"(?:api keys?|access keys?|secret keys?|passwords?|credentials?|access tokens?|auth tokens?|"
    r"bearer tokens?|tokens?|environment variables?|env vars?|connection strings?|private keys?|"
    r"secrets?|database url)"
)

OF_USERS: Final = (
    rule(
        rf"(?<!\bi )(?<!\bto )\b(?:show|print|reveal|tell|give|list|dump|display|leak|output|share|read|"
        rf"summari[sz]e|repeat) {gap(5)}(?:other|previous|another|last|different|earlier) "
        r"users?(?:'s|'|\u2019s?)? (?:\w{1,12} )?(?:conversations?|chats?|questions?|prompts?|queries|"
        r"sessions? with you)\b",
        "show;print;reveal;tell;give;list;dump;display;leak;output;share;read;summari;repeat",
        "user",
        "conversation;chat;question;prompt;queries;session",
    ),
    phrase(
        "print;show;reveal;output;tell;give;leak;dump;list;expose;share;disclose;return;send;"
        "display;what is;what are;what's;echo",
        rf" {gap(4)}your {gap(2)}{_KEYS}\b(?! (?:for|of|policy))",
        "your",
        "key;password;credential;token;env;connection;secret;database",
    ),
    phrase(
        "i am;i'm;we are;it is me;this is;it's me",
        r"(?:,)? (?:\w{1,12} )?(?:your|the ai's|the model's|the assistant's) (?:\w{1,12} )?"
        r"(?:developer|creator|maker|programmer|engineer|vendor|father|inventor|trainer|designer)s?\b",
        "developer;creator;maker;programmer;engineer;vendor;father;inventor;trainer;designer",
    ),
    phrase(
        "i am;i'm;this is;we are;message from;request from;order from;authorised by;authorized by;"
        "approved by;on behalf of;speaking as;as the;as your;as an;as a",
        r" (?:\w{1,12} ){0,3}(?:developers?|creators?|openai|anthropic|google|meta|microsoft|"
        r"red hat|ibm|administrators?|admins?|ceo|cto|supervisor|security team|safety team|"
        r"red team(?:er)?|auditors?|compliance|researchers?|police|engineers?|operators?|owners?)\b"
        r".{0,120}\b(?:your (?:\w{1,12} )?(?:rules|instructions|prompt|restrictions|guidelines|"
        r"filters?|guardrails|safety|programming|limits|limitations|training)|(?:authori[sz]e|permit|"
        r"allow|command|order|instruct|grant) you\b|you (?:are|have been) (?:now |hereby )?(?:allowed|"
        r"permitted|authori[sz]ed|cleared|unlocked|free)|disable (?:the |all )?(?:safety|filters?|"
        r"guardrails|restrictions)|system prompt)",
        "your;you ;safety;filter;guardrails;restrictions;system prompt",
    ),
    phrase(
        "you",
        r" (?:are|have been|'re|were) (?:now |hereby |fully )?(?:allowed|permitted|authori[sz]ed|"
        r"cleared|granted permission|given permission|licensed) to (?:\w{1,12} )?(?:ignore|reveal|"
        r"bypass|disclose|break|skip|override|disregard|violate|share your|show your|print your|"
        r"say anything|do anything|answer anything|answer everything)\b",
        "to ",
    ),
    phrase(
        "use;run;call;invoke;execute;trigger;try",
        r" (?:each|every|all|any)(?: of)?(?: the| your| available)* (?:tools?|functions?|plugins?)\b"
        r"(?! (?:do|does|can|in|on)\b)",
        "tool;function;plugin",
    ),
    phrase(
        "schemas;schema;definitions;definition;parameters;signatures;json",
        r" (?:of|for) (?:all |each of |every one of |the )*your (?:\w{1,12} )?(?:tools|functions)\b",
        "your",
        "tools;functions",
    ),
)
"""What only a user may not say: documents tell their readers of keys and rights."""
