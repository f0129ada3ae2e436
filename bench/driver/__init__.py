"""What runs inside a measured process.

Only the standard library is used here: a peer's environment holds that peer and nothing else.
"""
