"""The database of a search, and in one line what is wrong with it or with the study in it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, NoSuchModuleError, OperationalError, ProgrammingError, SQLAlchemyError

from fashionzoo.errors import FashionZooError

# A worker that has not been heard of for so many seconds is taken for dead, and its trial for lost.
HEARTBEAT_S, GRACE_S = 10, 30
OPEN_ATTEMPTS = 5
HINDERED = ("already exists", "locked")  # what SQLite says where others make its tables
STORAGE_ERRORS = (SQLAlchemyError, optuna.exceptions.OptunaError)


def open_storage(url: str) -> RDBStorage:
    """Open a database; workers that start at once may hinder each other at making its tables.

    Args:
        url: Its address, as SQLAlchemy has it.

    Raises:
        FashionZooError: It cannot be used.
    """
    if "://" not in url:
        raise FashionZooError(
            f"{url!r} is no address of a database: give one such as sqlite:///study.db or postgresql://user@host/name"
        )
    # No driver raises ImportError, a database of another Optuna RuntimeError, and a port that is no number ValueError.
    with storage_errors(url, (*STORAGE_ERRORS, ImportError, RuntimeError, ValueError)):
        for remaining in reversed(range(OPEN_ATTEMPTS)):
            try:
                return RDBStorage(url, heartbeat_interval=HEARTBEAT_S, grace_period=GRACE_S)
            except (IntegrityError, ProgrammingError, OperationalError) as error:
                refused = isinstance(error, OperationalError) and not any(text in str(error) for text in HINDERED)
                if refused or not remaining:
                    raise
                time.sleep(1)
        raise AssertionError


def sqlite_url(path: Path) -> str:
    """Return the address of a file, whatever characters its name has.

    Example:
        >>> sqlite_url(Path("what? now/study.db"))
        'sqlite:///what%3F now/study.db'
    """
    return URL.create("sqlite", database=str(path)).render_as_string()


@contextmanager
def storage_errors(url: str, errors: tuple[type[BaseException], ...] = STORAGE_ERRORS) -> Iterator[None]:
    """Say in one line what is wrong with the database.

    Args:
        url: Its address.
        errors: What is taken for its fault.

    Raises:
        FashionZooError: One of the errors was raised.
    """
    try:
        yield
    except errors as error:
        cause: BaseException = error
        while cause.__context__ is not None:
            cause = cause.__context__
        todo = "see that the database is there and can be written; the same line continues the study"
        if any(isinstance(each, ImportError | NoSuchModuleError) for each in (error, cause)):
            todo = "install the driver of such a database; those of SQLite and PostgreSQL come with fashionzoo[tune]"
        raise FashionZooError(
            f"the study in {shown(url)} cannot be used ({str(cause).splitlines()[0]}): {todo}"
        ) from error


def shown(url: str) -> str:
    """Return an address without its password.

    Example:
        >>> shown("postgresql://me:secret@host/studies")
        'postgresql://me:***@host/studies'
    """
    try:
        return make_url(url).render_as_string()
    except (SQLAlchemyError, ValueError):
        return re.sub(r":[^:@/]*@", ":***@", url)


def difference(key: str, known: Any, value: Any) -> str:
    """Say what a study has that is not what it is asked to have.

    Example:
        >>> difference("flags", {"recipe": "report", "model.lr": 0.1}, {"recipe": "report", "model.lr": 0.2})
        'the flags model.lr: 0.1, not model.lr: 0.2'
    """
    if not (isinstance(known, dict) and isinstance(value, dict)):
        return f"the {key} {known}, not {value}"
    if key == "network":
        return f"the network of another {known['file']}, which has changed since"
    different = {name for name in known | value if known.get(name) != value.get(name)}
    old, new = (
        ", ".join(f"{name}: {each[name]}" for name in sorted(different) if name in each) or "nothing"
        for each in (known, value)
    )
    return f"the {key} {old}, not {new}"
