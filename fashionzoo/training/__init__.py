"""How a network is trained: the LightningModule, its metrics, optimizers, distillation, seeding and checkpoints.

May import ``weights`` and what that may.
"""
