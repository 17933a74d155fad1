"""Network 3: two hidden layers that get wider, ReLU.

The report kept network 2's ReLUs and let the widths grow. It saw a loss that stayed high until about iteration 50, an
accuracy that peaked around 70 %, the lowest and slowest of the three MLPs, and shirts taken for dresses, pullovers and
coats.

    python experiments/mlp_relu_widening.py --recipe tuned
"""

from fashionzoo import ReLUWideningMLP, launch

if __name__ == "__main__":
    launch(ReLUWideningMLP)
