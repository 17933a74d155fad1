"""Write the API pages from the docstrings into a folder; a warning is an error.

python experiments/make_docs.py [FOLDER]           # default: site
"""

import sys
import warnings
from pathlib import Path

import pdoc

import fashionzoo

if __name__ == "__main__":
    warnings.simplefilter("error", UserWarning)
    for name in fashionzoo.__all__:
        setattr(fashionzoo, name, getattr(fashionzoo, name))  # names that are imported when they are used
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc("fashionzoo", output_directory=Path(sys.argv[1] if len(sys.argv) > 1 else "site"))
