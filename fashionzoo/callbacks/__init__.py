"""What watches a run: TensorBoard, the console, its records, and a graceful end.

May import ``plots`` and what that may.
"""
