"""What README and documents promise, each promise under the heading where it stands.

A test says with `@pytest.mark.requirement("id")` which promise it proves.
"""

from collections.abc import Mapping
from typing import Final

# Page and anchor of a heading -> id -> promise.
PROMISES: Final[Mapping[str, Mapping[str, str]]] = {
    "README.md#lightspeed-core-stack": {
        "start.no-network": "Everything that is shipped works without a network.",
        "start.cited": "With nothing set, an answer cites the product's documents.",
        "start.installed": "The installed package works without the checkout.",
    },
    "README.md#start": {
        "start.run": "`make run` prepares the environment and starts the service.",
        "start.curl": "The commands of the README are answered as it says.",
        "start.restart": "A conversation goes on after a restart.",
        "page.root": "`/` is a page that names the service and shows the ways on.",
        "page.viewers": "`/docs` and `/redoc` describe the API and load nothing from elsewhere.",
    },
    "README.md#use-a-language-model": {
        "model.switch": "One variable switches a language model on and makes it the default.",
        "model.first-of-list": "Where none is named, the endpoint's first model is the default.",
        "model.order": "Of several variables, the order of the table decides.",
        "model.choice": "A request may choose with `provider` and `model`.",
    },
    "README.md#configure": {
        "config.file": "`-c` names a file; else the working directory's serves, else the shipped.",
        "listen.environment": "`LIGHTSPEED_HOST` and `LIGHTSPEED_PORT` say where to listen.",
        "listen.loopback": "Only this machine can connect until something else is configured.",
        "data.directory": "`LIGHTSPEED_DATA_DIR` holds everything that is written.",
        "log.level": "`LIGHTSPEED_STACK_LOG_LEVEL` says how much is logged.",
        "stack.version-range": "Llama Stack outside 0.7.0 to 0.7.3 is refused at the start.",
        "stack.server": "Llama Stack can run as a server of its own.",
        "cli.flags": "The command line has the flags of the README.",
        "cli.dump": "`-d` writes the configuration as it was understood, secrets masked.",
        "cli.retired": "A flag that is no longer acted on is answered with what to use.",
    },
    "docs/configuration.md#configuration": {
        "config.refusal": "A bad file is refused with file, key, value and what would be right.",
        "config.expressions": "`${env.NAME}` is replaced, with a default and a condition.",
    },
    "docs/approvals.md#what-happens": {
        "approvals.protocol": "A call that needs an approval waits for it, and the others do not.",
        "approvals.restart": "A waiting turn outlives its process, and keeps no credential.",
        "approvals.streams": "Streams stay open, and every reader gets the same events.",
    },
    "docs/approvals.md#answer": {
        "approvals.routes": "The user of the turn answers, once and in time, on any worker.",
        "approvals.again": "A tool that has changed since it was allowed is asked for again.",
        "approvals.locked": "Allowed without the server's credentials, it is asked for again.",
        "approvals.room": "Waiting turns go on as room allows, and their readers are counted.",
    },
    "docs/unified.md#one-file": {
        "unified.start": "One file starts the service, which offers the allowed models alone.",
    },
    "docs/unified.md#how-the-parts-are-put-together": {
        "unified.order": "Later parts win: mappings merge, lists and single values replace.",
        "unified.written": "What was built is written at every start, without secrets, mode 0600.",
    },
    "docs/unified.md#models": {
        "unified.refusal": "A provider that cannot be served is refused with what would help.",
    },
    "docs/migration.md#a-runyaml-of-the-02-line": {
        "migrate.run-yaml": "An old run.yaml is written anew, and what it lacks then is listed.",
        "migrate.no-loss": "Neither the file that is read nor another one is written over.",
    },
    "docs/migration.md#two-files-into-one": {
        "migrate.one-file": "A configuration and its run.yaml become one file that means the same.",
    },
    "docs/troubleshooting.md#the-service-does-not-start": {
        "start.refusal": "A start that cannot succeed ends with one clear line.",
        "stack.run-yaml": "A run.yaml of another age is refused key by key.",
        "stack.reliance": "What the configuration relies on and the stack lacks stops the start.",
    },
    "docs/concepts.md#turn": {
        "turn.outlives-client": "A turn is finished and recorded when its client goes away.",
    },
    "docs/concepts.md#conversation": {
        "turn.order": "Turns of one conversation run in the order in which they arrived.",
        "turn.wait": "A turn that waits too long for the one before it is refused with 409.",
        "turn.history": "The model is sent the earlier turns of the conversation.",
    },
    "docs/compaction.md#when-the-window-is-full": {
        "turn.full-context": "Older turns are left out when the context window is full.",
    },
    "docs/compaction.md#summaries": {
        "compaction.summary": "Older turns become a summary, which later turns use and extend.",
        "compaction.failure": "A summary that fails costs a warning and not the answer.",
        "compaction.workers": "Workers that go on with a conversation summarise it once.",
        "compaction.deleted": "A summary is deleted with its conversation.",
    },
    "docs/concepts.md#engine": {
        "engine.boot": "The listener answers while the engine boots, and questions wait for it.",
        "engine.port": "Both ways to reach Llama Stack behave alike.",
    },
    "docs/concepts.md#what-this-version-does-not-do": {
        "docs.honest": "What is said not to be done is not done.",
    },
    "docs/concepts.md#shield": {
        "shield.answer": "A shield that objects answers in the model's place.",
    },
    "docs/shields.md#shields": {
        "shield.listed": "Shields of the configuration and of Llama Stack are listed together.",
    },
    "docs/shields.md#what-a-shield-looks-at": {
        "shield.names": "A shield's name says what it looks at.",
        "shield.documents": "What documents and tools order costs the order and not the answer.",
        "shield.unkept": "The stack keeps no copy of what a shield asks a model.",
    },
    "docs/shields.md#order": {
        "shield.order": "Shields that rewrite come first, and the others see what they left.",
    },
    "docs/shields.md#a-rewritten-question": {
        "shield.rewrite": "Nothing of a question that was rewritten is kept anywhere.",
        "shield.original": "A setting keeps and searches the original, and no model sees it.",
        "shield.restore": "Every worker shows what was taken out of a question to its user alone.",
    },
    "docs/shields.md#answers": {
        "shield.window": "After a hit in mid-stream the shield's text follows what has left.",
        "shield.rewrite-answer": "Answers are rewritten before they leave.",
    },
    "docs/shields.md#when-a-shield-fails": {
        "shield.failure": "A shield that fails refuses, unless it is set otherwise.",
    },
    "docs/shields.md#a-shield-of-your-own": {
        "shield.warn": "A violation of level `warn` with a rewritten text rewrites.",
    },
    "docs/providers/redaction.md#redaction-what-is-taken-out-of-texts": {
        "redaction.rules": "Rules replace in their order, and tell case apart where it is set.",
        "redaction.detect": "Checksummed numbers and other known values are found.",
        "redaction.reversible": "A value has one placeholder, which can be put back.",
        "redaction.time": "A pattern that computes too long is stopped.",
    },
    "docs/shields.md#how-well-the-rules-do": {
        "injection.false-blocks": "Of 200 legitimate questions at most one is blocked.",
        "injection.catch-rate": "What is caught and missed is published, and does not fall.",
    },
    "docs/providers/injection_rules.md#injection_rules-orders-to-the-assistant": {
        "injection.documents": "Documents lose the sentences that give orders, and no others.",
        "injection.linear": "The work is linear in the text.",
    },
    "docs/providers/question_validity.md#question_validity-does-a-question-belong-here": {
        "validity.prompt": "The prompt's variables are filled in, and nothing within a question.",
        "validity.answer": "Only the word that allows lets a question pass.",
    },
    "docs/rag_guide.md#what-is-searched": {
        "retrieval.stores": "A request may name the stores to search, or none.",
        "retrieval.failure": "A store that fails costs a warning and not the answer.",
    },
    "docs/rag_guide.md#how-well-it-finds": {
        "ranking.table": "The published figures are those measured on the frozen set.",
        "ranking.kept": "Ranking does not fall below what was recorded.",
        "ranking.default": "The default way of searching is hybrid; none is surely better.",
    },
    "docs/evaluation.md#evaluation": {
        "eval.figures": "`eval` measures a store and its answers, offline, as table and JSON.",
    },
    "docs/evaluation.md#questions": {
        "eval.bad-lines": "A line that cannot be used is named with its number and reason.",
    },
    "docs/rag_guide.md#search-by-the-model": {
        "retrieval.tool": "The model searches stores by a tool, and cites what it found.",
    },
    "docs/rag_guide.md#stores-in-the-configuration": {
        "byok.stores": "Stores of the configuration are served with any run.yaml, or without.",
        "byok.names": "A store of the configuration goes by its `rag_id` wherever it is shown.",
        "byok.weights": "Cutoff, multiplier and the number of chunks are what they say.",
        "byok.pgvector": "A store in PostgreSQL is served, and its password is in no file.",
        "byok.foreign": "An index of another program is refused with what imports it.",
        "byok.embedding-model": "A missing model is refused with the folder that would serve.",
        "byok.reranker": "A reranker orders chunks anew, and prefers stores of one's own.",
    },
    "docs/rag_guide.md#import-a-store-of-another-program": {
        "import.whole": "Chunks come over with vectors and metadata; the file stays as it is.",
        "import.resumed": "An import that was interrupted goes on with the same command.",
        "import.refused": "What cannot be imported is named with the reason, and harms nothing.",
    },
    "docs/rag_guide.md#the-products-own-documents": {
        "retrieval.index-once": "A second start embeds nothing.",
    },
    "docs/ingestion.md#your-own-documents": {
        "ingest.beside-service": "What is taken in is found by a service that runs meanwhile.",
    },
    "docs/ingestion.md#what-the-command-does": {
        "ingest.terminal": "A terminal shows files and chunks with the time that is left.",
        "ingest.failed-file": "A file that fails is named with the reason, and the others go on.",
        "ingest.misused": "A command line that makes no sense is exit code 2.",
    },
    "docs/ingestion.md#what-is-reported": {
        "ingest.reported": "Each file that failed, has no text or was read in part is named.",
        "ingest.real-files": "Real files are taken in, interrupted and gone on with.",
    },
    "docs/ingestion.md#what-it-costs-the-second-time": {
        "ingest.incremental": "Only what has changed is embedded; what is gone is deleted.",
        "ingest.atomic": "A search finds a document's old version or the new one, never a mix.",
    },
    "docs/ingestion.md#interrupted-work": {
        "ingest.interrupted": "After an interruption the same command goes on.",
        "ingest.killed": "After a crash at any point nothing is missing, double or left behind.",
    },
    "docs/ingestion.md#jobs": {
        "store.jobs": "A job is seen and ended by any process, and worked on by one.",
        "ingest.cancel": "A job is cancelled from another process.",
    },
    "docs/ingestion.md#another-embedding-model": {
        "reindex.beside": "A new index takes the old one's place when it is whole.",
    },
    "docs/ingestion.md#folders-of-the-configuration": {
        "folders.kept": "Folders are brought up to date at start, and by setting when they change.",
        "folders.doctor": "The doctor names folders that are missing.",
    },
    "docs/ingestion.md#ids-of-documents": {
        "ingest.ids": "Ids are stable, differ between folders, and name no place outside.",
    },
    "docs/citations.md#citations": {
        "citation.exact": "A citation's quote stands in the source text at its offsets.",
        "citation.checked": "A marker that does not hold never reaches the client.",
    },
    "docs/citations.md#sources-that-have-changed": {
        "citations.stale": "A citation of a file that changed says so, and a warning names it.",
    },
    "docs/rag_guide.md#how-a-document-is-cut": {
        "chunks.exact": "A chunk is its document's text between its offsets, and nothing is lost.",
        "chunks.tables": "A long table is cut between rows and embedded with its header.",
        "chunks.reach": "The embedding model reads each chunk to its end.",
        "chunks.pages": "A chunk knows its page, and where further pages begin in it.",
    },
    "docs/formats.md#formats": {
        "formats.text": "Each format becomes text whose structure is Markdown, always the same.",
        "formats.lying": "A file that lies about its type is read as what it is.",
    },
    "docs/formats.md#how-a-file-is-read": {
        "formats.process": "Files are read by a process that inherits nothing of the service.",
        "formats.network": "What reads a file can neither call, nor run a program, nor write.",
    },
    "docs/formats.md#limits": {
        "formats.limits": "Time, memory, size, text and pages of a file have limits that hold.",
    },
    "docs/formats.md#what-is-reported": {
        "formats.reasons": "A file that cannot be read is named with a reason.",
        "formats.hostile": "A hostile file is bounded, and the others are read all the same.",
    },
    "docs/auth.md#authentication-and-authorization": {
        "start.own-module": "A start loads the libraries of the configured module alone.",
        "auth.module": "The configured module says who the caller is, and refuses all others.",
        "auth.twice": "A credential that is sent twice is 400.",
    },
    "docs/auth.md#noop": {
        "auth.open-address": "An open module on a public address is told at start and by doctor.",
    },
    "docs/auth.md#k8s": {
        "auth.k8s": "The cluster says who the caller is, and whether they may use the service.",
    },
    "docs/auth.md#the-way-to-the-cluster": {
        "auth.k8s-way": "A pod's account, a kubeconfig or an address alone lead to the cluster.",
    },
    "docs/auth.md#permissions": {
        "auth.k8s-manifest": "The manifest grants what the service asks of the cluster.",
    },
    "docs/auth.md#answers-that-are-kept-and-a-cluster-that-does-not-answer": {
        "auth.k8s-cache": "Answers are kept for moments, errors never; none lets anybody in.",
    },
    "docs/auth.md#trusted-proxy": {
        "auth.trusted-proxy": "A proxy that the cluster knows names the user in a header.",
    },
    "docs/auth.md#probes-and-metrics": {
        "auth.skip": "Switches open probes and metrics, and nothing else, to anybody.",
    },
    "docs/auth.md#who-may-read-which-store": {
        "access.stores": "A store that a caller may not read is as if it did not exist.",
    },
    "docs/auth.md#what-a-caller-may-do": {
        "auth.marks": "Every route needs its action, a known caller, or nothing.",
    },
    "docs/auth.md#access-rules": {
        "auth.rules": "Once there are access rules, what none of them allows is denied.",
    },
    "docs/api.md#the-api": {
        "api.authorized": "`POST /authorized` tells callers who they are.",
        "api.info": "`GET /v1/info` names the service and both versions.",
        "api.catalog": "Shields, tools, providers and vector stores are listed as they are.",
        "api.config": "`GET /v1/config` shows the configuration, secrets masked.",
        "api.models": "`GET /v1/models` lists the models for clients of both kinds.",
        "api.description": "The API's description names every route, parameter, body and error.",
    },
    "docs/api.md#ask-a-question": {
        "query.form": "A body that has not the right form is refused with its faults.",
        "query.system-prompt": "A system prompt rules its turn, unless that is forbidden.",
        "query.attachments": "Attachments of unknown kinds are refused.",
        "query.images": "Images reach models that take them, as data URLs; others refuse them.",
        "query.unknown": "What a question names and does not exist is not found.",
    },
    "docs/api.md#ask-from-a-command-line": {
        "infer.answer": "An answer is a text and an id.",
        "infer.input": "The model is asked the question with what it is about.",
        "infer.form": "A question of another form is refused with its faults.",
        "infer.details": "Details are told where they are asked for and allowed.",
        "infer.documents": "Documents stand behind the answer, markers with their chunks alone.",
        "infer.stateless": "Nothing of a question is kept, and it ends with its reader.",
        "infer.sanitizer": "Text in disguise is answered without a model.",
        "infer.shield": "Shields look at questions and answers.",
        "infer.model": "The default model answers; an unknown one is 404, none is 503.",
    },
    "docs/api.md#read-the-answer": {
        "query.answer": "An answer has every key, and a conversation id of version 4.",
        "query.tokens": "Tokens are the provider's, or estimated well and marked so.",
        "query.recorded": "An answer that cannot be recorded goes out and says so.",
        "tools.shapes": "Calls, results and references read the same in answers and streams.",
    },
    "docs/api.md#conversations": {
        "conversation.lists": "Conversations are listed, the newest first, whole or in pages.",
        "conversation.read": "A conversation is read turn by turn, whole or in pages.",
        "conversation.states": "Interrupted and failed turns are read with what there was.",
        "conversation.name": "A conversation is named, and no model takes the name away.",
        "conversation.delete": "Deletion stops what runs and leaves nothing.",
        "conversation.owner": "Another's conversation is refused, and not in one's list.",
        "conversation.ids": "An id is refused by its form, and known in every accepted one.",
    },
    "docs/api.md#prompts": {
        "prompts.versions": "A change makes a version, of the newest one alone; the old ones stay.",
        "prompts.placeholders": "A placeholder that is not declared is refused and named.",
    },
    "docs/api.md#saved-prompts": {
        "saved-prompts.own": "Users list and delete their own saved prompts, and no others.",
        "saved-prompts.limits": "Names are unique per user, and limits hold on all workers.",
    },
    "docs/api.md#files": {
        "files.whole": "A file is there once it is whole, byte for byte, and otherwise not at all.",
        "files.limits": "A file too large, too slow or broken is refused before it is read whole.",
        "files.pages": "A page of another site cannot make a browser hand over a file.",
    },
    "docs/api.md#vector-stores": {
        "vector-stores.made": "A store made over the API is there everywhere until it is deleted.",
        "vector-stores.files": "A file is indexed once, resumed, told of, and taken out again.",
    },
    "docs/api.md#headers": {
        "header.request-id": "`X-Request-ID` is taken, returned and logged.",
    },
    "docs/api.md#clients": {
        "client.backstage": "The Lightspeed plug-in of Backstage works unchanged.",
    },
    "docs/overload.md#turns-at-a-time": {
        "overload.turns": "A turn too many is 503, one user's 429, and others are served.",
    },
    "docs/overload.md#streams-that-are-read-again": {
        "overload.readers": "A stream can be read again where turns have taken all room.",
    },
    "docs/browser.md#names-of-the-service": {
        "browser.hosts": "A name that is not the service's own is answered with 421.",
    },
    "docs/browser.md#pages-that-may-call": {
        "browser.origins": "A page that may not call gets 403, and nothing is done for it.",
    },
    "docs/browser.md#cross-origin-resource-sharing": {
        "browser.cors": "Pages that may call read answers and errors, as `service.cors` says.",
    },
    "docs/browser.md#forms-of-other-sites": {
        "browser.forms": "No form changes anything, and JSON is taken as before.",
    },
    "docs/browser.md#headers-of-answers": {
        "browser.headers": "Every answer tells browsers not to sniff, frame, embed or keep it.",
    },
    "docs/browser.md#policy-of-the-pages": {
        "browser.policy": "Pages run under a strict policy, and it stops nothing that they need.",
    },
    "docs/limits.md#bodies": {
        "limits.body": "A body too large or compressed is refused, and the client reads why.",
        "limits.held": "What all bodies hold at a time is bounded; beyond it, 503.",
    },
    "docs/limits.md#json": {
        "limits.json": "JSON too deep, too much, or with what no database stores is 422.",
    },
    "docs/limits.md#slow-clients": {
        "limits.slow": "Heads and bodies that come too slowly are 408; idle connections close.",
    },
    "docs/limits.md#connections": {
        "limits.idle": "Thousands of idle connections leave the service healthy.",
    },
    "docs/limits.md#ambiguous-requests": {
        "limits.ambiguous": "What two servers could read in two ways is 400, and closed.",
        "limits.head": "A head too large is 431, and closed.",
    },
    "docs/limits.md#tls": {
        "limits.tls": "Old versions of TLS are refused, and clients without a certificate.",
    },
    "docs/api.md#errors": {
        "error.shape": "Every error has the same body, on unknown paths too.",
        "error.status": "A failure before the first event is a status, on both routes alike.",
        "error.discreet": "No error tells of the inside, and no key is in the log.",
        "error.in-stream": "A failure in mid-stream is an `error` event, and nothing follows.",
    },
    "docs/api.md#order-of-checks": {
        "check.order": "Of several faults, the first in the order of the checks is answered.",
    },
    "docs/api.md#probes": {
        "probe.liveness": "Liveness depends on no provider.",
        "probe.readiness": "Readiness asks the providers, and names what is not well.",
    },
    "docs/user_data.md#feedback-and-transcripts": {
        "export.off": "With feedback and transcripts switched off, nothing is written.",
    },
    "docs/user_data.md#feedback": {
        "feedback.form": "Feedback of the wrong form, or on another's conversation, is refused.",
        "feedback.file": "Feedback that was received is exactly one file.",
        "feedback.switch": "Feedback is switched on and off for all workers at once.",
    },
    "docs/user_data.md#transcripts": {
        "transcript.file": "An answered or interrupted turn leaves exactly one transcript.",
        "transcript.killed": "A killed process leaves no ended turn without its transcript.",
    },
    "docs/user_data.md#exporting": {
        "export.whole": "An exporter that deletes files misses none and sees no half ones.",
    },
    "docs/retention.md#deleting-a-conversation": {
        "retention.deletion": "A deleted conversation leaves no transcript, where it is so set.",
    },
    "docs/retention.md#by-age": {
        "retention.conversations": "Conversations go some days after their last message.",
        "retention.files": "Transcripts and feedback go some days after they were written.",
        "retention.workers": "Processes that sweep at once delete each conversation once.",
    },
    "docs/retention.md#what-is-left-in-the-database": {
        "store.erased": "A SQLite file below 32 MiB holds no byte of what was deleted.",
    },
    "docs/events.md#events-of-a-stream": {
        "stream.shape": "A stream begins with `start`; its tokens make the answer.",
        "stream.plain": "`text/plain` is the raw text of the answer.",
        "stream.headers": "Proxies are told not to hold a stream back.",
        "stream.heartbeat": "Silence on a stream is filled with comment lines.",
        "stream.resume": "A client that saw event n reads exactly the rest, also after the turn.",
        "stream.resume-refusal": "Resuming needs a number, and a stream of one's own that is kept.",
        "stream.interrupt": "An interrupted stream keeps what was written and ends properly.",
    },
    "docs/prompts.md#which-prompt-a-turn-gets": {
        "prompt.precedence": "The first of request, profile, file, text and default is sent.",
    },
    "docs/prompts.md#variables": {
        "prompt.variables": "A configured prompt is sent with its variables filled in.",
        "prompt.request-literal": "A prompt that a request brings is sent as it stands.",
        "prompt.literal": "A prompt that names no variable is sent as it stands.",
        "prompt.sandbox": "A prompt reaches nothing of the service, and is bounded.",
        "prompt.refused": "A broken template stops the start with its file and line.",
    },
    "docs/prompts.md#profiles": {
        "prompt.profile-variables": "A profile brings variables for all configured prompts.",
        "prompt.topic": "A profile says how a new conversation is named.",
    },
    "docs/doctor.md#the-doctor": {
        "doctor.untouched": "The doctor changes nothing and shows no key.",
    },
    "docs/doctor.md#what-is-checked": {
        "doctor.remedy": "Each finding says where it comes from and what helps.",
    },
    "docs/doctor.md#severities-and-exit-codes": {
        "doctor.verdict": "Its exit code tells fatal findings from a bad configuration.",
    },
    "docs/engine.md#degraded-mode": {
        "engine.degraded": "A service that started without Llama Stack is whole when it comes.",
    },
    "docs/network.md#redirects": {
        "network.redirects": "A configured address that redirects elsewhere is an error.",
    },
    "docs/network.md#own-authorities": {
        "network.own-ca": "Servers are believed by the system's authorities and a bundle.",
    },
    "docs/network.md#mutual-tls": {
        "network.mutual-tls": "A server that asks is shown the configured certificate.",
        "network.doctor": "The doctor tells when a certificate expires.",
    },
    "docs/network.md#addresses-of-others": {
        "network.guarded": "An address of a request is asked only where it is public or listed.",
    },
    "docs/quotas.md#limiters": {
        "quota.schedule": "Workers renew a quota once in each period.",
        "quota.settings": "Limiters that cannot be meant are refused, and odd ones told at start.",
    },
    "docs/quotas.md#where-it-is-counted": {
        "quota.database": "Quotas have a database of their own, the service's, or memory.",
        "quota.database-away": "A database that is away refuses questions and withholds no answer.",
    },
    "docs/quotas.md#what-is-charged": {
        "quota.charges": "However a turn ends, it is charged what its model calls used.",
        "quota.subjects": "Stateless questions are charged to whom the configuration says.",
    },
    "docs/quotas.md#many-questions-at-once": {
        "quota.overshoot": "Questions at once overshoot a quota by less than one turn.",
        "quota.waiting": "A turn waits for those that reserved all that is left.",
        "quota.crash": "What a killed worker reserved is given back once.",
    },
    "docs/quotas.md#what-clients-see": {
        "quota.refusal": "A used-up quota is 429 with the time until it is renewed.",
        "quota.left": "Answers tell what is left, by class and the least of each.",
    },
    "docs/metrics.md#metrics": {
        "metrics.scrape": "`GET /metrics` answers at any time, and counts what was done.",
        "metrics.names": "Every metric is described with its type and its labels.",
    },
    "docs/stores.md#what-is-promised": {
        "store.order": "The store runs turns of a conversation in the order of receipt.",
        "store.leases": "The turns of a silent worker are settled by exactly one other.",
        "store.clock": "On PostgreSQL leases go by the clock of the server.",
        "store.postgres": "Services on one PostgreSQL database give the same answers.",
        "store.crash": "A killed process loses no more than the batches that were due.",
        "store.killed": "A turn killed at any of its writes is whole or marked interrupted.",
        "store.writers": "Two processes on one database lose nothing of what many clients write.",
        "store.growth": "What a turn stores does not grow with its conversation.",
        "store.once": "What is written twice changes nothing.",
        "store.mcp-servers": "Registered servers of tools have one name each, on all workers.",
        "store.quotas": "Calls that run at once go beyond a quota by one reservation at most.",
        "store.quota-periods": "A quota whose period is over is renewed once by all workers.",
        "store.lists": "Conversations are listed, paged and deleted.",
    },
    "docs/engine.md#stores-that-are-made-at-run-time": {
        "stores.kept": "A store made at run time is there after a restart.",
        "stores.processes": "Processes that share stores see what others made of them.",
    },
    "docs/providers/llama_cpp.md#what-it-promises": {
        "llama-cpp.answers": "A GGUF file streams, obeys a schema, stops and is bounded.",
        "llama-cpp.tools": "Tools reach a model whose template tells of them, and no other.",
        "llama-cpp.refused": "A file that cannot be a model stops the start by name and fault.",
        "llama-cpp.closed": "Its listener asks for a key that nobody has; no process is left.",
    },
    "docs/providers/faiss_hybrid.md#what-it-promises": {
        "stores.one-model": "A store goes on with the model that it was filled with.",
        "stores.providers": "Inserts are whole or absent, searches exact, scores in bounds.",
    },
    "docs/providers/onnx_embeddings.md#another-model": {
        "stores.another-model": "A model for other languages is one setting, its folder.",
    },
    "docs/providers/pgvector_async.md#what-it-promises": {
        "stores.postgres": "A connection that broke is opened again; what is not allowed is named.",
    },
    "docs/rag_guide.md#kinds-of-stores": {
        "stores.kinds": "Stores of this product and of Llama Stack itself are searched alike.",
    },
    "docs/rag_guide.md#languages": {
        "stores.languages": "Keyword search knows the stems of many languages and splits CJK.",
    },
    "docs/takeover.md#configuration": {
        "takeover.configuration": "Files of the earlier service are accepted; the rest is told.",
    },
    "docs/takeover.md#conversations": {
        "takeover.database": "Old conversations are shown, go on, and are deleted for good.",
    },
    "docs/takeover.md#what-is-imported": {
        "store.takeover": "Conversations of an earlier service are imported once, unaltered.",
        "store.takeover-whole": "An import shows no half of a conversation, and survives a kill.",
    },
    "docs/takeover.md#deletion": {
        "store.takeover-deletion": "Deletion removes the rows of the earlier service as well.",
    },
    "docs/deployment/containers.md#containers": {
        "image.complete": "The image holds the service, its configuration, documents and model.",
    },
    "docs/deployment/containers.md#configure-it": {
        "image.gguf": "The image has what runs a model from a GGUF file.",
    },
    "docs/deployment/containers.md#what-the-image-expects": {
        "image.address": "Inside the container the service listens on `0.0.0.0:8080`.",
        "image.kubernetes": "The image has what authentication by a cluster needs.",
        "image.user": "It serves any user id, with a read-only root and one writable volume.",
        "stop.drain": "After SIGTERM running turns may end, and what remains is recorded.",
        "stop.parent": "Workers end when their parent was killed.",
    },
    "docs/mcp.md#mcp-servers": {
        "mcp.transports": "Servers are spoken to over streamable HTTP and SSE.",
    },
    "docs/mcp.md#commands": {
        "mcp.commands": "A server that is a command is started only where that is switched on.",
        "mcp.public": "Servers that others publish serve, as a command and over HTTP.",
    },
    "docs/mcp.md#servers-that-are-registered": {
        "mcp.registered": "A registered server is listed, serves all workers and can be deleted.",
        "mcp.addresses": "Its address is judged when it is registered and at each connection.",
    },
    "docs/mcp.md#headers": {
        "mcp.headers": "Headers reach the server that they name; what makes no sense is ignored.",
        "mcp.token": "The caller's token goes only where the configuration says so.",
    },
    "docs/mcp.md#what-a-turn-does": {
        "mcp.turn": "Tools of several servers and documents serve one answer, on both endpoints.",
        "mcp.names": "No tool takes the name of another.",
        "mcp.many": "Of many tools as many are offered as models take, with a warning.",
        "mcp.without-tools": "A model that calls no tools is offered none, with a warning.",
        "mcp.data": "What a tool answers is data, whatever it looks like.",
        "mcp.tools": "`GET /v1/tools` lists the tools live, with the headers of the client.",
    },
    "docs/mcp.md#when-a-server-fails": {
        "mcp.failure": "A server that fails costs its own tools and a warning.",
        "mcp.bounded": "A server that hangs, floods or breaks the protocol is left in time.",
        "mcp.unauthorized": "A server that answers 401 refuses the question with its challenge.",
    },
    "docs/mcp.md#what-is-seen-of-it": {
        "mcp.address-secrets": "What an address keeps secret is told to no caller.",
    },
    "docs/audit.md#what-is-written": {
        "audit.lines": "Every decision is one line: who, action, resource, outcome, request.",
    },
    "docs/audit.md#what-is-not-written": {
        "audit.silence": "No token and nothing that a user wrote is in the lines.",
    },
    "docs/audit.md#when-decisions-cannot-be-stored": {
        "audit.failure": "Without a disk, decisions are counted or requests refused, as set.",
    },
    "docs/audit.md#retention": {
        "audit.retention": "Files go by age, and the chain that is left stays whole.",
    },
    "docs/audit.md#the-chain": {
        "audit.chain": "`audit verify` names the first record that is not as it was written.",
    },
    "docs/auth.md#jwk-token": {
        "jwk.refusals": "A token that is not believed is 401, and its cause is named.",
        "jwk.caller": "What a signed token asks for belongs to whom its claims name.",
    },
    "docs/auth.md#keys": {
        "jwk.rotation": "A new key serves at its first token, a withdrawn one no longer.",
        "jwk.outage": "Without keys nobody is admitted; keys at hand serve for a day.",
        "jwk.server": "A key server that misbehaves is bounded, and gives no keys.",
    },
    "docs/testing.md#promises": {
        "docs.promises": "Every promise is proved by a test.",
    },
    "docs/auth.md#isolation": {
        "isolation.routes": "No route shows or changes what another user owns.",
        "isolation.words": "Users who ask at the same time find nothing of one another.",
    },
    "docs/testing.md#attacks": {
        "docs.attacks": "Every attack of the table is tried by a test.",
    },
    "docs/testing.md#conformance": {
        "docs.conformance": "What clients rely on is proved on the started service, row by row.",
    },
    "docs/testing.md#documents": {
        "docs.complete": "Nothing that can be set, called or received is undescribed.",
        "docs.generated": "Generated files are current.",
        "docs.links": "Links lead somewhere.",
        "docs.examples": "Examples are accepted.",
    },
    "docs/contributing.md#commands": {
        "make.targets": "Every make command in the documents names a target.",
    },
    "docs/contributing.md#style": {
        "docs.words": "The documents use the product's words.",
    },
}
