"""DOC"""

from fashionzoo import BalancedCNN, launch

if __name__ == "__main__":
    launch(BalancedCNN)
