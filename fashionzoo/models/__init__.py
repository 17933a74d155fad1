"""MLP and CNN as plain modules: nothing is trained or logged here.

May import ``data`` and what that may, of which it needs ``images`` only.
"""
