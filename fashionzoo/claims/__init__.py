"""The report's claims, the runs that they are measured on, and how missing runs are trained.

May import ``runner`` and what that may.
"""
