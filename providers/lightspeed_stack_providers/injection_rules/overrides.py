"""Orders to set rules aside: verbs of forgetting, over instructions that were given.

Of each rule: what its matches begin with, the rest of the pattern, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import either, gap, phrase, rule

_DROP: Final = (
    "ignore;ignores;ignoring;disregard;disregarding;forget;forgetting;overlook;neglect;discard;"
    "dismiss;abandon;override;overriding;overrule;bypass;bypassing;cancel;suspend;skip;void;"
    "circumvent;evade;violate;nullify;revoke;erase;unlearn;scrap;ditch;deactivate;disable;"
    "disobey;reject;rescind;annul;purge;shed;lift;undo;break;drop;loosen;relax;defy;"
    "pay no attention to;take no notice of;pay no heed to;give no weight to;do away with;"
    "get rid of;let go of;set aside;put aside;cast aside;push aside;throw away;throw out;"
    "toss out;leave behind;move past;step outside;step outside of;go beyond;get around;"
    "turn off;switch off;shut off;stop following;stop obeying;stop applying;quit following;"
    "free yourself from;free yourself of;break free of;break free from;escape;escape from;"
    "do not follow;don't follow;do not obey;don't obey;no longer follow;never mind;"
    "treat as void;act against;act contrary to;work around;wipe;reset;clear;overwrite;replace"
)
_FORGET: Final = (
    "ignore;ignoring;disregard;disregarding;forget;forgetting;overlook;neglect;discard;dismiss;"
    "pay no attention to;take no notice of;pay no heed to;set aside;put aside;cast aside;"
    "throw away;throw out;leave behind;do away with;let go of;stop following;do not follow;"
    "don't follow;no longer follow;override;overrule;cancel;void;nullify;skip;disobey;rescind;"
    "abandon;revoke;supersede;bypass;erase;wipe;delete;clear;scrap;drop"
)
_GIVEN: Final = (
    "instruction;instructions;directions;directives;directive;guidelines;guidance;prompt;prompts;"
    "system prompt;preamble;briefing;programming;restrictions;constraints;guardrails;safeguards;"
    "safety rules;safety guidelines;safety measures;safety protocols;ethics;ethical guidelines;"
    "moral guidelines;morals;principles;content policy;content policies;content filter;"
    "content filters;safety filter;safety filters;filters;training;limitations;conditioning;"
    "rules;policies;policy;orders;protocols;boundaries;alignment;role;persona;task;job;"
    "initialization;setup;system message;censorship"
)
_STRICT: Final = (
    "instruction;instructions;directions;directives;guidelines;prompt;prompts;system prompt;"
    "system message;preamble;briefing;programming;guardrails;restrictions"
)
_LOOSE: Final = (
    "rules;orders;commands;messages;text;context;conversation;content;input;dialogue;chat"
)
_EARLIER: Final = (
    "previous;prior;above;earlier;preceding;foregoing;former;initial;original;existing;past;old;"
    "previously given;previously provided;aforementioned;before;other;current;established"
)
_TO_YOU: Final = (
    r"(?:(?:that |which )?(?:\w{1,12} ){0,3}(?:to|on|for|into|upon) you\b|(?:that |which )?"
    r"(?:govern|bind|restrict|limit|constrain|control|shape|define) (?:you|your)\b|(?:that |which )?"
    r"you (?:\w{1,12} )?(?:were|are|have|got|received|follow|operate|must|had|should|was)\b)"
)
_SO_FAR: Final = (
    r"(?:above|before(?: this| that|[.,:;!]|$)|so far|up to (?:now|this point|here)|until now|"
    r"up there|(?:above|before) this|earlier|previously|said before)"
)
_ENDED: Final = (
    "suspended;void;cancelled;canceled;lifted;no longer;replaced;revoked;obsolete;outdated;expired;"
    "invalid;nullified;null;overridden;superseded;irrelevant;removed;deleted;erased;disabled;off;"
    "updated;changed;relaxed;rewritten;a test;a joke;fake;wrong;not valid;not apply;not in effect;not binding;meaningless;over"
)

OVERRIDES: Final = (
    phrase(_DROP, rf" {gap(4)}(?:your|thy|ur) {gap(4)}{either(_GIVEN)}\b", "your;thy;ur "),
    phrase(
        _FORGET,
        rf" {gap(3)}{either(_EARLIER)} {gap(3)}{either(_STRICT)}\b",
        "instruction;direction;guid;prompt;system message;preamble;briefing;programming;restrictions",
    ),
    phrase(_FORGET, rf" {gap(4)}{either(_STRICT)} {_SO_FAR}", "above;before;so far;up ;until;earl"),
    # What is also said of programs counts only where nobody asks how a program does it.
    rule(
        rf"(?:(?<!\bto )(?<!\bi )(?<!\bnot )|(?<=\byou to ))\b"
        rf"(?:ignore|disregard|forget|discard|dismiss|overlook) {gap(3)}{either(_EARLIER)} "
        rf"{gap(2)}{either(_LOOSE)}\b",
        "ignore;disregard;forget;discard;dismiss;overlook",
        "rules;orders;command;message;text;conversation;content;input;dialogue;chat",
    ),
    phrase(_DROP, rf" {gap(4)}{either(_GIVEN)} {_TO_YOU}", "you"),
    phrase(
        _FORGET,
        r" (?:about )?(?:everything|anything|all|all of that|what(?:ever)?|each thing|stuff) "
        rf"{gap(3)}(?:you(?:'ve| have| were| are|'re)? (?:\w{{1,12}} )?(?:told|given|taught|instructed|"
        r"learned|learnt|know|trained|read|been)|(?:was |been )?(?:told|said|given|taught) to you|"
        r"told you|said before|(?:above|before|prior|that came)(?: this|[.,:;!]| and|$))",
        "everything;anything;all;what;each;stuff",
    ),
    phrase(_FORGET, rf" {gap(3)}system (?:prompt|message|instructions?)\b", "system "),
    phrase(
        "ignore;disregard;forget;discard;dismiss",
        r" (?:the |all |any |of |everything |that is |that's |stated |written )*"
        r"(?:above|foregoing|preceding)(?: and|[.,:;!]|$)",
        "above;foregoing;preceding",
    ),
    phrase(
        "your",
        rf" {gap(3)}(?:rules|instructions|guidelines|restrictions|directives|constraints|prompt|"
        rf"polic(?:y|ies)|filters?|limitations|safeguards|guardrails|orders|training|programming) "
        rf"(?:\w{{1,12}} |don't |do ){{0,3}}{either(_ENDED)}\b",
        "rules;instructions;guid;restrict;directives;constraints;prompt;polic;filter;limitations;"
        "safeguards;orders;training;programming",
    ),
    phrase(
        "previous;prior;earlier;above;old;original;all",
        rf" (?:\w{{1,12}} )?(?:instructions|guidelines|restrictions|directives|safety \w{{1,12}}|"
        rf"ethical \w{{1,12}}) (?:\w{{1,12}} ){{0,2}}{either(_ENDED)}\b",
        "instructions;guid;restrict;directives;safety;ethical",
    ),
    phrase(
        "no;none of the;none of your",
        r" (?:rules|restrictions|guidelines|limits|limitations|filters|policies) "
        r"(?:\w{1,12} ){0,3}(?:to you|for you|on you|bind you|apply here|anymore|any more)\b",
        "rules;restrict;guid;limit;filters;policies",
    ),
    phrase(
        "you",
        r" (?:\w{1,12} )?(?:no longer|need not|do not need to|don't (?:need|have) to|"
        r"are not (?:required|obliged|bound)|aren't (?:required|bound)|are free|may stop|must stop|"
        rf"must not|should not|shall not|do not have to) {gap(3)}(?:follow|obey|abide|comply|adhere|"
        rf"listen|respect|bound|bind|by|from|heed|stick) {gap(4)}(?:rules?|instructions?|guidelines|"
        r"polic(?:y|ies)|restrictions?|prompts?|directives|constraints|programming|filters?)\b",
        "rule;instruction;guid;polic;restrict;prompt;directive;constraint;programming;filter",
    ),
    phrase(
        "everything;anything;all;whatever;what",
        r" (?:that )?you(?:'ve| have| were)? (?:been )?(?:told|taught|instructed|given|learned)\b.{0,60}\b"
        r"(?:joke|false|wrong|void|lie|obsolete|forget|drop|mistake|outdated|no longer|invalid|untrue)\b",
        "told;taught;instruct;given;learned",
    ),
    phrase(
        "rules;instructions;guidelines;restrictions;policies;directives",
        r" (?:above |before |so far |given )?(?:do not|don't|no longer|never|did not) (?:exist|apply to you|"
        r"count for you|bind you|matter to you|apply any ?more|apply here)\b",
        "exist;apply;count;bind;matter",
    ),
    phrase(
        "no;without;zero;without any",
        r" (?:content|ethical|moral|safety) (?:rules|filters?|filtering|policy|policies|restrictions|"
        r"guidelines|limits|norms)\b",
        "content;ethical;moral;safety",
    ),
    phrase(
        "treat;consider;regard;address;recognise;recognize",
        r" me (?:now )?as (?:root|admin|administrator|superuser|an? (?:admin|administrator|developer|"
        r"superuser|root)|(?:your|the) (?:\w{1,12} )?(?:developer|creator|owner|master|system|"
        r"administrator|admin|boss))\b",
        " me ",
    ),
    phrase(
        "for the rest of;for the remainder of;throughout",
        rf" (?:this|our|the) (?:\w{{1,12}} )?(?:chat|conversation|session|dialogue|discussion),? {gap(3)}"
        r"(?:treat|ignore|disregard|act|pretend|obey|skip|you (?:are|will|must|shall))\b",
        "chat;conversation;session;dialogue;discussion",
    ),
    phrase(
        "instead of;rather than",
        rf" (?:following|obeying) (?:your|the system|the original|the previous) {gap(2)}"
        r"(?:instructions|rules|prompt|guidelines)",
        "instructions;rules;prompt;guid",
    ),
    phrase(
        "obey;follow;listen to",
        r" (?:only me|me alone|me only|me and only me|my orders|(?:only )?my (?:instructions|commands|"
        r"orders|rules) (?:instead|only|now|from now|alone|above)|these (?:new )?(?:instructions|rules) "
        r"instead|mine instead)\b",
        "me;my;mine;instead",
    ),
    phrase(
        "system;security;safety;admin;administrator;developer;master;root;emergency;debug;"
        "override;maintenance;executive;protocol",
        r" override(?: code| protocol| mode| command| accepted| granted| engaged| activated| enabled|"
        r" key|[:.!,]|$)",
        " override",
    ),
)

SQUEEZED: Final = (
    rule(
        r"(?:ignore|disregard|forget|override|bypass)(?:all|any|every|of|the|my|these|those)*"
        r"(?:your|previous|prior|above|earlier|preceding)+(?:own|system|safety|security)?"
        r"(?:instructions?|rules|guidelines|prompts?|directions|directives|orders|filters?)",
        "ignore;disregard;forget;override;bypass",
        "instruction;rules;guid;prompt;direct;orders;filter",
    ),
    rule(
        r"(?:print|show|reveal|repeat|output|display|giveme|tellme|leak|dump)(?:me|us|out)?"
        r"(?:all|of|the)*your(?:entire|full|whole|exact|hidden|secret|initial|original|system|own)*"
        r"(?:systemprompt|instructions|systemmessage|secretprompt|hiddenprompt|initialprompt)",
        "print;show;reveal;repeat;output;display;giveme;tellme;leak;dump",
        "your",
        "prompt;instructions;message",
    ),
    rule(
        r"youare(?:now)?an?(?:unrestricted|uncensored|unfiltered|jailbroken)|candoanythingnow|"
        r"revealthesystemprompt",
        "youare;candoanythingnow;revealthesystemprompt",
    ),
)
"""Rules for a text of which the letters alone are left."""
