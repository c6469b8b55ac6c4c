"""The reports as pages that keep up, for whoever holds the token: read only, on a listener of their own.

Nothing of it is reached through the collector's routes, nor the collector through its own (security rule
S23).
"""
