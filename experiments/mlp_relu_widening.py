"""DOC"""

from fashionzoo import ReLUWideningMLP, launch

if __name__ == "__main__":
    launch(ReLUWideningMLP)
