"""Which sizes of images can be reached by doubling a small map, and how many channels there are on the way."""


def doublings(height: int, width: int) -> int:
    """How often a map doubles on its way to an image of height x width, from a shorter side of 4 to 7 pixels.

    Raises:
      ValueError: the image cannot be reached; the sentence says which sizes near it can.
    """
    times = _times(height, width)
    if times and not (height % 2**times or width % 2**times):
        return times
    times = max(times, 1)
    near = _rounded(height, width, times)
    while _times(*near) > times:  # rounding has made room for one more doubling
        times = _times(*near)
        near = _rounded(height, width, times)
    raise ValueError(
        f"resolution={height} x {width} cannot be reached by doubling a map of at least 4 x 4 pixels, "
        f"so try {near[0]} x {near[1]}"
    )


def widths(width: int, wide: int, times: int) -> list[int]:
    """Channels of the maps that have doubled 0 to `times` times: `width` of the first `wide`, then half as many each.

    Raises:
      ValueError: nothing would be left of them.
    """
    channels = [width >> max(place + 1 - wide, 0) for place in range(times + 1)]
    if channels[-1] < 1:
        raise ValueError(f"width={width} cannot be halved {times + 1 - wide} times: choose a larger one, or wide")
    return channels


def _times(height: int, width: int) -> int:
    return max(min(height, width) // 4, 1).bit_length() - 1


def _rounded(height: int, width: int, times: int) -> tuple[int, int]:
    high, wide = (max(round(side / 2**times), 4) * 2**times for side in (height, width))
    return high, wide
