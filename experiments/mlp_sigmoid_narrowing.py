"""DOC"""

from fashionzoo import SigmoidNarrowingMLP, launch

if __name__ == "__main__":
    launch(SigmoidNarrowingMLP)
