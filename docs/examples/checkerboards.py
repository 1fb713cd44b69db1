"""Checkerboards by upsampling kind, before anything is trained: Odena et al. 2016, "Deconvolution and checkerboard
artifacts", https://distill.pub/2016/deconv-checkerboard.

Run it in the folder of gengen, as a whole or cell by cell. Above, one layer whose weights are all the same doubles a
grey picture: where its windows overlap unevenly, grey does not stay grey. In the middle, a DCGAN's generator as it is
drawn. Below, the spectrum of its pictures, low frequencies in the middle; dots are what repeats every few pixels.
"""

# %% Three looks at each kind; all weights are the first ones.
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gengen.networks.dcgan import Generator
from gengen.networks.forward import eval_mode, init_network
from gengen.networks.layers.upsample import METHODS, Upsample
from gengen.pictures.captions import contact, save_sheet

SIDE, PICTURES = 64, 256
latents = jax.random.normal(jax.random.key(1), (PICTURES, 100))


def even(kind: str) -> np.ndarray:
    """What one layer of equal weights makes of a grey picture, [SIDE, SIDE]; its border is left out."""
    layer = Upsample(features=1, method=kind, use_bias=False, kernel_init=jax.nn.initializers.ones)
    grey = jnp.ones((1, SIDE // 4 + 2, SIDE // 4 + 2, 1))
    doubled, _ = layer.init_with_output(jax.random.key(0), grey)
    return np.asarray(doubled)[0, 2:-2, 2:-2, 0].repeat(2, 0).repeat(2, 1)


def drawn(kind: str) -> np.ndarray:
    """Pictures of an untrained generator, [PICTURES, SIDE, SIDE]."""
    generator = Generator((SIDE, SIDE, 1), width=16, upsample=kind)
    draw = jax.jit(lambda key: eval_mode(generator, init_network(generator, key, latents[:1]), latents))
    return np.asarray(draw(jax.random.key(0)))[..., 0]


def spectrum(pictures: np.ndarray) -> np.ndarray:
    """Mean power of each frequency, [SIDE, SIDE], the mean of each picture left out."""
    power = np.abs(np.fft.fft2(pictures - pictures.mean((1, 2), keepdims=True))) ** 2
    return np.fft.fftshift(power.mean(0))


def shown(picture: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers as levels of grey, uint8 [SIDE, SIDE, 1]."""
    level = (picture - low) / max(high - low, 1e-12)
    return (255 * level.clip(0, 1)).round().astype(np.uint8)[..., None]


# %% Each drawn picture has its own contrast; spectra reach 40 dB down from their peak.
frequency = np.abs(np.fft.fftshift(np.fft.fftfreq(SIDE)))
fine = np.maximum.outer(frequency, frequency) > 0.4
rows: dict[str, list[np.ndarray]] = {"equal weights, grey in": [], "untrained generator": [], "its spectrum": []}
titles = []
for kind in METHODS:
    one, many = even(kind), drawn(kind)
    power = spectrum(many)
    share = power[fine].sum() / power.sum()
    titles.append(f"{kind.replace('_', ' ')}\n{100 * share:.0f} % fine")
    rows["equal weights, grey in"].append(shown(one, 0, 2 * one.mean()))
    rows["untrained generator"].append(shown(many[0], *np.percentile(many[0], (1, 99))))
    rows["its spectrum"].append(shown(10 * np.log10(power / power.max() + 1e-12), -40, 0))
    print(f"{kind}: {share:.1%} of the energy above 0.4 cycles a pixel; of white noise it would be {fine.mean():.0%}")

# %% One sheet.
path = Path("runs/checkerboards.png")
path.parent.mkdir(exist_ok=True)
blocks = contact({row: np.stack(pictures) for row, pictures in rows.items()}, len(METHODS), across=titles)
about = f"fine is energy above 0.4 cycles a pixel, {100 * fine.mean():.0f} % for white noise"
save_sheet(path, blocks, f"Checkerboards by networks.generator.upsample, before training ({about})")
print(path)
