"""gengen: generative models as pure functions in JAX and Flax linen."""
