"""Network 4: a convolutional network whose widths get smaller, without regularization.

The report trained it with a learning rate of 1e-2 over 20 iterations. It saw 63.1 % on the test set, and overfitting:
the test loss rose while the training loss fell.

    python experiments/cnn_plain.py --recipe tuned --trainer.max_epochs 3 --data.batch_size 256
"""

from fashionzoo import PlainCNN, launch

if __name__ == "__main__":
    launch(PlainCNN)
