"""Networks by name: fresh or trained, of this package or another, evaluated, compared and exported.

May import ``networks`` and what that may.
"""
