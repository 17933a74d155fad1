"""Networks that another package offers."""

import re
import subprocess
import sys
from pathlib import Path

from tests.processes import OUTPUT_ENCODING

PLUGIN = """
from torch import nn

def make(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))
"""


def in_process(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run code with a folder of packages on the path."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(path)!r}); {code}"]
    return subprocess.run(command, capture_output=True, encoding=OUTPUT_ENCODING, check=False)


def install(site: Path, module: str, text: str, entries: str) -> None:
    """Put a package with entry points into a folder, as pip would."""
    (site / module).mkdir(parents=True)
    (site / module / "__init__.py").write_text(text, encoding="utf-8")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[fashionzoo.networks]\n{entries}\n", encoding="utf-8")


def test_a_package_offers_a_network_with_weights(tmp_path: Path) -> None:
    install(tmp_path, "plugin_pkg", PLUGIN, "tiny_plugin = plugin_pkg:make")
    make_weights = (
        "import json, hashlib, torch; from pathlib import Path; from safetensors.torch import save;"
        "from fashionzoo.zoo.registry import get_class; network = get_class('tiny_plugin')().network;"
        "content = save(network.state_dict()); home = Path(sys.path[0]) / 'plugin_pkg' / 'weights'; home.mkdir();"
        "(home / 'tiny.safetensors').write_bytes(content); meta = {'file': 'tiny.safetensors', 'bytes': 1, 'flops': 1,"
        "'sha256': hashlib.sha256(content).hexdigest(), 'config': network.config, 'recipe': {}, 'parameters': 1,"
        "'metrics': {'test/acc': 0.5}, 'seeds': {'mean': 0.5, 'lowest': 0.5, 'highest': 0.5}};"
        "(home / 'manifest.json').write_text(json.dumps({'tiny_plugin': {'tuned': meta}}), encoding='utf-8')"
    )
    assert in_process(make_weights, tmp_path).returncode == 0
    use = (
        "import torch, fashionzoo as fz; from fashionzoo.cli.main import main; main(['list']);"
        "network = fz.get_model('tiny_plugin', weights='tuned'); print(network.classify(torch.zeros(28, 28)).name);"
        "print(fz.get_model('tiny_plugin', width=3).module[1])"
    )
    done = in_process(use, tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"tiny_plugin[ |]+tuned", done.stdout)
    assert "tiny_plugin: from the package plugin_pkg" in done.stdout
    assert "out_features=3" in done.stdout
    weights = tmp_path / "plugin_pkg" / "weights" / "tiny.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    done = in_process("from fashionzoo.cli.main import main; main(['evaluate', 'tiny_plugin'])", tmp_path)
    assert done.returncode == 2
    assert "SHA-256 differs): reinstall it with `pip install --force-reinstall --no-deps plugin_pkg`" in done.stderr


def test_a_broken_package_never_breaks_the_six(tmp_path: Path) -> None:
    install(
        tmp_path, "broken_pkg", "raise RuntimeError('no luck')", "broken = broken_pkg:make\ncnn_plain = broken_pkg:x"
    )
    code = (
        "import fashionzoo as fz; from fashionzoo.cli.main import main; fz.get_model('cnn_plain', weights='tuned');"
        "main(['list']); main(['fit', 'broken'])"
    )
    done = in_process(code, tmp_path)
    assert done.returncode == 2
    assert "cnn_balanced" in done.stdout
    warning, error = done.stderr.splitlines()
    assert warning == "fashionzoo: warning: cnn_plain of broken_pkg:x is left out: this package has that name already"
    assert "broken cannot be loaded from broken_pkg:make (RuntimeError: no luck): mend or remove the package" in error
