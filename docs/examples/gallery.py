"""Samples of several runs on one sheet: `python docs/examples/gallery.py runs/wgan runs/gan runs/dcgan`.

Without names of run folders it trains two small runs first, in the folder of gengen.
"""

# %% The runs, opened.
import sys
from pathlib import Path

import gengen
from gengen.inference.shown import sheet
from gengen.pictures.captions import Block, save_sheet

ROWS, COLUMNS = 2, 16
folders = sys.argv[1:] or ["runs/gallery-gan", "runs/gallery-cgan"]
if not sys.argv[1:]:
    for folder in folders:
        gengen.train(gengen.load_config(f"configs/{folder.partition('-')[2]}.py:tiny"), folder)
runs = [gengen.open_run(folder) for folder in folders]

# %% A block of each, whose title says what it is; what are no pictures are drawn as a whole.
blocks = []
for folder, run in zip(folders, runs, strict=True):
    shown = sheet(run.signature, run.sample(ROWS * COLUMNS))
    columns = COLUMNS if run.signature.kind == "picture" else 1
    title = f"{Path(folder).name} · step {run.step:,} · {run.signature.title}"
    blocks.append(Block(shown.cells, columns, title, pixels=shown.pixels))

# %% One sheet.
save_sheet(Path("runs/gallery.png"), blocks)
print("runs/gallery.png")
