"""Any module class, function or module as a Classifier, with flags from its constructor's typed arguments."""

from __future__ import annotations

import copy
import hashlib
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from torch import nn

from fashionzoo.errors import FashionZooError
from fashionzoo.models.network import ModuleNetwork, Network
from fashionzoo.training.classifier import Classifier

PLAIN_TYPES = (bool, int, float, str, type(None))
# What a module trains with that brings no recipe: chosen beforehand as what usually works, not for any network.
SENSIBLE = {"lr": 2e-3, "optimizer": "adamw", "weight_decay": 1e-2, "schedule": "one_cycle"}

NetworkFactory = type[Classifier] | type[nn.Module] | nn.Module | Callable[..., nn.Module]


def as_classifier(network: NetworkFactory, name: str | None = None) -> type[Classifier]:
    """Return a network of any kind as a subclass of Classifier.

    Args:
        network: A subclass of :class:`fashionzoo.Classifier`, which is returned as it is; a module class or a function
            that returns a module, whose typed arguments become hyperparameters; or a module, which is copied.
        name: The network's name; ``None`` for that of the class or function.

    Returns:
        The class. A module in it is trained with AdamW and a one-cycle schedule unless other arguments are given.

    Raises:
        FashionZooError: It is none of these, or an argument has neither a plain type nor a default.

    Example:
        >>> def tiny(width: int = 8) -> nn.Module:
        ...     return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
        >>> as_classifier(tiny)(width=4, lr=0.1).network.hidden_blocks.keys()
        dict_keys(['0', '1', '2'])
    """
    if isinstance(network, type) and issubclass(network, Classifier):
        network.name = name or network.name
        if "source" not in vars(network):
            network.source = _source(network)
        return network
    if isinstance(network, nn.Module):
        module = network
        return _wrap(lambda: copy.deepcopy(module), name or type(module).__name__, _source(type(module)))
    if not callable(network):
        raise FashionZooError(f"{network!r} is not a network: pass a module, its class or a function that returns one")
    factory: Callable[..., nn.Module] = network  # type: ignore[assignment]  # a class makes its modules
    return _wrap(factory, name or _name_of(factory), _source(factory))


def _wrap(factory: Callable[..., nn.Module], name: str, source: dict[str, str] | None) -> type[Classifier]:
    """Return a Classifier whose arguments are those of the factory and of Classifier."""
    own = _plain_parameters(factory, name)
    training = [
        parameter.replace(default=SENSIBLE.get(parameter.name, parameter.default), annotation=_type(parameter))
        for parameter in _resolved(Classifier.__init__)[2:]
    ]
    standardize = inspect.Parameter("standardize", inspect.Parameter.KEYWORD_ONLY, default=True, annotation=bool)
    others = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*training, standardize)]
    if clash := {parameter.name for parameter in own} & {parameter.name for parameter in others}:
        raise FashionZooError(f"{name} has an argument {sorted(clash)[0]!r}, as training has: give it another name")

    class Wrapped(Classifier):
        def __init__(self, **arguments: Any) -> None:
            bound = inspect.Signature([*own, *others]).bind(**arguments)  # unknown and missing ones are a TypeError
            bound.apply_defaults()
            arguments = bound.arguments
            try:
                module = factory(**{each.name: arguments[each.name] for each in own})
            except Exception as error:  # a stranger's constructor may raise anything
                raise FashionZooError(f"{name} cannot be made ({type(error).__name__}: {error})") from error
            if not isinstance(module, nn.Module):
                raise FashionZooError(f"{name} returns a {type(module).__name__}: let it return a torch.nn.Module")
            if not isinstance(module, Network):
                module = ModuleNetwork(module, arguments["standardize"])
                module.config |= {each.name: arguments[each.name] for each in own}
            if not any(parameter.requires_grad for parameter in module.parameters()):
                raise FashionZooError(f"{name} has no parameters to train: give it layers with weights")
            # Not super(), from whose frame the arguments would be collected as hyperparameters.
            Classifier.__init__(self, module, **{each.name: arguments[each.name] for each in training})
            self.save_hyperparameters(arguments)

    signature = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *own, *others]
    Wrapped.__init__.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]  # what flags come from
    Wrapped.__init__.__annotations__ = {each.name: each.annotation for each in signature[1:]}
    Wrapped.__doc__ = inspect.getdoc(factory) or f"{name}, trained by the default recipe."
    Wrapped.__name__ = Wrapped.__qualname__ = Wrapped.name = name
    Wrapped.source = source
    return Wrapped


def _plain_parameters(factory: Callable[..., nn.Module], name: str) -> list[inspect.Parameter]:
    """Return those arguments of a factory that a file of plain values can hold; the others keep their defaults."""
    plain = []
    for parameter in _resolved(factory):
        kind, default = parameter.kind, parameter.default
        if kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            continue
        hint = _type(parameter)
        if kind is not inspect.Parameter.POSITIONAL_ONLY and _is_plain(hint):
            plain.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hint))
        elif default is inspect.Parameter.empty:
            raise FashionZooError(
                f"the argument {parameter.name!r} of {name} has no plain type and no default: give it one, as in "
                f"`{parameter.name}: int = 8`"
            )
    return plain


def _resolved(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a function or class, with annotations that are types rather than text."""
    try:
        return list(inspect.signature(function, eval_str=True).parameters.values())
    except (TypeError, ValueError, NameError) as error:
        raise FashionZooError(f"the arguments of {_name_of(function)} cannot be read ({error})") from error


def _type(parameter: inspect.Parameter) -> Any:
    """Return the type of an argument, that of its default where it has no annotation."""
    if parameter.annotation is not inspect.Parameter.empty:
        return parameter.annotation
    return type(parameter.default) if isinstance(parameter.default, bool | int | float | str) else Any


def _is_plain(hint: Any) -> bool:
    """Tell whether a type holds plain values only: numbers, text, truth values, and lists or unions of them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal or hint in PLAIN_TYPES:
        return True
    if origin in (list, tuple, Sequence, typing.Union, types.UnionType):
        return all(argument is ... or _is_plain(argument) for argument in arguments)
    return False


def _name_of(factory: Callable[..., Any]) -> str:
    """Return a name for what a factory makes."""
    function = getattr(factory, "func", factory)  # of a functools.partial
    name = str(getattr(function, "__name__", type(function).__name__))
    return "network" if name == "<lambda>" else name


def _source(factory: Callable[..., Any]) -> dict[str, str] | None:
    """Return the file that a network's code is in and its SHA-256; none for PyTorch's own and for typed-in code."""
    function = getattr(factory, "func", factory)  # of a functools.partial
    if str(getattr(function, "__module__", "")).partition(".")[0] in ("torch", "fashionzoo"):
        return None
    try:
        path = Path(inspect.getsourcefile(function) or "")
        return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    except (OSError, TypeError):
        return None
