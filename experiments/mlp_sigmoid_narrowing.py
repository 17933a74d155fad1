"""Network 1: two narrowing hidden layers, sigmoid.

The report trained it by gradient descent on the whole training set, with a learning rate of 1e-5 over 300 iterations.
It saw accuracy rise from 10 % within the first 50 iterations, level out, and reach 78 % at about iteration 291. Trouser
was labelled best; shirts were taken for pullovers and T-shirts, sandals for sneakers.

    python experiments/mlp_sigmoid_narrowing.py --trainer.max_epochs 100
"""

from fashionzoo import SigmoidNarrowingMLP, launch

if __name__ == "__main__":
    launch(SigmoidNarrowingMLP)
