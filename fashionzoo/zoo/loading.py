"""Networks as people name them: a registry name, a file, ``package.module:Name``, a checkpoint, a run's directory."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from fashionzoo.errors import FashionZooError, did_you_mean
from fashionzoo.weights.manifest import find_weights, manifest
from fashionzoo.zoo.models import get_model
from fashionzoo.zoo.overview import MAX_NAMED, find_run, list_runs
from fashionzoo.zoo.registry import get_class, list_models, package_of, suggest_network
from fashionzoo.zoo.runs import LOGS, REFERENCE_NAMES

if TYPE_CHECKING:
    from fashionzoo.models.network import Network
    from fashionzoo.training.classifier import Classifier


class LoadedNetwork(NamedTuple):
    """A trained network, its name, and where its weights come from: a version, or a checkpoint."""

    name: str
    weights: str
    network: Network

    @property
    def label(self) -> str:
        """What tells it from others: ``cnn_plain:tuned``, ``cnn_plain/version_0``, or its file."""
        path = Path(self.weights)
        if path.name == "best.ckpt" and path.parent.name == "checkpoints":
            return f"{self.name}/{path.resolve().parent.parent.name}"
        return self.weights if path.suffix else f"{self.name}:{self.weights}"


def load_class(reference: str) -> type[Classifier]:
    """Return the class of a network, wrapped if it is a plain module.

    Args:
        reference: A registry name; a file with one network in it, ``my_net.py``, or with several,
            ``my_net.py:MyNet``; or ``package.module:MyNet``.

    Raises:
        FashionZooError: There is no such network, or its file or module cannot be imported.

    Example:
        >>> load_class("cnn_plain").name
        'cnn_plain'
    """
    from fashionzoo.training.wrapping import as_classifier

    if reference in list_models():
        return get_class(reference)
    place, _, attribute = reference.partition(":")
    if place in list_models():
        raise FashionZooError(f"unknown network {reference!r}: name {place}, and a version with --weights or --recipe")
    if place.endswith((".ckpt", ".safetensors")):
        raise FashionZooError(f"{place} is no network's name: give it as --checkpoint")
    if not place.endswith(".py") and not attribute:
        hint = f"; for a file, name {place}.py" if Path(f"{place}.py").is_file() else ""
        raise FashionZooError(f"unknown network {place!r}: {suggest_network(place)}{hint}")
    module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    if not attribute:
        return as_classifier(_only_network(module, place))
    if not hasattr(module, attribute):
        raise FashionZooError(f"there is no {attribute} in {place}: {did_you_mean(attribute, _networks(module))}")
    return as_classifier(getattr(module, attribute))


def load_argument(argument: str, code: str | None = None) -> LoadedNetwork:
    """Return the trained network that a word of the command line stands for.

    Args:
        argument: As :func:`load_class` takes it, a name perhaps with a version (``cnn_plain:report``); a checkpoint, a
            run's directory or its name (``cnn_plain/version_0``).
        code: Where the class is of a checkpoint that holds a network of one's own, as :func:`load_class` takes it.

    Raises:
        FashionZooError: There is no such network, or it is not trained.
    """
    name, _, version = argument.partition(":")
    if name in list_models():
        return load_trained(name, version or None)
    if find_run(argument) or Path(argument).is_dir() or argument.endswith((".ckpt", ".safetensors")):
        try:
            return load_trained(None, checkpoint=argument)
        except FashionZooError:
            if code is None:
                raise
            return load_trained(code, checkpoint=argument)
    if "/" in argument and ".py" not in argument and LOGS.is_dir() and (runs := list_runs()):
        known = [run.reference for run in runs]
        raise FashionZooError(f"there is no network or run {argument}: {did_you_mean(argument, known[:MAX_NAMED])}")
    return load_trained(argument)


def load_trained(
    reference: str | None, weights: str | None = None, checkpoint: str | Path | None = None
) -> LoadedNetwork:
    """Return a trained network.

    Args:
        reference: As :func:`load_class` takes it. ``None`` for what the checkpoint holds.
        weights: A version of the weights that come with a package; ``None`` for ``"tuned"`` or, of a network without
            any, the best checkpoint of its newest run in ``lightning_logs``.
        checkpoint: What a run left, the run's directory or its name (``cnn_plain/version_0``); or what
            ``save_pretrained`` or ``export`` wrote.

    Raises:
        FashionZooError: There is no such network, or it is not trained.
    """
    if checkpoint is not None:
        path = Path(checkpoint)
        if path.suffix == ".safetensors" or (path / "config.json").is_file():
            from fashionzoo.models.network import Network
            from fashionzoo.weights.familiarity import add_familiarity

            if reference is not None:
                raise FashionZooError(f"{path} says itself what it holds, whatever {reference} is: leave out the name")
            network = Network.from_pretrained(path)
            add_familiarity(network)
            return LoadedNetwork(path.stem, str(path), network)
        return _load_checkpoint(path, reference)
    if reference in list_models() and (weights or manifest(package_of(reference)).get(reference)):
        version = weights or "tuned"
        return LoadedNetwork(reference, version, get_model(reference, version))
    network_class = load_class(str(reference))
    if weights:
        find_weights(network_class.__module__.partition(".")[0], network_class.name, weights)
    best = _best_checkpoints(network_class)
    if not best:
        raise FashionZooError(
            f"{network_class.name} has no trained weights here: `fashionzoo fit {reference}`, or name a checkpoint"
        )
    return _load_checkpoint(best[-1], reference)


def _load_checkpoint(path: Path, reference: str | None) -> LoadedNetwork:
    """Return the network in a checkpoint or run; a reference says which it must be, and where its class is."""
    from fashionzoo.training.checkpoints import load_checkpoint, load_network

    if not path.is_file() and (folder := find_run(path)):
        path = _best_checkpoint(folder)
        if not path.is_file():
            published = " or what comes with the package, as cnn_plain:report" if folder.name in REFERENCE_NAMES else ""
            raise FashionZooError(f"the run in {folder} has no checkpoints/best.ckpt: name another{published}")
    held = str(load_checkpoint(path)["fashionzoo"]["name"])
    network_class = None
    if reference is not None and reference != held:
        network_class = load_class(reference)
        if network_class.name != held:
            raise FashionZooError(f"{path} holds {held}, not {network_class.name}: name the network that it holds")
    elif held in list_models():
        network_class = get_class(held) if package_of(held) != "fashionzoo" else None
    name, network = load_network(path, network_class)
    return LoadedNetwork(name, str(path), network)


def _best_checkpoint(run_dir: Path) -> Path:
    """Return the best checkpoint of a run; of several, the last one says which."""
    best, last = (run_dir / "checkpoints" / f"{name}.ckpt" for name in ("best", "last"))
    if best.is_file() or not last.is_file():
        return best
    from fashionzoo.training.checkpoints import load_checkpoint

    states = load_checkpoint(last)["callbacks"].values()
    (path,) = [state["best_model_path"] for state in states if str(state.get("monitor")).startswith("val/")] or [best]
    return best.with_name(Path(path).name) if path else last  # that of a run which ended before its first validation


def _best_checkpoints(network_class: type[Classifier]) -> list[Path]:
    """Return the best checkpoints of a network's runs, the oldest first, without those of another file's network."""
    from fashionzoo.training.checkpoints import load_checkpoint

    checkpoints = map(_best_checkpoint, LOGS.glob(f"{network_class.name}/*"))
    found = sorted(filter(Path.is_file, checkpoints), key=lambda path: path.stat().st_mtime)
    own = network_class.source or {}
    sources = [load_checkpoint(path)["fashionzoo"].get("source") or {} for path in found]
    return [path for path, source in zip(found, sources, strict=True) if source.get("file") in (None, own.get("file"))]


def _import_file(path: Path) -> ModuleType:
    """Import a Python file, which may import its neighbors."""
    if not path.is_file():
        raise FashionZooError(f"there is no file {path}: check the name")
    directory = str(path.resolve().parent)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(path.stem)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a stranger's file may raise anything
        if before is None:
            del sys.modules[path.stem]
        else:
            sys.modules[path.stem] = before
        raise FashionZooError(f"{path} cannot be imported ({_describe(error)}): mend it") from error
    return module


def _import_module(name: str) -> ModuleType:
    """Import a module, also from the working directory."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        raise FashionZooError(f"{name} cannot be imported ({_describe(error)}): check the name, or mend it") from error


def _describe(error: BaseException) -> str:
    """Return an error with its type and, of a file's text, its line."""
    line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
    return f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}{line}"


def _networks(module: ModuleType) -> list[str]:
    """Return the names of the networks in a module: its Classifiers or, where there are none, its torch modules.

    Of several, those count that can be made without arguments: others are parts of a network.
    """
    from torch import nn

    from fashionzoo.training.classifier import Classifier

    own = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__
    }
    found = [name for name, value in own.items() if issubclass(value, Classifier)] or list(own)
    return [name for name in found if _needs_no_arguments(own[name])] or found


def _needs_no_arguments(network: type) -> bool:
    """Tell whether all arguments of a class have defaults."""
    required = inspect.Parameter.empty
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(network).parameters.values()
    return all(parameter.default is not required or parameter.kind in variable for parameter in parameters)


def _only_network(module: ModuleType, place: str) -> type:
    """Return the one network in a module."""
    names = _networks(module)
    if len(names) != 1:
        found = f"several networks, {', '.join(names)}" if names else "no network"
        example = f"{place}:{names[-1] if names else 'make_network'}"
        raise FashionZooError(f"{place} has {found}: name the class or function, as in {example}")
    network: type = getattr(module, names[0])
    return network
