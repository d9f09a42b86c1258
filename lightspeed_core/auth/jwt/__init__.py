"""Signed tokens (RFC 7515, 7519, 8725): their form, the keys they are signed by, their claims."""
