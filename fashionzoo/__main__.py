"""``python -m fashionzoo``: the ``fashionzoo`` command, where its folder is not on the path."""

from fashionzoo.cli.main import main

if __name__ == "__main__":
    main()
