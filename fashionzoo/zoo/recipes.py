"""The recipes of all networks of this package."""

from __future__ import annotations

from fashionzoo.networks import NAMES
from fashionzoo.zoo.registry import get_class

RECIPES = {name: get_class(name).recipes for name in NAMES}
