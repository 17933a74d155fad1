"""A page on which the networks look at the same picture; layout only, the rest is the library's.

May import ``claims`` and what that may, and Gradio. What needs torch is imported when it is first used: the page
is there before.
"""
