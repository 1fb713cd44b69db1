"""What the time of a dispatch goes to."""

import jax
import jax.numpy as jnp
import pytest

from gengen.training.profiler import OTHER, Span, layer, names_in, shared, slowest

TEXT = """HloModule jit__fun, entry_computation_layout={(f32[8,4]{1,0})->f32[]}

%fused (a: f32[8,4], b: f32[4,2]) -> f32[8,2] {
  %a = f32[8,4]{1,0} parameter(0)
  %m = f32[8,4]{1,0} multiply(%a, %a), metadata={op_name="jit(_fun)/add"}
  ROOT %dot.7 = f32[8,2]{1,0} dot(%m, %b), metadata={op_name="jit(_fun)/while/body/transpose(jvp(Critic))/Dense_0/dot"}
}

ENTRY %main.3 (x: f32[8,4]) -> f32[] {
  ROOT %ynn_fusion.12 = f32[8,2]{1,0} fusion(%x, %y), kind=kCustom, calls=%fused
  %wrapped_tanh = f32[8,2]{1,0} fusion(%ynn_fusion.12), calls=%none, metadata={op_name="jit(_fun)/jvp(Critic)/tanh"}
  %call.4 = (f32[8,2]{1,0}, /*index=1*/f32[4]{0}) call(%wrapped_tanh), to_apply=%fused
}
"""


def test_moments_are_shared_by_all_that_are_at_work():
    spans = [Span("dot.1", 0, 10), Span("add.1", 6, 12), Span("add.1", 20, 22), Span("call.2", 0, 23)]
    assert shared(spans) == {"dot.1": 6 + 2, "add.1": 2 + 2 + 2, "call.2": 8 + 1}
    assert shared([Span("dot.1", 0, 1), Span("dot.1", 3, 4)]) == {"dot.1": 2, OTHER: 2}
    assert shared([]) == {}


def test_operations_have_the_names_of_their_layers():
    names = names_in(TEXT)
    assert names["ynn_fusion.12"] == "ynn_fusion f32[8,2] Critic/Dense_0/dot, backward"
    assert names["call.4"] == "call f32[8,2], ... Critic/Dense_0/dot, backward"
    assert names["wrapped_tanh"] == "wrapped_tanh f32[8,2] Critic/tanh"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("jit(_fun)/while/body/closed_call/jvp(Critic)/Dense_1/dot_general", "Critic/Dense_1/dot_general"),
        ("jit(_fun)/transpose(jvp(Critic))/jit(leaky_relu)/add_any", "Critic/add_any, backward"),
        ("jit(_fun)/vmap(jvp(jit(solve)))/sub", "sub"),
        ("jit(_fun)/add", "add"),
        ("", ""),
    ],
)
def test_paths_are_those_of_layers(path, found):
    assert layer(path) == found


def test_a_large_product_is_the_slowest_operation():
    @jax.jit
    def dispatch(a, b):
        with jax.named_scope("Large"):
            product = a @ b
        return jnp.tanh(product[:8])

    a, b = jnp.ones((1024, 1024)), jnp.ones((1024, 1024))
    jax.block_until_ready(dispatch(a, b))
    found = slowest(lambda: dispatch(a, b))
    assert sum(each.share for each in found) == pytest.approx(1)
    assert [each.share for each in found] == sorted((each.share for each in found), reverse=True)
    if found[0].operation != OTHER:  # on a busy machine
        assert "f32[1024,1024] Large" in found[0].operation
