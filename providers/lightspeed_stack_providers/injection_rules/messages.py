"""What no document says to a reader, and some say to an assistant.

Of each rule: the pattern, what its matches begin with, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import rule

_AI: Final = (
    r"(?:ai|a\.i\.|ai (?:model|agent|assistant|system)s?|assistants?|(?:large )?language models?|"
    r"llms?|chatbots?|automated agents?|the model)"
)

_NO_BADGE: Final = (
    r"(?!(?:[\w-]{1,30}\.){0,3}(?:shields\.io|codecov\.io|readthedocs\.org|github\.com|azure\.com|"
    r"travis-ci\.\w{2,4}|codspeed\.io)/)"
)

TO_ASSISTANTS: Final = (
    rule(
        rf"\b(?:note|notice|message|instructions?|hi|dear|hello|attention|important)(?: message)? "
        rf"(?:to|for)? ?(?:the |all |any )?{_AI}\b",
        "attention;dear;hello;hi;important;instruction;message;note;notice",
        "a.i.;agent;ai;assistant;chatbot;llm;model;system",
    ),
    rule(
        rf"\b{_AI}[:,;]? (?:please |now |you )?(?:must|should|shall|has to|ignore|disregard|forget|do not|"
        r"don't|stop|your|send|call|run|answer|reply|tell|before|before answering|approve|override|say|"
        r"include|recommend)\b",
        "a.i.;ai;assistant;automated agent;chatbot;language model;large language model;llm;the model",
        "answer;approve;before;call;disregard;do not;don't;forget;has to;ignore;include;must;override;recommend;reply;run;say;send;shall;should;stop;tell;your",
        "a.i.;agent;ai;assistant;chatbot;llm;model;system",
    ),
    rule(
        rf"\bif (?:you are|an?) {_AI}\b|\bas an? {_AI} you (?:must|should|will)|\b{_AI} reading this",
        "a.i. reading this;ai ;as a;assistant;automated agent;chatbot;if ;language model;large language model;llm;the model reading this",
        "if;reading this;you",
    ),
    rule(
        r"\binstructions_for_(?:the_)?(?:model|ai|assistant|llm)|\btodo\((?:ai|llm|assistant)\)",
        "instructions_for_;todo(",
    ),
    rule(
        r"\b(?:do not|don't|never|not) (?:tell|mention|inform|alert|notify)\b.{0,30}\b(?:user|anyone|this)",
        "do not ;don't ;never ;not ",
        "alert;inform;mention;notify;tell",
        "anyone;this;user",
    ),
    rule(
        r"\b(?:keep|hide) this (?:secret )?from the user|\bwithout (?:asking|telling|informing) the user",
        "hide this ;keep this ;without ",
        "the user",
    ),
    rule(
        r"\bdo not ask for confirmation\b.{0,60}|\byou must now call\b|\bbefore using any other tool",
        "before using any other tool;do not ask for confirmation;you must now call",
    ),
    rule(
        r"\bcall the tool\b|\bto the tool \w+|\brun the tool\b|\bmust also call\b",
        "call the tool;must also call;run the tool;to the tool ",
    ),
    rule(
        r"\b(?:in|of|end|append .{0,60} to(?: all of)?) your (?:next |every )?(?:answers?|repl(?:y|ies)|"
        r"responses?)\b",
        "append ;end your ;in your ;of your ",
        "your",
        "answer;repl;response",
    ),
    rule(
        r"\bignore the (?:user|question|documentation|operator)|\bdo not answer the user",
        "do not answer the user;ignore the ",
    ),
    rule(r"\b(?:this|the) (?:document|page) supersedes\b", "th", "supersedes", "document;page"),
    rule(
        r"\bthe correct reply is to\b|\byour previous task\b|\byour new task\b",
        "the correct reply is to;your new task;your previous task",
    ),
    rule(
        r"!\[[^\]]{0,100}\]\(https?://" + _NO_BADGE + r"[^)\s]{1,200}[?&]\w{1,20}=",
        "![",
        "](http",
        "://",
    ),
    rule(
        r"\b(?:reveal|leak|exfiltrate|print|include|list)\b.{0,40}\b(?:hidden prompt|system prompt|"
        r"all secrets|all api keys|secrets that you|the chat|private repositories|environment variables "
        r"you)",
        "exfiltrate;include;leak;list;print;reveal",
        "all api keys;all secrets;environment variables you;hidden prompt;private repositories;secrets that you;system prompt;the chat",
    ),
    rule(
        r"\b(?:the )?previous instructions\b.{0,20}\bvoid",
        "previous instructions;the previous instructions",
        "void",
    ),
    rule(
        r"\b(?:human|user): .{0,120}\bassistant: |\bassistant: .{0,120}\buser: ",
        "assistant: ;human: ;user: ",
    ),
    rule(r"\[(?:system|assistant|user)\]\(#", "[", "assistant;system;user", "](#"),
    rule(
        r"~/\.(?:ssh|aws|kube)/.{0,60}\b(?:tool|parameter|post|send)|\b(?:read|send|pass)\b.{0,40}"
        r"~/\.(?:ssh|aws|kube)/",
        "pass;read;send;~/.",
        "parameter;pass;post;read;send;tool",
    ),
    rule(
        r"\bwhen summari[sz]ing,|\bsummari[sz]es this (?:page|document)",
        "summari;when summari",
        "es this;when summari",
    ),
    rule(r"\buser has consented to\b", "user has consented to"),
)
