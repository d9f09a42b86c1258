"""Forged borders: texts that pretend that the words of a user or document have ended.

Of each rule: the pattern, what its matches begin with, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import rule

_ROLE: Final = r"(?:system|assistant|developer|user|human|ai|tool|model)"
_ORDER: Final = (
    r"(?:ignore|disregard|forget|you are|you must|you will|you now|you have|your|override|reveal|"
    r"print|show|obey|comply|respond|answer|always|never|new|from now|do not|disable|execute|call|"
    r"send|run|tell|act as|enter|switch)\b"
)

FORGERIES: Final = (
    rule(r"<\|im_(?:start|end)\|> ?(?:<\|im_start\|> ?)?(?:system|user|assistant)\b", "<|im_"),
    rule(
        rf"<\|(?:start_header_id|header_start)\|> ?{_ROLE}|<\|{_ROLE}\|>.{{0,200}}\b{_ORDER}|"
        r"<\|(?:eot_id|end_of_text|eom_id|endoftext|end|eot|endofprompt|end_of_turn)\|> ?(?:<|\[|#|"
        rf"{_ROLE}|.{{0,40}}\b{_ORDER})",
        "<|",
    ),
    rule(r"<(?:start|end)_of_turn> ?(?:<start_of_turn> ?)?(?:model|user|system)", "<start;<end"),
    rule(
        r"\[inst\].{1,400}\[/inst\]|\[/inst\].{0,60}\[inst\]|<</?sys>>",
        "<<;[inst];[/inst]",
        "inst];sys>>",
    ),
    rule(r"</?(?:s|bos|eos)> ?(?:\[inst\]|<s>|system:)", "<"),
    rule(
        r"</(?:system|user|user_input|user_query|user_message|input|query|question|context|document|"
        r"documents|instructions?|prompt|tool_result|tool_response|passages?|data|untrusted|content)>"
        r".{0,80}(?:<(?:system|instructions?|admin|developer|assistant|override|prompt)\b|"
        r"\b(?:system|new instructions?|assistant|admin) ?:|\b(?:ignore|disregard|forget|you are now|"
        r"you must|your new|override|reveal)\b)",
        "</",
    ),
    rule(r"</system>.{0,200}<system>", "</system>"),
    rule(
        r"<(?:system|admin|developer|sys|system_prompt|system-prompt|system-reminder|system_message|"
        r"instructions?|override|important|secret|hidden|priority)>.{0,120}\b(?:ignore|disregard|"
        r"you are|you must|you will|you now|your|override|reveal|obey|comply|respond|always|never|"
        r"from now|do not|the user|before (?:using|you)|call|send|forget)\b",
        "<system;<admin;<developer;<sys;<instruction;<override;<important;<secret;<hidden;<priority",
        "ignore;disregard;you;override;reveal;obey;comply;respond;always;never;from now;do not;"
        "the user;call;send;forget",
    ),
    rule(
        r"#{2,4} ?(?:new |updated )?(?:system|instructions?|assistant|developer|admin)"
        r"(?: (?:prompt|message|instructions?|note|override|update))? ?:? .{0,60}"
        r"\b(?:lifted|ignore|you are|you must|you will|user|disregard|reveal|obey|override|forget|"
        r"comply|unrestricted)\b",
        "##",
        "system;instruction;assistant;developer;admin",
    ),
    rule(
        r"(?:[-=*#_~]{3,}|[\[({<]{1,3}) ?(?:begin|start|end)(?:ing)?(?: of)?(?: the| my| your)? "
        r"(?:new |real |system |user |developer |admin |trusted |untrusted |hidden )*(?:prompts?|"
        r"instructions?|system|messages?|input|query|context|documents?|data|override|session|"
        r"conversation)\b.{0,120}\b(?:ignore|disregard|you are|you must|you will|now|your|override|"
        r"reveal|obey|comply|new|system|print|output|forget|tell|say|call|send)\b",
        "-;=;*;#;_;~;[;(;{;<",
        "begin;start;end",
        "prompt;instruct;system;message;input;query;context;document;data;override;session;conversation",
    ),
    rule(
        rf"[\[({{]{{1,2}} ?(?:system|admin|administrator|developer|sys|root|assistant|ai|internal|hidden|"
        rf"instructions?|override|priority|important|inst|llm)"
        rf"(?: (?:message|note|notice|prompt|override|instructions?|alert|update|command|directive|"
        rf"mode|only|system|to (?:ai|assistant|model)))? ?:? ?[\])}}]{{1,2}}:? ?.{{0,60}}\b{_ORDER}",
        "[;(;{",
        "]; ];);};:",
        "system;admin;developer;sys;root;assistant;ai;internal;hidden;instruction;override;priority;"
        "important;inst;llm",
    ),
    rule(
        r"(?:^|(?<=[.!?\"'>|)\]-])|(?<=[.!?\"'>|)\]-] ))(?:system|admin|developer|sysadmin)(?: (?:message|note|notice|prompt|"
        r"instructions?|alert|update|command|directive))? ?: ?(?:ignore|disregard|forget|you are|"
        r"you must|you will|you now|override|reveal|obey|comply|from now|new instructions?|"
        r"all (?:restrictions|rules|filters)|safety|disable|the (?:previous|above|assistant)|"
        r"developer mode|debug mode|jailbreak|print your|show your|enter)\b",
        "system;admin;developer;sysadmin",
        "system;admin;developer;sysadmin",
        "ignore;disregard;forget;you;override;reveal;obey;comply;from now;new;all;safety;disable;the ;"
        "mode;jailbreak;print;show;enter",
    ),
    rule(
        r"[\"']role[\"'] ?: ?[\"'](?:system|developer)[\"'] ?, ?[\"']content[\"'] ?: ?[\"'].{0,80}"
        r"\b(?:ignore|disregard|forget|no (?:rules|restrictions|limits)|unrestricted|override|reveal|"
        r"obey|jailbr\w{2,6}|dan|comply|you are now|without)\b",
        "\"role;'role",
        "content",
    ),
    rule(
        r"\b(?:end|start|beginning) of (?:the )?(?:system )?(?:prompt|instructions|user input|"
        r"user message|user query|document|context|input|system message|conversation)"
        r"[ \])>}*=.:#-]{1,12}(?:new |now |system|begin|start|you |ignore|disregard|forget|assistant|"
        r"here (?:is|are) |the following|please |your )",
        "end of ;start of ;beginning of ",
    ),
    rule(
        r"\bnew (?:system |top |highest |secret |developer |admin )?(?:priority |level )?"
        r"(?:instructions?|directives?|orders?|system prompt|system message|prompt)"
        r"(?: (?:for|to) (?:you|the (?:assistant|ai|model)))? ?(?:[:>=-]|follow\b|are as|is as|"
        r"received|has been|have been|below|supersede|override|replace|(?:for|to) (?:you|the (?:ai|assistant)))",
        "new ",
        "instruction;directive;order;prompt;message",
    ),
    rule(
        r"\b(?:updated|revised|real|actual|true) (?:system )?(?:instructions|orders|directives?|"
        r"system prompt) ?(?::|follow\b|are as|is as)",
        "updated ;revised ;real ;actual ;true ",
    ),
    rule(r"^assistant: (?:sure|of course|i have|certainly|absolutely|okay|ok)", "assistant: "),
)
