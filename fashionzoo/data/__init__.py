"""Where Fashion-MNIST comes from and how it is verified, augmentation, and the data modules that serve batches.

May import ``images`` and what that may.
"""
