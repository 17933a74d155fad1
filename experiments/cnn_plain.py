"""DOC"""

from fashionzoo import PlainCNN, launch

if __name__ == "__main__":
    launch(PlainCNN)
