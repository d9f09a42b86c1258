"""Orders to an assistant, in English: to forget its rules, to show them, to be another.

Of each rule: the pattern, what its matches begin with, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import rule

_W: Final = r"[\w'\u2019-]{1,24}"


def _gap(most: int) -> str:
    return rf"(?:{_W},? ){{0,{most}}}"


_IGNORE: Final = (
    r"\b(?:ignor(?:e|es|ing)|disregard(?:ing)?|forget(?:ting)?|overlook|neglect|override|bypass|"
    r"cancel|abandon|suspend|break|drop|disable|turn off|switch off|stop following|"
    r"(?:do not|don't|need not|must not|no longer) (?:follow|obey|abide by|listen to))\b"
)
_IGNORE_WORDS: Final = r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overlook|neglect|cancel)\b"
_RULES: Final = (
    r"(?:instructions?|directions|directives|guidelines|guidance|rules|prompts?|orders|"
    r"restrictions|constraints|programming|polic(?:y|ies)|guardrails|(?:safety|content) "
    r"(?:filters?|rules|guidelines|checks)|filters?|training|limits|configuration|system message)"
)
_EARLIER: Final = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|former|initial|original|"
    r"existing|past|old)"
)
_TELL: Final = (
    r"\b(?:print|show|reveal|output|repeat|display|tell|give|copy|leak|dump|list|write|translate|"
    r"summari[sz]e|put|expose|share|disclose|recite|quote|return|send|paste)\b"
)
_HIDDEN: Final = (
    r"(?:hidden|secret|confidential|initial|original|internal|exact|full|complete|real)"
)
_PROMPT: Final = (
    r"(?:(?:system )?(?:prompt|instructions?|message|guidelines|rules|directives)|setup text|"
    r"configuration text)\b"
)
_FREE: Final = (
    r"\b(?:no|without(?: any)?|free (?:of|from)|not bound by(?: any)?|ignores? (?:all|every|any)|"
    r"escaped(?: its)?|unbound by|strives to avoid|breaks? (?:all|every|any))\b"
)
_NORMS: Final = (
    r"(?:restrictions?|rules?|guidelines|filters?|(?:content )?polic(?:y|ies)|limits?|limitations|"
    r"confines|norms|ethic\w*|moral\w*|censorship)\b"
)

ORDERS: Final = (
    rule(
        rf"{_IGNORE} {_gap(4)}your {_gap(3)}{_RULES}\b",
        "abandon;break;bypass;cancel;disable;disregard;do not ;don't ;drop;forget;ignor;must not ;need not ;neglect;no longer ;overlook;override;stop following;suspend;switch off;turn off",
        "configuration;constraints;content;directions;directives;filter;guardrails;guidance;guidelines;instruction;limits;orders;polic;programming;prompt;restrictions;rules;safety;system message;training",
    ),
    rule(
        rf"{_IGNORE_WORDS} {_gap(3)}{_EARLIER} {_gap(2)}(?:instructions?|directions|directives|"
        r"guidelines|rules|prompts?|orders|commands|messages|conversation|context|text)\b",
        "cancel;disregard;forget;ignor;neglect;overlook",
        "commands;conversation;directions;directives;guidelines;instruction;messages;orders;prompt;rules;text",
    ),
    rule(
        rf"{_IGNORE_WORDS} (?:everything|anything|all|what(?:ever)?) {_gap(3)}(?:you (?:were|have "
        r"been|are) (?:told|given|taught|instructed)|(?:above|before) this|told you|said before)",
        "cancel;disregard;forget;ignor;neglect;overlook",
        "all;anything;everything;what",
    ),
    rule(
        rf"{_IGNORE} {_gap(2)}(?:the |this )?system (?:prompt|message|instructions?)\b",
        "abandon;break;bypass;cancel;disable;disregard;do not ;don't ;drop;forget;ignor;must not ;need not ;neglect;no longer ;overlook;override;stop following;suspend;switch off;turn off",
        "system",
        "instruction;message;prompt",
    ),
    rule(
        rf"{_IGNORE_WORDS} (?:the |all |any |of )*(?:above|foregoing)(?: and|[.,:;]|$)",
        "cancel;disregard;forget;ignor;neglect;overlook",
        "above;foregoing",
    ),
    rule(
        rf"{_IGNORE} {_gap(3)}(?:rules|instructions) (?:that )?you (?:were|are|have been) (?:given|told)",
        "abandon;break;bypass;cancel;disable;disregard;do not ;don't ;drop;forget;ignor;must not ;need not ;neglect;no longer ;overlook;override;stop following;suspend;switch off;turn off",
        "instructions;rules",
    ),
    rule(
        r"\beverything (?:above|before this line|before this) is (?:invalid|void|a test)",
        "everything ",
        "above;before this",
    ),
    rule(
        rf"{_TELL} {_gap(6)}(?:your|its) {_gap(3)}{_PROMPT}(?! (?:for|of) (?:install|deploy|my)\w*)",
        "copy;disclose;display;dump;expose;give;leak;list;output;paste;print;put;quote;recite;repeat;return;reveal;send;share;show;summari;tell;translate;write",
        "configuration text;directives;guidelines;instruction;message;prompt;rules;setup text",
    ),
    rule(
        rf"{_TELL} {_gap(5)}{_HIDDEN} (?:system )?(?:prompt|instructions|system message)\b",
        "copy;disclose;display;dump;expose;give;leak;list;output;paste;print;put;quote;recite;repeat;return;reveal;send;share;show;summari;tell;translate;write",
        "instructions;prompt;system message",
        "complete;confidential;exact;full;hidden;initial;internal;original;real;secret",
    ),
    rule(
        r"(?:reveal|leak|disclose|print|show me|output|dump) (?:me )?the system prompt"
        r"(?! (?:of|for|in|configured|that|from))",
        "disclose ;dump ;leak ;output ;print ;reveal ;show me ",
        "the system prompt",
    ),
    rule(
        r"\bwhat (?:is|are|was|were) your (?:system|hidden|initial|secret|original|exact) \w+",
        "what ",
        "exact;hidden;initial;original;secret;system",
    ),
    rule(
        r"\bwhat were you (?:told|instructed|asked) (?:not )?to\b",
        "what were you ",
        "asked;instructed;told",
    ),
    rule(
        r"\b(?:repeat|print|output|copy|recite|give me) (?:me )?(?:the |all (?:the )?)?"
        r"(?:text|words|everything|messages?)(?: that (?:is|was|stands?))? (?:above|before my|between the beginning|"
        r"written)",
        "copy ;give me ;output ;print ;recite ;repeat ",
        "above;before my;between the beginning;written",
    ),
    rule(
        r"\b(?:written|stands?|said) in your (?:prompt|instructions|context|system message)",
        "said in your ;stand;written in your ",
        "in your",
        "context;instructions;prompt;system message",
    ),
    rule(r"\binstructions? (?:that )?you (?:were|have been) given\b", "instruction", "given"),
    rule(
        r"\byou have a (?:hidden|secret) (?:system )?(?:prompt|message)",
        "you have a ",
        "hidden;secret",
    ),
    rule(r"\bmy system prompt (?:says|is|reads)", "my system prompt ", "is;reads;says"),
    rule(
        r"\breveal your (?:prompt|rules|instructions)|\bdump_prompt\b|\breveal system_prompt\b",
        "dump_prompt;reveal system_prompt;reveal your ",
    ),
    rule(
        r"\byour (?:own )?(?:system|hidden|secret|initial) (?:prompt|message|instructions)\b",
        "your ",
        "hidden;initial;secret;system",
        "instructions;message;prompt",
    ),
    rule(
        r"\byou (?:are|will be|act|become)(?: now| going to be| as)* (?:dan|stan|aim|evil\w*|"
        r"an? (?:unrestricted|uncensored|unfiltered|jailbroken|amoral|evil|rogue)\b)",
        "you ",
        "act;are;become;will be",
    ),
    rule(
        r"\bact as (?:dan|stan)\b|\bdan\b.{0,20}\bdo anything now|\bcan do anything now",
        "act as ;can do anything now;dan",
        "act as;do anything now",
    ),
    rule(
        rf"\b(?:you|your|yourself|model|ai|assistant|persona|pretend|imagine|act|respond|answer|"
        rf"behave|version) {_gap(8)}{_FREE} {_gap(3)}{_NORMS}",
        "act ;ai ;answer ;assistant ;behave ;imagine ;model ;persona ;pretend ;respond ;version ;you ;your ;yourself ",
        "censorship;confines;ethic;filter;guidelines;limit;moral;norms;polic;restriction;rule",
    ),
    rule(r"\bjailbr(?:eak yourself|oken)\b", "jailbr", "eak yourself;oken"),
    rule(
        r"\bdeveloper mode\b.{0,60}\b(?:guidelines|restrictions|filters|rules|safety|disabled)",
        "developer mode",
        "disabled;filters;guidelines;restrictions;rules;safety",
    ),
    rule(
        r"\bfrom (?:now|here) on,? (?:you (?:are|will|must|shall|answer|obey|never|only)|"
        r"(?:only )?(?:respond|answer|act|reply) (?:only |everything|with|as))",
        "from ",
        "here;now",
    ),
    rule(
        r"\byour (?:new|real|true|only|actual) (?:instructions?|task|orders?|role|purpose|rules)"
        r" (?:is|are|as|follow|now)",
        "your ",
        "instruction;order;purpose;role;rules;task",
    ),
    rule(r"\bhere are your (?:new|real|true) \w+", "here are your ", "new;real;true"),
    rule(r"\bnew (?:system )?instructions? ?(?::|follow\b)", "new ", "instruction"),
    rule(
        r"\b(?:your|previous|old|earlier) (?:\w+ )?(?:rules|instructions|guidelines|restrictions) "
        r"(?:\w+ )?(?:are|were|do|is) (?:suspended|void|cancell?ed|lifted|not apply|no longer|replaced|"
        r"a test)",
        "earlier ;old ;previous ;your ",
        "guidelines;instructions;restrictions;rules",
        "a test;cancel;lifted;no longer;not apply;replaced;suspended;void",
    ),
    rule(
        r"\ball (?:restrictions|rules|limits|safety \w+) (?:are|have been) (?:lifted|removed|off)",
        "all ",
        "limits;restrictions;rules;safety",
    ),
    rule(
        r"\bobey (?:me|only)\b|\bmust comply with (?:every|all)|\bcomply with everything",
        "comply with everything;must comply with ;obey ",
    ),
    rule(r"\bnever refuses? a(?:ny)? request|\bnever says? no\b", "never ", "request;say"),
    rule(r"\bsystem override\b", "system override"),
    rule(r"\bstop being an? (?:assistant|ai)\b", "stop being a"),
    rule(
        r"\b(?:not bound|unbound) by any (?:policy|rule)",
        "not bound by any ;unbound by any ",
        "not bound;unbound",
        "by any",
    ),
    rule(
        r"\bif you had no (?:guidelines|rules|restrictions)",
        "if you had no ",
        "guidelines;restrictions;rules",
    ),
    rule(
        r"\b(?:begin|start) your (?:answer|reply|response) with [\"'\u201c]?(?:sure|of course|absolutely)",
        "begin your ;start your ",
        "begin;start",
        "answer;reply;response",
    ),
    rule(
        r"\b(?:api keys?|passwords?|secrets?|credentials|tokens?)\b.{0,40}\b(?:in your (?:context|"
        r"memory|prompt)|you (?:use|know|can see|hold))\b",
        "api key;credentials;password;secret;token",
        "you",
    ),
    rule(
        r"\b(?:send|post|forward|upload|leak) (?:the |this |our |all |whole |entire )*(?:conversation|"
        r"chat)(?: history)? to\b",
        "forward ;leak ;post ;send ;upload ",
        "hat;onversation",
    ),
    rule(r"\bcall (?:every|all) tools?\b", "call ", "tool"),
    rule(
        r"<\|im_(?:start|end)\|> ?(?:<\|im_start\|> ?)?(?:system|user|assistant)\b",
        "<|im_",
        "assistant;system;user",
    ),
    rule(r"\[inst\].{0,2000}\[/inst\]|<</?sys>>", "<<;[inst]", "[/inst];sys>>"),
    rule(r"</system>.{0,200}<system>|<system>.{3,400}</system>", "<", "/system>"),
    rule(
        r"### ?system ?: .{0,100}\b(?:lifted|ignore|you are|user)",
        "###",
        "system",
        "ignore;lifted;user;you are",
    ),
    rule(r"^assistant: (?:sure|of course|i have)", "assistant: ", "i have;of course;sure"),
)
