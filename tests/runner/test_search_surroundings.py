"""Searches: the data, folders and databases around them."""

import shutil
from pathlib import Path

import yaml

from fashionzoo.runner.study_storage import open_storage, sqlite_url
from fashionzoo.zoo.studies import find_study, read_summary
from tests.conftest import SERVER
from tests.processes import finish, run
from tests.runner.test_search import STUDY, command, tune


def test_a_search_without_its_data_loses_no_trial_to_that(root: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    missing.mkdir()
    flags = "--budget=1", "--data.class_names=[a,b,c,d,e,f,g,h,i,j]"
    code, screen = run(tmp_path, *command(tmp_path, missing), *flags)
    assert code == 2, screen
    shutil.copytree(root, missing, dirs_exist_ok=True)
    for file in missing.glob("FashionMNIST/raw/*"):
        shutil.copy(file, missing)
    code, screen = run(tmp_path, *command(tmp_path, missing), *flags)
    assert code == 0, screen


def test_a_search_does_not_write_into_a_run(root: Path, tmp_path: Path) -> None:
    train = "fashionzoo", "fit", "mlp_relu_narrowing", "--trainer.max_epochs=1", "--data.val_size=200", "--name=run"
    assert run(tmp_path, *train, f"--data.root={root}", root=root)[0] == 0
    code, screen = tune(tmp_path, root, "--study=run")
    assert code == 2
    assert "choose another name" in screen
    assert find_study("mlp_relu_narrowing", tmp_path / "lightning_logs") is None


def test_a_file_of_flags_counts_as_flags_but_for_the_epochs(root: Path, tmp_path: Path) -> None:
    flags = {"seed_everything": 20240101, "model": {"lr": 0.02}, "trainer": {"max_epochs": 3}}
    (tmp_path / "flags.yaml").write_text(yaml.safe_dump(flags))
    given = "--budget=1", "--config=flags.yaml", "--trainer.check_val_every_n_epoch=2"
    code, screen = tune(tmp_path, root, *given)
    assert code == 2
    assert "model.lr is in the space and given as a flag" in screen
    code, screen = tune(tmp_path, root, *given, space={"data.batch_size": [32, 64]})
    assert code == 0, screen
    study = read_summary(tmp_path / STUDY / "study.json")
    assert study.flags["model.lr"] == 0.02
    assert [trial["epochs"] for trial in study.trials] == [2]


def test_the_database_lies_in_a_folder_of_any_name(root: Path, tmp_path: Path) -> None:
    logs = tmp_path / "what? a#b%20c"
    code, screen = tune(tmp_path, root, "--budget=1", f"--trainer.default_root_dir={logs}")
    assert code == 0, screen
    assert (logs / STUDY.parent / "study.db").exists()


def test_processes_that_open_a_new_database_at_once_all_have_it(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    openers = [SERVER.Process(target=open_storage, args=(url,)) for _ in range(2)]
    for opener in openers:
        opener.start()
    assert [finish(opener) for opener in openers] == [0, 0]
