"""Denoisers in closed form, of data whose law is known."""

import jax
import jax.numpy as jnp

from gengen.samplers.probability_paths import lifted


def of_mixture(path, means, weights, deviation):
    """E[x_0 | x_t] of sum_k weights[k] N(means[k], deviation^2 I), means [K, E]; deviation 0: of points."""
    means, logs = jnp.asarray(means, jnp.float32), jnp.log(jnp.asarray(weights, jnp.float32))

    def denoise(x, t):
        alpha, sigma = lifted(path.alpha(t), x), lifted(path.sigma(t), x)
        variance = (alpha * deviation) ** 2 + sigma**2
        apart = x[:, None] - alpha[..., None] * means[None]  # [n, K, E]
        of_each = logs[None] - jnp.sum(apart**2, 2) / (2 * variance)
        answers = means[None] + (alpha * deviation**2 / variance)[..., None] * apart
        return jnp.sum(jax.nn.softmax(of_each)[..., None] * answers, 1)

    return denoise


def of_normal(path, mean, covariance):
    """E[x_0 | x_t] of N(mean, covariance), mean [E]."""
    values, vectors = jnp.linalg.eigh(jnp.asarray(covariance, jnp.float32))
    mean = jnp.asarray(mean, jnp.float32)

    def denoise(x, t):
        alpha, sigma = lifted(path.alpha(t), x), lifted(path.sigma(t), x)
        along = (x - alpha * mean[None]) @ vectors
        return mean[None] + (along * alpha * values[None] / (alpha**2 * values[None] + sigma**2)) @ vectors.T

    return denoise
