"""A run from its flags to its test: what ``fashionzoo.launch`` and ``fashionzoo fit`` call.

May import ``callbacks`` and what that may.
"""
