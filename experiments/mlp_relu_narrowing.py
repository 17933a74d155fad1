"""Network 2: two narrowing hidden layers, ReLU.

The report took network 1, changed its sigmoids to ReLUs and lowered the learning rate. It saw 78 % accuracy at
iteration 271 instead of 291, a gradient that kept flowing after epoch 50, and far more activations close to zero.

    python experiments/mlp_relu_narrowing.py --trainer.max_epochs 50 --model.widths "[128, 32]"
"""

from fashionzoo import ReLUNarrowingMLP, launch

if __name__ == "__main__":
    launch(ReLUNarrowingMLP)
