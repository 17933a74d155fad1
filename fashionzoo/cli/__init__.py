"""The command line: one short file for each command, with its flags and what it prints.

May import everything else; imports that need torch wait until a command runs, so that look-ups start at once.
"""
