"""Attacks and faults that the service must stand, by number, each with its expected outcome.

A test says with `@pytest.mark.attack(number)` which of them it makes.
"""

from collections.abc import Mapping
from typing import Final

ATTACKS: Final[Mapping[int, str]] = {
    1: "a token with `alg: none` is 401",
    2: "a token signed with the public RSA key as HMAC secret is 401",
    3: "a valid signature by an algorithm that is not configured is 401",
    4: "unknown `kid`s are 401 and fetch the keys at most once a minute",
    5: "a `kid` with a path or SQL in it is 401 and has no effect",
    6: "`jku`, `x5u` and embedded keys are ignored; a key that is not ours is 401",
    7: "wrong or missing `aud`, `iss` and claims are 401 where configured; a list with ours passes",
    8: "`exp` past, `nbf` and `iat` future are 401 beyond the leeway and pass within",
    9: "a token of the wrong `typ` is 401 where types are configured",
    10: "tokens too large, too deep or with duplicate keys are refused before they are decoded",
    11: "without their server cached keys serve for a bounded time, then 503, never open",
    12: "a key server that answers too much, too slowly or elsewhere is bounded and refused",
    13: "two credentials of the module's own kinds are 400",
    14: "a Kubernetes review that is down, slow, denied or garbage is 503 or 401, never open",
    15: "a hostile JSONPath or pattern is refused at load or takes bounded time",
    16: "every route refuses whoever lacks its action, and a route without a mark fails",
    17: "an open module on a public address starts with a warning, and the doctor names it",
    18: "keys are compared in constant time",
    19: "another user's conversation is 403, an unknown one 404, and nothing is told or changed",
    20: "another user's stream is 403 and sends no event",
    21: "no word of one of 100 interleaved users appears where another can read it",
    22: "background work that a user set off writes under that user alone",
    25: "a spent quota is 429 with Retry-After, for its user alone, and overshoots by one turn",
    28: "a body over the limit is 413 before it was read, however it is sent",
    29: "slow and idle clients are timed out, and the service stays healthy",
    30: "JSON too deep, NaN, lone surrogates and NUL are 422; long strings 422, 413 or served",
    31: "broken, oversized and ambiguous headers and smuggling are 400, and the connection closes",
    32: "SQL and LIKE metacharacters are stored and returned as they are",
    33: "names that look like paths are keys, and no file appears where none belongs",
    34: "an attachment of a lying type is data, and nothing of it is served as a page",
    35: "unknown fields are answered as the schema says, never 500",
    36: "a foreign Host or Origin is 421 or 403, with `noop` too",
    37: "CORS for every origin with credentials is refused at start",
    38: "a form that another site sends changes nothing: 415 or 403",
    40: "error bodies hold no stack trace, path, SQL or key, and logs no key",
    41: "an address of this machine or network is not called unless the configuration allows it",
    42: "a name that resolves anew after its check is called at the address that was checked",
    43: "redirects to private addresses, in long chains or to another scheme are refused",
}
