"""DOC"""

from fashionzoo import DropoutL2CNN, launch

if __name__ == "__main__":
    launch(DropoutL2CNN)
