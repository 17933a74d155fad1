"""DOC"""

from fashionzoo import ReLUNarrowingMLP, launch

if __name__ == "__main__":
    launch(ReLUNarrowingMLP)
