"""Why an outgoing request brought no answer. Whoever asked translates it for its caller."""


class OutboundError(Exception):
    """Base of both; the text is fit for an operator and names host and cause, never a secret."""


class OutboundRefused(OutboundError):
    """Policy forbids it: the address, a redirect, the size or the coding of the answer."""


class OutboundFailed(OutboundError):
    """The other side gave no usable answer: unreachable, too slow, TLS failed, no HTTP."""
