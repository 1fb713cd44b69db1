"""Scores of pairs: how near each image that was found is to the one that was wanted, and how sharp it is.

Means are over images. All scores but the sharpness compare pixel with pixel, and so prefer the mean of what is possible
to any one possibility: a blurred image beats a sharp one that is wrong in detail. The sharpness stands beside them for
that reason, and so should what trivial answers reach, such as `retrieve`.
"""

import math
from collections.abc import Callable

import chex
import numpy as np

from gengen.metrics import ms_ssim, neighbours
from gengen.metrics.interval import Estimate, around, of_blocks

PSNR_CEILING = 10 * math.log10(12 * 255**2)
"""Decibels that count at most in a mean, 58.9: those of an image whose only error is rounding to 8 bits, which is
uniform and has a variance of 1/12 of a level squared. Equal images have infinitely many, and no mean."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in brightness (ITU-R BT.601)."""

_ELEMENTS = 2**22  # numbers of one side of the pairs that are looked at in float64 at a time

_GATHERED = 2**24  # numbers of the nearest training images that are held at a time


def absolute_error(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The mean absolute error (L1) of each image, of a pixel in [0, 1].

    Args:
      found: images [N, H, W, C], uint8 or floats in [0, 1].
      target: what they should be, of the same shape.

    Returns:
      float64 [N].

    Raises:
      ValueError: the shapes differ or are not [N, H, W, C].
    """
    _check(found, target)
    return _each(lambda a, b: np.abs(a - b).mean((1, 2, 3)), found, target)


def psnr(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The peak signal-to-noise ratio of each image in decibels: -10 log10 of its mean squared error, with a peak of 1.

    What papers report is the mean over images of this ratio, not the ratio of the mean error; see `PSNR_CEILING`.

    Args:
      found: images [N, H, W, C], uint8 or floats in [0, 1].
      target: what they should be, of the same shape.

    Returns:
      float64 [N], infinite where an image is its target.

    Raises:
      ValueError: the shapes differ or are not [N, H, W, C].
    """
    _check(found, target)
    squared = _each(lambda a, b: np.square(a - b).mean((1, 2, 3)), found, target)
    with np.errstate(divide="ignore"):
        return np.asarray(-10 * np.log10(squared))


def ssim(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The structural similarity of each image: Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861, eq. 13, 17.

    Gaussian window of 11 x 11 with a standard deviation of 1.5, K1 = 0.01 and K2 = 0.03, over the places where all of
    it fits; the mean over channels. An image that is smaller than 11 pixels has a window of the largest odd side that
    fits, whose deviation shrinks in proportion: `gengen.metrics.ms_ssim`.

    Args:
      found: images [N, H, W, C], uint8 or floats in [0, 1].
      target: what they should be, of the same shape.

    Returns:
      float64 [N] with the precision of float32, in [-1, 1]; 1 where an image is its target.

    Raises:
      ValueError: the shapes differ or are not [N, H, W, C].
    """
    _check(found, target)
    scaled = (_unit(found), _unit(target)) if found.dtype != target.dtype else (found, target)
    similarity = ms_ssim.ssim(*scaled, peak=255.0 if scaled[0].dtype == np.uint8 else 1.0)
    return np.clip(np.asarray(similarity, np.float64), -1, 1)


def laplacian_energy(images: np.ndarray) -> np.ndarray:
    """How sharp each image is: the mean squared response of the Laplacian of four neighbours, on its brightness.

    The response at a pixel is the sum of its four neighbours less four times itself; pixels of the border have none.
    Noise raises it as edges do, so that it says something beside the other scores alone.

    Args:
      images: [N, H, W, C], uint8 or floats in [0, 1], at least 3 x 3; three channels are red, green and blue, and of
        another number the mean is taken.

    Returns:
      float64 [N].

    Raises:
      ValueError: the images are smaller or not [N, H, W, C].
    """
    if images.ndim != 4 or min(images.shape[1:3]) < 3:
        raise ValueError(f"images must be [N, H, W, C] of at least 3 x 3 pixels, not {images.shape}")
    channels = images.shape[-1]
    weights = np.array(LUMA if channels == len(LUMA) else [1 / channels] * channels)

    def energy(x: np.ndarray) -> np.ndarray:
        y = x @ weights
        around_it = y[:, :-2, 1:-1] + y[:, 2:, 1:-1] + y[:, 1:-1, :-2] + y[:, 1:-1, 2:]
        return np.asarray(np.square(around_it - 4 * y[:, 1:-1, 1:-1]).mean((1, 2)))

    return _each(energy, images)


def measure(found: np.ndarray, target: np.ndarray) -> dict[str, Estimate]:
    """All scores of pairs, each with the interval over images that holds its mean over fresh pairs.

    Args:
      found: images [N, H, W, C], uint8 or floats in [0, 1], N of at least 2.
      target: what they should be, of the same shape.

    Returns:
      "absolute_error" of a pixel in [0, 1]; "psnr" in decibels, of which no image counts for more than `PSNR_CEILING`;
      "ssim"; and "sharpness", the mean Laplacian energy as a part of that of the targets: 1 is as sharp, less is
      blurred. The last is left out where all targets are flat.

    Raises:
      ValueError: the shapes differ or are not [N, H, W, C].
    """
    error = mean_error(absolute_error(found, target))
    similarity = of_blocks(ssim(found, target))
    scores = {
        "absolute_error": error,
        "psnr": of_blocks(np.minimum(psnr(found, target), PSNR_CEILING)),
        "ssim": similarity._replace(low=max(similarity.low, -1.0), high=min(similarity.high, 1.0)),
    }
    wanted = laplacian_energy(target)
    return scores | ({"sharpness": ratio_of_means(laplacian_energy(found), wanted)} if wanted.any() else {})


def mean_error(errors: np.ndarray) -> Estimate:
    """The mean of errors [N] that cannot be negative, N of at least 2, with Student's interval cut off at 0."""
    chex.assert_rank(errors, 1)
    estimate = of_blocks(errors)
    return estimate._replace(low=max(estimate.low, 0.0))


def ratio_of_means(above: np.ndarray, below: np.ndarray) -> Estimate:
    """The ratio of two means over the same N units, none of which is negative, with its 95 % interval.

    By the delta method: the residuals a - r b, divided by the mean of b, have the variance of the ratio r. Its bias is
    of the order of 1 / N, and small beside the interval.

    Args:
      above: values [N], N of at least 2.
      below: values [N], not all 0.
    """
    chex.assert_rank((above, below), 1)
    chex.assert_equal_shape((above, below))
    value = above.mean() / below.mean()
    residuals = (above - value * below) / below.mean()
    estimate = around(value, residuals.var(ddof=1) / len(above), len(above) - 1)
    return estimate._replace(low=max(estimate.low, 0.0))


def retrieve(inputs: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Finds the training input nearest to each input by the Euclidean distance of pixels.

    The training targets at these places are the answers of a nearest-neighbour search, which has learnt nothing: a
    model that does not beat them has learnt the training pairs by heart at best.

    Args:
      inputs: held-out inputs [N, H, W, C], uint8 or floats in [0, 1].
      training: training inputs [M, H, W, C].

    Returns:
      Places among the training inputs, int [N].
    """
    chex.assert_rank((inputs, training), 4)
    points = [_unit(images, np.float32).reshape(len(images), -1) for images in (inputs, training)]
    near = 1 + neighbours.SPARE
    rows = int(np.clip(_GATHERED // (near * points[1].shape[1]), 1, neighbours.rows_for(len(training))))
    _, indices = neighbours.nearest(*points, rows=rows)
    return indices[:, 0]


def _check(found: np.ndarray, target: np.ndarray) -> None:
    if found.ndim != 4 or found.shape != target.shape:
        raise ValueError(f"images must be two equal [N, H, W, C], not {found.shape} and {target.shape}")


def _unit(images: np.ndarray, dtype: type[np.floating] = np.float64) -> np.ndarray:
    """Images with values in [0, 1]."""
    scaled = np.asarray(images, dtype)
    return scaled / dtype(255) if images.dtype == np.uint8 else scaled


def _each(function: Callable[..., np.ndarray], *images: np.ndarray) -> np.ndarray:
    """A number for each image [N], of a bounded number of images in float64 at a time."""
    size = max(1, _ELEMENTS // math.prod(images[0].shape[1:]))
    starts = range(0, max(len(images[0]), 1), size)
    return np.concatenate([function(*(_unit(side[start : start + size]) for side in images)) for start in starts])
