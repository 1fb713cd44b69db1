"""How far translations are from what they should be."""

import jax
import jax.numpy as jnp


def absolute_error(made: jax.Array, meant: jax.Array) -> jax.Array:
    """|made - meant|, element by element; what is right already is not pushed.

    The derivative is the sign of the difference, 0 where there is none. (That of `jnp.abs` is 1 there, which would move
    translators that undo each other exactly.)
    """
    difference = made - meant
    return difference * jnp.sign(difference)
