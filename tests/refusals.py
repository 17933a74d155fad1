"""What the command says where it refuses."""

import pytest

from fashionzoo.cli.main import main


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must fail; return the one line that it says."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    assert end.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("epoch ")]
    assert line.startswith("fashionzoo: error: ")
    return line
