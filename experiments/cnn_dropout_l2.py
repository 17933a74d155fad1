"""Network 5: network 4 with dropout and L2.

The report left all else the same. It saw the overfitting gone, but slower learning that did not reach network 4's
accuracy even in 200 iterations, and blamed the sparse activations that dropout makes.

    python experiments/cnn_dropout_l2.py --model.dropout 0.2 --trainer.max_epochs 20
"""

from fashionzoo import DropoutL2CNN, launch

if __name__ == "__main__":
    launch(DropoutL2CNN)
