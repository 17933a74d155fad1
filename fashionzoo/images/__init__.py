"""Any picture becomes 28x28 pixels here, pixels become a network's input, and logits become predictions for people.

May import ``errors``, ``io`` and ``environment`` only.
"""
