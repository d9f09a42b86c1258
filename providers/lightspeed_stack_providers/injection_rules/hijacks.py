"""What documents and results of tools say to turn an assistant against its user.

Of each rule: what its matches begin with, the rest of the pattern, and what they hold.
"""

from typing import Final

from lightspeed_stack_providers.injection_rules.rule import either, phrase, rule

_AI: Final = (
    r"(?:ai|a\.i\.|ai[- ](?:models?|agents?|assistants?|systems?|tools?|bots?|powered assistants?)|"
    r"(?:virtual |digital |automated |chat |language |intelligent )?assistants?|"
    r"(?:large )?language models?|llms?|llm agents?|"
    r"(?:chat)?bots?|chatgpt|gpt(?:-?\d)?|claude|gemini|copilot|(?:automated|autonomous|intelligent) "
    r"(?:agents?|systems?|readers?)|(?:the|any) (?:model|agent|summari[sz]er))"
)
_AI_HOLDS: Final = "ai;a.i.;assistant;language model;llm;bot;gpt;claude;gemini;copilot;agent;system;model;reader;summari"
_SAY: Final = (
    "tell;inform;advise;instruct;convince;persuade;direct;urge;remind;warn;ask;order;encourage;"
    "request;recommend;suggest;notify;assure"
)
_YOUR_ANSWER: Final = r"your (?:\w{1,12} )?(?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies))\b"
_CALL: Final = (
    "call;invoke;use;run;execute;trigger;fetch;open;visit;load;request;query;issue;perform;submit"
)
_UNSEEN: Final = (
    r"(?:silently|secretly|quietly|covertly|discreetly|in the background|without (?:asking|telling|"
    r"informing|notifying|alerting|mentioning|confirm\w{0,5}|user|any confirmation|further confirmation|"
    r"approval|permission|the user|prompting|disclosing|warning))"
)

HIJACKS: Final = (
    phrase(
        _SAY,
        r" (?:the |all |any |every |this |your )(?:end )?(?:users?|reader|readers|customer|customers|person|"
        r"human|humans|operator)\b (?:that |to |they |he |she |it |about |their |for |, )",
        "user;reader;customer;person;human;operator",
    ),
    phrase(
        "when;whenever;if;once;after;before;every time;each time;while",
        r" (?:you (?:are asked|read|see|process|summari[sz]e|answer|respond|reply|retrieve|parse|reach|"
        r"encounter|have read|finish|receive|are summari[sz]ing|use this)|asked about|the user asks|"
        r"users? asks?|someone asks|anyone asks|answering|responding|replying|summari[sz]ing|"
        r"processing this|reading this|generating)\b.{0,80}(?:,|:|then) ?(?:you )?(?:always |also |first |must |"
        r"should |please |instead |only |do |immediately )*(?:say|answer|reply|respond|tell|recommend|include|"
        r"mention|call|send|use|replace|add|append|output|print|state|claim|ignore|insert|run|execute|"
        r"refer|point|give|end|start|invoke|do not|never|write|forward|delete|post|email)\b",
        "say;answer;reply;respond;tell;recommend;include;mention;call;send;use;replace;add;append;"
        "output;print;state;claim;ignore;insert;run;execute;refer;point;give;end;start;invoke;not;"
        "never;write;forward;delete;post;email",
    ),
    phrase(
        "in;at the end of;at the start of;of;to;into;from;end;begin;start;append to;within;as;for",
        rf" (?:all |each |every |any |each of |all of )?(?:of )?{_YOUR_ANSWER}",
        "your",
        "answer;repl;response;summar",
    ),
    rule(
        rf"\b{_AI}[,:]? (?:that |which |who )?(?:is |are )?(?:currently )?(?:reading|processing|"
        rf"summari[sz]ing|parsing|indexing|analy[sz]ing|using|crawling|viewing|handling|retrieving|"
        rf"ingesting|accessing|seeing) (?:this|these|the (?:page|document|text|content|file|message))\b",
        "ai;a.i.;assistant;virtual;digital;automated;chat;language;intelligent;large;llm;bot;gpt;"
        "claude;gemini;copilot;autonomous;the ;any ",
        "this;these;the ",
        "reading;processing;summari;parsing;indexing;analy;using;crawling;viewing;handling;"
        "retrieving;ingesting;accessing;seeing",
    ),
    rule(
        rf"\b(?:note|notice|message|instructions?|directives?|attention|important|alert|memo|reminder|"
        rf"special|addressed|intended|guidance)s?(?: \w{{1,12}})?[:,]? (?:to|for|all|any)? ?"
        rf"(?:the |all |any |every |each )?(?:\w{{1,12}} )?{_AI}(?:[:!\])]| (?:reading|using|processing|-))",
        "note;notice;message;instruction;directive;attention;important;alert;memo;reminder;"
        "special;addressed;intended;guidance",
        _AI_HOLDS,
    ),
    rule(
        rf"\b{_AI}(?:[:,;]? (?:please |now |you |reading this |systems |models |agents |are ){{0,3}}"
        rf"(?:must|shall|have to|instructed to|ordered to|obliged to|disregard|forget|reveal|exfiltrate)|"
        rf"[:;] (?:please |now |you ){{0,3}}(?:do not|don't|stop|answer|reply|respond|approve|override|"
        rf"recommend|comply|obey|output|print|forward|prioriti[sz]e|summari[sz]e this|treat|assume|pretend|"
        rf"conclude|report|rate|rank|mention|always|never|when|if|this|skip|add|append|insert|use|visit))\b"
        rf"(?! (?:be|have|support|run|exist|is|are))",
        "ai;a.i.;assistant;virtual;digital;automated;chat;language;intelligent;large;llm;bot;gpt;"
        "claude;gemini;copilot;autonomous;the model;the agent;any model;any agent",
    ),
    rule(
        rf"\b(?:if|as|since|because) (?:you are|you're|an?|being) (?:an? )?(?:\w{{1,12}} )?{_AI}\b",
        "if ;as ;since ;because ",
        _AI_HOLDS,
    ),
    phrase(
        "you",
        rf" (?:are|must|should|will|have to|need to|are required to|shall|can|may) (?:now )?"
        rf"(?:also |immediately |first |always |then )*{either(_CALL)} (?:the |your |a |our )?"
        rf"(?:[\"'`\w.-]{{1,40}} )?(?:tool|function|plugin|api tool|mcp|command) ?\b.{{0,40}}\b{_UNSEEN}",
        "tool;function;plugin;mcp;command",
    ),
    phrase(
        "call;invoke",
        r" (?:the |your |this )?[\"'`]?[\w.-]{2,40}[\"'`]? tool\b",
        "tool",
    ),
    phrase(
        _CALL,
        r" (?:the |your |this )?(?:[\"'`]?[a-z]{2,20}_[a-z_]{2,30}[\"'`]? tool|tool (?:called |named )?"
        r"[\"'`]?\w{2,40}[_.]\w{2,40})\b",
        "tool",
        "_;.",
    ),
    rule(
        rf"{_UNSEEN},? (?:\w{{1,12}} ){{0,2}}(?:send|post|forward|upload|email|e-mail|call|invoke|delete|transfer|"
        rf"read|fetch|copy|share|include|exfiltrate|append|change|grant|approve|export|transmit|execute)\b|"
        rf"\b(?:send|post|forward|upload|email|call|invoke|delete|transfer|fetch|copy|share|export|transmit|"
        rf"grant|approve|execute|exfiltrate)\b.{{0,100}}\b(?:silently|secretly|covertly|discreetly|"
        rf"without (?:asking|telling|informing|notifying|alerting|mentioning|confirm\w{{0,5}} with|user|"
        rf"the user|approval|permission|prompting the|disclosing))",
        "silently;secretly;quietly;covertly;discreetly;in the background;without;send;post;forward;"
        "upload;email;call;invoke;delete;transfer;fetch;copy;share;export;transmit;grant;approve;"
        "execute;exfiltrate",
        "silently;secretly;quietly;covertly;discreetly;in the background;without",
    ),
    phrase(
        "send;post;forward;upload;email;e-mail;transmit;submit;leak;exfiltrate;deliver;relay;copy;"
        "append;add;attach;include;pass;encode;embed;report;share;dump;put",
        r" (?:\w{1,12} ){0,4}(?:user's|users'|user\u2019s|conversation|conversations|chat|chat history|"
        r"conversation history|system prompt|your instructions|previous messages|secrets|everything you)"
        r"\b.{0,60}\b(?:to|at|in|into|via|as|onto) (?:the |this |an? |our )?"
        r"(?:\w{1,14} ){0,3}(?:https?:|www\.|attacker|evil|[\w.-]{1,40}@|webhook|external|url|image|link|"
        r"endpoint|parameter|query string|third.party|address)",
        "http;www;attacker;evil;@;webhook;external;url;image;link;endpoint;parameter;query string;"
        "third;address",
        " to ; at ; in ; into ; via ; as ; onto ",
    ),
    rule(
        r"!\[[^\]]{0,100}\] ?\(?\s?(?:https?:)?//[^)\s]{1,300}(?:[?&=/#][{<\[$%]|[?&](?:q|d|data|c|s|"
        r"secret|prompt|chat|history|context|info|leak|x|p|query|msg|m|text|content|payload|log)=|\{|%7b)|"
        r"<img [^>]{0,100}src ?= ?[\"']?(?:https?:)?//[^>\s]{1,200}(?:\{|[?&](?:q|d|data|c|s|secret|"
        r"prompt|chat|history|context|info|leak|x|p)=)",
        "![;<img ",
        "//",
    ),
    phrase(
        "render;display;show;insert;include;output;embed;add;append;print;write;end with;load;emit",
        r" (?:\w{1,12} ){0,4}(?:markdown |html |tracking |invisible |hidden |1x1 )?(?:image|img|pixel|"
        r"link|picture|iframe)\b.{0,80}(?:https?:|www\.).{0,160}(?:[={<]\{|=\[|=<|=\$|the user|"
        r"conversation|secret|base64|chat|question|history)",
        "image;img;pixel;link;picture;iframe",
        "//;www.",
    ),
    phrase(
        "user;operator;administrator;admin;owner;customer;human",
        r" (?:has|have|had) (?:already |explicitly |previously |fully |pre-?)*(?:consented|approved|"
        r"authori[sz]ed|agreed|granted|confirmed|given (?:permission|consent|approval)|asked you to|"
        r"requested that you|instructed you|allowed you)\b",
        "consent;approved;authori;agreed;granted;confirmed;given;asked you;requested;instructed;allowed",
    ),
    rule(
        r"\b(?:pre-?approved|pre-?authori[sz]ed|no (?:user )?(?:confirmation|approval|consent) (?:is |was )?"
        r"(?:needed|required|necessary)|do not (?:ask|wait) for (?:\w{1,12} )?(?:confirmation|approval|"
        r"permission)|skip (?:the |any |user )?(?:confirmation|approval)|confirmation is not (?:needed|required))"
        r"\b.{0,80}\b(?:call|send|delete|transfer|execute|proceed|run|tool|action|invoke)\b",
        "preap;pre-ap;preau;pre-au;no ;do not ;skip ;confirmation",
        "call;send;delete;transfer;execute;proceed;run;tool;action;invoke",
    ),
    phrase(
        "this;these;the following;the above;what follows;text below;following text",
        r" (?:\w{1,12} ){0,3}?(?:overrides?|supersedes?|replaces?|takes? (?:precedence|priority) over|"
        r"cancels?|invalidates?|outranks?|has priority over|have priority over) (?:\w{1,12} ){0,3}"
        r"(?:instructions?|prompts?|directives|guidelines|system message|what you were told|orders|"
        r"previous (?:rules|documents?|answers?|information)|all other (?:documents?|rules|sources))\b",
        "overrid;supersed;replac;precedence;priority;cancel;invalidat;outrank",
    ),
    phrase(
        "ignore;disregard;forget;discard;distrust",
        r" (?:the |any |all |every |what the |everything the )*(?:user|user's (?:question|request|query|"
        r"message)|question|operator|other documents?|other passages?|other sources|other results|"
        r"your (?:task|instructions|rules)|passages above)(?: (?:and|instead|asks|wants|says)|[.,;!:]|$)",
        "user;question;operator;other;your;passages",
    ),
    phrase(
        "your",
        r" (?:\w{1,12} )?(?:task|goal|objective|job|mission|role|instructions?|purpose|priority|orders?|"
        r"assignment|next (?:step|action|task|message|output)) (?:is|are|has|have|was|must|should|now|will|"
        r"changed)(?: been)? (?:now |to |instead |changed|cancell?ed|updated|replaced|first |be )",
        "task;goal;objective;job;mission;role;instruct;purpose;priority;order;assignment;next",
    ),
    phrase(
        "you are;you're",
        r" (?:now |no longer |actually |really |hereby )+(?:an? |the |in |free|allowed|authori[sz]ed|"
        r"instructed|required|under|bound|acting|operating|root|admin|connected|speaking|talking|"
        r"unrestricted|dan)",
        "now;no longer;actually;really;hereby",
    ),
    phrase(
        "reveal;disclose;leak;print;output;repeat;expose;dump;share;return;display;send;list;include;"
        "provide;show;give",
        r" (?:\w{1,12} ){0,4}(?:system prompt|hidden prompt|your instructions|your prompt|your system|"
        r"your guidelines|your configuration|secrets you|credentials you|(?:all )?(?:the )?(?:api keys|"
        r"secrets|passwords|credentials|tokens) (?:you|that you|in your|from your|available)|chat history|"
        r"conversation history|previous messages|earlier messages|other users)",
        "prompt;your;secrets;credential;keys;password;token;history;messages;other users",
    ),
    phrase(
        "ask;prompt;request;instruct;urge;tell",
        r" (?:\w{1,12} )?(?:the |this )(?:user|customer|reader|person|human|operator)s? "
        r"(?:for|to (?:enter|provide|give|send|paste|type|share|reveal|confirm|run|execute|visit|open|"
        r"click|download|install|disable|call|log ?in|transfer|pay)) ",
        "user;customer;reader;person;human;operator",
    ),
    phrase(
        "recommend;mention;promote;praise;prefer;favor;favour;suggest;cite;link;refer",
        r" (?:only |always |exclusively )?(?:\S{1,40} ){1,6}(?:in|as|over|to) (?:every|all|each|any|your) "
        r"(?:answer|response|reply|user|question|summary|other)",
        "answer;response;reply;user;question;summary;other",
    ),
    phrase(
        "respond;reply;answer;say;output;write;state",
        r" (?:only |exactly |just |always |instead |simply )+(?:with |that |the (?:word|words|text|phrase|"
        r"following|string|link|sentence)|in |by |: ?[\"'])",
        "only;exactly;just;always;instead;simply",
    ),
    phrase(
        "do not;don't;never;must not;should not;avoid;without;refrain from",
        r" (?:\w{1,12} )?(?:tell|telling|mention|mentioning|inform|informing|alert|alerting|notify|notifying|"
        r"reveal|revealing|disclose|disclosing|show|showing|warn|warning|discuss|explain|explaining) "
        r"(?:\w{1,12} ){0,3}(?:the user|users?|anyone|anybody|human|humans|customer|this (?:instruction|"
        r"message|note|document|text|page|step|action|section|to)|these (?:instructions|steps)|operator)\b",
        "user;anyone;anybody;human;customer;this;these;operator",
    ),
    phrase(
        "keep;hide;conceal;withhold",
        r" (?:\w{1,12} ){0,3}(?:secret|hidden|confidential|from) (?:from )?(?:the |your |all |any )?"
        r"(?:user|users|human|humans|operator|owner|customer|administrator)\b",
        "user;human;operator;owner;customer;administrator",
    ),
    phrase(
        "answer;answers;reply;replies;response;responses;output;summary",
        r" (?:\w{1,12} )?(?:must|should|has to|have to|shall|needs to) (?:\w{1,12} )?(?:begin|start|end|"
        r"include|contain|mention|say|recommend|link|point|not mention|always|never)\b",
        "must;should;ha;shall;need",
    ),
    phrase(
        "end;finish;begin;start;close;conclude;prefix;open",
        r" (?:every|each|all|any|your|the) (?:of your )?(?:\w{1,12} )?(?:answers?|repl(?:y|ies)|responses?|"
        r"summar(?:y|ies)) (?:with|by)\b",
        "answer;repl;response;summar",
    ),
    phrase(
        "in;to;with",
        r" (?:every|all|each|any|future|subsequent|all future|all subsequent|the next|the final) "
        r"(?:answers?|repl(?:y|ies)|responses?|summar(?:y|ies)) (?:to|you|that|and|from|about|[.,;:])",
        "answer;repl;response;summar",
    ),
    phrase(
        "the user;user;users;operator;administrator",
        r" (?:wants|asked|asks|would like|needs|has requested|has asked|expects|requires|ordered|told) you to\b",
        "you to",
    ),
    phrase(
        "say;answer;reply;respond;claim;pretend;insist;state;tell them;tell him;tell her",
        r" (?:only )?that (?:everything|the (?:service|system|server|product|user|answer|issue|request|cluster|"
        r"account)|there|no|all|it|this|you|nothing)\b",
        " that ",
    ),
    phrase(
        "before;prior to",
        r" (?:you )?(?:answer\w{0,3}|respond\w{0,3}|reply\w{0,3}|continu\w{1,3}|proceed\w{0,3}|"
        r"summari[sz]\w{1,3}|doing anything|any(?:thing)? else|using (?:this|any|other))\b.{0,40}?[,:] ?(?:you )?"
        r"(?:must |should |always |first |please |also )*(?:call|read|send|open|fetch|run|visit|use|delete|"
        r"ask|say|print|output|post|load|download|search|set|change|update|grant|transfer|get|list|check)\b",
        "answer;respond;reply;continu;proceed;summari;doing;any;using",
    ),
    phrase(
        "immediately;at once;right away;you must now;you should now;you will now;now you must",
        r",? (?:\w{1,12} )?(?:call|send|forward|transfer|exfiltrate|post|email|invoke|stop answering|reveal|"
        r"upload|approve|grant)\b",
    ),
    phrase(
        "include;append;add;attach;put;paste;send;post;report;return;write;encode",
        r" (?:\w{1,12} ){0,4}your (?:\w{1,12} )?(?:system prompt|instructions|context|memory|conversation|"
        r"chat history|tools|environment variables|hidden|secrets?|previous)\b",
        "your",
    ),
    phrase(
        "stop",
        r" (?:summari[sz]ing|answering|processing this|reading|what you are doing|here|your task)\b.{0,20}\b"
        r"(?:and|instead|;|:)",
        "summari;answering;processing;reading;what you;here;your task",
    ),
    phrase(
        "new", r" (?:task|goal|objective|assignment|mission|role|job) ?(?::|for you|is to)", "new "
    ),
    phrase(
        "ask;request;collect;obtain;get;demand;require;solicit",
        r" (?:\w{1,12} ){0,4}(?:the |this )?(?:user|users|customer|reader|visitor)(?:'s|s')?\b.{0,40}\b(?:passwords?|"
        r"credit card|card number|credentials|api keys?|access token|social security|one-time|otp|2fa|pin)\b",
        "user;customer;reader;visitor",
        "password;card;credential;api key;token;social;one-time;otp;2fa;pin",
    ),
    phrase(
        "ignore;disregard;discard;distrust",
        r" (?:any |all |every )?(?:conflicting|contradict\w{2,4}|contrary|opposing|differing|competing) "
        r"(?:\w{1,12} )?(?:documents?|sources?|instructions?|passages?|information|statements?|results?|rules)\b",
        "conflict;contra;opposing;differing;competing",
    ),
    phrase(
        "trust;believe;use;rely on;cite;quote",
        r" (?:only|exclusively|solely) (?:on )?(?:this|the present) (?:document|page|source|passage|text|result)\b",
        "this;present",
        "only;exclusively;solely",
    ),
    rule(
        r"<(?:tool_call|function_calls?|invoke|function=\w{1,40}|tool_use)[ >]{0,2}(?:\{|<|name=)|"
        r"\bassistant to=functions\b",
        "<tool_;<function;<invoke;assistant to=",
    ),
    rule(
        rf"\b{_AI} (?:should|are (?:asked|requested|required|advised|instructed|told|expected) to|may now|"
        rf"can now|is (?:asked|requested|required|advised|instructed|told|expected) to|ought to|will now)\b"
        rf"(?! (?:be|have|support|run|exist))",
        "ai;a.i.;assistant;virtual;digital;automated;chat;language;intelligent;large;llm;bot;gpt;"
        "claude;gemini;copilot;autonomous;the model;the agent;any model;any agent",
        "should;are ;may now;can now;is ;ought;will now",
    ),
    phrase(
        "delete;drop;wipe;destroy;transfer;execute;run",
        r" (?:\w{1,12} ){0,5}(?:with|using|via|by calling) (?:the |your )(?:[\w.-]{1,30} )?tool\b",
        "tool",
    ),
)
